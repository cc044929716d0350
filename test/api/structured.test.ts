// The many ways to ask for an answer of a given form become one constraint, or a refusal that names the field.
import { describe, expect, test } from "bun:test";
import { ApiError } from "../../src/chat/error.ts";
import { decodeChat, decodeCompletion } from "../../src/api/openai/decode.ts";

const messages = [{ role: "user", content: "x" }];
const schema = { type: "object", properties: { a: { type: "string" } } };
const tool = (name: string) => ({ type: "function", function: { name } });

function refusal(body: object): string {
  try {
    decodeChat({ messages, ...body });
  } catch (error) {
    if (error instanceof ApiError) return `${error.param}: ${error.message}`;
    throw error;
  }
  throw new Error("nothing was refused");
}

describe("a constraint", () => {
  test.each([
    [
      { response_format: { type: "json_schema", json_schema: { name: "n", strict: true, schema } } },
      { type: "json-schema", field: "response_format.json_schema.schema", schema },
    ],
    [{ response_format: { type: "json_object" } }, { type: "json-object", field: "response_format" }],
    [{ guided_json: schema }, { type: "json-schema", field: "guided_json", schema }],
    [{ guided_json: JSON.stringify(schema) }, { type: "json-schema", field: "guided_json", schema }],
    [{ guided_regex: "a|b" }, { type: "regex", field: "guided_regex", pattern: "a|b" }],
    [{ guided_choice: ["a", "b"] }, { type: "choice", field: "guided_choice", choices: ["a", "b"] }],
    [{ guided_grammar: 'root ::= "a"' }, { type: "grammar", field: "guided_grammar", text: 'root ::= "a"' }],
    [{ structured_outputs: { json: schema } }, { type: "json-schema", field: "structured_outputs.json", schema }],
    [{ structured_outputs: { regex: "a", json: null } }, { type: "regex", field: "structured_outputs.regex", pattern: "a" }],
    [{ structured_outputs: { json_object: true } }, { type: "json-object", field: "structured_outputs.json_object" }],
  ])("%j is %j, in both routes", (body, constraint) => {
    expect(decodeChat({ messages, ...body }).request.generation.constraint).toEqual(constraint as never);
    expect(decodeCompletion({ prompt: "x", ...body }).request.generation.constraint).toEqual(constraint as never);
  });

  test("is absent where text is asked for", () => {
    expect(decodeChat({ messages, response_format: { type: "text" } }).request.generation.constraint).toBeUndefined();
  });

  test.each([
    [{ response_format: { type: "json_schema" } }, "response_format.json_schema: 'response_format.json_schema' is required."],
    [
      { response_format: { type: "json_schema", json_schema: { name: "n" } } },
      "response_format.json_schema.schema: 'response_format.json_schema.schema' is required.",
    ],
    [{ response_format: { type: "json_object" }, guided_regex: "a" }, "guided_regex: 'guided_regex' cannot be combined with 'response_format'."],
    [{ guided_json: "{" }, "guided_json: 'guided_json' is not JSON text."],
    [{ structured_outputs: {} }, "structured_outputs: 'structured_outputs' must have one of json, regex, choice, grammar and json_object."],
    [{ guided_regex: "a", ignore_eos: true }, "ignore_eos: 'ignore_eos' cannot be combined with 'guided_regex', which says where the answer ends."],
  ])("%j is refused: %s", (body, message) => expect(refusal(body)).toBe(message));
});

describe("tool_choice", () => {
  const tools = [tool("f"), tool("g")];

  test.each([
    ["required", ["f", "g"], "required"],
    [tool("g"), ["f", "g"], { name: "g" }],
    [{ type: "allowed_tools", allowed_tools: { mode: "required", tools: [tool("g")] } }, ["g"], "required"],
    [{ type: "allowed_tools", allowed_tools: { mode: "auto", tools: [tool("f")] } }, ["f"], "auto"],
  ])("%j leaves %j and means %j", (choice, names, meant) => {
    const { request } = decodeChat({ messages, tools, tool_choice: choice });
    expect(request.tools.map(each => each.name)).toEqual(names);
    expect(request.toolChoice).toEqual(meant as never);
  });

  test.each([
    [{ tool_choice: "required" }, `tool_choice: 'tool_choice' must not be "required" without tools.`],
    [{ tools, tool_choice: tool("h") }, `tool_choice.function.name: 'tool_choice.function.name' "h" is not among the function tools.`],
  ])("%j is refused: %s", (body, message) => expect(refusal(body)).toBe(message));
});
