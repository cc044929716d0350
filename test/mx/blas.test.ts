// Products on the CPU back end: right, and a number never depends on what is computed beside it.

import { describe, expect } from "bun:test";
import * as mx from "../../src/mx/index.ts";
import { f32, mxTest, numbers } from "../helpers/mx.ts";

const widths = [1, 3, 7, 8, 9, 31, 32, 40, 64, 71];
const depths = [1, 2, 7, 8, 9, 64, 67];

function noise(length: number, seed: number): number[] {
  return Array.from({ length }, (_, i) => Math.sin((i + 1) * 12.9898 + seed * 78.233));
}

/** Four ways in which a matrix [rows, columns] lies in memory. */
const layouts: Readonly<Record<string, (values: readonly number[], rows: number, columns: number) => mx.Tensor>> = {
  rows: (values, rows, columns) => f32(values, [rows, columns]),
  columns: (values, rows, columns) => {
    const turned = Array.from({ length: rows * columns }, (_, i) => values[(i % rows) * columns + Math.floor(i / rows)]!);
    return mx.transpose(f32(turned, [columns, rows]));
  },
};

describe.each(Object.keys(layouts))("left matrix stored by %s", left => {
  describe.each(Object.keys(layouts))("right matrix stored by %s", right => {
    mxTest("products are those of the definition", () => {
      for (const n of widths)
        for (const k of depths) {
          const [m, a, b] = [5, noise(5 * k, 1), noise(k * n, 2)];
          const product = numbers(mx.matmul(layouts[left]!(a, m, k), layouts[right]!(b, k, n)));
          for (let at = 0; at < m * n; at++) {
            let sum = 0;
            for (let i = 0; i < k; i++) sum += Math.fround(a[Math.floor(at / n) * k + i]!) * Math.fround(b[i * n + (at % n)]!);
            expect(Math.abs(product[at]! - sum)).toBeLessThan(1e-5 * k);
          }
        }
    });

    mxTest("a row alone has the bits that it has among others", () => {
      for (const n of widths)
        for (const k of depths) {
          const [a, b] = [noise(9 * k, 3), layouts[right]!(noise(k * n, 4), k, n)];
          const together = numbers(mx.matmul(layouts[left]!(a, 9, k), b));
          for (const row of [0, 5, 8])
            expect(numbers(mx.matmul(layouts[left]!(a.slice(row * k, row * k + k), 1, k), b))).toEqual(together.slice(row * n, row * n + n));
        }
    });

    mxTest("zeros behind the last of the summed numbers change no bit, nor do further columns", () => {
      for (const n of widths)
        for (const k of depths) {
          const [a, b] = [noise(2 * k, 5), noise(k * n, 6)];
          const padded = [...a.slice(0, k), 0, 0, 0, 0, 0, ...a.slice(k), 0, 0, 0, 0, 0];
          const plain = numbers(mx.matmul(layouts[left]!(a, 2, k), layouts[right]!(b, k, n)));
          expect(numbers(mx.matmul(layouts[left]!(padded, 2, k + 5), layouts[right]!([...b, ...noise(5 * n, 7)], k + 5, n)))).toEqual(plain);
          const wide = Array.from({ length: k * (n + 3) }, (_, i) => (i % (n + 3) < n ? b[Math.floor(i / (n + 3)) * n + (i % (n + 3))]! : 1));
          const first = mx.sliceAxis(mx.matmul(layouts[left]!(a, 2, k), layouts[right]!(wide, k, n + 3)), 1, 0, n);
          expect(numbers(first)).toEqual(plain);
        }
    });
  });
});
