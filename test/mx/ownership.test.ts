import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import {
  add,
  astype,
  fromArray,
  keep,
  liveHandles,
  matmul,
  MxError,
  negative,
  openLibrary,
  release,
  scalar,
  scope,
  shape,
  toFloat32,
  type Tensor,
} from "../../src/mx/index.ts";
import { openForTests } from "../helpers/mx.ts";

openForTests();

const one = () => fromArray(new Float32Array([1, 2, 3]), [3]);

describe("ownership", () => {
  let before = 0;
  beforeEach(() => {
    before = liveHandles();
  });
  afterEach(() => {
    expect(liveHandles()).toBe(before);
  });

  test("a scope frees what is born in it", () => {
    scope(() => {
      one();
      negative(one());
      expect(liveHandles()).toBe(before + 3);
    });
  });

  test("a tensor cannot be born outside of every scope", () => {
    expect(() => scalar(1)).toThrow(new MxError("scalar: no open scope"));
  });

  test("the result of a scope moves to the enclosing one and no further", () => {
    scope(() => {
      const result = scope(() => add(one(), one()));
      expect(liveHandles()).toBe(before + 1);
      expect([...toFloat32(result)]).toEqual([2, 4, 6]);
    });
  });

  test("tensors in returned arrays and plain objects survive their scope", () => {
    scope(() => {
      const [a, { b, rest }] = scope(() => [one(), { b: one(), rest: [[one()]], note: "x", n: 7 }] as const);
      expect(liveHandles()).toBe(before + 3);
      for (const t of [a, b, rest[0]![0]!]) expect(shape(t)).toEqual([3]);
      const list = scope(() => [one(), one()]);
      expect(list.map(shape)).toEqual([[3], [3]]);
    });
  });

  test("a result that was born outside stays with its own scope", () => {
    scope(() => {
      const outer = one();
      scope(() => outer);
      expect([...toFloat32(outer)]).toEqual([1, 2, 3]);
      expect(liveHandles()).toBe(before + 1);
    });
  });

  test("numbers that are no tensors pass through a scope", () => {
    expect(scope(() => 3.5)).toBe(3.5);
    expect(scope(() => [1 << 21, -5, 7, 2 ** 40, Number.NaN])).toEqual([1 << 21, -5, 7, 2 ** 40, Number.NaN]);
  });

  test("a kept tensor outlives its scopes until it is released", () => {
    const kept = scope(() => scope(() => keep(one())));
    expect(liveHandles()).toBe(before + 1);
    expect([...toFloat32(kept)]).toEqual([1, 2, 3]);
    release(kept);
    expect(() => toFloat32(kept)).toThrow(MxError);
  });

  test("a tensor released inside its scope is not freed a second time", () => {
    scope(() => {
      const a = one();
      release(a);
      const b = one();
      expect(() => release(a)).toThrow(/a is not alive/);
      expect([...toFloat32(b)]).toEqual([1, 2, 3]);
    });
  });

  test("a released input stays usable by the graph that needs it", () => {
    scope(() => {
      const a = one();
      const sum = add(a, a);
      release(a);
      expect([...toFloat32(sum)]).toEqual([2, 4, 6]);
    });
  });

  test("an exception frees the scopes that it leaves", () => {
    expect(() =>
      scope(() => {
        one();
        return scope(() => matmul(one(), fromArray(new Float32Array(4), [2, 2])));
      }),
    ).toThrow(MxError);
    expect(liveHandles()).toBe(before);
  });

  test("an exception of the body itself comes through unchanged", () => {
    const error = new Error("mine");
    expect(() =>
      scope(() => {
        one();
        throw error;
      }),
    ).toThrow(error);
  });

  test("a stale tensor is an error that says so, wherever it is used", () => {
    scope(() => {
      const stale = scope(() => [Number(one())] as const)[0];
      release(stale as Tensor);
      const use = stale as Tensor;
      const live = one();
      expect(() => add(live, use)).toThrow(/^add: b is not alive \(slot \d+, generation \d+\): its scope has ended, or it was released$/);
      for (const call of [() => shape(use), () => toFloat32(use), () => keep(use), () => release(use)]) expect(call).toThrow(MxError);
    });
  });

  test("no number that is not a tensor crashes", () => {
    scope(() => {
      const live = one();
      for (const wrong of [0, 1, 5, -1, 0x7fffffff, -0x80000000, 1 << 20, Number.NaN, 1e300]) {
        expect(() => add(live, wrong as Tensor)).toThrow(MxError);
      }
    });
  });

  test("handles stay distinct over many thousands of births", () => {
    const first = scope(() => keep(one()));
    const stale = new Set<number>();
    for (let round = 0; round < 40; round++) {
      scope(() => {
        for (let i = 0; i < 500; i++) {
          const t = scalar(i);
          expect(stale.has(t)).toBe(false);
          stale.add(t);
        }
      });
    }
    for (const handle of stale) expect(() => shape(handle as Tensor)).toThrow(MxError);
    expect(shape(first)).toEqual([3]);
    release(first);
  });

  test("generations wrap around without giving a bad handle or touching a live tensor", () => {
    scope(() => {
      const live = one();
      while (astype(live, "float32") >>> 20 !== 1); // holds the slots that earlier tests left free, so that few go round
      const first: number = astype(live, "float32");
      release(first as Tensor);
      const seen = new Set<number>();
      let sawFirstAgain = false;
      for (let i = 0; !sawFirstAgain && i < 12_000; i++) {
        scope(() => {
          for (let j = 0; j < 1_000; j++) {
            const t = astype(live, "float32"); // the same type: only a handle
            if (t === first) sawFirstAgain = true;
            if (j === 0) seen.add(t >>> 20);
          }
        });
      }
      expect(sawFirstAgain).toBe(true);
      expect([Math.min(...seen), Math.max(...seen)]).toEqual([1, 4095]);
      expect([...toFloat32(live)]).toEqual([1, 2, 3]);
    });
  });

  test("an asynchronous body is refused", () => {
    expect(() => scope(async () => one())).toThrow(/asynchronous/);
  });

  test("scopes nest deeply, and too deeply is an error", () => {
    const nest = (depth: number): number => scope(() => (depth === 0 ? liveHandles() : nest(depth - 1)));
    expect(nest(40)).toBe(before);
    expect(() => nest(100)).toThrow(/nested/);
  });
});

test("opening the library again gives the same device, and another library is refused", () => {
  expect(() => openLibrary("/nowhere/libshim.so", "cpu")).toThrow(MxError);
});
