"""Kinds of tool parameters: their names, JSON type, how a value is made and how a user may say it.

A kind is a section "kind <name> <json type> <weight>" of data/tools.txt; everyday tools use some more, listed here.
"""
import functools
import json

import symbols
import values
from inflect import number_word
from material import pool, sections

FORMS, MORE = sections("tools"), sections("vocabulary")
ENUMS = [(name, options.split()) for name, options in (line.split(" : ") for line in FORMS["enums"])]


class Kind:
    """names, plain (ways to say {v} without naming the parameter) and hints (descriptions) are lists of texts.

    names are common ones; of rare, longer ones, those that the checksum picks serve the evaluation alone.
    """

    def __init__(self, name, json_type, make, enum=None, lines=()):
        self.name, self.type, self.make, self.enum = name, json_type, make, enum
        self.names, self.plain, self.hints = [], [], []
        self.rare = pool("vocabulary", "names " + name) if "names " + name in MORE else []
        for line in lines:
            key, text = line.split(": ", 1)
            getattr(self, key).extend(text.split() if key == "names" else text.split(" | "))
        self.all_names = {*self.names, *self.rare}


def word_list(d):
    make = d.one(ITEMS)
    out = []
    while len(out) < d.num(1, 4):
        word = make(d)
        out += [] if word in out or "," in word or " and " in word else [word]
    return out


ITEMS = [values.word, values.word, values.first_name, values.made_up, values.city, values.email, values.code, values.path, lambda d: f"{values.word(d)} {values.word(d)}"]


def marked_text(d):
    """A free text, sometimes with things in it that are seldom in a text."""
    return d.fresh(lambda: symbols.sentence(d)) if d.chance(0.12) else values.text(d)


def any_code(d):
    return d.fresh(lambda: symbols.digest(d)) if d.chance(0.18) else values.code(d)


def any_word(d):
    k = d.num(1, 100)
    return symbols.raw_line(d) if k <= 3 else d.fresh(lambda: f"{values.word(d)} {values.word(d)}") if k <= 13 else values.word(d)


MAKE = {"person": values.person, "city": values.city, "text": marked_text, "word": any_word, "query": values.query, "date": values.date, "time": values.clock,
        "email": values.email, "code": any_code, "path": values.path, "url": values.url, "int": lambda d: d.num(0, d.one([10, 50, 999, 5000])),
        "float": values.decimal, "bool": lambda d: d.chance(0.5), "list": word_list, "numbers": lambda d: [d.num(*d.one([(0, 99), (0, 99), (-20, 20), (100, 9999)])) for _ in range(d.num(2, 5))],
        "measure": lambda d: d.fresh(lambda: symbols.measure(d)), "raw": symbols.raw}


def load():
    """({kind name: Kind}, the names as often as they shall come up)"""
    kinds, bag = {}, []
    for heading, lines in FORMS.items():
        if heading.startswith("kind "):
            _, name, json_type, weight = heading.split()
            kinds[name] = Kind(name, json_type, MAKE.get(name), lines=lines)
            bag += [name] * int(weight)
    return kinds, bag


KINDS, BAG = load()


def option(name, options):
    KINDS[name] = Kind(name, "string", lambda d: d.one(options), enum=options)


def extra(name, json_type, make):
    KINDS[name] = Kind(name, json_type, make)


option("unit", ["celsius", "fahrenheit"])
option("travel", ["car", "train", "bike", "foot"])
option("priority", ["low", "medium", "high"])
option("imagesize", ["256x256", "512x512", "1024x1024"])
option("role", ["admin", "editor", "viewer", "guest"])
option("ticketstate", ["open", "closed", "pending", "done", "blocked"])
option("verb_op", ["add", "subtract", "multiply", "divide"])
extra("plural", "string", lambda d: d.fresh(lambda: values.word(d) + "s" if d.chance(0.8) else f"{d.one(values.ADJECTIVES)} {values.word(d)}s"))
extra("small", "integer", lambda d: d.num(1, 12) if d.chance(0.7) else d.num(13, 90))
extra("large", "integer", lambda d: d.num(50, 5000))
extra("when", "string", lambda d: d.fresh(lambda: values.moment(d)))
extra("song", "string", lambda d: d.fresh(lambda: values.title(d) if d.chance(0.6) else values.bare_text(d)))
extra("title", "string", values.title)
extra("flag", "boolean", lambda d: True)
option("size", ["small", "medium", "large"])
option("milk", ["none", "oat", "soy", "whole"])
option("crust", ["thin", "thick", "stuffed"])
option("paper", ["A3", "A4", "A5", "letter"])
option("cabin", ["economy", "business", "first"])
option("ovenmode", ["grill", "bake", "steam", "fan"])
option("rating5", ["bad", "fair", "good", "excellent"])
extra("stars", "integer", lambda d: d.num(1, 5))
extra("colour", "string", lambda d: d.one(values.COLOURS))
extra("percent", "integer", lambda d: d.num(0, 100))
extra("year", "integer", lambda d: d.num(1920, 2030))
extra("any", "number", lambda d: d.num(0, 999) if d.chance(0.7) else values.decimal(d))
extra("degrees", "number", lambda d: d.one([d.num(10, 30), d.num(10, 30) + 0.5]))
extra("onoff", "boolean", lambda d: d.chance(0.5))
extra("lockstate", "boolean", lambda d: d.chance(0.5))
extra("currency", "string", lambda d: d.value(CURRENCIES))
extra("zone", "string", lambda d: d.value(ZONES))
extra("unitname", "string", lambda d: d.value(UNITS))
extra("expression", "string", values.expression)
extra("task", "string", values.task)
extra("bare", "string", values.bare_text)
extra("short", "string", lambda d: d.fresh(lambda: d.one([values.word, values.made_up, values.pattern, lambda d: f"{values.word(d)} {values.word(d)}"])(d)))
extra("pattern", "string", lambda d: d.one([values.pattern, values.word, values.made_up])(d))
extra("picture", "string", values.picture)
extra("sql", "string", values.sql)
extra("command", "string", values.command)
extra("folder", "string", lambda d: d.fresh(lambda: values.folder(d)))
extra("language", "string", lambda d: d.value(LANGUAGES))
extra("room", "string", lambda d: d.value(ROOMS) if d.chance(0.7) else d.fresh(lambda: d.one(["{} room", "{}", "room {}", "{} hall"]).format(values.word(d))))
extra("cuisine", "string", lambda d: d.value(CUISINES) if d.chance(0.85) else values.made_up(d))
extra("service", "string", lambda d: d.one(["dentist", "doctor", "hairdresser", "vet", "lawyer", "mechanic", values.made_up(d)]))
extra("symbol", "string", lambda d: d.fresh(lambda: d.one(["AAPL", "MSFT", "GOOG", "TSLA", "NVDA", "AMZN", values.letters(d, d.num(2, 4), values.UPPER)])))
CURRENCIES, ZONES, UNITS = pool("words", "currencies"), pool("words", "time zones"), pool("words", "units")
LANGUAGES, ROOMS, CUISINES = pool("words", "languages"), pool("words", "rooms"), pool("words", "cuisines")
OBJECTS = ["address", "filter", "options", "person", "item", "range", "settings"]


@functools.lru_cache(1 << 16)
def words_of(name):
    """A parameter's or tool's name as one says it: "due_date" and "dueDate" are due date."""
    out = "".join(" " + c.lower() if c.isupper() else c for c in name)
    return out.replace("_", " ").replace("-", " ").strip()


def joined(items, last=" and "):
    return items[0] if len(items) == 1 else ", ".join(items[:-1]) + last + items[-1]


MARKS = [('"', '"')] * 6 + [("'", "'")] * 2 + [("`", "`"), ("“", "”"), ("«", "»")]


def quoted(d, text):
    """In quotation marks that do not occur in it, if there are such."""
    a, b = d.one(MARKS)
    if a in text or b in text:
        a, b = next(((a, b) for a, b in MARKS if a not in text and b not in text), ("\n", "\n"))
    return a + text + b


UNIT_FORMS = [(names.split(), forms.split(" | ")) for names, forms in (line.split(" : ") for line in MORE["unit forms"])]
UNIT_OF = {name: forms for names, forms in UNIT_FORMS for name in names}


def with_unit(d, name, value):
    """A number with the unit that goes with the parameter's name, or None."""
    forms = UNIT_OF.get(name)
    return d.one(forms).format(v=value) if forms and value >= 0 else None


def written(d, kind, value):
    if isinstance(value, bool):
        return "yes" if value else "no"
    return shown(d, kind, value)


def shown(d, kind, value):
    """How the user writes a value down, without quotation marks."""
    if kind == "onoff":
        return "on" if value else "off"
    if kind == "lockstate":
        return "lock" if value else "unlock"
    if isinstance(value, list):
        return json.dumps(value, ensure_ascii=False) if d.chance(0.07) else joined([str(v) for v in value], d.one([" and ", ", "]))
    if kind in ("small", "int", "stars") and 0 <= value <= 100 and d.chance(0.25 if value <= 12 else 0.08):
        return number_word(value)
    if kind == "float" and d.chance(0.1) and value > 0:
        return d.one(["${}", "{} kg", "{} euros", "{}%", "{} km"]).format(value)
    if kind in ("unit", "travel", "priority", "role", "enum") and d.chance(0.25):
        return d.one([value.capitalize(), value.upper(), value.lower(), value.capitalize(), value + "s" if len(value) > 3 and value.isalpha() else value])
    return str(value)
