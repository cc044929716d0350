"""Strings that must be copied mark by mark: braces, brackets, nested quotes, escapes, code, JSON, units, signs beyond ASCII.

Their parts are drawn anew each time, so that no string is learned by heart.
"""
import json

import values
from material import sections

SIGNS = list("{}[]()<>\"'`\\/|&%$#@!?*+-=^~_:;.,") + list("€£¥µ°§±×÷²³½…–—“”„«»→←≤≥≠∞√∑πΩΔ№™©®¿¡✓★") + \
    "{{ }} [[ ]] \\n \\\" \\\\ ${ %} {% // && || => :: .. != ==".split()
FAR_SIGNS = [s for s in SIGNS if ord(s[0]) > 127]
QUOTES = [pair.split("…") for pair in "\"…\" '…' “…” „…“ «…» `…` (…) […] {…} <…> {{…}} [[…]] **…** $…$ %…% <b>…</b> ${…}".split()]
UNITS = [u.replace("_", " ") for u in """% _% _km km _kg _m _cm _mm _µm µm _µg _µF _mg _g _ml _l _°C °C °F ° _GB GB _MB _kHz _GHz _V _kW _W _Ω _bar _hPa _km/h _m/s
_m² _m³ _h h _min _s _ms _€ € _EUR _USD x _ft _in " _kcal _dB _ppm _lb _oz _years _weeks _days _hours _minutes _pieces""".split()]
MONEY = ["€", "$", "£", "¥", "€ ", "US$", "CHF ", "USD ", "EUR "]
OPERATORS = "= == != < > <= >= + - * / % && || and or in => -> := +=".split()


def name(d):
    return d.one([values.word, values.made_up, values.made_up, lambda d: f"{values.word(d)}_{values.made_up(d)}",
                  lambda d: values.made_up(d) + values.word(d).capitalize()])(d)


def number(d):
    return d.one([str(d.num(0, 9)), str(d.num(0, 999)), f"{d.num(0, 99)}.{d.num(0, 99)}", f"{d.num(1, 9)},{d.num(100, 999)}", f"-{d.num(1, 99)}",
                  f"{d.num(1, 9)}/{d.num(2, 9)}", f"{d.num(1, 9)}e{d.num(2, 9)}", f"1{d.num(0, 9)}.{d.num(0, 9)}"])


def measure(d):
    """A number with its unit: "12 %", "5 km", "€20", "3.5 µm"."""
    k, unit = d.num(1, 100), d.one(UNITS)
    plain = str(d.num(1, d.one([20, 100, 1000]))) if d.chance(0.65) else f"{d.num(0, 99)}.{d.num(1, 9)}"
    if k <= 72:
        return plain + unit
    if k <= 90:
        return d.one(MONEY) + d.one([plain, f"{d.num(1, 99)},{d.num(100, 999)}", f"{d.num(1, 99)}.{d.num(10, 99)}"])
    return d.one([f"{plain}-{d.num(1, 99)}{unit}", f"±{plain}{unit}", f"{d.num(1, 12)} x {d.num(1, 99)}{unit}", f"~{plain}{unit}", f"<{plain}{unit}",
                  f"{d.num(1, 23)}h{d.num(10, 59)}", f"{d.num(1, 5)} 1/2{unit}"])


def wrapped(d):
    a, b = d.one(QUOTES)
    return a + d.one([name, name, values.word, lambda d: f"{values.word(d)} {values.word(d)}", number])(d) + b


def noise(d):
    """Words and marks in any order."""
    out = ""
    for _ in range(d.num(2, 7)):
        out += d.one([name, values.word, number, wrapped])(d) if d.chance(0.55) else d.one(SIGNS)
        out += d.one(["", " "])
    return out.strip()


# {a} {b} are names, {c} a word, {C} a cell, {n} {m} numbers, {o} {q} operators, {e} a file ending; ‹ and › stand for braces
CODE = [line.strip() for line in sections("code")["code"]]
REGEX = [line.strip() for line in sections("code")["regex"]]
SENTENCES = sections("code")["sentences"]


def filled(d, form):
    """A form of data/code.txt."""
    cell = d.one(values.UPPER) + str(d.num(1, 99))
    text = form.format(a=name(d), b=name(d), c=values.word(d), C=cell, n=d.num(0, 99), m=d.num(1, 9), o=d.one(OPERATORS), q=d.one(OPERATORS), e=d.one(values.EXTENSIONS))
    return text.replace("‹", "{").replace("›", "}")


def code(d):
    return filled(d, d.one(CODE))


def regex(d):
    return filled(d, d.one(REGEX))


def leaf(d):
    return d.one([d.num(0, 999), values.word(d), values.made_up(d), d.chance(0.5), None, f"{values.word(d)} {values.made_up(d)}"])


def json_text(d):
    """A JSON value as text, with and without spaces."""
    inner = {name(d): leaf(d) for _ in range(d.num(1, 3))}
    value = d.one([inner, inner, [leaf(d) for _ in range(d.num(1, 4))], {name(d): inner}, {name(d): [leaf(d) for _ in range(d.num(1, 3))]}, [inner]])
    return json.dumps(value, ensure_ascii=False, separators=d.one([None, (",", ":")]))


def sentence(d):
    """A sentence with something quoted, bracketed or measured in it."""
    x, y = d.one([wrapped, wrapped, measure, values.word])(d), d.one([wrapped, name, measure])(d)
    return d.one(SENTENCES).replace("\\n", "\n").format(m=values.message(d), n=d.num(1, 99), x=x, y=y)


def exotic(d):
    """Signs from outside ASCII among words."""
    makers = [values.word, values.foreign_word, values.foreign_word, lambda d: d.one(FAR_SIGNS) + str(d.num(1, 99)), lambda d: d.one(FAR_SIGNS),
              lambda d: values.word(d) + d.one(FAR_SIGNS)]
    return " ".join(d.one(makers)(d) for _ in range(d.num(1, 4)))


HEX = "0123456789abcdef"
DIGESTS = [lambda d: values.letters(d, d.one([7, 8, 12, 16, 40]), HEX), lambda d: "-".join(values.letters(d, n, HEX) for n in (8, 4, 4, 4, 12)),
           lambda d: f"v{d.num(0, 9)}.{d.num(0, 20)}.{d.num(0, 40)}", lambda d: ".".join(str(d.num(1, 255)) for _ in range(4)),
           lambda d: f"+{d.num(1, 99)} {values.digits(d, 3)} {values.digits(d, 6)}", lambda d: f"{values.letters(d, 2, values.UPPER)}{values.digits(d, 2)} {values.digits(d, 4)}",
           lambda d: f"{values.made_up(d)}:{d.num(80, 9999)}", lambda d: f"sha256:{values.letters(d, 16, HEX)}", lambda d: f"@{values.made_up(d)}",
           lambda d: f"#{values.word(d)}{d.num(1, 99)}", lambda d: f"{d.num(1, 12)}/{d.num(1, 28)}/{d.num(20, 32)}", lambda d: f"{values.made_up(d)}@{d.num(1, 9)}.{d.num(0, 9)}",
           lambda d: f"20{d.num(20, 32)}-{d.num(1, 12):02}-{d.num(1, 28):02}T{d.num(0, 23):02}:{d.num(0, 59):02}:00Z", lambda d: f"{d.num(10, 99)}°{d.num(10, 59)}'N"]


def digest(d):
    """Ids, hashes, versions, addresses."""
    return d.one(DIGESTS)(d)


MAKERS = [noise, noise, code, code, regex, json_text, sentence, sentence, measure, wrapped, exotic, digest]


def raw(d):
    """Any of these strings, of this split."""
    return d.fresh(lambda: d.one(MAKERS)(d))


def raw_line(d):
    """One that can stand unquoted at the end of a request: it does not end in a mark of a sentence nor begin with a quotation mark."""
    return d.fresh(lambda: raw(d).rstrip(".!?,;: ").lstrip("\"'«“„ ") or values.made_up(d))
