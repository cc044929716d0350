"""Tasks that copy, spell, count or reorder what the user gives."""
import symbols
import values
from material import sections
from turns import turn

FORMS = sections("copying")
LISTS = dict(line.split(": ") for line in FORMS["lists"])
ORDINALS = ["first", "second", "third", "fourth", "fifth", "last"]


def ask(d, name, **slots):
    return d.phrase(FORMS[name]).format(**slots)


def sequence(d, low=2, high=7):
    """A list of words, names, numbers or made-up words."""
    make = d.one([lambda: d.value(values.NOUNS), lambda: d.value(values.NOUNS), lambda: str(d.num(0, 99)), lambda: d.value(values.FIRST),
                  lambda: values.made_up(d), lambda: d.one(values.COLOURS), lambda: values.foreign_word(d)])
    return [make() for _ in range(d.num(low, high))]


def any_text(d):
    makers = [values.text, values.text, values.message, values.code, values.made_up, values.person, values.email, values.url, values.path, values.command,
              lambda d: " ".join(sequence(d, 2, 9)), lambda d: ", ".join(sequence(d, 2, 8)), lambda d: " ".join(values.made_up(d) for _ in range(d.num(2, 6))),
              lambda d: values.digits(d, d.num(2, 10)), values.foreign_word, values.sql]
    return d.one(makers)(d)


def repeat(d):
    x = any_text(d)
    return turn(ask(d, "repeat", x=x), x, ["is", x], "I repeat the text.")


def repeat_symbols(d):
    """Marks, code and JSON, copied mark by mark."""
    x = symbols.raw(d)
    return turn(ask(d, "repeat", x=x), x, ["is", x], "I repeat the text.")


def change_case(d):
    """Capitals are single tokens, so the model must know how each piece is spelled: every word is trained, in random company."""
    make = [lambda: d.one(values.NOUNS), lambda: d.one(values.ADJECTIVES), lambda: d.one(values.FIRST).lower(), lambda: values.made_up(d, 1, 2), lambda: values.made_up(d),
            lambda: d.one(values.VERBS)]
    words = d.fresh(lambda: " ".join(d.one(make)() for _ in range(d.one([1, 1, 1, 1, 2, 2, 3]))))
    way = d.one(["upper"] * 5 + ["lower"] * 2 + ["title"])
    source, out = {"upper": (words, words.upper()), "lower": (words.upper(), words), "title": (words, words.title())}[way]
    thought = "I change the first letters." if way == "title" else " ".join("-".join(word) for word in source.split())
    return turn(ask(d, way, x=source), out, ["is", out], thought)


def reverse(d):
    items = sequence(d)
    out = ", ".join(items[::-1])
    return turn(ask(d, "reverse", x=", ".join(items)), out, ["is", out], "I go through the list.")


def nth(d):
    items = sequence(d)
    place = d.one(ORDINALS[:len(items)] + ["last"])
    out = items[-1 if place == "last" else ORDINALS.index(place)]
    return turn(ask(d, "nth", x=", ".join(items), nth=place), out, ["is", out], "I go through the list.")


def count(d):
    items = sequence(d)
    thought = ", ".join(f"{i + 1} {w}" for i, w in enumerate(items))
    if d.chance(0.5):
        return turn(ask(d, "count items", x=", ".join(items)), f"There are {len(items)} items.", ["number", len(items)], thought)
    return turn(ask(d, "count words", x=" ".join(items)), f"There are {len(items)} words.", ["number", len(items)], thought)


def make_list(d):
    items, bullets = sequence(d), d.chance(0.5)
    out = "\n".join(f"- {w}" if bullets else f"{i + 1}. {w}" for i, w in enumerate(items))
    return turn(ask(d, "bullets" if bullets else "numbered", x=", ".join(items)), out, ["is", out], "I go through the list.")


def sort(d):
    items = d.some(range(100), d.num(2, 6))
    out = ", ".join(map(str, sorted(items)))
    return turn(ask(d, "sort", x=", ".join(map(str, items))), out, ["is", out], "I go through the list.")


def list_task(d):
    return d.one([reverse, nth, nth, count, count, make_list, sort])(d)


def spell(d):
    word = d.one([d.one(values.NOUNS), d.one(values.ADJECTIVES), d.one(values.FIRST).lower(), d.one(values.VERBS), values.made_up(d, 1, 2), values.made_up(d)])
    return turn(ask(d, "spell", x=word), "-".join(word), ["is", "-".join(word)], "Letter by letter.")


def compare(d):
    a, b = d.some(range(100), 2)
    big = d.chance(0.5)
    best, how = (max(a, b), "larger") if big else (min(a, b), "smaller")
    return turn(ask(d, how, a=a, b=b), f"{best} is {how}.", ["number", best], f"I compare {a} and {b}.")


def name_some(d):
    n, what = d.num(2, 6), d.one(list(LISTS))
    out = ", ".join(LISTS[what].split(", ")[:n])
    return turn(ask(d, "name some", n=d.one([n, values.NUMBER_WORDS[n]]), w=what), out, ["is", out], f"{n} {what}.")


def even_or_odd(d):
    n = d.num(0, 100)
    out = f"{n} is {'odd' if n % 2 else 'even'}."
    return turn(ask(d, "even", n=n), out, ["is", out], "The last digit decides.")


def count_up(d):
    a = d.num(0, 90)
    b = a + d.num(2, 9)
    out = ", ".join(map(str, range(a, b + 1)))
    return turn(ask(d, "count up", a=a, b=b), out, ["is", out], "I count.")


def little(d):
    return d.one([spell, spell, spell, compare, name_some, even_or_odd, count_up])(d)
