"""Made-up tools: names, parameters and requests that training never repeats, so that calls have to be copied."""
from dice import held_out
from kinds import BAG, ENUMS, KINDS, joined, quoted, shown, words_of
from material import pool, sections
from tools import Param, Tool, remarked, spec, styled
from turns import article, upper_first
from values import COLOURS, THINGS, digits, letters, made_up

FORMS = sections("tools")
VERBS = [[w.strip() for w in line.split("|")] for line in FORMS["verbs"]]
ODD_VERBS = pool("tools", "odd verbs")
PAIRS = [(head.split(), forms.split(" | ")) for head, forms in (line.split(" : ") for line in FORMS["pairs"])]
NEEDS_NAME = ("word", "enum", "int", "float", "list", "numbers", "bool")


# names like due_date and orderCount: a noun before or after a word that goes with the kind
COMPOSED = {"person": "{}_name", "city": "{}_city {}_location", "text": "{}_text {}_message {}_note", "word": "{}_type {}_kind {}_tag", "query": "{}_query",
            "date": "{}_date", "time": "{}_time", "email": "{}_email {}_address", "code": "{}_id {}_code {}_number", "path": "{}_path {}_file", "url": "{}_url {}_link",
            "int": "{}_count max_{} num_{} {}_limit", "float": "{}_price {}_amount {}_weight {}_rate", "bool": "is_{} with_{} use_{} {}_enabled",
            "list": "{}_list {}_names", "numbers": "{}_values {}_ids", "enum": "{}_mode {}_type {}_level"}


def param_name(d, kind):
    k = d.num(1, 100)
    if k <= 60 and kind.names:
        name = d.value(kind.names)
    elif k <= 85:
        name = d.fresh(lambda: d.one(COMPOSED[kind.name].split()).format(d.one(THINGS).split()[0] if d.chance(0.6) else made_up(d)))
    else:
        return made_up(d)
    first, *rest = name.split("_")
    return first + "".join(w.capitalize() for w in rest) if d.chance(0.12) else name


def make_params(d):
    """(parameters with different names, the pair of them that one says together or None)"""
    params, pair = [], None
    if d.chance(0.1):
        (a, b, kind), forms = d.one(PAIRS)
        params, pair = [Param(a, kind), Param(b, kind)], (a, b, forms)
    for name in d.some(BAG, max(0, d.one([0, 1, 1, 1, 2, 2, 2, 3, 3, 4]) - len(params))):
        kind = KINDS[name]
        options = None
        if name == "enum":
            pname, options = d.one(ENUMS) if d.chance(0.6) else (param_name(d, kind), [made_up(d) for _ in range(d.num(2, 5))])
            options = options if d.chance(0.8) else d.shuffled(options)
        else:
            pname = param_name(d, kind)
        if pair and kind.name == params[0].kind.name or pname in [p.name for p in params]:
            continue
        params.append(Param(pname, name, d.chance(0.7), options))
    return (d.shuffled(params) if d.chance(0.3) else params), pair


def make_name(d, verb, noun):
    noun = noun.replace(" ", "_")
    if d.chance(0.08):
        return d.fresh(lambda: d.one([made_up(d), "fn_" + digits(d, 3), "tool_" + letters(d, 2), made_up(d) + "_" + made_up(d)]))
    return styled(d, d.one([f"{verb}_{noun}"] * 6 + [f"{noun}_{verb}", f"{verb}_{made_up(d)}_{noun}"]))


class MadeTool(Tool):
    """group: verbs that mean the same; the name, the description and the user may each take another one of them."""

    def __init__(self, d, group=None, noun=None):
        self.group = group or (d.value(VERBS) if d.chance(0.9) else [d.value(ODD_VERBS)] if d.chance(0.8) else [made_up(d)])
        self.noun = noun or (d.value(THINGS) if d.chance(0.7) else made_up(d))
        if not noun and d.chance(0.15):
            self.noun = d.one([made_up(d), d.value(COLOURS), "daily", "main", "new"]) + " " + self.noun
        single = [v for v in self.group if " " not in v]
        verb = d.one(single)
        # a held-out verb has no known synonyms: the evaluation keeps to one
        purpose_verb, self.verb = (verb, verb) if d.test else (d.one(single), d.one(self.group))
        self.name = make_name(d, verb, self.noun)
        purpose = d.one(FORMS["purpose"]).format(v=purpose_verb, V=purpose_verb.capitalize(), a=d.one([article("a " + self.noun), "the " + self.noun, self.noun]))
        purpose = "" if d.chance(0.05) and verb in self.name else remarked(d, purpose)
        self.params, self.pair = make_params(d)
        self.spec = spec(d, self.name, purpose, self.params, self.noun)

    def ask(self, d, lead=True, hide=()):
        """(user's words, arguments) for one call; hide: parameters that are not said."""
        arguments = {p.name: p.value(d) for p in self.params if p not in hide and (p.required or d.chance(0.5))}
        pieces, last = self.say(d, arguments)
        noun = d.one([article("a " + self.noun), "the " + self.noun, "the " + self.noun, self.noun, "my " + self.noun])
        text = d.phrase(FORMS["intro"]).format(v=self.verb, n=noun) if lead else f"{self.verb} {noun}"
        pieces = d.shuffled(pieces) + last
        if pieces:
            text += d.one([" ", " ", ", ", ": "]) + joined(pieces, d.one([", ", " and ", ", and "]))
        if not lead:
            return text, arguments
        text = upper_first(text) if d.chance(0.85) else text
        if last:
            return text, arguments
        question = text.startswith(("Can ", "Could ", "Would ", "Will "))
        return text + ("?" if question else d.one([".", ".", ".", ""])), arguments

    def say(self, d, arguments):
        """(pieces in any order, the piece that must come last because its end is not marked)"""
        pieces, last, said = [], [], set()
        if self.pair and {self.pair[0], self.pair[1]} <= set(arguments) and d.chance(0.6):
            a, b, forms = self.pair
            pieces.append(d.one(forms).format(a=arguments[a], b=arguments[b]))
            said = {a, b}
        for p in self.params:
            if p.name not in arguments or p.name in said:
                continue
            value = arguments[p.name]
            if p.kind.name in ("text", "query") and not last and d.chance(0.2) and value[-1] not in ".!?" and '"' not in value:
                last.append(d.one([f"{p.words}: {value}", f"with the {p.words} {value}", f"{p.words} {value}"]))
            else:
                pieces.append(self.piece(d, p, value))
        return pieces, last

    def can_be_plain(self, d, p):
        """May the parameter go unnamed? Only if nothing else in the schema could take the value."""
        if len(self.params) == 1:
            return p.kind.name != "bool" and d.chance(0.5)
        if p.kind.name == "enum":
            return d.chance(0.3) and sum(bool(set(q.options or ()) & set(p.options)) for q in self.params) == 1
        if p.kind.name in NEEDS_NAME or p.name not in p.kind.names or held_out(p.name) or self.pair and p.name in self.pair[:2]:
            return False
        alike = [q for q in self.params if q.kind.name == p.kind.name or q.name not in q.kind.names and q.kind.type == "string" and not q.options]
        return len(alike) == 1 and d.chance(0.5)

    def piece(self, d, p, value):
        w = p.words if d.chance(0.85) else p.name
        if p.kind.name == "bool":
            return d.phrase(FORMS["say true" if value else "say false"]).format(w=w)
        text = shown(d, p.kind.name, value)
        long = p.kind.name in ("text", "query")
        if p.kind.name == "int" and p.name in p.kind.names and p.name.endswith("s") and value != 1 and d.chance(0.4):
            return f"{text} {w}"
        if self.can_be_plain(d, p):
            form = d.one(p.kind.plain or ["{v}", "in {v}", "make it {v}", "{v} please"])
            form = form if not long or "{q}" in form else "{q}"
            return form.format(v=text, w=w, q=quoted(d, text) if "{q}" in form else "")
        if long or isinstance(value, str) and d.chance(0.15):
            text = quoted(d, text)
        return d.phrase(FORMS["say"]).format(v=text, w=w)

    def missing(self, d):
        """(user's words, the names not said, the name to value of what was said) or None"""
        needed = [p for p in self.params if p.required and p.kind.name != "bool" and not (self.pair and p.name in self.pair[:2])]
        if not needed:
            return None
        hidden = d.some(needed, d.one([1, 1, 1, 2]))
        text, arguments = self.ask(d, hide=hidden)
        return text, [p for p in self.params if p in hidden], arguments

    def words(self):
        return [self.noun, words_of(self.name)]


def similar(d, tool):
    """Another tool about the same thing."""
    group = d.value(VERBS)
    return None if set(group) & set(tool.group) else MadeTool(d, group, tool.noun)
