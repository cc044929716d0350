"""The taught facts: relations with their pairs (capital of France = Paris) and single questions; and what was not taught."""
import talk
import values
from material import marked, pool, sections
from turns import around, article, turn, upper_first

UNTAUGHT = pool("words", "untaught countries")
LIMITS = sections("limits")


def relation(name, lines):
    """(name, questions, answers, pairs, short thought); a name with " <- other" turns the other relation's pairs around."""
    parts = marked(lines)
    pairs = [tuple(p.split(" = ")) for line in parts.get("", ()) for p in line.split(" | ")]
    return {"asks": parts["?"], "answers": parts["!"], "pairs": pairs, "about": name}


def load():
    out = {}
    for heading, lines in sections("facts").items():
        if heading != "macros":
            name, about = heading.split(" : ")
            out[name] = relation(about, lines)
    out["country"]["pairs"] = [(y, x) for x, y in out["capital"]["pairs"]]
    opposites = out["opposite"]["pairs"]
    known = {x for x, _ in opposites}
    out["opposite"]["pairs"] = opposites + [(y, x) for x, y in opposites if y not in known]
    return out


TABLES = load()
SINGLE = [[p.strip() for p in line.split(" | ")] for lines in sections("single-facts").values() for line in lines]
CAPITALS = TABLES["capital"]["pairs"]
# larger relations come up more often, but not in proportion
BAG = [t for t in TABLES.values() for _ in range(max(1, round(len(t["pairs"]) ** 0.6 / 2)))]


def fact(d):
    if d.chance(0.22):
        stems, key, answer = d.one(SINGLE)
        question, thought = d.one(stems.split(" ~ ")), "I know this one."
    else:
        table = d.one(BAG)
        x, key = d.one(table["pairs"])
        question = article(d.phrase(table["asks"]).format(x=x))
        answer = upper_first(article(d.one(table["answers"]).format(x=x, y=key)))
        thought = f"The question is about the {table['about'].format(x=x)}: {key}."
    question = around(d, upper_first(question), 0.3)
    return turn(question.lower() if d.chance(0.06) else question, answer, ["has", [key]], thought)


def unknown(d):
    if d.chance(0.35):
        name = d.one(["capital", "continent", "symbol", "sound", "baby", "legs", "home", "colour", "opposite", "capital"])
        x = values.made_up(d)
        if name in ("capital", "continent"):
            x = d.value(UNTAUGHT) if d.chance(0.4) else x.capitalize()
        elif name == "colour":
            x = d.one(["a ", "the "]) + x
        question = article(d.phrase(TABLES[name]["asks"]).format(x=x))
    else:
        slots = {"country": d.one(CAPITALS)[0], "city": d.value(values.CITIES), "person": values.person(d), "year": d.num(1900, 2030), "sport": d.value(talk.SPORTS),
                 "thing": d.value(values.THINGS), "title": values.title(d), "word": values.made_up(d), "newcity": values.made_up(d).capitalize()}
        question = d.phrase(LIMITS["unknown"]).format(**slots)
    return turn(around(d, upper_first(question), 0.2), d.one(LIMITS["unknown answers"]), ["unknown", None], "I was not taught this.")


def too_hard(d):
    slots = {"task": d.value(LIMITS["programs"]), "task2": d.value(LIMITS["software"]), "topic": d.value(LIMITS["subjects"]), "thing": d.value(values.THINGS),
             "city": values.city(d), "person": values.person(d), "food": d.value(values.NOUNS), "title": values.title(d), "word": values.made_up(d),
             "doc": d.value(LIMITS["documents"])}
    question = around(d, d.phrase(LIMITS["hard"]).format(**slots), 0.15)
    return turn(question, d.one(LIMITS["hard answers"]), ["has", ["too hard"]], "This is too hard for me.")
