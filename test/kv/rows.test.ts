// A group of rows against attention written out: every row keeps a list of its own keys and values.
import { beforeAll, describe, expect, test } from "bun:test";
import type { HeldLayer } from "../../src/kv/held.ts";
import { KvRows } from "../../src/kv/rows.ts";
import type { AttentionLayout } from "../../src/models/model.ts";
import * as mx from "../../src/mx/index.ts";
import { openForTests } from "../helpers/mx.ts";
import { dice } from "../helpers/sequences.ts";

const [HEADS, KV_HEADS, WIDTH] = [4, 2, 8];
const SCALE = WIDTH ** -0.5;

beforeAll(openForTests);

type Random = ReturnType<typeof dice>;

const numbers = ({ next }: Random, count: number): Float32Array => Float32Array.from({ length: count }, () => next() * 4 - 2);

/** What one row was fed, position by position. */
class PlainRow {
  readonly keys: Float32Array[] = []; // [KV_HEADS × WIDTH] each
  readonly values: Float32Array[] = [];

  /** softmax(q · k) · v for one query [HEADS × WIDTH] over all positions, or the last `window`. */
  attend(query: Float32Array, end: number, window = Infinity): number[] {
    const out: number[] = [];
    const start = Math.max(0, end - window);
    for (let h = 0; h < HEADS; h++) {
      const at = Math.floor((h * KV_HEADS) / HEADS) * WIDTH;
      const scores = [];
      for (let p = start; p < end; p++) {
        let dot = 0;
        for (let d = 0; d < WIDTH; d++) dot += query[h * WIDTH + d]! * this.keys[p]![at + d]!;
        scores.push(Math.exp(dot * SCALE));
      }
      const total = scores.reduce((a, b) => a + b);
      for (let d = 0; d < WIDTH; d++) out.push(scores.reduce((sum, s, p) => sum + (s / total) * this.values[start + p]![at + d]!, 0));
    }
    return out;
  }
}

/** Feeds `length` new positions to all rows of a group and compares every output with the plain rows; another layer's queries look at the same. */
function step(kv: KvRows, plain: PlainRow[], length: number, random: Random, layout: AttentionLayout): void {
  const [rows, ends] = [plain.length, plain.map(row => row.keys.length)];
  const fed = plain.map(row => {
    const part = Array.from({ length }, () => ({
      q: numbers(random, HEADS * WIDTH),
      other: numbers(random, HEADS * WIDTH),
      k: numbers(random, KV_HEADS * WIDTH),
      v: numbers(random, KV_HEADS * WIDTH),
    }));
    for (const { k, v } of part) {
      row.keys.push(k);
      row.values.push(v);
    }
    return part;
  });
  const tensor = (pick: "q" | "other" | "k" | "v", heads: number) => {
    const data = fed.flatMap(part => part.flatMap(one => Array.from(one[pick])));
    return mx.transpose(mx.fromArray(Float32Array.from(data), [rows, length, heads, WIDTH]), [0, 2, 1, 3]);
  };
  const outputs = mx.scope(() => {
    const batch = kv.begin(length);
    const [layer] = kv.layers as [HeldLayer];
    const found = layer.attend(tensor("q", HEADS), tensor("k", KV_HEADS), tensor("v", KV_HEADS), batch, { scale: SCALE });
    const seen = layer.look(tensor("other", HEADS), batch, { scale: SCALE });
    return [found, seen].map(one => mx.toFloat32(mx.transpose(one, [0, 2, 1, 3])));
  });
  (["q", "other"] as const).forEach((pick, n) => {
    const expected = plain.flatMap((row, r) => fed[r]!.flatMap((one, i) => row.attend(one[pick], ends[r]! + i + 1, layout.window)));
    expect(outputs[n]!.length).toBe(expected.length);
    expected.forEach((value, i) => expect(outputs[n]![i]!).toBeCloseTo(value, 4));
  });
}

describe.each([
  [undefined, "cpu"],
  [5, "cpu"],
  [undefined, "cuda"],
  [5, "cuda"],
] as const)("rows with window %p, spans as on %s", (window, backend) => {
  const layout: AttentionLayout = { kvHeads: KV_HEADS, headDim: WIDTH, ...(window === undefined ? {} : { window }) };

  test("prompts in chunks, joins, leaves and growth give each row its own attention", () => {
    const before = mx.liveHandles();
    for (let seed = 0; seed < 6; seed++) {
      const random = dice(seed);
      const [kv, rows] = [new KvRows([layout], backend), [] as PlainRow[]];
      for (let turn = 0; turn < 30; turn++) {
        const action = random.next();
        if (rows.length === 0 || (action < 0.3 && rows.length < 7)) {
          const [own, row] = [new KvRows([layout], backend), new PlainRow()];
          own.addRow();
          for (let chunks = 1 + random.below(3); chunks > 0; chunks--) step(own, [row], 1 + random.below(turn === 4 ? 300 : 12), random, layout);
          mx.scope(() => kv.join(own));
          rows.push(row);
        } else if (action < 0.5) {
          const leaving = random.below(rows.length);
          mx.scope(() => kv.remove(new Set([leaving])));
          const last = rows.pop()!;
          if (leaving < rows.length) rows[leaving] = last;
        } else step(kv, rows, 1, random, layout);
        expect(kv.lengths).toEqual(rows.map(row => row.keys.length));
      }
      kv.release();
      expect(kv.bytes).toBe(0);
    }
    expect(mx.liveHandles()).toBe(before);
  });
});

test("a row's outputs do not depend on its neighbours, bit for bit", () => {
  const layout: AttentionLayout = { kvHeads: KV_HEADS, headDim: WIDTH };
  const random = dice(3);
  const lengths = [3, 40, 17, 1];
  const data = lengths.map(length =>
    Array.from({ length: length + 5 }, () => [HEADS, KV_HEADS, KV_HEADS].map(heads => numbers(random, heads * WIDTH))),
  );
  const feed = (kv: KvRows, rows: number[], from: number[], length: number): Float32Array =>
    mx.scope(() => {
      const tensors = [HEADS, KV_HEADS, KV_HEADS].map((heads, part) => {
        const flat = rows.flatMap((r, i) => data[r]!.slice(from[i]!, from[i]! + length).flatMap(position => Array.from(position[part]!)));
        return mx.transpose(mx.fromArray(Float32Array.from(flat), [rows.length, length, heads, WIDTH]), [0, 2, 1, 3]);
      });
      const batch = kv.begin(length);
      return mx.toFloat32(kv.layers[0]!.attend(tensors[0]!, tensors[1]!, tensors[2]!, batch, { scale: SCALE }));
    });
  const single = (r: number): KvRows => {
    const kv = new KvRows([layout]);
    kv.addRow();
    feed(kv, [r], [0], lengths[r]!);
    return kv;
  };
  const together = new KvRows([layout]);
  lengths.forEach((_, r) => mx.scope(() => together.join(single(r))));
  const alone = lengths.map((_, r) => single(r));
  for (let i = 0; i < 5; i++) {
    const batch = feed(
      together,
      [0, 1, 2, 3],
      lengths.map(n => n + i),
      1,
    );
    const size = HEADS * WIDTH;
    alone.forEach((kv, r) => expect([...batch.slice(r * size, (r + 1) * size)]).toEqual([...feed(kv, [r], [lengths[r]! + i], 1)]));
  }
  for (const kv of [together, ...alone]) kv.release();
});
