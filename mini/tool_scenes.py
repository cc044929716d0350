"""Conversations with tools: one and two calls, none, a missing value, results and their answers, long sessions."""
import copying
import facts
import forms
import sums
import talk
from everyday import ANSWERABLE, BROAD, FAMILIES, EverydayTool, alike
from inflect import number_word
from kinds import joined
from made import MadeTool, similar, twins
from results import result
from scenes import FORMS, NO_TOOL, calls, exchange, says, scene, user
from turns import lower_first, turn
from wording import LOOKS

SMALL_TALK = [talk.small_talk] * 5 + [copying.repeat, talk.poem, talk.statement]
UNSAYABLE = {"at", "to", "from", "with", "on", "start", "end"}
NO_TOOL_TURNS = [facts.fact] * 6 + [sums.arithmetic] * 2 + [forms.json_answer] * 2 + [copying.list_task] + SMALL_TALK


def clash(a, b):
    """Could one request mean both tools?"""
    if a.name == b.name:
        return True
    made = [t for t in (a, b) if isinstance(t, MadeTool)]
    if len(made) == 2:
        looks = not (a.exact and b.exact) and all(any(v in LOOKS for v in t.group) for t in made)
        return a.noun == b.noun and (looks or bool(set(a.group) & set(b.group)))
    if len(made) == 1:
        other = b if made[0] is a else a
        return any(w in name.split() for w in made[0].noun.split() for name in other.words())
    return alike(a, b)


def new_tool(d, everyday):
    return EverydayTool(d, d.one(FAMILIES)) if everyday else MadeTool(d)


def offers(d, n=None, first=None):
    """One to five tools, rarely more; the first is the one to call."""
    n = n or (d.num(6, 12) if d.chance(0.04) else d.one([1, 1, 1, 2, 2, 3, 3, 4, 5]))
    out = [first] if first else list(twins(d)) if n > 1 and d.chance(0.1) else [new_tool(d, d.chance(0.42))]
    mostly = 0.8 if not isinstance(out[0], MadeTool) and d.chance(0.4) else 0.35
    while len(out) < n:
        made = [t for t in out if isinstance(t, MadeTool)]
        tool = similar(d, made[0]) if made and d.chance(0.2) else None
        tool = tool or new_tool(d, d.chance(mostly))
        if not any(clash(tool, o) for o in out):
            out.append(tool)
    return out


def specs(d, offered):
    return [t.spec for t in d.shuffled(offered)]


def framed(d, text):
    """The request, sometimes with words before and after it, sometimes a remark that has nothing to do with it."""
    if not d.chance(0.2):
        return text
    frame = d.phrase(FORMS["frames"])
    if not frame.endswith(("{q}", "{l}")) and text[-1] not in ".?!":
        text += "."
    return frame.replace("{q}", text).replace("{l}", lower_first(text)).replace("{r}", talk.remark(d))


def small(value):
    """Strings in lower case, as users write who never use capitals."""
    if isinstance(value, dict):
        return {k: small(v) for k, v in value.items()}
    return value.lower() if isinstance(value, str) else [small(v) for v in value] if isinstance(value, list) else value


def request(d, tool):
    """(what the user says, arguments)"""
    text, arguments = tool.ask(d)
    text = framed(d, text)
    if not d.chance(0.06):
        return text, arguments
    options = {p.name for p in tool.params if p.options}
    return text.lower(), {k: v if k in options else small(v) for k, v in arguments.items()}


def call(tool, arguments):
    return calls(tool.named(arguments), (tool.name, arguments))


def answered(d, tool, arguments):
    """The tool's result and the answer from it."""
    content, answer, parts = result(d, tool, arguments)
    return [{"role": "tool", "content": content}, says(turn("", answer, ["has", parts], "I answer from the result."))]


def one_call(d, everyday=None):
    offered = offers(d, first=None if everyday is None else new_tool(d, everyday))
    text, arguments = request(d, offered[0])
    return scene("tool_call", [user(text), call(offered[0], arguments)], specs(d, offered))


def twin_call(d):
    """Two tools that only their verbs tell apart."""
    a, b = twins(d)
    offered = [b] + offers(d, d.one([1, 1, 2, 3]), a)
    text, arguments = request(d, a)
    return scene("tool_call", [user(text), call(a, arguments)], specs(d, list({t.name: t for t in offered}.values())))


def chosen_call(d, fits):
    """A call of a made-up tool that fits, with its arguments."""
    while True:
        tool = MadeTool(d)
        if any(fits(p) for p in tool.params):
            text, arguments = request(d, tool)
            if any(fits(p) and p.name in arguments for p in tool.params):
                return scene("tool_call", [user(text), call(tool, arguments)], specs(d, offers(d, first=tool)))


def symbol_call(d):
    """A value of marks, code or JSON that must come out as it went in."""
    return chosen_call(d, lambda p: p.kind.name == "raw")


def nested_call(d):
    return chosen_call(d, lambda p: p.kind.name in ("object", "objects"))


def several(d):
    """The same call for two to four of a kind: "open valves 3, 4 and 9"."""
    pair = None
    while not pair:
        tool = MadeTool(d)
        pair = tool.ask_two(d)
    text, made = pair
    return scene("tool_two", [user(framed(d, text)), both([(tool, a) for a in made])], specs(d, offers(d, first=tool)))


def one_made_call(d):
    return one_call(d, False)


def one_everyday_call(d):
    return one_call(d, True)


def result_scene(d):
    """A call, its result and the answer."""
    offered = offers(d)
    text, arguments = request(d, offered[0])
    return scene("tool_answer", [user(text), call(offered[0], arguments)] + answered(d, offered[0], arguments), specs(d, offered))


def plain_turn(d, offered):
    """Something that needs none of the offered tools."""
    broad = any(t.family.key in BROAD for t in offered if isinstance(t, EverydayTool))
    t = d.one(SMALL_TALK if broad else NO_TOOL_TURNS)(d)
    return {**t, "thought": "No tool is needed. " + t["thought"]}


def no_call(d):
    offered = offers(d)
    return scene("tool_none", exchange(plain_turn(d, offered)), specs(d, offered))


def refusal(text):
    return turn(text, NO_TOOL, ["has", [NO_TOOL]], "None of the tools does this.")


def unfit_tool(d):
    """A tool whose requests have no answer without it."""
    while True:
        tool = new_tool(d, d.chance(0.42))
        if isinstance(tool, MadeTool) or tool.family.key not in ANSWERABLE:
            return tool


def no_fit(d):
    """The user wants something that none of the offered tools does; sometimes no tool is offered at all."""
    if d.chance(0.2):
        wanted, other = twins(d, near=False)
        offered = [wanted, other] + offers(d, d.num(1, 3), wanted)[1:]
    else:
        offered = offers(d, d.num(2, 6), unfit_tool(d))
    text, _ = request(d, offered[0])
    if d.chance(0.15):
        return scene("tool_none", exchange(refusal(text)))
    return scene("tool_none", exchange(refusal(text)), specs(d, offered[1:]))


def ask_back(d, tool):
    """(the question for missing values as a turn, the parameters not said, what was said) or None"""
    told = tool.missing(d)
    if not told or not told[1] or any(p.name in UNSAYABLE for p in told[1]):
        return None
    text, hidden, arguments = told
    asked = "Please tell me the " + joined([p.words for p in hidden], " and the ") + "."
    t = turn(framed(d, text), asked, ["has", ["tell me"] + [p.words for p in hidden]], f"The {joined([p.words for p in hidden])} is missing.")
    return t, hidden, arguments


def supplied(d, tool, hidden, arguments):
    """The user gives what was asked for, and the call."""
    given = {p.name: unmarked(p.value(d)) for p in hidden}
    full = {p.name: given.get(p.name, arguments.get(p.name)) for p in tool.params if p.name in given or p.name in arguments}
    return [user(later(d, hidden, given)), call(tool, full)]


def missing(d):
    """Required values are missing: ask for them, then sometimes call."""
    told = None
    while not told:
        tool = new_tool(d, d.chance(0.45))
        told = ask_back(d, tool)
    t, hidden, arguments = told
    messages = exchange(t) + (supplied(d, tool, hidden, arguments) if d.chance(0.5) else [])
    return scene("tool_call" if len(messages) > 2 else "tool_missing", messages, specs(d, offers(d, first=tool)))


def unmarked(value):
    return value.rstrip(".!?") if isinstance(value, str) else value


def later(d, hidden, given):
    """The user gives the values that were asked for."""
    if len(hidden) == 1:
        value = given[hidden[0].name]
        shown = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
        return d.one(["{v}", "{v}", "{v}", "The {w} is {v}", "{w}: {v}", "Take {v}", "It is {v}"]).format(v=shown, w=hidden[0].words)
    said = [f"{p.words}: {', '.join(map(str, given[p.name])) if isinstance(given[p.name], list) else given[p.name]}" for p in hidden]
    return d.one([", ", "; ", "\n"]).join(said)


def two_requests(d, offered):
    """(text, [(tool, arguments), ..]) of a request for two or, rarely, three calls."""
    first = offered[0]
    pair = first.ask_two(d) if d.chance(0.6) else None
    if pair:
        return pair[0], [(first, a) for a in pair[1]]
    tools = [first] + (offered[1:3] if len(offered) > 2 and d.chance(0.06) else [offered[1] if len(offered) > 1 else first])
    text, arguments = first.ask(d, closed=True)
    made = [(first, arguments)]
    for tool in tools[1:]:
        more, arguments = tool.ask(d, lead=isinstance(tool, MadeTool) and d.chance(0.2), closed=True)
        link = d.one([" and ", ". Also ", " and also ", ". Then ", ", and ", ". And ", ". After that ", ", then ", f". {d.one(FORMS['after']).capitalize()} "])
        text = text.rstrip(".?") + (link + lower_first(more.rstrip(".?")) if d.chance(0.85) else d.one([". ", "\n"]) + more)
        made.append((tool, arguments))
    return text + d.one([".", ".", ""]), made


def two_made(d):
    """Tools, and a request for two different calls of them, without line breaks in its values."""
    while True:
        offered = offers(d, d.num(1, 5))
        text, made = two_requests(d, offered)
        if made[0] != made[1] and not any(isinstance(v, str) and "\n" in v for _, a in made for v in a.values()):
            return offered, text, made


def two_calls(d):
    offered, text, made = two_made(d)
    return scene("tool_two", [user(framed(d, text)), both(made)], specs(d, offered))


def both(made):
    names = joined(list(dict.fromkeys(t.name for t, _ in made)))
    return calls(f"I make {number_word(len(made))} calls: {names}.", *[(t.name, a) for t, a in made])


def two_results(d):
    """Two calls, both results and the answer from both."""
    offered, text, made = two_made(d)
    messages, answers = [user(text), both(made)], []
    for tool, arguments in made:
        content, answer, parts = result(d, tool, arguments)
        messages.append({"role": "tool", "content": content})
        answers.append((answer if answer[-1] in ".!" else answer + ".", parts))
    t = turn("", " ".join(a for a, _ in answers), ["has", [p for _, ps in answers for p in ps]], "I answer from both results.")
    return scene("tool_answer", messages + [says(t)], specs(d, offered))


def aside(d, offered):
    """A turn of a session without a call: small talk, a request that no tool serves, one with a missing value."""
    k = d.num(1, 3)
    if k == 1:
        tool = unfit_tool(d)
        if not any(clash(tool, t) for t in offered):
            return exchange(refusal(request(d, tool)[0]))
    told = ask_back(d, d.one(offered)) if k == 2 else None
    return exchange(told[0] if told else plain_turn(d, offered))


def session(d):
    """Several requests in a row to the same tools; now and then one that needs none, or the last one again with another value."""
    offered, messages, last = offers(d, d.num(1, 5)), [], None
    rounds = d.num(8, 14) if d.chance(0.05) else d.num(3, 7)
    for i in range(rounds):
        if d.chance(0.22):
            messages += aside(d, offered)
            continue
        again = last[0].follow(d, last[1]) if last and d.chance(0.25) else None
        if again:
            tool, (text, arguments) = last[0], again
        else:
            tool = d.one(offered)
            text, arguments = request(d, tool)
        last = (tool, arguments)
        messages += [user(text), call(tool, arguments)]
        if i + 1 < rounds and d.chance(0.85) or d.chance(0.3):
            messages += answered(d, tool, arguments)
    kind = {"calls": "tool_call"}.get(messages[-1]["check"][0], "tool_none" if messages[-2]["role"] == "user" else "tool_answer")
    return scene(kind, messages, specs(d, offered))
