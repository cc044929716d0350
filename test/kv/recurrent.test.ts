// States of a group of rows against the sums that each row's tokens make, while rows come and go.
import { beforeAll, expect, test } from "bun:test";
import { rowsCost } from "../../src/kv/cost.ts";
import { KvRows } from "../../src/kv/rows.ts";
import type { LayerLayout } from "../../src/models/model.ts";
import * as mx from "../../src/mx/index.ts";
import { openForTests } from "../helpers/mx.ts";
import { dice } from "../helpers/sequences.ts";

const WIDTH = 3;
const LAYOUT: LayerLayout = { states: [{ shape: [WIDTH] }, { shape: [2, WIDTH], dtype: "float32" }] };

beforeAll(openForTests);

/** Feeds `length` tokens to every row: the first state adds them up, the second adds them up negated and doubled. */
function step(kv: KvRows, sums: number[][], length: number, next: () => number): void {
  const fed = sums.map(() => Array.from({ length }, () => Array.from({ length: WIDTH }, () => Math.round(next() * 100))));
  sums.forEach((sum, row) => fed[row]!.forEach(token => token.forEach((value, i) => (sum[i]! += value))));
  const output = mx.scope(() => {
    kv.begin(length);
    const x = mx.fromArray(Float32Array.from(fed.flat(2)), [sums.length, length, WIDTH]);
    return mx.toFloat32(
      kv.layers[0]!.carry(x, ([sum, both]) => {
        const added = mx.sum(x, 1);
        const twice = mx.stack([mx.negative(added), mx.add(added, added)], 1);
        const states = [mx.add(sum!, added), mx.add(both!, twice)] as const;
        return { output: mx.concatenate([states[0], mx.reshape(states[1], [sums.length, 2 * WIDTH])], 1), states };
      }),
    );
  });
  expect([...output]).toEqual(sums.flatMap(sum => [...sum, ...sum.map(n => -n), ...sum.map(n => 2 * n)]));
}

test("joins, leaves and copies give each row its own states", () => {
  const before = mx.liveHandles();
  for (let seed = 0; seed < 6; seed++) {
    const { next, below } = dice(seed);
    const [kv, rows] = [new KvRows([LAYOUT]), [] as number[][]];
    for (let turn = 0; turn < 40; turn++) {
      const action = next();
      if (rows.length === 0 || (action < 0.3 && rows.length < 7)) {
        const [own, sum] = [new KvRows([LAYOUT]), [0, 0, 0]];
        own.addRow();
        for (let chunks = 1 + below(3); chunks > 0; chunks--) step(own, [sum], 1 + below(9), next);
        mx.scope(() => kv.join(own));
        rows.push(sum);
      } else if (action < 0.5) {
        const leaving = below(rows.length);
        mx.scope(() => kv.remove(new Set([leaving])));
        const last = rows.pop()!;
        if (leaving < rows.length) rows[leaving] = last;
      } else step(kv, rows, 1, next);
    }
    kv.release();
    expect(kv.bytes).toBe(0);
  }
  expect(mx.liveHandles()).toBe(before);
});

test("a row that is added among others begins with zeros, also after one that left", () => {
  const { next } = dice(3);
  const [kv, rows] = [new KvRows([LAYOUT]), [[0, 0, 0]]];
  kv.addRow();
  step(kv, rows, 5, next);
  kv.addRow();
  mx.scope(() => kv.remove(new Set([1])));
  kv.addRow();
  rows.push([0, 0, 0]);
  step(kv, rows, 1, next);
  kv.release();
});

test("a copied state goes on apart from its source", () => {
  const { next } = dice(4);
  const [kv, copy] = [new KvRows([LAYOUT]), new KvRows([LAYOUT])];
  const [own, other] = [
    [0, 0, 0],
    [0, 0, 0],
  ];
  kv.addRow();
  step(kv, [own], 5, next);
  other.splice(0, WIDTH, ...own);
  mx.scope(() => {
    copy.addRow();
    copy.append(
      kv.layers.map(layer => layer.copyRow(0, 5)),
      5,
    );
  });
  step(kv, [own], 3, next);
  step(copy, [other], 2, next);
  expect(copy.lengths).toEqual([7]);
  for (const one of [kv, copy]) one.release();
});

test("states take the bytes that were counted before they were made", () => {
  const { next } = dice(5);
  const cost = rowsCost([LAYOUT], 4);
  const kv = new KvRows([LAYOUT]);
  const sums = [0, 1, 2].map(() => [0, 0, 0]);
  sums.forEach(() => kv.addRow());
  step(kv, sums, 4, next);
  expect(kv.stateBytes).toBe(cost([], [4, 4, 4]));
  expect(cost([9], [4])).toBe(3 * cost([], [4])); // a row that is read has its own states and a place among all
  kv.release();
});
