// Calls of tools that the built-in model has never seen, for requests in words that it has never seen. bench/calls.ts asks more of them.
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { askCallCases, drawCallCases } from "../helpers/held-out-calls.ts";
import { startServer, type Server } from "../helpers/server.ts";

setDefaultTimeout(200_000);

const cases = drawCallCases(40, 78);
let server: Server;
beforeAll(async () => void (server = await startServer()));
afterAll(() => server[Symbol.asyncDispose]());

test.each([false, true])("of 40 held-out calls 38 are right; strict tools (%p) are valid without exception", async strict => {
  const outcomes = await askCallCases(server.url, cases, strict);
  const wrong = outcomes.filter(({ right }) => !right).map(({ id }) => id);
  console.log(`${cases.length - wrong.length} of ${cases.length} right${strict ? ", strict" : ""}; not ${wrong.join(", ")}`);
  expect(wrong.length).toBeLessThanOrEqual(2);
  if (strict) expect(outcomes.filter(({ valid }) => !valid)).toEqual([]);
});
