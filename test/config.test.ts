import { describe, expect, test } from "bun:test";
import { adapterFolders, adapterNames } from "../src/cli/adapter-list.ts";
import { engineOptions, runtimeMode } from "../src/cli/engine-options.ts";
import { CliError } from "../src/cli/error.ts";
import { envName, flagName } from "../src/cli/options.ts";
import { cacheFolder, readServeConfig, serveOptions, useColor } from "../src/config.ts";

const read = (args: string[], environment: Record<string, string> = {}) => readServeConfig(args, environment).config;

function refusal(args: string[], environment: Record<string, string> = {}): string {
  try {
    read(args, environment);
  } catch (error) {
    if (error instanceof CliError) return `${error.exitCode}: ${error.message}`;
    throw error;
  }
  return "accepted";
}

describe("settings", () => {
  test("have safe defaults", () => {
    const config = read([]);
    expect(config).toMatchObject({ host: "127.0.0.1", port: 8000, apiKey: undefined, allowedHosts: [], corsOrigins: [], modelPath: undefined });
    expect(config).toMatchObject({ maxNumSeqs: 256, chunkedPrefillTokens: 0, device: "auto" });
    expect(Object.isFrozen(config)).toBe(true);
  });

  test("come from flags first, then from the environment, then from defaults", () => {
    expect(read([], { PIPPIN_PORT: "9000" }).port).toBe(9000);
    expect(read(["--port", "9001"], { PIPPIN_PORT: "9000" }).port).toBe(9001);
    expect(read(["--port=9002"], { PIPPIN_PORT: "9000" }).port).toBe(9002);
    expect(read(["--port", "1", "--port", "2"]).port).toBe(2);
    expect(read([], { PIPPIN_PORT: "" }).port).toBe(8000);
  });

  test("adapters are named by their folders, or as they are called", () => {
    const config = read(["--adapter-path", "/a/poet/, code=/b/x=y"]);
    expect([adapterNames(config), adapterFolders(config)]).toEqual([
      ["poet", "code"],
      ["/a/poet", "/b/x=y"],
    ]);
    expect(() => adapterNames(read(["--adapter-path", "/a/poet,/b/poet"]))).toThrow("two adapters are named poet; write NAME=FOLDER");
    expect(() => adapterNames(read(["--adapter-path", "a:b=/x"]))).toThrow('"a:b" is no name');
    expect(adapterNames(read([]))).toEqual([]);
  });

  test("Gemma 3's window keeps the name that other servers gave it, and reaches the engine", () => {
    const sent = (text: string) => {
      const config = read([], { GEMMA3_SLIDING_WINDOW: text });
      return engineOptions(config, { modelPath: "m", libraryPath: "l" }, runtimeMode(config, undefined)).window;
    };
    expect(["", "0", "4096"].map(sent)).toEqual([undefined, 0, 4096]);
    for (const text of ["-1", "full", "1.5", "9999999999"])
      expect(refusal([], { GEMMA3_SLIDING_WINDOW: text })).toContain("GEMMA3_SLIDING_WINDOW takes a whole number of positions");
  });

  test("have one flag and one variable each, by one rule", () => {
    expect(flagName("chunkedPrefillTokens")).toBe("--chunked-prefill-tokens");
    expect(envName("chunkedPrefillTokens")).toBe("PIPPIN_CHUNKED_PREFILL_TOKENS");
    expect(Object.keys(serveOptions).every(key => /^[a-z][A-Za-z]+$/.test(key))).toBe(true);
  });

  test("are read by type", () => {
    expect(read(["--cors-origins", "http://a.test, http://b.test:3000"]).corsOrigins).toEqual(["http://a.test", "http://b.test:3000"]);
    expect(read(["--default-temperature", "0"]).defaultTemperature).toBe(0);
    expect(read(["--default-top-p=.5"]).defaultTopP).toBe(0.5);
    expect(read(["--device", "cpu"]).device).toBe("cpu");
    expect(read([], { PIPPIN_ALLOW_UNAUTHENTICATED: "1" }).allowUnauthenticated).toBe(true);
  });

  test("take the model as the one positional argument, also after --", () => {
    expect(read(["./model", "--port", "1"]).modelPath).toBe("./model");
    expect(read(["--port", "1", "--", "--odd-name"]).modelPath).toBe("--odd-name");
    expect(refusal(["a", "b"])).toBe("2: serve takes one model folder, not 2: a b");
  });
});

describe("a wrong setting is refused in one line that says what is expected", () => {
  test.each([
    [["--port", "70000"], '2: --port takes a whole number from 0 to 65535, not "70000"'],
    [["--port", "8e3"], '2: --port takes a whole number from 0 to 65535, not "8e3"'],
    [["--port", "-1"], '2: --port takes a whole number from 0 to 65535, not "-1"'],
    [["--port"], "2: --port takes a whole number from 0 to 65535, and none was given"],
    [["--port", "--host", "x"], "2: --port takes a whole number from 0 to 65535, and none was given"],
    [["--default-top-p", "1.5"], '2: --default-top-p takes a number from 0 to 1, not "1.5"'],
    [["--default-top-p", "NaN"], '2: --default-top-p takes a number from 0 to 1, not "NaN"'],
    [["--device", "metal"], '2: --device takes one of auto, cpu, gpu, not "metal"'],
    [["--allowed-hosts", "a,,b"], '2: --allowed-hosts takes a comma-separated list (NAME,…), not "a,,b"'],
    [["--api-key", ""], "2: --api-key takes a value (KEY), not what was given"],
  ])("%j", (args, message) => expect(refusal(args)).toBe(message));

  test("in the environment as well, by the variable's name", () => {
    expect(refusal([], { PIPPIN_TIMEOUT: "soon" })).toBe('2: PIPPIN_TIMEOUT takes a number from 1 to 86400, not "soon"');
    expect(refusal([], { PIPPIN_ALLOW_UNAUTHENTICATED: "yes" })).toBe('2: PIPPIN_ALLOW_UNAUTHENTICATED takes 1 or 0, not "yes"');
  });
});

describe("an unknown flag", () => {
  test("gets the nearest known one", () => {
    expect(refusal(["--prot", "1"])).toBe("2: --prot is not an option; did you mean --port?");
    expect(refusal(["--max-model-length=5"])).toBe("2: --max-model-length is not an option; did you mean --max-model-len?");
  });

  test("far from all gets the way to the list", () => {
    expect(refusal(["--frobnicate"])).toBe("2: --frobnicate is not an option; 'pippin help serve' lists all of them");
  });

  test("of another server is named as not supported yet", () => {
    expect(refusal(["--speculative-config"])).toBe("2: --speculative-config is not supported yet; 'pippin help serve' lists what is");
  });
});

test("a variable one letter off is warned about, a stranger's is left alone", () => {
  const { warnings } = readServeConfig([], { PIPPIN_API_KYE: "k", PIPPIN_SERVICE_HOST: "10.0.0.1" });
  expect(warnings).toEqual(["the environment variable PIPPIN_API_KYE is not a setting; did you mean PIPPIN_API_KEY?"]);
});

describe("the network", () => {
  test.each([["0.0.0.0"], ["::"], ["192.168.1.5"], ["my-mac.local"], ["128.0.0.1"]])("%s needs a key or an explicit yes", host => {
    expect(refusal(["--host", host])).toBe(
      `2: ${host} is reachable from the network: set PIPPIN_API_KEY, or give --allow-unauthenticated to let everybody in`,
    );
    expect(read(["--host", host], { PIPPIN_API_KEY: "secret" }).host).toBe(host);
    expect(read(["--host", host, "--allow-unauthenticated"]).host).toBe(host);
  });

  test.each([["127.0.0.1"], ["127.1.2.3"], ["localhost"], ["::1"], ["[::1]"]])("%s does not", host => expect(read(["--host", host]).host).toBe(host));
});

test("the cache folder is the system's", () => {
  expect(cacheFolder({ HOME: "/home/a" }, "linux")).toBe("/home/a/.cache/pippin");
  expect(cacheFolder({ HOME: "/home/a", XDG_CACHE_HOME: "/big" }, "linux")).toBe("/big/pippin");
  expect(cacheFolder({ HOME: "/home/a", XDG_CACHE_HOME: "relative" }, "linux")).toBe("/home/a/.cache/pippin");
  expect(cacheFolder({ HOME: "/Users/a" }, "darwin")).toBe("/Users/a/Library/Caches/pippin");
});

test("colour needs a terminal and nobody who minds", () => {
  expect(useColor({ isTTY: true }, {})).toBe(true);
  expect(useColor({ isTTY: true }, { NO_COLOR: "1" })).toBe(false);
  expect(useColor({ isTTY: true }, { TERM: "dumb" })).toBe(false);
  expect(useColor({}, {})).toBe(false);
});

test.each([
  [["--kv-cache-quantization-bits", "4"], "--kv-cache-quantization-bits does nothing without --kv-cache-quantization"],
  [["--ssd-cache-max-gb=1"], "--ssd-cache-max-gb does nothing without --ssd-cache-dir"],
  [["--batch-divergence-action", "serialize"], "--batch-divergence-action does nothing without --batch-divergence-monitor"],
  [["--quantize-group-size", "32"], "--quantize-group-size does nothing without --quantize"],
  [["--disable-prefix-cache", "--max-cache-blocks", "5"], "--max-cache-blocks does nothing beside --disable-prefix-cache"],
  [["--disable-prefix-cache", "--warm-prompts", "f"], "--warm-prompts does nothing beside --disable-prefix-cache"],
])("%j is warned about", (args, warning) => {
  expect(readServeConfig(args, {}).warnings).toEqual([warning]);
});

test("an option beside the one that it waits for is not warned about, nor its default", () => {
  const args = ["--kv-cache-quantization", "--kv-cache-quantization-bits", "4", "--ssd-cache-dir", "d", "--ssd-cache-max-gb", "1"];
  expect(readServeConfig([...args, "--batch-divergence-action", "warn", "--max-cache-blocks", "5"], {}).warnings).toEqual([]);
});

test("one request at a time is what --runtime-mode simple means, also with --deterministic", () => {
  const rows = (...args: string[]) => {
    const { config } = readServeConfig(args, {});
    return engineOptions(config, { modelPath: "m", libraryPath: "l" }, runtimeMode(config, undefined)).maxRows;
  };
  expect(rows("--runtime-mode", "simple")).toBe(1);
  expect(rows("--runtime-mode", "simple", "--deterministic")).toBe(1);
  expect(rows("--deterministic")).toBe(256);
});
