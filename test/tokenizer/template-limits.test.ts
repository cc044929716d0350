import { describe, expect, test } from "bun:test";
import { Interpreter } from "@huggingface/jinja";
import { TemplateError } from "../../src/tokenizer/error.ts";
import { ChatTemplate } from "../../src/tokenizer/template.ts";

const messages = [{ role: "user", content: "hello" }];

function render(source: string, variables: Record<string, unknown> = {}): string {
  return new ChatTemplate({ default: source }, {}).render({ messages, tools: [], variables });
}

const doubling = "{% set ns = namespace(x='aaaaaaaaaa') %}{% for i in range(60) %}{% set ns.x = ns.x ~ ns.x %}{% endfor %}";
const million = "{% set ns = namespace(x='aaaaaaaaaa') %}{% for i in range(17) %}{% set ns.x = ns.x + ns.x %}{% endfor %}";
const wide = "{% set ns = namespace(x=['a', 'b']) %}{% for i in range(15) %}{% set ns.x = ns.x + ns.x %}{% endfor %}";

const hostile: Readonly<Record<string, string>> = {
  "a long range": "{% for i in range(10**9) %}x{% endfor %}",
  "a range backwards": "{% for i in range(10**9, 0, -1) %}x{% endfor %}",
  "a range of fractions": "{% for i in range(0, 1, 0.0000001) %}x{% endfor %}",
  "nested loops": "{% for a in range(99999) %}{% for b in range(99999) %}{% for c in range(99999) %}x{% endfor %}{% endfor %}{% endfor %}",
  "nested empty loops": "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}",
  "loops with a condition": "{% for a in range(99999) %}{% for b in range(99999) if b < 0 %}{% endfor %}{% endfor %}",
  "doubling a string": doubling,
  "doubling by blocks": "{% set ns = namespace(x='aaaaaaaaaa') %}{% for i in range(60) %}{% set ns.x %}{{ ns.x }}{{ ns.x }}{% endset %}{% endfor %}",
  "printing a long string often": `${million}{% for i in range(20000) %}{{ ns.x }}{% endfor %}`,
  "changing a long string often": `${million}{% for i in range(20000) %}{% set y = ns.x | upper %}{% endfor %}`,
  "cutting a long string often": `${million}{% for i in range(20000) %}{% set y = ns.x[0:2] %}{% endfor %}`,
  "splitting a long string often": `${million}{% for i in range(20000) %}{% set y = ns.x.split('a') %}{% endfor %}`,
  "searching a long string often": `${million}{% for i in range(20000) %}{% set y = 'zz' in ns.x %}{% endfor %}`,
  "keeping long strings": `${million}{% set keep = namespace(all=[]) %}{% for i in range(20000) %}{% set keep.all = keep.all + [ns.x ~ i] %}{% endfor %}`,
  "replacing by something long": `${million}{{ ns.x.replace('a', ns.x) }}`,
  "replacing nothing by something long": `${million}{{ ns.x.replace('', ns.x) }}`,
  "replacing through a variable": `${million}{% set f = ns.x.replace %}{{ f('a', ns.x) }}`,
  "replacing by a filter": `${million}{{ ns.x | replace('a', ns.x) }}`,
  "replacing something long that is almost there": `${million}{{ (ns.x ~ ns.x).replace(ns.x ~ 'b', '') }}`,
  "formatting by something long": `${million}{{ ns.x.replace('a', '{0}').format(ns.x) }}`,
  "a wide indent": "{{ 'a\nb' | indent(10**9) }}",
  "a wide indent by name": "{{ 'a\nb' | indent(width=10**9) }}",
  "a wide indent in a block": "{% filter indent(10**9) %}a\nb{% endfilter %}",
  "a wide indent from a list": "{% set w = [10**9] %}{{ 'a\nb' | indent(*w) }}",
  "many indented lines": `${million}{{ ns.x | replace('a', '\n') | indent(32, true, true) }}`,
  "a wide JSON indent": "{{ messages | tojson(indent=10**9) }}",
  "long JSON separators": `${million}{% set y = ns.x.split('a') %}{{ y | tojson(separators=[ns.x, ns.x]) }}`,
  "a long join": `${million}${wide.replaceAll("ns", "ls")}{{ ls.x | join(ns.x) }}`,
  "a list in itself many times":
    "{% set ns = namespace(x=['a']) %}{% for i in range(40) %}{% set ns.x = [ns.x, ns.x] %}{% endfor %}{{ ns.x | tojson }}",
  "an object in itself many times":
    "{% set ns = namespace(x={}) %}{% for i in range(40) %}{% set ns.x = {'a': ns.x, 'b': ns.x} %}{% endfor %}{{ ns.x }}",
  "a deep list": "{% set ns = namespace(x=['a']) %}{% for i in range(9999) %}{% set ns.x = [ns.x] %}{% endfor %}{{ ns.x | tojson }}",
  "a namespace that holds itself": "{% set ns = namespace(a=1) %}{% set ns.a = [ns, ns] %}{{ ns.a | tojson }}",
  "namespaces filled later":
    "{% set o = namespace(x=['aaaaaaaa'], keep=[]) %}{% for i in range(40) %}{% set n = namespace(a=1) %}{% set l = [n, n, n] %}{% set n.a = o.x %}{% set o.x = l %}{% endfor %}{{ o.x | tojson }}",
  "growing a list": "{% set ns = namespace(x=[1]) %}{% for i in range(60) %}{% set ns.x = ns.x + ns.x %}{% endfor %}",
  "sorting often": `${wide}{% for i in range(20000) %}{% set y = ns.x | sort %}{% endfor %}`,
  "a macro that calls itself": "{% macro f(x) %}{{ f(x + 1) }}{% endmacro %}{{ f(0) }}",
  "a macro that calls itself twice": "{% macro f(x) %}{% if x > 0 %}{{ f(x - 1) }}{{ f(x - 1) }}{% endif %}{% endmacro %}{{ f(60) }}",
  "macros holding long strings": `${million}{% macro f(x, s) %}{% if x > 0 %}{{ f(x - 1, s ~ x) }}{% endif %}{% endmacro %}{{ f(5000, ns.x) }}`,
};

describe("a hostile template ends in a typed error, in little memory", () => {
  for (const [name, source] of Object.entries(hostile)) {
    test(name, () => {
      const before = process.memoryUsage.rss();
      expect(() => render(source)).toThrow(TemplateError);
      const grown = (process.memoryUsage.rss() - before) / 1e6;
      expect(grown).toBeLessThan(800);
    });
  }
});

describe("the limits know the interpreter", () => {
  test("every method they override is there", () => {
    const methods = ["evaluate", "applyFilter", "evaluateArguments", "evaluateMemberExpression"];
    for (const method of methods) expect(typeof (Interpreter.prototype as unknown as Record<string, unknown>)[method]).toBe("function");
  });

  test("guarded operations give what they gave", () => {
    expect(render("{{ 'a-b-c'.replace('-', '+') }}")).toBe("a+b+c");
    expect(render("{{ 'a-b-c'.replace('-', '+', 1) }}")).toBe("a+b-c");
    expect(render("{{ 'a-b-c'.replace('-', '+', count=1) }}")).toBe("a+b-c");
    (expect(render("{{ 'ab' | replace('', '.') }}")).toBe(".a.b."), expect(render("{{ 'a,b'.split(',') | join(' and ') }}")).toBe("a and b"));
    expect(render("{{ [1, 2] | join(separator='/') }}")).toBe("1/2");
    expect(render("{{ 'a\nb' | indent(2) }}")).toBe("a\n  b");
    expect(render("{{ 'a\nb' | indent(width=2, first=true) }}")).toBe("  a\n  b");
    expect(render("{{ {'a': [1]} | tojson(indent=2) }}")).toBe('{\n  "a": [\n    1\n  ]\n}');
    expect(render("{{ {'b': 1, 'a': 'é'} | tojson(sort_keys=true, separators=(',', ':'), ensure_ascii=true) }}")).toBe('{"a":"\\u00e9","b":1}');
    expect(render("{{ ' x '.strip() ~ messages[0]['content'].upper() ~ messages[-1].content[1:3] }}")).toBe("xHELLOel");
    expect(render("{% for i in range(2, 8, 3) %}{{ i }}{{ ',' if not loop.last }}{% endfor %}")).toBe("2,5");
    expect(render("{% filter upper %}a{{ messages[0].role }}{% endfilter %}")).toBe("AUSER");
  });
});
