// Who frees which tensor: see the opening comment of shim/mxs.h.

import { MxError } from "./error.ts";
import { c, code, list, type Tensor } from "./ffi.ts";

/** Runs `body` and frees every tensor born in it, except those in its result, which move to the enclosing scope: the result itself,
 * elements of arrays and values of plain objects. */
export function scope<T>(body: () => T): T {
  const mark = code(c.mxs_scope_push());
  let results = 0;
  try {
    const result = body();
    if (result instanceof Promise) throw new MxError("the body of a scope is asynchronous: its tensors would be freed before it ends");
    results = typeof result === "number" ? list([result]) : list(collect(result, []));
    return result;
  } finally {
    code(c.mxs_scope_pop(mark, results));
  }
}

/** The tensor now survives all scopes, until its owner passes it to `release`. */
export function keep(t: Tensor): Tensor {
  code(c.mxs_keep(t));
  return t;
}

/** Frees the handle at once. The data lives on while a graph needs it. */
export function release(t: Tensor): void {
  code(c.mxs_release(t));
}

export function liveHandles(): number {
  return c.mxs_live();
}

// Plain numbers are told from handles by the shim; those below 2^20 never are one.
function collect(value: unknown, into: number[]): number[] {
  if (typeof value === "number") {
    if (Number.isInteger(value) && (value < 0 || value >= 1 << 20)) into.push(value);
  } else if (Array.isArray(value)) {
    for (const item of value) collect(item, into);
  } else if (value !== null && typeof value === "object" && Object.getPrototypeOf(value) === Object.prototype) {
    for (const item of Object.values(value)) collect(item, into);
  }
  return into;
}
