import { beforeEach, describe, expect, setSystemTime, test } from "bun:test";
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, statSync, symlinkSync, truncateSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { decodeBlock, encodeBlock } from "../../src/cache/block-file.ts";
import { blockKey, storeDigest } from "../../src/cache/block-key.ts";
import { DiskTier, RESERVE_BYTES, type DiskOptions } from "../../src/cache/disk.ts";
import { dice } from "../helpers/sequences.ts";
import { temporaryFolder } from "../helpers/temporary.ts";

const STORE = storeDigest("a model");
const OTHER = storeDigest("another model");
const ids = (n: number) => Uint32Array.of(n, 1, 2, 3);
const key = (n: number, store = STORE) => blockKey(store, ids(n));
const source =
  (n: number, words = 64) =>
  () => ({ ids: [...ids(n)], format: ["f"], data: new Uint32Array(words).fill(n) });
const SIZE = encodeBlock({ key: key(0), ...source(0)() }).length;

let folder: string;
let log: string[];
beforeEach(() => {
  folder = temporaryFolder("disk-tier");
  log = [];
});

const open = (more: Partial<DiskOptions> = {}) =>
  DiskTier.open({ directory: folder, maxBytes: 1e9, store: STORE, log: line => log.push(line), freeBytes: async () => 1e12, ...more });
const fileOf = (n: number, store = STORE) => join(folder, store, `${key(n, store)}.kv`);
const stored = (store = STORE) => readdirSync(join(folder, store)).filter(name => name.endsWith(".kv")).length;

async function write(tier: DiskTier, ...blocks: readonly number[]): Promise<void> {
  for (const n of blocks) {
    tier.enqueue(key(n), source(n));
    await settled(tier);
  }
}

async function settled(tier: DiskTier): Promise<void> {
  while (tier.stats.waiting > 0) await Bun.sleep(1);
  await tier.close(5000);
}

describe("a block's file", () => {
  const file = encodeBlock({ key: key(7), ...source(7, 3)() });

  test("gives back what was put in", () => {
    expect(decodeBlock(file as Uint8Array<ArrayBuffer>)).toEqual({ key: key(7), ...source(7, 3)() });
  });

  test("is refused when any of its bits is another, or its end is missing, or more follows", () => {
    for (let bit = 0; bit < file.length * 8; bit++) {
      const damaged = file.slice();
      damaged[bit >> 3]! ^= 1 << (bit & 7);
      expect(decodeBlock(damaged)).toBeUndefined();
    }
    for (let length = 0; length < file.length; length++) expect(decodeBlock(file.slice(0, length))).toBeUndefined();
    expect(decodeBlock(new Uint8Array([...file, 0]))).toBeUndefined();
  });
});

test("a file with a right checksum and another content than ours is refused", () => {
  const made = (header: unknown, data = 8) => {
    const file = encodeBlock({ key: "k", ids: [], format: {}, data: new Uint32Array(2) });
    const text = new TextEncoder().encode(typeof header === "string" ? header : JSON.stringify(header));
    const start = Math.ceil((20 + text.length) / 8) * 8;
    const other = new Uint8Array(start + data);
    other.set(file.subarray(0, 8));
    new DataView(other.buffer).setUint32(16, text.length, true);
    other.set(text, 20);
    new DataView(other.buffer).setBigUint64(8, Bun.hash.xxHash3(other.subarray(16)), true);
    return other;
  };
  expect(decodeBlock(made({ key: "k", ids: [], format: {} }))).toBeDefined();
  for (const header of ["{", "null", "3", {}, { key: 1, ids: [] }, { key: "k", ids: { length: 4 } }])
    expect(decodeBlock(made(header))).toBeUndefined();
  expect(decodeBlock(made({ key: "k", ids: [], format: {} }, 7))).toBeUndefined();
  const long = made({ key: "k", ids: [], format: {} });
  new DataView(long.buffer).setUint32(16, 2 ** 31, true);
  new DataView(long.buffer).setBigUint64(8, Bun.hash.xxHash3(long.subarray(16)), true);
  expect(decodeBlock(long)).toBeUndefined();
});

describe("the disk tier", () => {
  test("finds after a restart what was written", async () => {
    const tier = await open();
    await write(tier, 1, 2, 3);
    expect(tier.stats).toMatchObject({ blocks: 3, written: 3, bytes: 3 * SIZE, waiting: 0 });
    const again = await open();
    expect(again.stats).toMatchObject({ blocks: 3, bytes: 3 * SIZE });
    expect(again.load(key(2), ids(2))).toEqual({ key: key(2), ...source(2)() });
    expect(again.load(key(9), ids(9))).toBeUndefined();
    expect(again.stats).toMatchObject({ read: 1, damaged: 0 });
  });

  test("keeps what one model has written from every other", async () => {
    await write(await open(), 1);
    const other = await open({ store: OTHER });
    expect(other.load(key(1, OTHER), ids(1))).toBeUndefined();
    expect(other.load(key(1), ids(1))).toBeUndefined();
    expect(other.stats).toMatchObject({ blocks: 0, bytes: SIZE });
  });

  test("holds one cap over all stores, at the start and before each write; the least recently used goes first", async () => {
    await write(await open({ store: OTHER }), 8); // under its own key, in the other store
    const tier = await open();
    await write(tier, 1, 2, 3);
    utimesSync(join(folder, OTHER, readdirSync(join(folder, OTHER))[0]!), 1, 1);
    [1, 2, 3].forEach(n => utimesSync(fileOf(n), 10 + n, 10 + n));
    const smaller = await open({ maxBytes: 2 * SIZE + 5 });
    expect([existsSync(fileOf(1)), existsSync(fileOf(2)), existsSync(fileOf(3)), stored(OTHER)]).toEqual([false, true, true, 0]);
    smaller.used(key(2));
    await write(smaller, 4);
    expect([existsSync(fileOf(2)), existsSync(fileOf(3)), existsSync(fileOf(4))]).toEqual([true, false, true]);
    expect(smaller.stats.bytes).toBe(2 * SIZE);
  });

  /** Blocks that follow each other, as a prompt has them written. */
  async function writeChain(tier: DiskTier, ...blocks: readonly number[]): Promise<void> {
    blocks.forEach((n, at) => tier.enqueue(key(n), source(n), { parent: at === 0 ? undefined : key(blocks[at - 1]!) }));
    await settled(tier);
  }
  const there = (...blocks: readonly number[]) => blocks.filter(n => existsSync(fileOf(n)));

  test("a chain that does not fit keeps its beginning", async () => {
    const tier = await open({ maxBytes: 3 * SIZE });
    await writeChain(tier, 1, 2, 3, 4, 5, 6);
    expect(there(1, 2, 3, 4, 5, 6)).toEqual([1, 2, 3]);
    expect(tier.stats).toMatchObject({ written: 3, stopped: undefined });
  });

  test("the least recently used chain goes first, from its end, also after a restart", async () => {
    const tier = await open({ maxBytes: 6 * SIZE });
    await writeChain(tier, 1, 2, 3);
    await writeChain(tier, 4, 5, 6);
    tier.used(key(3));
    await writeChain(tier, 7);
    expect(there(1, 2, 3, 4, 5, 6)).toEqual([1, 2, 3, 4, 5]);
    await tier.close(0);
    const again = await open({ maxBytes: 6 * SIZE });
    await writeChain(again, 8, 9, 10);
    expect(there(1, 2, 3, 4, 5)).toEqual([1, 2]);
    expect(there(7, 8, 9, 10)).toEqual([7, 8, 9, 10]);
  });

  test("the common beginning of chains stays as long as any of them", async () => {
    const tier = await open({ maxBytes: 4 * SIZE });
    await writeChain(tier, 1, 2, 3);
    await writeChain(tier, 1, 4, 5);
    expect(there(1, 2, 3, 4, 5)).toEqual([1, 2, 4, 5]);
    const again = await open({ maxBytes: 4 * SIZE });
    for (const [n, parent] of [[1], [4, 1], [5, 4]] as const) again.load(key(n), ids(n), parent && key(parent));
    again.used(key(5));
    await writeChain(again, 6, 7);
    expect(there(1, 2, 4, 5, 6, 7)).toEqual([1, 4, 6, 7]);
  });

  test("one cap holds over engines of one model that write into one folder, and each finds what the other wrote", async () => {
    const tiers = [await open({ maxBytes: 4 * SIZE }), await open({ maxBytes: 4 * SIZE })] as const;
    await write(tiers[0], 1, 2, 3, 4);
    try {
      setSystemTime(Date.now() + 60_000); // they look at the folder every half minute
      await write(tiers[1], 5, 6);
      expect(there(1, 2, 3, 4, 5, 6)).toEqual([3, 4, 5, 6]);
      expect(tiers[1].load(key(4), ids(4))).toBeDefined();
      await write(tiers[0], 7);
      expect(tiers[0].stats).toMatchObject({ blocks: 4, bytes: 4 * SIZE });
      expect(stored()).toBe(4);
    } finally {
      setSystemTime();
    }
  });

  test("never exceeds the cap, whatever is written and used", async () => {
    const { below } = dice(3);
    const tier = await open({ maxBytes: 10 * SIZE });
    for (let step = 0; step < 120; step++) {
      const n = below(30);
      if (below(3) === 0) tier.load(key(n), ids(n));
      else tier.enqueue(key(n), source(n));
      if (below(4) === 0) await settled(tier);
      if (below(40) === 0) await tier.clear();
      const sizes = readdirSync(join(folder, STORE)).map(name => statSync(join(folder, STORE, name), { throwIfNoEntry: false })?.size ?? 0);
      expect(sizes.reduce((a, b) => a + b, 0)).toBeLessThanOrEqual(10 * SIZE);
    }
    await settled(tier);
    expect(stored()).toBe(tier.stats.blocks);
  });

  test("a damaged, truncated, exchanged or vanished block costs one miss", async () => {
    const tier = await open();
    await write(tier, 1, 2, 3, 4, 5);
    const bytes = readFileSync(fileOf(1));
    bytes[bytes.length - 1]! ^= 1;
    writeFileSync(fileOf(1), bytes);
    truncateSync(fileOf(2), 30);
    writeFileSync(fileOf(3), readFileSync(fileOf(4))); // whole, and another block's
    rmSync(fileOf(5));
    for (const n of [1, 2, 3, 5]) expect(tier.load(key(n), ids(n))).toBeUndefined();
    expect(tier.load(key(4), ids(4))).toBeDefined();
    expect(tier.stats).toMatchObject({ blocks: 1, damaged: 3 });
    await write(tier, 1);
    expect(tier.load(key(1), ids(1))).toBeDefined();
  });

  test("stops writing while the disk is nearly full, says so once, and goes on when there is room", async () => {
    let free = RESERVE_BYTES;
    const tier = await open({ freeBytes: async () => free });
    await write(tier, 1);
    tier.enqueue(key(2), source(2));
    expect(tier.stats).toMatchObject({ blocks: 0, waiting: 0, stopped: "less than 1 GB of the disk are free" });
    expect(log).toEqual([`stored prefixes are no longer written to ${folder}: less than 1 GB of the disk are free`]);
    free = 1e12;
    const again = await open({ freeBytes: async () => free });
    await write(again, 1);
    expect(again.stats).toMatchObject({ blocks: 1, stopped: undefined });
  });

  test("a failing disk stops writing and is said", async () => {
    const tier = await open();
    rmSync(join(folder, STORE), { recursive: true });
    await write(tier, 1);
    expect(tier.stats).toMatchObject({ blocks: 0, written: 0 });
    expect(log[0]).toContain("ENOENT");
  });

  test("strangers' files, links and odd names are neither read nor counted nor deleted", async () => {
    const secret = join(folder, "secret");
    writeFileSync(secret, "mine");
    mkdirSync(join(folder, STORE, "sub.kv"), { recursive: true });
    mkdirSync(join(folder, "photos"));
    writeFileSync(join(folder, STORE, "notes.kv"), "x");
    writeFileSync(join(folder, "photos", `${key(3)}.kv`), "x");
    symlinkSync(secret, fileOf(1));
    symlinkSync(join(folder, "photos"), join(folder, OTHER));
    const tier = await open({ maxBytes: 1 });
    expect(tier.stats).toMatchObject({ blocks: 0, bytes: 0 });
    expect(tier.load(key(1), ids(1))).toBeUndefined();
    await tier.clear();
    expect(readFileSync(secret, "utf8")).toBe("mine");
    for (const name of [join(STORE, "notes.kv"), join("photos", `${key(3)}.kv`), OTHER, join(STORE, "sub.kv")])
      expect(existsSync(join(folder, name))).toBe(true);
  });

  test("a block is written over a link, not through it", async () => {
    const secret = join(folder, "secret");
    writeFileSync(secret, "mine");
    mkdirSync(join(folder, STORE));
    symlinkSync(secret, fileOf(1));
    symlinkSync(secret, join(folder, STORE, `${key(1)}.${process.pid}.tmp`));
    const tier = await open();
    await write(tier, 1);
    expect(readFileSync(secret, "utf8")).toBe("mine");
    expect(tier.load(key(1), ids(1))).toBeDefined();
    expect(statSync(fileOf(1)).mode & 0o777).toBe(0o600);
  });

  test("a folder that cannot be one is refused by name", async () => {
    writeFileSync(join(folder, "file"), "");
    await expect(open({ directory: join(folder, "file") })).rejects.toThrow(`${join(folder, "file")} cannot hold stored prefixes`);
    symlinkSync(folder, join(folder, STORE));
    await expect(open()).rejects.toThrow("is no folder, and the store of this model belongs there");
  });

  test("what leaves memory before its turn is not written, and clear forgets what waits", async () => {
    const tier = await open();
    for (const n of [1, 2, 3]) tier.enqueue(key(n), source(n));
    tier.withdraw(key(2));
    await settled(tier);
    expect([1, 2, 3].map(n => existsSync(fileOf(n)))).toEqual([true, false, true]);
    tier.enqueue(key(4), source(4));
    await tier.clear();
    await settled(tier);
    expect(stored()).toBe(0);
  });

  test("reads a bounded part for one prompt", async () => {
    const tier = await open();
    const large = 20_000_000; // words, 80 MB
    tier.enqueue(key(1), source(1, large));
    tier.enqueue(key(2), source(2, large));
    await settled(tier);
    expect(tier.load(key(1), ids(1))).toBeDefined();
    expect(tier.load(key(2), ids(2))).toBeUndefined();
    tier.nextPrompt();
    expect(tier.load(key(2), ids(2))).toBeDefined();
  });
});

test("kill -9 at any moment leaves only whole blocks, and the next start clears what was begun", async () => {
  const { below } = dice(8);
  const program = join(folder, "writer.ts");
  const from = new URL("../../src/cache/", import.meta.url).pathname;
  writeFileSync(
    program,
    `import { DiskTier } from "${from}disk.ts";
     import { blockKey } from "${from}block-key.ts";
     const tier = await DiskTier.open({ directory: ${JSON.stringify(join(folder, "tier"))}, maxBytes: 3e6, store: "${STORE}", log: console.log, freeBytes: async () => 1e12 });
     console.log("open");
     for (let n = Number(process.argv[2]); ; n++) {
       const ids = Uint32Array.of(n, 1, 2, 3);
       tier.enqueue(blockKey("${STORE}", ids), () => ({ ids: [...ids], format: ["f"], data: new Uint32Array(50_000).fill(n) }));
       while (tier.stats.waiting > 3) await Bun.sleep(0);
     }`,
  );
  for (let round = 0; round < 8; round++) {
    const child = Bun.spawn([process.execPath, program, String(round * 100_000)], { stdout: "pipe" });
    await child.stdout.getReader().read();
    while (stored(join("tier", STORE)) === 0) await Bun.sleep(1);
    await Bun.sleep(below(60));
    child.kill("SIGKILL");
    await child.exited;
    writeFileSync(join(folder, "tier", STORE, `${key(round)}.${child.pid}.tmp`), "a kill in the middle of a write leaves this");
    const names = readdirSync(join(folder, "tier", STORE));
    for (const name of names.filter(name => name.endsWith(".kv"))) {
      const block = decodeBlock(new Uint8Array(readFileSync(join(folder, "tier", STORE, name))));
      expect(block && `${block.key}.kv`).toBe(name);
    }
    const tier = await open({ directory: join(folder, "tier"), maxBytes: 3e6 });
    expect(tier.stats.bytes).toBeLessThanOrEqual(3e6);
    expect(tier.stats.blocks).toBeGreaterThan(0);
    expect(readdirSync(join(folder, "tier", STORE)).filter(name => name.endsWith(".tmp"))).toEqual([]);
  }
});
