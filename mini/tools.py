"""A tool that can be offered: its JSON schema with the small differences between real clients."""
import json

import values
from kinds import KINDS, words_of
from material import sections

FORMS = sections("tools")
FORMATS = {"date": "date", "time": "time", "email": "email", "url": "uri", "when": "date-time"}
PREFIXES = "api app my crm erp home office shop admin user client service smart data cloud core ext util github jira slack calendar mail drive notes files".split()


class Param:
    """One parameter. options: the values of an enum; hint: a description that must be there."""

    def __init__(self, name, kind, required=True, options=None, hint=None):
        self.name, self.kind, self.required, self.options, self.hint = name, KINDS[kind], required, options or KINDS[kind].enum, hint

    @property
    def words(self):
        return words_of(self.name)

    def plain_flag(self):
        """Can its name stand before a noun, as in "draft letter"?"""
        return self.name.isalpha() and self.name.islower() and self.name in self.kind.all_names and self.name not in ("notify", "track", "append", "force")

    def value(self, d):
        return d.one(self.options) if self.options else self.kind.make(d)

    def schema(self, d, style):
        out = {"type": self.kind.type}
        if self.options:
            out["enum"] = self.options
        elif self.kind.type == "array":
            out["items"] = {"type": "integer" if self.kind.name == "numbers" else "string"}
        if self.hint or d.chance(style["hints"]):
            out["description"] = self.hint or self.describe(d, style["noun"])
        return self.decorate(d, out, style)

    def describe(self, d, noun):
        hint = d.one(self.kind.hints or ["The {w}", "{W}", "The {w} to use", "The {w} of the {n}"])
        return hint.format(w=self.words, W=self.words.capitalize(), n=noun) + d.one(["", "."])

    def decorate(self, d, out, style):
        """What clients add: an example or a default (neither is to be copied), limits, a title, null as a second type."""
        if out["type"] != "boolean" and not self.options and d.chance(0.12):
            example = self.value(d)
            example = ", ".join(map(str, example)) if isinstance(example, list) else example
            out["description"] = d.one(["The {w}, e.g. {v}", "The {w}, for example {v}.", "{W} such as {v}", "{W} (like {v})"]).format(
                w=self.words, W=self.words.capitalize(), v=example)
        if out["type"] in ("integer", "number") and d.chance(0.1):
            out.update(d.one([{"minimum": 0, "maximum": d.num(10, 9999)}, {"minimum": d.num(0, 1)}, {"exclusiveMinimum": 0}, {"multipleOf": 1}]))
        if out["type"] == "string" and not self.options and d.chance(0.07):
            out.update(d.one([{"minLength": d.num(0, 1)}, {"maxLength": d.num(20, 500)}, {"format": FORMATS.get(self.kind.name, "string")}, {"pattern": "^.+$"},
                              {"examples": [self.value(d), self.value(d)]}, {"nullable": True}]))
        if out["type"] == "array" and d.chance(0.15):
            out.update(d.one([{"minItems": 1}, {"uniqueItems": True}, {"maxItems": d.num(5, 50)}]))
        if style["titles"]:
            out = {"title": self.words.title(), **out} if d.chance(0.5) else {**out, "title": self.words.title()}
        if not self.required and d.chance(0.2):
            out["default"] = self.value(d) if d.chance(0.6) else None
            if style["titles"] and "enum" not in out and "items" not in out:
                out = {"anyOf": [{"type": out.pop("type")}, {"type": "null"}], **out}
            elif "enum" not in out and d.chance(0.15):
                out["type"] = [out["type"], "null"]
        if d.chance(0.04):
            out = dict(d.shuffled(out.items()))
        return out


def spec(d, name, description, params, noun):
    """The tool as a client sends it; the template shows the function part."""
    style = {"hints": d.one([0, 0.6, 0.6, 1, 1]), "titles": d.chance(0.05), "noun": noun}
    schema = {"type": "object", "properties": {p.name: p.schema(d, style) for p in params}}
    required = [p.name for p in params if p.required]
    if required or d.chance(0.6):
        schema["required"] = required
    if d.chance(0.15):
        schema["additionalProperties"] = False
    if style["titles"]:
        schema["title"] = name + "Arguments"
    if d.chance(0.05):
        schema["$schema"] = "http://json-schema.org/draft-07/schema#"
    if d.chance(0.12):
        schema = dict(d.shuffled(schema.items()))
    function = {"name": name}
    if description:
        function["description"] = description
    function["parameters"] = schema
    if d.chance(0.06):
        function["strict"] = d.chance(0.5)
    return dict(sorted(function.items())) if d.chance(0.04) else function


def remarked(d, description):
    """Sometimes a description goes on for some more sentences."""
    if not d.chance(0.15):
        return description
    return " ".join([description.rstrip(".") + "."] + d.some(FORMS["remarks"], d.one([1, 1, 2, 3])))


def styled(d, name):
    """Other ways to write a tool's name: camelCase, PascalCase, dashes, a prefix, an ending."""
    k = d.num(1, 100)
    first, *rest = name.split("_")
    if k <= 8:
        return first + "".join(w.capitalize() for w in rest)
    if k <= 14:
        return name.replace("_", "-")
    if k <= 17:
        return "".join(w.capitalize() for w in (first, *rest))
    if k <= 22:
        return (values.made_up(d) if d.chance(0.3) else d.one(PREFIXES)) + d.one(["_", "-", "__", "_"]) + name
    if k <= 25:
        return name + d.one(["_tool", "_v2", "_now", "_api", "_by_id", "_async", "_item", "Tool", "_for_user"])
    return f"mcp__{values.made_up(d)}__{name}" if k <= 27 else name


class Tool:
    """name, params and spec are set by the subclasses, which know how a user asks for the tool."""

    def named(self, arguments):
        """The thought before a call: it names the tool and the parameters to fill."""
        return f"I call {self.name}" + (" with " + ", ".join(arguments) if arguments else "") + "."

    def follow(self, d, arguments):
        """(what the user says, arguments) to repeat the call with another value; None where there is no good way."""
        texts = [p for p in self.params if p.name in arguments and p.kind.type == "string" and not p.options]
        if not texts:
            return None
        p = d.one(texts)
        value = p.value(d)
        if '"' in value or "\n" in value or value == arguments[p.name]:
            return None
        if len(arguments) == 1 and p.kind.name not in ("text", "bare", "sql", "command", "expression"):
            return d.phrase(FORMS["follow"]).format(v=value), {p.name: value}
        shown = f'"{value}"' if " " in value else value
        return d.phrase(FORMS["follow named"]).format(w=p.words, v=shown), {**arguments, p.name: value}


def dumps(value, compact=False):
    return json.dumps(value, ensure_ascii=False, separators=(",", ":") if compact else None)
