"""How a user asks for a call of a made-up tool: the request's words for a tool, its noun and the arguments.

Values may be named ("with due date 3 May"), go without a name where nothing else could take them ("to Tom"), be part of the noun ("valve 12"),
be implied ("an express parcel", "without attachments"), carry a unit, come first or last.
"""
from dice import held_out
from inflect import ing, past
from kinds import MORE, joined, quoted, shown, with_unit, words_of
from material import sections
from turns import article, upper_first

FORMS = {**sections("tools"), **sections("wording")}
NEEDS_NAME = {"word", "enum", "int", "float", "list", "numbers", "bool", "measure", "raw", "object", "objects"}
QUESTIONS = ("Can ", "Could ", "Would ", "Will ", "Should ", "Must ", "Do ", "How ", "What ", "What's ", "Where ", "May ", "Is ", "Have ", "Any ", "Why ", "Won't ", "Shall ", "Are ")
PREPOSITIONS = set("to from in at on for by with about until since into near of starting between saying called named titled that".split())
COUNTED = set("quantity count copies number pieces servings tickets seats units cups portions boxes bottles".split())
LOOKS = set("get fetch show find check view inspect lookup search retrieve display read list see query locate".split())


def parted(line):
    return [part.strip() for part in line.split(":")]


FLAGS = {name: ([f.strip() for f in yes.split("~")], [f.strip() for f in no.split("~")]) for names, yes, no in map(parted, MORE["flags"]) for name in names.split()}
ROLES = {}
for _names, _forms in map(parted, MORE["roles"]):
    for _name in _names.split():
        ROLES.setdefault(_name, []).extend(f.strip() for f in _forms.split("|"))


def noun_words(d, tool, arguments):
    """(the noun with what is said in it, the names of the arguments it says)"""
    noun, said, marked = tool.said_noun(d), set(), False
    p = tool.ident
    if p and p.name in arguments and d.chance(0.75):
        form = d.phrase(FORMS["name forms" if p.kind.name in ("word", "person") else "number forms" if p.kind.name == "int" else "code forms"])
        value = shown(d, p.kind.name, arguments[p.name])
        noun, marked = form.format(n=noun, v=f"{value}", w=p.words), True
        said.add(p.name)
    for p in tool.params:
        if p.kind.name != "bool" or p.name not in arguments or not d.chance(0.6):
            continue
        yes, no = FLAGS.get(p.name) or (["{w} {n}"], None) if p.plain_flag() else (None, None)
        forms = yes if arguments[p.name] else no
        if forms and not noun.startswith(("the ", "my ", "our ", "a ")):
            noun = d.one(forms).format(n=noun, w=p.words)
            said.add(p.name)
    if marked or noun.startswith(("the ", "my ", "our ", "a ")):
        return noun if d.chance(0.8) or noun.startswith(("the ", "my ", "our ", "a ")) else "the " + noun, said
    return d.one([noun if tool.plural else article("a " + noun), "the " + noun, "the " + noun, noun, "my " + noun, d.one(["our ", "this ", "that "]) + noun]), said


def value_pieces(d, tool, arguments, said, closed):
    """(pieces in any order, the piece that must come last because its end is not marked)"""
    pieces, last = [], []
    if tool.pair and {tool.pair[0], tool.pair[1]} <= set(arguments) and d.chance(0.6):
        a, b, forms = tool.pair
        pieces.append(d.one(forms).format(a=arguments[a], b=arguments[b]))
        said = said | {a, b}
    both = counted(d, tool, arguments, said)
    if both:
        pieces.append(both[0])
        said = said | both[1]
    for p in tool.params:
        if p.name not in arguments or p.name in said:
            continue
        value = arguments[p.name]
        if p.kind.name in ("text", "query", "raw") and not last and not closed and d.chance(0.25) and value[-1] not in ".!?" and value[0] not in "\"'«“":
            last.append(d.one([f"{p.words}: {value}", f"with the {p.words} {value}", f"{p.words} {value}", f"{p.name} = {value}", f"{p.words}:\n{value}"]))
        else:
            pieces.append(piece(d, tool, p, value))
    return pieces, last


def counted(d, tool, arguments, said):
    """(how many of what as one piece, the two names): "3 lamp", "2 x rice"; None where the tool has no such parameters."""
    numbers = [p for p in tool.params if p.kind.name == "int"]
    words = [p for p in tool.params if p.kind.name == "word"]
    names = {p.name for p in (*numbers, *words)}
    if len(numbers) != 1 or len(words) != 1 or numbers[0].name not in COUNTED or not names <= set(arguments) or names & said or d.chance(0.4):
        return None
    form = d.one(["{q} {v}", "{q} {v}", "{q} x {v}", "{q}x {v}", "{v} x {q}", "{v}, {q} of them"])
    return form.format(q=shown(d, "int", arguments[numbers[0].name]), v=arguments[words[0].name]), names


def role_of(d, tool, p):
    """A preposition that tells the parameter, when no other parameter of the tool goes with it."""
    forms = ROLES.get(p.name)
    if not forms or p.options:
        return None
    taken = {f for q in tool.params if q is not p for f in (*ROLES.get(q.name, ()), *(q.kind.plain if q.kind.name != "text" else ()))}
    free = [f for f in forms if f not in taken]
    return d.one(free) if free else None


def can_be_plain(d, tool, p):
    """May the parameter go unnamed? Only if nothing else in the schema could take the value."""
    if len(tool.params) == 1:
        return p.kind.name not in ("bool", "object", "objects") and d.chance(0.5)
    if p.kind.name == "enum":
        return d.chance(0.3) and sum(bool(set(q.options or ()) & set(p.options)) for q in tool.params) == 1
    if p.kind.name in NEEDS_NAME or p.name not in p.kind.all_names or held_out(p.name) and p.name not in p.kind.names or tool.pair and p.name in tool.pair[:2]:
        return False
    alike = [q for q in tool.params if q.kind.name == p.kind.name or q.name not in q.kind.all_names and q.kind.type == "string" and not q.options]
    return len(alike) == 1 and d.chance(0.5)


def piece(d, tool, p, value):
    """One argument in the user's words."""
    kind, w = p.kind.name, p.words if d.chance(0.85) else p.name
    if kind in ("object", "objects"):
        return p.piece(d, value)
    if kind == "bool":
        return d.phrase(FORMS["say true" if value else "say false"]).format(w=w)
    text = (with_unit(d, p.name, value) if kind in ("int", "float") and d.chance(0.5) else None) or shown(d, kind, value)
    long = kind in ("text", "query", "raw")
    if kind == "int" and p.name in p.kind.all_names and p.name.endswith("s") and value != 1 and d.chance(0.4):
        return f"{text} {w}" if text[-1].isalnum() and " " not in text else text
    if kind == "enum" and d.chance(0.12):
        return f"{text} {w}"
    if kind in ("int", "float") and p is not tool.ident and d.chance(0.2) and sum(q.kind.name in ("int", "float", "measure") for q in tool.params) == 1:
        return f"{d.one(['to', 'to', 'at', 'of'])} {text}"
    role = role_of(d, tool, p) if d.chance(0.5) else None
    if role or can_be_plain(d, tool, p):
        form = role or d.one(p.kind.plain or ["{v}", "in {v}", "make it {v}", "{v} please"])
        form = form if not long or "{q}" in form else "{q}"
        return form.format(v=text, w=w, q=quoted(d, text) if "{q}" in form else "")
    if long or kind in ("word", "measure", "code") and not text.replace(" ", "").isalnum() or isinstance(value, str) and d.chance(0.15):
        text = quoted(d, text)
    return d.phrase(FORMS["say"]).format(v=text, w=w)


def by_name(d, tool, arguments):
    """A request that names the tool itself, its arguments as in a call or a list."""
    style = d.num(1, 3)
    named = [p for p in tool.params if p.name in arguments]
    if style == 1 or any(p.kind.name in ("object", "objects") for p in named):
        told = joined([piece(d, tool, p, arguments[p.name]) for p in named])
    else:
        told = d.one([", ", ", ", "; "]).join(f"{p.name}{'=' if style == 2 else ': '}{quoted(d, text) if isinstance(arguments[p.name], str) and not text.isalnum() else text}"
                                             for p in named for text in [str(arguments[p.name]).lower() if isinstance(arguments[p.name], bool) else plain(arguments[p.name])])
    return d.phrase(FORMS["by name"]).format(t=tool.name, p=told)


def plain(value):
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def core(d, tool, noun):
    """Verb and noun as an order, a wish, a question, a need."""
    k = d.num(1, 100)
    single = " " not in tool.verb
    if k <= 16 and single and tool.inflects:
        return d.phrase(FORMS["forms of verb"]).format(n=noun, v=tool.verb, d=past(tool.verb), g=ing(tool.verb))
    if k <= 34 and tool.looks:
        return d.phrase(FORMS["looks"]).format(n=noun)
    return d.phrase(FORMS["intro"]).format(v=tool.verb, n=noun)


def say(d, tool, arguments, lead=True, closed=False):
    """The request. lead: as a sentence of its own, else as the rest of one; closed: no value stands open at its end."""
    if lead and arguments and d.chance(0.04):
        return by_name(d, tool, arguments)
    noun, said = noun_words(d, tool, arguments)
    pieces, last = value_pieces(d, tool, arguments, said, closed or not lead)
    pieces = d.shuffled(pieces)
    if not lead:
        return f"{tool.verb} {noun}" + (run_on(d, pieces) if pieces else "")
    if pieces and not last and d.chance(0.12):
        order = core(d, tool, noun) if d.chance(0.3) else f"{tool.verb} {noun}"
        return upper_first(d.phrase(FORMS["front"]).replace("\\n", "\n").format(p=joined(pieces, d.one([", ", " and "])), c=order, C=upper_first(order)))
    text = core(d, tool, noun)
    mark = "?" if upper_first(text).startswith(QUESTIONS) and not last else d.one([".", ".", ".", ""])
    text = text.rstrip("?") if pieces or last else text
    if pieces + last:
        text += listed(d, pieces) if len(pieces) > 1 and not last and d.chance(0.05) else run_on(d, pieces + last)
    text = upper_first(text) if d.chance(0.85) else text
    return text if last or text[-1] in "?!." else text + mark


def run_on(d, pieces):
    """The pieces after the noun; those that open with a preposition need no comma: "to Tom in Oslo"."""
    opens = [p for p in pieces[:-1] if p.split(" ", 1)[0] in PREPOSITIONS] if d.chance(0.7) else []
    rest = [p for p in pieces if p not in opens]
    head = "".join(" " + p for p in opens)
    if rest[0].split(" ", 1)[0] in PREPOSITIONS and len(rest) == 1 and opens:
        return head + " " + rest[0]
    return head + d.one([" ", " ", ", ", ": "]) + joined(rest, d.one([", ", " and ", ", and "]))


def listed(d, pieces):
    mark = d.one(["\n- ", "\n", "\n* "])
    return ":" + "".join(mark + p for p in pieces)
