"""Made-up tools: names, parameters and requests that training never repeats, so that calls have to be copied."""
import wording
from kinds import BAG, ENUMS, KINDS, MORE
from material import pool, sections
from nested import Nested
from tools import Param, Tool, remarked, spec, styled
from turns import article
from values import COLOURS, THINGS, digits, letters, made_up

FORMS = sections("tools")
VERBS = [[w.strip() for w in line.split("|")] for line in FORMS["verbs"]]
PLAIN_VERBS, RARE_VERBS = pool("vocabulary", "plain verbs"), sorted(set(pool("vocabulary", "verbs")))
PAIRS = [(head.split(), forms.split(" | ")) for head, forms in (line.split(" : ") for line in FORMS["pairs"])]
OPPOSITES, NEAR = ([line.split() for line in MORE[name]] for name in ("opposites", "near"))
NOUNS = sorted({*THINGS, *pool("vocabulary", "more things")})
PLURAL_VERBS = {"list", "count", "search", "find", "export", "sort", "filter", "compare", "merge", "import", "group"}

# names like due_date and orderCount: a noun before or after a word that goes with the kind
COMPOSED = {"person": "{}_name", "city": "{}_city {}_location", "text": "{}_text {}_message {}_note", "word": "{}_type {}_kind {}_tag", "query": "{}_query",
            "date": "{}_date", "time": "{}_time", "email": "{}_email {}_address", "code": "{}_id {}_code {}_number", "path": "{}_path {}_file", "url": "{}_url {}_link",
            "int": "{}_count max_{} num_{} {}_limit", "float": "{}_price {}_amount {}_weight {}_rate", "bool": "is_{} with_{} use_{} {}_enabled",
            "list": "{}_list {}_names", "numbers": "{}_values {}_ids", "enum": "{}_mode {}_type {}_level", "measure": "{}_size {}_amount {}_length",
            "raw": "{}_pattern {}_expression {}_code", "object": "{}_info {}_data {}", "objects": "{}_items {}_list {}_entries"}
PARAMETERS = [0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 4, 4, 5, 6]


def param_name(d, kind):
    k, common = d.num(1, 100), 25 if d.test else 40
    if k <= common and kind.names:
        name = d.one(kind.names)
    elif k <= 64 and kind.rare:
        name = d.value(kind.rare)
    elif k <= 86:
        name = d.fresh(lambda: d.one(COMPOSED[kind.name].split()).format(d.one(NOUNS).split()[0] if d.chance(0.6) else made_up(d)))
    else:
        return made_up(d)
    first, *rest = name.split("_")
    return first + "".join(w.capitalize() for w in rest) if d.chance(0.12) else name


def make_param(d, name):
    kind = KINDS[name]
    if name in ("object", "objects"):
        return Nested(d, param_name(d, kind), name, d.chance(0.7))
    options = None
    if name == "enum":
        pname, options = d.one(ENUMS) if d.chance(0.6) else (param_name(d, kind), list(dict.fromkeys(made_up(d) for _ in range(d.num(2, 5)))))
        options = options if d.chance(0.8) else d.shuffled(options)
    elif name == "bool" and d.chance(0.5):
        pname = d.one(list(wording.FLAGS))
    elif d.chance(0.12):
        pname = d.one(list(wording.ROLES))
        pname = pname if pname in kind.all_names else param_name(d, kind)
    else:
        pname = param_name(d, kind)
    return Param(pname, name, d.chance(0.7), options)


def make_ident(d, noun):
    """The parameter that tells which one of the nouns is meant: "valve 12", "invoice AB-77"."""
    base = noun.split()[-1]
    name = d.one([f"{base}_id", f"{base}_id", "id", f"{base}_number", "number", base, f"{base}Id", f"{base}_no", "identifier", f"{base}_name", "name", f"{base}_code"])
    kind = d.one(["word", "word", "person"]) if name.endswith("name") else d.one(["int", "int", "code", "code", "word" if name == base else "code"])
    return Param(name, kind, d.chance(0.9))


def make_params(d, ident=None):
    """(parameters with different names, the pair of them that one says together or None)"""
    params, pair, paired = [ident] if ident else [], None, None
    if d.chance(0.1):
        (a, b, paired), forms = d.one(PAIRS)
        params, pair = params + [Param(a, paired), Param(b, paired)], (a, b, forms)
    elif d.chance(0.06):
        counted = Param(d.one(sorted(wording.COUNTED)), "int", d.chance(0.7)), Param(param_name(d, KINDS["word"]), "word")
        params += [p for p in counted if not ident or p.name != ident.name]
    count = d.num(5, 8) if d.chance(0.04) else d.one(PARAMETERS)
    for name in d.some(BAG, max(0, count - len(params))):
        p = make_param(d, name)
        if p.kind.name != paired and p.name not in [q.name for q in params]:
            params.append(p)
    return (d.shuffled(params) if d.chance(0.3) else params), pair


def plural_of(noun):
    if noun.endswith(("s", "x", "ch", "sh")):
        return noun + "es"
    return noun[:-1] + "ies" if noun.endswith("y") and noun[-2:-1] not in tuple("aeiou") else noun + "s"


def make_name(d, verb, noun, exact):
    """The tool's name; an exact one holds the verb and the noun."""
    noun = noun.replace(" ", "_").replace("-", "_")
    if exact:
        return styled(d, d.one([f"{verb}_{noun}"] * 5 + [f"{noun}_{verb}"]))
    if d.chance(0.07):
        return d.fresh(lambda: d.one([made_up(d), "fn_" + digits(d, 3), "tool_" + letters(d, 2), made_up(d) + "_" + made_up(d)]))
    return styled(d, d.one([f"{verb}_{noun}"] * 9 + [f"{noun}_{verb}", f"{noun}_{verb}", f"{verb}_{made_up(d)}_{noun}", verb, noun]))


def make_group(d):
    """Verbs that mean the same. Common ones serve both splits; the evaluation has mostly rare ones that training never sees."""
    k = d.num(1, 100)
    if k <= (22 if d.test else 45):
        return d.one(VERBS)
    if k <= (34 if d.test else 62):
        return [d.one(PLAIN_VERBS)]
    return [d.value(RARE_VERBS)] if k <= 94 else [made_up(d)]


class MadeTool(Tool):
    """group: verbs that mean the same; the name, the description and the user may each take another one of them, unless the tool is exact.

    like: another tool, whose noun and parameters it has.
    """

    def __init__(self, d, group=None, noun=None, like=None, exact=False):
        self.group, self.exact = group or make_group(d), exact
        self.noun = like.noun if like else noun or (d.value(NOUNS) if d.chance(0.75) else made_up(d))
        if not noun and not like and d.chance(0.12):
            self.noun = d.one([made_up(d), d.one(COLOURS), "daily", "main", "new"]) + " " + self.noun
        single = [v for v in self.group if " " not in v]
        verb = d.one(single)
        same = exact or d.chance(0.6)
        purpose_verb, self.verb = (verb if same or d.chance(0.5) else d.one(single)), (verb if same else d.one(self.group))
        self.inflects, self.looks = self.verb.isalpha(), not exact and any(v in wording.LOOKS for v in self.group)
        self.plural = verb in PLURAL_VERBS and d.chance(0.7)
        named = plural_of(self.noun) if self.plural else self.noun
        self.name = make_name(d, verb, named, exact)
        if like:
            self.ident, self.params, self.pair = like.ident, like.params, like.pair
        else:
            self.ident = make_ident(d, self.noun) if not self.plural and d.chance(0.33) else None
            self.params, self.pair = make_params(d, self.ident)
        self.spec = spec(d, self.name, self.describe(d, verb, purpose_verb, named), self.params, self.noun)

    def describe(self, d, verb, purpose_verb, noun):
        if d.chance(0.08) and verb in self.name and self.noun.split()[-1] in self.name:
            return ""
        about = d.one([noun if self.plural else article("a " + noun), "the " + noun, noun])
        return remarked(d, d.one(FORMS["purpose"]).format(v=purpose_verb, V=purpose_verb.capitalize(), a=about))

    def said_noun(self, d):
        return plural_of(self.noun) if self.plural and d.chance(0.8) else self.noun

    def ask(self, d, lead=True, hide=(), closed=False):
        """(user's words, arguments) for one call; hide: parameters that are not said."""
        arguments = {p.name: p.value(d) for p in self.params if p not in hide and (p.required or d.chance(0.5))}
        return wording.say(d, self, arguments, lead, closed), arguments

    def ask_two(self, d):
        """(what the user says, [arguments, ..]): the same for two to four of the noun; None where that cannot be said."""
        p = self.ident
        if not p or p.kind.name not in ("int", "code") or any(q.required for q in self.params if q is not p):
            return None
        made = list({str(v): v for v in (p.value(d) for _ in range(d.one([2, 2, 2, 3, 3, 4])))}.values())
        if len(made) < 2:
            return None
        links = d.one([", ", " and ", ", "])
        noun = d.one([plural_of(self.noun), self.noun, "the " + plural_of(self.noun)])
        told = links.join(map(str, made[:-1])) + d.one([" and ", " and ", ", and "]) + str(made[-1])
        text = d.phrase(FORMS["intro"]).format(v=self.verb, n=f"{noun} {told}")
        return text[0].upper() + text[1:], [{p.name: v} for v in made]

    def missing(self, d):
        """(user's words, the names not said, the name to value of what was said) or None"""
        needed = [p for p in self.params if p.required and p.kind.name not in ("bool", "object", "objects") and not (self.pair and p.name in self.pair[:2])]
        if not needed:
            return None
        hidden = d.some(needed, d.one([1, 1, 1, 2]))
        text, arguments = self.ask(d, hide=hidden)
        return text, [p for p in self.params if p in hidden], arguments

    def words(self):
        return [self.noun, wording.words_of(self.name)]


def similar(d, tool):
    """Another tool about the same thing."""
    group = make_group(d)
    return None if set(group) & set(tool.group) else MadeTool(d, group, tool.noun)


def twins(d, near=True):
    """Two tools that only their verbs tell apart, mostly with the same parameters: open_valve and close_valve; with near, also get_valve and show_valve."""
    a, b = d.shuffled(d.one(NEAR if near and d.chance(0.35) else OPPOSITES))
    first = MadeTool(d, [a], exact=True)
    return first, MadeTool(d, [b], first.noun, first if d.chance(0.7) else None, exact=True)
