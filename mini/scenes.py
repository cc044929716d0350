"""Whole conversations without tools: single questions, drills, chats with memory, personas.

A scene is {"kind", "messages", "tools"} and may hold a "system"; assistant messages carry a "thought", the last one a "check".
"""
import copying
import facts
import forms
import sums
import talk
import values
from material import sections
from turns import turn

SMALL = [facts.fact] * 28 + [facts.unknown] * 13 + [facts.too_hard] * 9 + [talk.small_talk] * 12 + [talk.statement] * 5 + [sums.arithmetic] * 28 + \
    [sums.story_sum] * 6 + [copying.repeat] * 9 + [copying.repeat_symbols] * 9 + [copying.change_case] * 14 + [copying.list_task] * 12 + [copying.little] * 11 + [talk.poem] * 2 + \
    [forms.json_answer] * 36
QUICK = [facts.fact] * 14 + [facts.unknown] * 5 + [sums.arithmetic] * 10 + [sums.story_sum] * 2 + [talk.small_talk] * 4 + [copying.repeat] * 2 + \
    [copying.little] * 3 + [copying.list_task] * 3 + [copying.change_case] * 2 + [facts.too_hard] * 2
FORMS = sections("tools")
NO_TOOL = "I have no tool for that."


def user(text):
    return {"role": "user", "content": text}


def says(t):
    return {"role": "assistant", "content": t["answer"], "thought": t["thought"], "check": t["check"]}


def exchange(t):
    return [user(t["user"]), says(t)]


def calls(thought, *made):
    made = [{"name": name, "arguments": arguments} for name, arguments in made]
    return {"role": "assistant", "content": "", "thought": thought, "tool_calls": made, "check": ["calls", made]}


def scene(kind, messages, offered=(), system=None):
    out = {"kind": kind, "messages": messages, "tools": list(offered)}
    return {**out, "system": system} if system else out


def single(d, make=None):
    make = make or d.one(SMALL)
    return scene(make.__name__, exchange(make(d)))


def drill(d):
    """Many short questions in a row."""
    messages = []
    for _ in range(d.num(15, 40) if d.chance(0.06) else d.num(3, 9)):
        messages += exchange(d.one(QUICK)(d))
    return scene("drill", messages)


def chat(d):
    """A conversation in which the user tells things and asks for them later."""
    messages, told = [], {}
    keys = d.some(list(forms.MEMORY), d.num(1, 3))
    if d.chance(0.3):
        messages += exchange(talk.small_talk(d))
    for key in keys:
        t, told[key] = forms.tell(d, key)
        messages += exchange(t)
        for _ in range(d.num(8, 20) if d.chance(0.03) else d.num(0, 1)):
            messages += exchange(d.one(QUICK)(d))
    for key in d.some(list(forms.MEMORY) if d.chance(0.25) else keys, d.num(1, 2)):
        messages += exchange(forms.recall(d, key, told))
        if d.chance(0.2):
            messages += exchange(d.one(QUICK)(d))
    return scene("memory", messages + exchange(forms.recall(d, d.one(keys), told)))


def persona(d):
    """The system prompt gives another name, or a value to tell."""
    k = d.num(1, 3)
    if k == 1:
        name = values.first_name(d)
        ask = d.one(["Who are you?", "What is your name?", "What's your name?", "Introduce yourself.", "who are you", "Tell me your name."])
        system = d.one(["You are {n}.", "Your name is {n}.", "You are {n}, a helpful assistant.", "You are called {n}.", "You are {n}, the assistant of {c}."])
        system = system.format(n=name, c=values.made_up(d).capitalize())
        return scene("persona", exchange(turn(ask, f"I am {name}.", ["has", [name]], "The system message gives me a name.")), system=with_rules(d, system))
    if k == 2:
        date = values.date(d)
        ask = d.one(["What is the date today?", "Which day is it today?", "What day is it?", "Tell me today's date."])
        system = d.one(["Today is {v}.", "The current date is {v}.", "Current date: {v}"]).format(v=date)
        return scene("persona", exchange(turn(ask, f"Today is {date}.", ["has", [date]], "The system message says it.")), system=with_rules(d, system))
    system, t = forms.json_by_system(d)
    return scene("json_system", exchange(t), system=system)


def with_rules(d, text):
    """The text among some of the sentences that system prompts are made of."""
    rules = [values.fill(d, r) for r in d.some(FORMS["system rules"], d.one([0, 0, 1, 2, 4]))]
    rules = [r for r in rules if not r.startswith("Today is")]
    i = d.num(0, len(rules))
    return " ".join(rules[:i] + [text] + rules[i:])


def system_prompt(d):
    """A short usual prompt, sometimes with rules behind it, rarely a long list of them."""
    text = d.one(FORMS["systems"])
    if d.chance(0.6):
        return text
    rules = [values.fill(d, r) for r in d.some(FORMS["system rules"], d.one([1, 1, 2, 3, 5, 9]))]
    if d.chance(0.3):
        return text + "\n\n" + "\n".join("- " + r for r in rules)
    return " ".join([text] + rules)
