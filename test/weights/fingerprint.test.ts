import { expect, test } from "bun:test";
import { readFileSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fingerprint } from "../../src/weights/fingerprint.ts";
import { withFolder, zeroTensors } from "../helpers/checkpoints.ts";

test("a fingerprint is that of one checkpoint: configuration, tensors, their numbers, the files' times", () => {
  const files = { "config.json": { model_type: "llama" }, "model.safetensors": zeroTensors({ a: [4, 4], b: [2000, 8] }) };
  withFolder(files, folder => {
    const path = join(folder, "model.safetensors");
    const bytes = readFileSync(path);
    const reset = (content: Buffer = bytes) => {
      writeFileSync(path, content);
      utimesSync(path, 1000, 1000);
    };
    reset();
    const known = new Set([fingerprint(folder)]);
    expect(known).toContain(fingerprint(folder));
    const expectNew = () => {
      const print = fingerprint(folder);
      expect(known).not.toContain(print);
      known.add(print);
    };
    const changed = Buffer.from(bytes);
    changed[changed.length - 32_000]! = 1; // in the middle of b
    reset(changed);
    expectNew();
    reset(zeroTensors({ a: [2, 8], b: [2000, 8] }));
    expectNew();
    reset(zeroTensors({ a: [4, 4], c: [2000, 8] }));
    expectNew();
    reset();
    utimesSync(path, 1000, 1001);
    expectNew();
    reset();
    writeFileSync(join(folder, "config.json"), '{"model_type":"llama","rope_theta":5}');
    expectNew();
  });
});
