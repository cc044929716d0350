"""Strings that must be copied mark by mark: braces, brackets, nested quotes, escapes, code, JSON, units, signs beyond ASCII.

Their parts are drawn anew each time, so that no string is learned by heart.
"""
import json

import values

SIGNS = list("{}[]()<>\"'`\\/|&%$#@!?*+-=^~_:;.,") + list("€£¥µ°§±×÷²³½…–—“”„«»→←≤≥≠∞√∑πΩΔ№™©®¿¡✓★") + ["{{", "}}", "[[", "]]", "\\n", "\\\"", "\\\\", "${", "%}", "{%", "//", "&&", "||", "=>", "::", "..", "!=", "=="]
QUOTES = [('"', '"'), ("'", "'"), ("“", "”"), ("„", "“"), ("«", "»"), ("`", "`"), ("(", ")"), ("[", "]"), ("{", "}"), ("<", ">"), ("{{", "}}"), ("[[", "]]"), ("**", "**"), ("$", "$"), ("%", "%"), ("<b>", "</b>"), ("${", "}")]
UNITS = ["%", " %", " km", "km", " kg", " m", " cm", " mm", " µm", "µm", " µg", " µF", " mg", " g", " ml", " l", " °C", "°C", "°F", "°", " GB", "GB", " MB", " kHz", " GHz", " V", " kW", " W", " Ω", " bar", " hPa", " km/h",
         " m/s", " m²", " m³", " h", "h", " min", " s", " ms", " €", "€", " EUR", " USD", "x", " ft", " in", "\"", " kcal", " dB", " ppm", " lb", " oz", " years", " weeks", " days", " hours", " minutes", " pieces"]
MONEY = ["€", "$", "£", "¥", "€ ", "US$", "CHF ", "USD ", "EUR "]
OPERATORS = ["=", "==", "!=", "<", ">", "<=", ">=", "+", "-", "*", "/", "%", "&&", "||", "and", "or", "in", "=>", "->", ":=", "+="]


def name(d):
    return d.one([values.word, values.made_up, values.made_up, lambda d: f"{values.word(d)}_{values.made_up(d)}", lambda d: values.made_up(d) + values.word(d).capitalize()])(d)


def number(d):
    return d.one([str(d.num(0, 9)), str(d.num(0, 999)), f"{d.num(0, 99)}.{d.num(0, 99)}", f"{d.num(1, 9)},{d.num(100, 999)}", f"-{d.num(1, 99)}", f"{d.num(1, 9)}/{d.num(2, 9)}", f"{d.num(1, 9)}e{d.num(2, 9)}", f"1{d.num(0, 9)}.{d.num(0, 9)}"])


def measure(d):
    """A number with its unit: "12 %", "5 km", "€20", "3.5 µm"."""
    k = d.num(1, 100)
    plain = str(d.num(1, d.one([20, 100, 1000]))) if d.chance(0.65) else f"{d.num(0, 99)}.{d.num(1, 9)}"
    if k <= 72:
        return plain + d.one(UNITS)
    if k <= 90:
        return d.one(MONEY) + d.one([plain, f"{d.num(1, 99)},{d.num(100, 999)}", f"{d.num(1, 99)}.{d.num(10, 99)}"])
    return d.one([f"{plain}-{d.num(1, 99)}{d.one(UNITS)}", f"±{plain}{d.one(UNITS)}", f"{d.num(1, 12)} x {d.num(1, 99)}{d.one(UNITS)}", f"~{plain}{d.one(UNITS)}", f"<{plain}{d.one(UNITS)}", f"{d.num(1, 23)}h{d.num(10, 59)}", f"{d.num(1, 5)} 1/2{d.one(UNITS)}"])


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


def code(d):
    a, b, c, n = name(d), name(d), values.word(d), d.num(0, 99)
    op = d.one(OPERATORS)
    return d.one([f"{a}({b}, {n})", f"{a}[{n}]", f"{a}.{b}({c!r})", f"if ({a} {op} {n}) {{ {b}(); }}", f"const {a} = [{n}, {d.num(0, 99)}];", f"{a} = {{\"{b}\": {n}}}",
                  f"print(\"{c}\")", f"for {c} in {a}: {b}({c})", f"{a} => {b}({a})", f"{a}['{b}']", f"{{{{ {a}.{b} }}}}", f"{{{a}}}", f"${{{a}}}", f"%{a}%", f"<{c} id=\"{a}\">{b}</{c}>",
                  f"{a} ? {b} : {n}", f"def {a}({b}): return {b} * {n}", f"{a}::{b}<{c}>", f"!{a} && {b}", f"[{a}, {b}]", f"[x for x in {a} if x > {n}]", f"$.{a}[{n}].{b}", f"//{c}[@{a}=\"{b}\"]",
                  f"#{a} > .{b}", f".{a}:nth-child({n})", f"let {a}: {b}[] = [];", f"{a} |> {b}", f"echo \"${a}\" > {b}.txt", f"{a}; {b}", f"@{a}({n})", f"return `{c} ${{{a}}}`;", f"{a}\\{b}", f"\"{c}\" in {a}",
                  f"SELECT {a} FROM {b} WHERE {c} = '{name(d)}'", f"SELECT COUNT(*) FROM {a} WHERE {b} >= {n};", f"=SUM({c[0].upper()}{n}:{c[0].upper()}{n + 7})", f"{a} {op} {b}", f"({a} {op} {n}) {d.one(OPERATORS)} {b}"])


def regex(d):
    a, n = name(d), d.num(1, 9)
    return d.one([f"^{a}$", f"[a-z]{{{n},{n + 3}}}", f"\\d{{{n}}}-\\w+", f"({a}|{name(d)})+", f"^\\s*{a}:\\s*(.*)$", f"{a}.*\\.{d.one(values.EXTENSIONS)}", f"[^\"{a[0]}]+", f"(?i){a}", f"\\b{a}\\b", f"*.{d.one(values.EXTENSIONS)}",
                  f"src/**/{a}*.{d.one(values.EXTENSIONS)}", f"{a}[0-9]?", f"{{{a},{name(d)}}}.{d.one(values.EXTENSIONS)}", f"\\[{a}\\]", f"[{a}]", f"{a}\\({n}\\)"])


def leaf(d):
    return d.one([d.num(0, 999), values.word(d), values.made_up(d), d.chance(0.5), None, f"{values.word(d)} {values.made_up(d)}"])


def json_text(d):
    """A JSON value as text, with and without spaces."""
    inner = {name(d): leaf(d) for _ in range(d.num(1, 3))}
    value = d.one([inner, inner, [leaf(d) for _ in range(d.num(1, 4))], {name(d): inner}, {name(d): [leaf(d) for _ in range(d.num(1, 3))]}, [inner]])
    return json.dumps(value, ensure_ascii=False, separators=d.one([None, (",", ":")]))


def sentence(d):
    """A sentence with something quoted, bracketed or measured in it."""
    form = d.one(["{m} {x}", "{m}: {x}", "{x} {m}", "{m} ({x})", "{x}: {m}", "{m} [{n}]", "{m}; {x}", "{m} & {x}", "{m} - {x}", "{m} / {x}", "{x} = {y}", "{m} {x} {y}", "use {x} for {y}", "The {x} is {y}", "{x} or {y}?",
                  "{x}, {y} and {n}", "#{n} {m}", "[{n}] {m}", "{m}... {x}!", "**{x}**: {m}", "- {x}\\n- {y}", "{y} @ {n}", "{m} 100% {x}", "{x}!?", "“{x}” {y}"])
    return form.format(m=values.message(d), n=d.num(1, 99), x=d.one([wrapped, wrapped, measure, values.word])(d), y=d.one([wrapped, name, measure])(d))


def exotic(d):
    """Signs from outside ASCII among words."""
    signs = SIGNS[32:64]
    return " ".join(d.one([values.word, values.foreign_word, values.foreign_word, lambda d: d.one(signs) + str(d.num(1, 99)), lambda d: d.one(signs), lambda d: values.word(d) + d.one(signs)])(d) for _ in range(d.num(1, 4)))


def digest(d):
    """Ids, hashes and versions."""
    hexa = "0123456789abcdef"
    return d.one([lambda: values.letters(d, d.one([7, 8, 12, 16, 40]), hexa), lambda: "-".join(values.letters(d, n, hexa) for n in (8, 4, 4, 4, 12)), lambda: f"v{d.num(0, 9)}.{d.num(0, 20)}.{d.num(0, 40)}",
                  lambda: ".".join(str(d.num(1, 255)) for _ in range(4)), lambda: f"+{d.num(1, 99)} {values.digits(d, 3)} {values.digits(d, 6)}", lambda: f"{values.letters(d, 2, values.UPPER)}{values.digits(d, 2)} {values.digits(d, 4)} {values.digits(d, 4)}",
                  lambda: f"{values.made_up(d)}:{d.num(80, 9999)}", lambda: f"sha256:{values.letters(d, 16, hexa)}", lambda: f"@{values.made_up(d)}", lambda: f"#{values.word(d)}{d.num(1, 99)}", lambda: f"{d.num(1, 12)}/{d.num(1, 28)}/{d.num(20, 32)}",
                  lambda: f"20{d.num(20, 32)}-{d.num(1, 12):02}-{d.num(1, 28):02}T{d.num(0, 23):02}:{d.num(0, 59):02}:00Z", lambda: f"{values.made_up(d)}@{d.num(1, 9)}.{d.num(0, 9)}", lambda: f"{d.num(10, 99)}°{d.num(10, 59)}'N"])()


MAKERS = [noise, noise, code, code, regex, json_text, sentence, sentence, measure, wrapped, exotic, digest]


def raw(d):
    """Any of these strings, of this split."""
    return d.fresh(lambda: d.one(MAKERS)(d))


def raw_line(d):
    """One that can stand unquoted at the end of a request: it neither ends in a mark of a sentence nor begins with a quotation mark."""
    return d.fresh(lambda: raw(d).rstrip(".!?,;: ").lstrip("\"'«“„ ") or values.made_up(d))
