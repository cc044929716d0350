"""Calls that depend on what came before: a second call that takes a value from the first one's result, a value told some turns earlier."""
import talk
from kinds import words_of
from made import MadeTool
from results import any_data
from scenes import exchange, scene, user
from tool_scenes import answered, call, clash, framed, offers, plain_turn, specs
from tools import dumps
from turns import lower_first, turn, upper_first

PASSED = {"person", "city", "word", "code", "email", "path", "url", "int", "float", "date", "measure"}
LATER = ["{l} with the {w} from the result", "{l} with that {w}", "{l} with the {w} you get", "{l}, taking the {w} from the first result", "{l} and use its {w}", "{l}, where the {w} is the one you found",
         "use the {w} from it to {l}", "take its {w} and {l}"]
LINKS = [" and then ", ". Then ", ", then ", ". After that, ", " and after that ", ". With the result, ", "; next "]
TOLD = ["The {w} is {v}.", "{W}: {v}", "Remember the {w}: {v}.", "My {w} is {v}.", "Our {w} is {v}.", "We will need the {w} {v} later."]
BACK = ["{c} with the {w} I told you", "{c} with the {w} from before", "{c}, the {w} is the one I gave you", "{c} with that {w}", "{c}. You know the {w}", "{c} with the {w} I mentioned"]


def taking_tool(d):
    """(a tool, one of its parameters that takes a value of another tool)"""
    while True:
        tool = MadeTool(d)
        fit = [p for p in tool.params if p.kind.name in PASSED and not p.options]
        if fit and not tool.pair:
            return tool, d.one(fit)


def full(tool, arguments, p, value):
    """The arguments with p, in the order of the schema."""
    return {q.name: value if q is p else arguments[q.name] for q in tool.params if q is p or q.name in arguments}


def passed(d, p):
    """(a value, the same as a result or a text has it) without line breaks"""
    value = p.value(d)
    return value.replace("\n", " ") if isinstance(value, str) else value


def chain(d):
    """A call, its result, the next call with a value of the result, sometimes the answer from that."""
    second, p = taking_tool(d)
    first = MadeTool(d)
    while clash(first, second):
        first = MadeTool(d)
    text, arguments = first.ask(d, closed=True)
    more, rest = second.ask(d, lead=False, hide=(p,))
    text = text.rstrip(".?") + d.one(LINKS) + d.one(LATER).format(l=lower_first(more), w=p.words) + d.one([".", ".", ""])
    value, data = passed(d, p), any_data(d)
    key = p.name if d.chance(0.8) else words_of(p.name)
    data = dict(d.shuffled({**{k: v for k, v in data.items() if k != key}, key: value}.items()))
    used = full(second, rest, p, value)
    messages = [user(framed(d, text)), call(first, arguments), {"role": "tool", "content": dumps(data, d.chance(0.3))}, call(second, used)]
    done = d.chance(0.3)
    if done:
        messages += answered(d, second, used)
    return scene("tool_answer" if done else "tool_call", messages, specs(d, beside(d, first, second)))


def beside(d, *tools):
    """The tools and sometimes others."""
    out = list(tools)
    for tool in offers(d, d.one([1, 1, 2, 3])):
        if d.chance(0.6) and not any(clash(tool, t) for t in out):
            out.append(tool)
    return out


def told_before(d):
    """The user tells a value, talks about other things, and then wants a call with it."""
    tool, p = taking_tool(d)
    value = passed(d, p)
    told = d.one(TOLD).format(w=p.words, W=upper_first(p.words), v=value)
    messages = exchange(turn(told, "I see. Thank you for telling me.", ["has", ["I see"]], "The user tells me something."))
    offered = beside(d, tool)
    for _ in range(d.one([0, 1, 1, 2])):
        messages += exchange(d.one([talk.small_talk, lambda d: plain_turn(d, offered)])(d))
    more, rest = tool.ask(d, lead=False, hide=(p,))
    asked = upper_first(d.one(BACK).format(c=d.one(["", "", "please ", "now ", "can you "]) + more, w=p.words)) + d.one([".", ""])
    return scene("tool_call", messages + [user(asked), call(tool, full(tool, rest, p, value))], specs(d, offered))


def in_chat(d):
    """Talk about this and that, with tools at hand, and then a request."""
    offered = offers(d)
    messages = []
    for _ in range(d.num(1, 4)):
        messages += exchange(plain_turn(d, offered))
    text, arguments = offered[0].ask(d)
    return scene("tool_call", messages + [user(framed(d, text)), call(offered[0], arguments)], specs(d, offered))
