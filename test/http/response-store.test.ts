// What is kept of responses, and for how long.
import { expect, test } from "bun:test";
import type { StoredResponse } from "../../src/http/response-store.ts";
import { ResponseStore } from "../../src/http/response-store.ts";

const stored = (id: string): StoredResponse => ({
  response: () => ({ id, status: "completed", output: [] }),
  input: [],
  items: () => [{ type: "message", id: `msg_${id}`, role: "user", content: id }],
});
const limits = { responses: 3, bytes: 100, hours: 1 };

test("the longest unused goes first when there are too many", () => {
  const store = new ResponseStore(limits);
  for (const id of ["a", "b", "c"]) store.put(id, stored(id), 1);
  store.get("a");
  store.put("d", stored("d"), 1);
  expect(["a", "b", "c", "d"].map(id => store.get(id) !== undefined)).toEqual([true, false, true, true]);
});

test("or when they are too large together", () => {
  const store = new ResponseStore(limits);
  store.put("a", stored("a"), 60);
  store.put("a", stored("a"), 60); // again, not twice
  store.put("b", stored("b"), 40);
  expect(store.get("a")).toBeDefined();
  store.put("c", stored("c"), 50);
  expect(["a", "b", "c"].map(id => store.get(id) !== undefined)).toEqual([false, false, true]);
});

test("nothing is older than the limit", () => {
  let now = 0;
  const store = new ResponseStore(limits, () => now);
  store.put("a", stored("a"), 1);
  now = 3_599_999;
  expect(store.history("a")).toHaveLength(1);
  now = 3_600_000;
  expect(store.get("a")).toBeUndefined();
  expect(store.delete("a")).toBe(false);
});

test("items are found by their ids until they are deleted", () => {
  const store = new ResponseStore(limits);
  store.put("a", stored("a"), 1);
  expect(store.item("msg_a")).toMatchObject({ content: "a" });
  expect(store.delete("a")).toBe(true);
  expect(store.item("msg_a")).toBeUndefined();
});
