// How many held-out tool calls the built-in model gets right through the server, with tools as they are and strict: prints CSV.
//
//   bun bench/calls.ts [--cases 200] [--seed 78] [--url http://127.0.0.1:8000]     its own server (dist/pippin) without --url
//
// The generator of mini/ draws the cases (python3); right means that names and arguments are equal, valid that a call names an offered tool
// and its arguments satisfy the schema, by a validator that the server does not use.
import { parseArgs } from "node:util";
import { askCallCases, drawCallCases } from "../test/helpers/held-out-calls.ts";
import { startServer } from "../test/helpers/server.ts";

const { values } = parseArgs({
  options: { cases: { type: "string", default: "200" }, seed: { type: "string", default: "78" }, url: { type: "string" } },
});
const cases = drawCallCases(Number(values.cases), Number(values.seed));
const server = values.url === undefined ? await startServer() : undefined;

console.log("tools,seed,cases,right,called,valid,seconds,wrong");
for (const strict of [false, true]) {
  const start = performance.now();
  const outcomes = await askCallCases(values.url ?? server!.url, cases, strict);
  const count = (what: "right" | "called" | "valid") => outcomes.filter(outcome => outcome[what]).length;
  const wrong = outcomes.filter(({ right }) => !right).map(({ id }) => id.replace("tool: ", ""));
  const seconds = ((performance.now() - start) / 1000).toFixed(0);
  console.log(
    [strict ? "strict" : "as they are", values.seed, cases.length, count("right"), count("called"), count("valid"), seconds, wrong.join("; ")].join(
      ",",
    ),
  );
}
await server?.[Symbol.asyncDispose]();
