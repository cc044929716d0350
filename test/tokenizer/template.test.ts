import { describe, expect, test } from "bun:test";
import { TemplateError, TokenizerError } from "../../src/tokenizer/error.ts";
import { ChatTemplate, type TemplateInput } from "../../src/tokenizer/template.ts";
import { chatTemplate } from "./fixtures.ts";

const user = { role: "user", content: "Hi" };
const tool = { type: "function", function: { name: "f", parameters: {} } };

function render(source: string, input: Partial<TemplateInput> = {}): string {
  return new ChatTemplate({ default: source }, { bosToken: "<s>", eosToken: "</s>" }).render({
    messages: [user],
    tools: [],
    variables: {},
    ...input,
  });
}

describe("a template is given", () => {
  test("the messages and the special tokens", () => {
    expect(render("{{ bos_token }}{% for m in messages %}{{ m['role'] }}: {{ m.content }}{% endfor %}{{ eos_token }}")).toBe("<s>user: Hi</s>");
  });

  test("nothing in the place of tokens that the model has not", () => {
    expect(new ChatTemplate({ default: "[{{ bos_token }}]" }, {}).render({ messages: [], tools: [], variables: {} })).toBe("[]");
  });

  test("tools only when there are any", () => {
    const source = "{% if tools is defined %}{{ tools | tojson }}{% else %}none{% endif %}";
    expect(render(source)).toBe("none");
    expect(render(source, { tools: [tool] })).toBe('[{"type": "function", "function": {"name": "f", "parameters": {}}}]');
  });

  test("the request's variables, which cannot take the place of its own", () => {
    const source = "{{ add_generation_prompt }} {{ enable_thinking }} {{ messages | length }} {{ range(2) | join }} {{ namespace(a=1).a }}";
    const variables = { enable_thinking: false, messages: [], range: 1, namespace: 2, bos_token: "x" };
    expect(render(source, { variables })).toBe("true false 1 01 1");
    expect(render("{{ add_generation_prompt }}", { variables: { add_generation_prompt: false } })).toBe("false");
  });

  test("the time", () => {
    const now = new Date();
    const day = `${now.getFullYear()}-${String(now.getMonth() + 1).padStart(2, "0")}-${String(now.getDate()).padStart(2, "0")}`;
    expect(render("{{ strftime_now('%Y-%m-%d') }}")).toBe(day);
    expect(render("{{ strftime_now('%-d %B %Y, %A %% %q') }}")).toMatch(/^\d{1,2} [A-Z][a-z]+ \d{4}, [A-Z][a-z]+day % %q$/);
  });
});

describe("templates written for Python's Jinja work where the library alone would fail", () => {
  const cases: Readonly<Record<string, readonly [string, string]>> = {
    "a loop over nothing": ["{% for x in messages[0].tool_calls %}x{% endfor %}.", "."],
    "filters on nothing": [
      "{{ nothing | length }}{{ nothing | trim }}{{ nothing | selectattr('a') | list | length }}{{ none | map(attribute='a') | join }}",
      "00",
    ],
    tuples: ["{% for a, b in [(1, 2), (3, 4)] %}{{ a + b }} {% endfor %}{{ (1, 'x') | tojson }}", '3 7 [1, "x"]'],
    "an object as text": ["{{ {'a': 1} | string }}", '{"a": 1}'],
    "least and most": ["{{ [3, 1, 2] | min }}{{ [3, 1, 2] | max }}", "13"],
    format: ["{{ '<{}|{}>{0}'.format('a', 2) }}{% set f = '-{}'.format %}{{ f(1) }}", "<a|2>a-1"],
    "leaving loops": ["{% for i in range(9) %}{% if i == 1 %}{% continue %}{% elif i == 3 %}{% break %}{% endif %}{{ i }}{% endfor %}", "02"],
  };
  for (const [name, [source, expected]] of Object.entries(cases)) test(name, () => expect(render(source)).toBe(expected));
});

describe("a template's failure is a TemplateError", () => {
  const failures: Readonly<Record<string, readonly [string, RegExp]>> = {
    "raised by itself": ["{{ raise_exception('Roles must alternate') }}", /^Roles must alternate$/],
    "a type error": ["{{ messages + 1 }}", /Unknown operator/],
    "an unknown filter": ["{{ 'a' | wordwrap }}", /Unknown StringValue filter: wordwrap/],
    "an unknown function": ["{{ cycler('a') }}", /not a function/],
    "a range without end": ["{{ range(1, none, 0) }}", /range\(\)/],
  };
  for (const [name, [source, message]] of Object.entries(failures)) {
    test(name, () => {
      expect(() => render(source)).toThrow(TemplateError);
      expect(() => render(source)).toThrow(message);
    });
  }

  test("input nested beyond reason", () => {
    const nested = JSON.parse(`${"[".repeat(3000)}${"]".repeat(3000)}`) as unknown;
    expect(() => render("{{ x | tojson }}", { variables: { x: nested } })).toThrow(TemplateError);
  });
});

test("a template that cannot be parsed is refused when it is opened", () => {
  for (const source of ["{% if %}", "{{ a", "{% for x in y %}", "{% endfor %}"])
    expect(() => new ChatTemplate({ default: source }, {})).toThrow(TokenizerError);
  for (const source of ["x".repeat(2_000_000), " \n".repeat(100_000), "{{ " + "(".repeat(100_000), "{% if a %}".repeat(9_000)])
    expect(() => new ChatTemplate({ default: source }, {})).toThrow(TokenizerError);
});

test("the template for tools is chosen when there are tools", () => {
  const template = new ChatTemplate({ default: "plain", tool_use: "tools" }, {});
  expect(template.render({ messages: [user], tools: [], variables: {} })).toBe("plain");
  expect(template.render({ messages: [user], tools: [tool], variables: {} })).toBe("tools");
  expect([template.source(false), template.source(true)]).toEqual(["plain", "tools"]);
});

test("a long conversation is rendered", () => {
  const messages = Array.from({ length: 4000 }, (_, at) => ({ role: at % 2 ? "assistant" : "user", content: `${at} ${"word ".repeat(60)}` }));
  const template = new ChatTemplate({ default: chatTemplate }, {});
  const text = template.render({ messages, tools: [], variables: {} });
  expect(text.length).toBeGreaterThan(1_200_000);
});

test("what real templates do is within the limits", () => {
  const quadratic =
    "{% for m in messages %}{% if loop.index0 == messages | length - 1 or messages[loop.index0 + 1].role != m.role %}{{ m.content }}{% endif %}{% endfor %}";
  const scan =
    "{% set ns = namespace(last=-1) %}{% for m in messages[::-1] %}{% if ns.last < 0 and m.role == 'user' %}{% set ns.last = loop.revindex0 %}{% endif %}{% endfor %}{{ ns.last }}";
  const messages = Array.from({ length: 3000 }, (_, at) => ({ role: at % 2 ? "assistant" : "user", content: `${at} ` }));
  expect(render(quadratic, { messages }).split(" ")).toHaveLength(3001);
  expect(render(scan, { messages })).toBe("2998");
});
