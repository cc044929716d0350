import { beforeEach, expect, test } from "bun:test";
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, statSync, truncateSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Embedded } from "../../src/assets/embedded.ts";
import { unpack } from "../../src/assets/unpack.ts";
import { temporaryFolder } from "../helpers/temporary.ts";

let place: string;
let cache: string;
beforeEach(() => {
  place = temporaryFolder("unpack");
  cache = join(place, "cache/pippin");
});

function pack(texts: Record<string, string>, id = "one"): Embedded {
  const files = Object.entries(texts).map(([path, text], index) => {
    const from = join(place, `${id}-${index}.zst`);
    writeFileSync(from, Bun.zstdCompressSync(text));
    return { path, bytes: Buffer.byteLength(text), sha256: new Bun.CryptoHasher("sha256").update(text).digest("hex"), from };
  });
  return { id, library: "a/lib", model: "model", files };
}

const texts = { "a/lib": "library ".repeat(100_000), "b/blas": "x", "model/config.json": "{}" };

test("every file is there with its contents, and the second time nothing is written", async () => {
  const contents = pack(texts);
  const folder = await unpack(contents, cache);
  expect(folder).toBe(join(cache, "one"));
  for (const [path, text] of Object.entries(texts)) expect(readFileSync(join(folder, path), "utf8")).toBe(text);
  expect(statSync(cache).mode & 0o777).toBe(0o700);
  const before = statSync(join(folder, "a/lib")).ino;
  for (const { from } of contents.files) rmSync(from);
  expect(await unpack(contents, cache)).toBe(folder);
  expect(statSync(join(folder, "a/lib")).ino).toBe(before);
});

test("a cut or missing file has the folder made again, and whoever holds the old one keeps it", async () => {
  const contents = pack(texts);
  const folder = await unpack(contents, cache);
  truncateSync(join(folder, "a/lib"), 5);
  rmSync(join(folder, "b"), { recursive: true });
  expect(await unpack(contents, cache)).toBe(folder);
  expect(readFileSync(join(folder, "a/lib"), "utf8")).toBe(texts["a/lib"]);
  expect(readdirSync(cache)).toEqual(["one"]);
});

test("many at once leave one whole folder", async () => {
  const contents = pack(texts);
  expect(new Set(await Promise.all(Array.from({ length: 8 }, () => unpack(contents, cache)))).size).toBe(1);
  expect(readdirSync(cache)).toEqual(["one"]);
});

test("a file where the folder belongs is replaced", async () => {
  mkdirSync(cache, { recursive: true });
  writeFileSync(join(cache, "one"), "in the way");
  const folder = await unpack(pack(texts), cache);
  expect(readFileSync(join(folder, "b/blas"), "utf8")).toBe("x");
});

test("contents that do not match their hash are refused and nothing stays", async () => {
  const contents = pack(texts);
  writeFileSync(contents.files[0]!.from, Bun.zstdCompressSync("library ".repeat(99_999) + "librarx "));
  await expect(unpack(contents, cache)).rejects.toThrow("this executable is damaged (a/lib); download it again");
  expect(readdirSync(cache)).toEqual([]);
});

test("a cache that cannot be made is one line with the reason and the way out", async () => {
  writeFileSync(join(place, "cache"), "a file");
  await expect(unpack(pack(texts), cache)).rejects.toThrow(
    `cannot unpack 1 MB to ${cache}: a file is in the way; set XDG_CACHE_HOME to a folder that can be written`,
  );
});

test("unfinished folders of killed processes go after an hour, younger ones stay", async () => {
  for (const name of [".unfinished-old", ".unfinished-new"]) mkdirSync(join(cache, name), { recursive: true });
  const twoHoursAgo = Date.now() / 1000 - 7200;
  utimesSync(join(cache, ".unfinished-old"), twoHoursAgo, twoHoursAgo);
  await unpack(pack(texts), cache);
  expect(existsSync(join(cache, ".unfinished-old"))).toBe(false);
  expect(existsSync(join(cache, ".unfinished-new"))).toBe(true);
});
