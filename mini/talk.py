"""Small talk and identity, things told without a question, poems and stories."""
import values
from material import marked, pool, sections
from turns import article, turn, upper_first

NAME = "Pippin"
SPORTS = pool("words", "sports")
SMALL = {label: marked(lines) for label, lines in sections("talk").items() if label != "around"}
LABELS = [label for label in SMALL for _ in range(4 if label == "who" else 3 if label in ("greet", "can", "model") else 1)]
POEMS = sections("poems")
TOPICS = {k: v.split(", ") for k, v in (line.split(": ") for line in POEMS["topics"])}
NO_ARTICLE = POEMS["no article"][0].split()


def small_talk(d, label=None):
    label = label or d.one(LABELS)
    asks, answers = SMALL[label]["?"], [a.replace("\\n", "\n") for a in SMALL[label]["!"]]
    thought = {"joke": "A joke, then.", "who": "The user asks who I am."}.get(label, "I can answer this directly.")
    return turn(d.phrase(asks).replace("{n}", NAME), d.one(answers), ["one of", answers], thought)


def statement(d):
    """Things one says without asking; and keyboard noise."""
    if d.chance(0.25):
        makers = [values.made_up, lambda d: values.letters(d, d.num(3, 9)), values.code]
        noise = " ".join(d.one(makers)(d) for _ in range(d.num(1, 3)))
        return turn(noise, "I do not understand that.", ["has", ["do not understand"]], "This makes no sense to me.")
    return turn(remark(d), "I see. Thank you for telling me.", ["has", ["I see"]], "The user tells me something.")


def remark(d):
    limits = sections("limits")
    slots = {"city": values.city(d), "thing": d.value(values.THINGS), "word": values.word(d), "person": values.person(d), "food": d.value(values.NOUNS),
             "topic": d.value(limits["subjects"])}
    return article(d.phrase(limits["statements"]).format(**slots))


def poem(d):
    """Four lines about a topic, or a story of six sentences."""
    topic = d.one(list(TOPICS)) if d.chance(0.7) else d.one([d.value(values.THINGS), d.value(values.NOUNS), values.made_up(d)])
    a, b, does, where = TOPICS[topic] if topic in TOPICS else d.one(POEMS["generic"]).split(",")
    the = topic if topic in NO_ARTICLE else "the " + topic
    fill = {"t": topic, "T": the, "a": a, "b": b, "d": does, "w": where, "p": d.value(values.FIRST)}
    asked = d.one([topic, the] if the == topic else [topic, article("a " + topic), the])
    if d.chance(0.75):
        lines = [upper_first(half) for c in d.some(POEMS["couplets"], 2) for half in article(c.format(**fill)).split(" | ")]
        return turn(d.phrase(POEMS["poem asks"]).format(t=asked), "\n".join(lines), ["poem", [topic, 4]], f"A poem about {topic}.")
    text = " ".join(article(d.one(part.split(" | ")).format(**fill)) for part in POEMS["story"])
    return turn(d.phrase(POEMS["story asks"]).format(t=asked), upper_first(text), ["has", [topic]], f"A story about {topic}.")
