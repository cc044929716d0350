"""Makers of the values that users write and tools take: names, cities, texts, dates, codes, paths.

Every maker takes the Dice and gives a value of its split, so that no value of the evaluation is ever trained.
"""
from material import pool, sections

FIRST, LAST, NOUNS = pool("words", "first names"), pool("words", "last names"), pool("words", "nouns") + pool("words", "more words")
CITIES, THINGS, COLOURS = pool("words", "cities"), pool("words", "things"), pool("words", "colours")
ADJECTIVES, DAYS, MONTHS = pool("words", "adjectives"), pool("words", "days"), pool("words", "months")
NUMBER_WORDS, EXTENSIONS = pool("words", "number words"), pool("words", "extensions")
VERBS = pool("vocabulary", "verbs")
FOREIGN, FOREIGN_CITIES, SCRIPTS = pool("words", "foreign names"), pool("words", "foreign cities"), sections("words")["scripts"]

REAL = [w.lower() for w in {x for p in (FIRST, LAST, NOUNS, ADJECTIVES) for x in p} if len(w) > 3]
REAL.sort()
ONSETS = "b bl br c ch cl cr d dr f fl fr g gl gr h j k kl kr l m n p pl pr qu r s sh sk sl sm sn sp st t th tr v w y z".split()
VOWELS = "a e i o u a e i o ai ea oo ou".split()
CODAS = ["", "", "", "l", "m", "n", "r", "s", "t", "x", "ck", "rn", "lt", "nd", "sk", "mp", "b", "d", "g", "p"]
LOWER = "abcdefghijklmnopqrstuvwxyz"


def letters(d, n, alphabet=LOWER):
    return "".join([d.one(alphabet) for _ in range(n)])


def digits(d, n):
    return str(d.num(1, 9)) + letters(d, n - 1, "0123456789")


def made_up(d, low=2, high=3):
    """A word that is no word: syllables ('blentik'), two real words cut and joined ('casulon'), or plain letters.

    They make the model copy letters and pieces instead of words it knows; every piece of the vocabulary comes up.
    """
    return d.fresh(lambda: _made_up(d, low, high))


def _made_up(d, low, high):
    k = d.num(1, 100)
    if k <= 42:
        return d.one(REAL)[:d.num(2, 5)] + d.one(REAL)[-d.num(2, 5):]
    if k <= 50:
        return letters(d, d.num(3, 8))
    return "".join([d.one(ONSETS) + d.one(VOWELS) for _ in range(d.num(low, high))]) + d.one(CODAS)


def foreign_word(d):
    """Letters beyond ASCII, which the tokenizer cuts into bytes."""
    script = d.one(SCRIPTS)
    if script is SCRIPTS[0]:
        word = made_up(d)
        i = d.num(0, len(word) - 1)
        return word[:i] + d.one(script) + word[i + 1:]
    return letters(d, d.num(2, 6), script)


def first_name(d):
    k = d.num(1, 100)
    if k <= 70:
        return d.value(FIRST)
    return made_up(d).capitalize() if k <= 93 else d.value(FOREIGN) if k <= 97 else d.fresh(lambda: foreign_word(d).capitalize())


def person(d):
    first = first_name(d)
    if d.chance(0.5):
        return first
    return first + " " + (d.value(LAST) if d.chance(0.7) else made_up(d).capitalize())


def city(d):
    k = d.num(1, 100)
    if k <= 62:
        return d.value(CITIES)
    if k <= 80:
        return made_up(d).capitalize()
    if k <= 93:
        return d.fresh(lambda: double_city(d))
    return d.value(FOREIGN_CITIES) if k <= 97 else d.fresh(lambda: foreign_word(d).capitalize())


def double_city(d):
    """A place of two or three words, real or not."""
    name = d.one(CITIES).split()[0] if d.chance(0.4) else made_up(d).capitalize()
    return d.one(["New {}", "San {}", "Port {}", "Saint {}", "{} City", "{} Beach", "{} Springs", "{}, " + made_up(d).capitalize(), "{} " + made_up(d).capitalize(),
                  "{}-" + made_up(d).capitalize(), "North {}", "{} upon " + made_up(d).capitalize(), "Los {}", "{}, " + letters(d, 2, LOWER.upper()), "El {}"]).format(name)


def word(d):
    return d.value(NOUNS) if d.chance(0.6) else made_up(d)


def fill(d, form):
    """A form with its choices made and its {slots} of this module filled in."""
    text = d.expand(form)
    while "{" in text:
        head, rest = text.split("{", 1)
        name, tail = rest.split("}", 1)
        text = head + str(SLOTS[name](d)) + tail
    return text


def from_section(heading):
    forms = sections("sentences")[heading]
    return lambda d: d.fresh(lambda: fill(d, d.one(forms)))


message, title, query = from_section("messages"), from_section("titles"), from_section("queries")
task, command, picture = from_section("tasks"), from_section("commands"), from_section("pictures")
pattern, sql = from_section("code"), from_section("sql")


def text(d):
    """A short free text, as one puts between quotation marks."""
    k = d.num(1, 100)
    if k <= 45:
        out = message(d)
        return out if out[-1] in "?!" else out + d.one(["", "", ".", "!"])
    if k <= 80:
        return title(d)
    if k <= 97:
        return d.fresh(lambda: " ".join(word(d) for _ in range(d.num(1, 5))))
    return d.fresh(lambda: d.one(["\n", " - ", "; ", " / "]).join(message(d) for _ in range(2)) if d.chance(0.5) else f'The {word(d)} says "{message(d)}"')


def bare_text(d):
    """A text without a mark at its end, fit to stand without quotation marks."""
    return d.fresh(lambda: text(d).rstrip(".!?"))


def date(d):
    return d.fresh(lambda: _date(d)) if d.chance(0.85) else d.one([d.value(DAYS), "tomorrow", "today", "next " + d.one(DAYS), "tonight"])


def _date(d):
    year, month, day = d.num(2019, 2032), d.num(1, 12), d.num(1, 28)
    name = MONTHS[month - 1]
    return d.one([f"{year}-{month:02}-{day:02}"] * 5 + [f"{name} {day}", f"{day} {name} {year}", f"{name} {day}, {year}", f"{day:02}/{month:02}/{year}",
                                                       f"{day}.{month}.{year}", f"{day} {name}"])


def clock(d):
    return d.one([f"{d.num(0, 23):02}:{d.num(0, 59):02}", f"{d.num(0, 23):02}:{d.one(['00', '15', '30', '45'])}", f"{d.num(1, 12)} pm",
                  f"{d.num(1, 12)}:{d.num(10, 59)}", f"{d.num(1, 12)} am", f"{d.num(1, 12)}pm", f"{d.num(1, 12)}:{d.one(['00', '30'])} am"])


def moment(d):
    """A time as people say it: "tomorrow at 9", "on Friday evening", "in ten minutes"."""
    day = d.one(["tomorrow", "today", "tonight", "on " + d.one(DAYS), "next " + d.one(DAYS), "next week", "on " + _date(d), "this " + d.one(DAYS)])
    return d.one([f"{day} at {clock(d)}", f"{day} at {d.num(1, 12)}", day, f"at {clock(d)}", f"in {d.num(2, 59)} {d.one(['minutes', 'hours', 'days'])}",
                  f"{day} {d.one(['morning', 'evening', 'afternoon'])}", f"every {d.one(DAYS)}", f"in {d.one(NUMBER_WORDS[2:])} minutes", f"at {d.num(1, 12)}"])


def email(d):
    return d.fresh(lambda: _email(d))


def _email(d):
    host = d.one(["mail.com", "example.com", "example.org", made_up(d) + ".com", made_up(d) + "." + d.one(["net", "io", "de", "co.uk", "dev"])])
    name = d.one(FIRST).lower() if d.chance(0.75) else made_up(d)
    return name + d.one(["", "", "." + d.one(LAST).lower(), digits(d, 2), "_" + made_up(d), "-" + letters(d, 2)]) + "@" + host


UPPER = LOWER.upper()


def code(d):
    return d.fresh(lambda: d.one(CODES)(d))


CODES = [lambda d: letters(d, d.num(1, 3), UPPER) + "-" + digits(d, d.num(3, 5)), lambda d: digits(d, d.num(4, 8)), lambda d: letters(d, d.num(4, 8), "abcdef0123456789"),
         lambda d: letters(d, d.num(2, 3), UPPER) + digits(d, d.num(3, 4)), lambda d: letters(d, d.num(3, 6)), lambda d: made_up(d) + "-" + digits(d, 2),
         lambda d: "#" + digits(d, d.num(3, 5)), lambda d: made_up(d) + "_" + digits(d, d.num(1, 3)),
         lambda d: letters(d, d.num(5, 9), UPPER + "0123456789"), lambda d: "-".join(letters(d, 4, UPPER + "0123456789") for _ in range(d.num(2, 3)))]


def path(d):
    return d.fresh(lambda: _path(d))


def _path(d):
    name = word(d) + d.one(["", "", "_" + word(d), "-" + digits(d, 2), digits(d, 1), word(d).capitalize()])
    return d.one(["", "", folder(d) + "/"]) + name + "." + d.one(EXTENSIONS)


def folder(d):
    head = d.one(["/home/" + d.one(FIRST).lower(), "/tmp", "docs", "src", ".", "/var/log", "/etc", "~", "..", made_up(d), "C:\\Users\\" + made_up(d)])
    if "\\" in head:
        return head
    return head + "".join("/" + word(d) for _ in range(d.one([0, 1, 1, 2]) or head in (".", "..")))


def url(d):
    return d.fresh(lambda: f"{d.one(['https://', 'https://', 'http://'])}{d.one(['www.', '', 'api.', 'docs.'])}{d.one([made_up(d), 'example'])}."
                   f"{d.one(['com', 'org', 'net', 'io', 'dev'])}{d.one(['', '/' + word(d), '/' + word(d) + '/' + digits(d, 2), '/' + made_up(d) + '.html'])}")


def decimal(d):
    """An integer or a number with one or two places, as JSON reads it."""
    k = d.num(0, 3)
    if k == 0:
        return round(d.num(0, 999) + d.num(1, 99) / 100, 2)
    return d.num(1, 99) + 0.5 if k == 1 else d.num(1, 500) if k == 2 else d.num(-40, 9999)


def expression(d):
    a, b, c = d.num(1, 999), d.num(1, 999), d.num(1, 99)
    return d.fresh(lambda: d.one([f"{a} * {b}", f"{a} + {b}", f"{a} / {c}", f"{a} - {b}", f"({a} + {b}) * {c}", f"{a} * {b} + {c}", f"{c}^2", f"sqrt({a})",
                                  f"{a}.5 * {c}", f"{a}*{c}", f"{a}+{b}", f"{c}**{d.num(2, 5)}", f"{a} % {c}", f"{a} / ({b} - {c})", f"2 * ({a} + {c})"]))


SLOTS = {"word": word, "adj": lambda d: d.value(ADJECTIVES), "person": person, "city": city, "clock": clock, "made": made_up, "num": lambda d: d.num(2, 99), "digits": lambda d: digits(d, d.num(5, 10)),
         "Word": lambda d: word(d).capitalize(), "Adj": lambda d: d.value(ADJECTIVES).capitalize(), "path": path, "folder": folder, "url": url,
         "day": lambda d: d.one(DAYS), "ext": lambda d: d.one(EXTENSIONS), "table": lambda d: d.one(["users", "orders", "products", made_up(d)]), "thing": lambda d: d.value(THINGS),
         "date": lambda d: date(d)}
