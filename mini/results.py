"""What a tool gives back and the answer that a reader of it gives: [content, answer, parts that the answer must hold]."""
import values
from kinds import joined, words_of
from tools import dumps
from turns import upper_first

STATUS = ["ok", "sent", "done", "success", "shipped", "open", "pending", "confirmed"]
WEATHER = ["sunny", "rainy", "cloudy", "windy", "snowy", "foggy", "clear"]
MAKE = {"temperature": lambda d: d.num(-15, 40), "condition": lambda d: d.one(WEATHER) if d.chance(0.9) else values.made_up(d), "time": values.clock,
        "result": lambda d: d.one([d.num(0, 99999), d.num(0, 999), d.num(0, 999) + 0.25]), "answer": values.bare_text, "status": lambda d: d.one(STATUS),
        "id": values.code, "price": values.decimal, "translation": lambda d: values.made_up(d) + " " + values.made_up(d), "code": values.code,
        "name": values.person, "distance": lambda d: d.num(1, 2000), "content": values.bare_text, "count": lambda d: d.num(0, 900),
        "output": lambda d: d.one([values.bare_text, values.path, values.word])(d), "total": lambda d: d.num(1, 5000), "location": values.city,
        "headline": values.bare_text, "definition": values.bare_text, "number": lambda d: d.num(0, 5000), "population": lambda d: d.num(10000, 9999999),
        "balance": values.decimal, "title": values.title, "url": values.url, "rating": lambda d: d.num(10, 99) / 10, "director": values.person,
        "minutes": lambda d: d.num(5, 120), "phone": lambda d: values.digits(d, d.num(6, 11)), "language": lambda d: d.one(["English", "French", "German", "Spanish"]),
        "city": values.city, "date": values.date, "message": values.bare_text, "email": values.email, "unit": lambda d: d.one(["celsius", "fahrenheit"]),
        "humidity": lambda d: d.num(5, 100), "wind_speed": lambda d: d.num(0, 120), "available": lambda d: d.chance(0.5), "currency": lambda d: "EUR"}


def said(value):
    return {True: "yes", False: "no", None: "unknown"}[value] if value is None or isinstance(value, bool) else str(value)


def listing(data):
    """(answer that names every key, its parts)"""
    parts = [f"the {words_of(k)} is {said(v)}" for k, v in data.items()]
    return upper_first(joined(parts)) + ".", [said(v) for v in data.values()]


def any_data(d):
    data = {}
    for _ in range(d.num(1, 4)):
        key = d.one(list(MAKE)) if d.chance(0.7) else d.one([values.made_up(d), d.value(values.THINGS).replace(" ", "_")])
        data[key] = MAKE[key](d) if key in MAKE else d.one([values.word(d), d.num(0, 999)])
    return data


def compact(d):
    return d.chance(0.3)


def error(d):
    text = d.one(["not found", "permission denied", "timeout", "service unavailable", "invalid input", "unknown " + values.word(d), values.bare_text(d)])
    content = dumps({"error": text}, compact(d)) if d.chance(0.7) else f"Error: {text}"
    return content, f"The tool reported an error: {text}", [text]


def plain(d):
    """A text, a number or a word that is no JSON object."""
    text = d.one([values.bare_text, values.bare_text, lambda d: f"{d.num(0, 500)} {values.word(d)}s", values.code, values.word, lambda d: str(values.decimal(d)),
                  lambda d: f"Done: {values.code(d)}", lambda d: f"{d.num(-10, 35)} degrees, {d.one(WEATHER)}", lambda d: f"{values.word(d)}: {d.num(1, 99)}"])(d)
    return text, f"The result is: {text}", [text]


def listed(d):
    """A list of words or of objects, whose first values are told."""
    make = d.one([values.word, values.person, values.city, values.title, values.path])
    items = [make(d) for _ in range(d.num(1, 5))]
    content = items
    if d.chance(0.5):
        key, extra = d.one(["name", "title", "id", "label"]), d.one(["price", "rating", "url", "count", "date"])
        content = [{key: item, extra: MAKE[extra](d)} if extra != key else {key: item} for item in items]
    if d.chance(0.5):
        content = {d.one(["results", "items", "data", "entries"]): content}
    return dumps(content, compact(d)), "Here are the results: " + ", ".join(items) + ".", items


def nested(d):
    inner = any_data(d)
    answer, parts = listing(inner)
    return dumps({d.one(["result", "data", "response", values.made_up(d)]): inner}, compact(d)), answer, parts


def general(d):
    data = any_data(d)
    answer, parts = listing(data)
    return dumps(data, compact(d)), answer, parts


def of_family(d, tool, arguments):
    """The family's own keys and its own answer, which may name the arguments."""
    family = tool.family
    data = {k: MAKE[k](d) for k in family.results}
    spoken = {slot: arguments[p.name] for slot, p in tool.slots.items() if p.name in arguments}
    needed = [slot for slot in tool.slots if "{" + slot + "}" in family.answer and slot not in data]
    if any(slot not in spoken or isinstance(spoken[slot], str) and "\n" in spoken[slot] for slot in needed):
        answer, parts = listing(data)
        return dumps(data, compact(d)), answer, parts
    sent = {**{k: v for k, v in arguments.items() if d.chance(0.15) and k not in data}, **data}
    return dumps(sent, compact(d)), family.answer.format(**{**spoken, **data}), [str(v) for k, v in data.items() if "{" + k + "}" in family.answer]


def result(d, tool, arguments):
    k = d.num(1, 100)
    if k <= 8:
        return error(d)
    if k <= 22:
        return plain(d)
    if k <= 30:
        return listed(d)
    if k <= 35:
        return nested(d)
    return of_family(d, tool, arguments) if hasattr(tool, "family") and k <= 90 else general(d)


