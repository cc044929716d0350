"""JSON answers with asked keys, and remembering what the user said earlier in the conversation."""
import json

import facts
import symbols
import values
from material import marked, pool, sections
from sums import number_pair
from turns import turn

FORMS = sections("json")
KEYS = {name: keys.split() for name, keys in (line.split(" : ") for line in FORMS["attributes"])}
JOBS = pool("words", "jobs")
EVENTS = ["meeting", "party", "concert", "lecture", "dinner", "training"]
MAKERS = {"name": values.person, "age": lambda d: d.num(1, 99), "city": values.city, "job": lambda d: d.one(JOBS), "email": values.email, "item": values.word, "items": lambda d: values.word(d) + "s",
          "price": values.decimal, "color": lambda d: d.one(values.COLOURS), "quantity": lambda d: d.num(2, 60),
          "event": lambda d: d.one(EVENTS) if d.chance(0.85) else values.made_up(d), "date": values.date, "time": values.clock}
TYPES = {str: "string", int: "integer", float: "number", type(None): "null"}


def key_list(d, keys):
    style = d.num(0, 3)
    shown = [f'"{k}"' for k in keys] if style == 0 else [f"`{k}`" for k in keys] if style == 1 else keys
    if len(shown) == 1 or d.chance(0.5):
        return ", ".join(shown)
    return ", ".join(shown[:-1]) + " and " + shown[-1]


def key_name(d):
    return d.fresh(lambda: d.one([d.one(values.NOUNS), d.one(values.THINGS).replace(" ", "_"), values.made_up(d),
                                  d.one(values.NOUNS) + "_" + d.one(["id", "name", "size", "code", values.made_up(d)])]))


def plain_sentence(d):
    """Made-up keys that stand in the text itself."""
    makers = [lambda: d.num(0, 999), lambda: values.word(d), lambda: d.one(values.COLOURS), lambda: values.code(d), lambda: values.person(d),
              lambda: values.bare_text(d), lambda: d.num(0, 50), lambda: values.decimal(d), lambda: symbols.measure(d), lambda: symbols.digest(d)]
    data = {key_name(d): d.one(makers)() for _ in range(d.num(1, 4))}
    form = d.one(["The {k} is {v}.", "{k}: {v}.", "{k} = {v};", "The {k} is {v},"])
    quoted = {k: f'"{v}"' if isinstance(v, str) and ('"' not in v) and (" " in v or v.isdigit() or d.chance(0.2)) else v for k, v in data.items()}
    return " ".join(form.format(k=k.replace("_", " ") if d.chance(0.7) else k, v=v) for k, v in quoted.items()), data


def told_sentence(d):
    form = d.phrase(FORMS["sentences"])
    made = {a: make(d) for a, make in MAKERS.items() if "{" + a + "}" in form}
    return form.format(**made), {d.one(KEYS[a]): v for a, v in made.items()}


def json_turn(d, asked, data):
    return turn(asked, json.dumps(data, ensure_ascii=False), ["json", data], "The keys are " + ", ".join(data) + ".")


def json_fact(d):
    if d.chance(0.5):
        country, city = d.one(facts.CAPITALS)
        bare = country.replace("the ", "")
        data = d.one([{"capital": city}, {"country": bare, "capital": city}, {"capital": city, "country": bare}, {"city": city, "country": bare}])
        return json_turn(d, d.phrase(FORMS["capital asks"]).format(x=country, k=key_list(d, list(data))), data)
    a, b = number_pair(d, "+")
    data = d.one([{"result": a + b}, {"a": a, "b": b, "sum": a + b}, {"sum": a + b}, {"answer": a + b}])
    return json_turn(d, d.phrase(FORMS["sum asks"]).replace("{a}", str(a)).replace("{b}", str(b)).format(k=key_list(d, list(data))), data)


def json_source(d):
    """(text, the data in it that is asked for)"""
    text, data = plain_sentence(d) if d.chance(0.35) else told_sentence(d)
    keys = d.some(list(data), len(data) if d.chance(0.6) else d.num(1, len(data)))
    data = {k: data[k] for k in keys}
    if d.chance(0.06):
        data[d.one(["phone", "country", "weight", values.made_up(d), "zip_code", "nickname"])] = None
    return text, data


def json_answer(d):
    if d.chance(0.1):
        return json_fact(d)
    text, data = json_source(d)
    if d.chance(0.15):
        schema = {"type": "object", "properties": {k: {"type": TYPES[type(v)]} for k, v in data.items()}, "required": list(data)}
        asked = d.phrase(FORMS["schema asks"]).replace("\\n", "\n").replace("{schema}", json.dumps(schema)).replace("{s}", text)
    else:
        asked = d.phrase(FORMS["asks"]).replace("\\n", "\n").replace("{keys}", key_list(d, list(data))).replace("{s}", text)
    return json_turn(d, asked, data)


def json_by_system(d):
    """(system prompt that asks for JSON, turn whose user text is the bare source)"""
    text, data = json_source(d)
    return d.phrase(FORMS["system asks"]).replace("{keys}", key_list(d, list(data))), json_turn(d, text, data)


MEMORY = {key: marked(lines) for key, lines in sections("memory").items()}
REMEMBERED = {"name": values.person, "city": values.city, "colour": lambda d: d.one(values.COLOURS), "age": lambda d: d.num(5, 99),
              "dog": values.first_name, "job": lambda d: d.one(JOBS), "code": values.code}


def tell(d, key):
    """(the user tells something, the value told)"""
    value = REMEMBERED[key](d)
    forms = MEMORY[key]
    return turn(d.phrase(forms["+"]).format(v=value), forms["="][0].format(v=value), ["has", [str(value)]], "I keep this in mind."), value


def recall(d, key, told):
    forms = MEMORY[key]
    if key in told:
        return turn(d.phrase(forms["?"]), forms["!"][0].format(v=told[key]), ["has", [str(told[key])]], "The user told me this.")
    return turn(d.phrase(forms["?"]), forms["-"][0], ["has", [forms["-"][0]]], "The user did not tell me this.")
