"""Is an answer right? Calls and JSON are compared as values, sums by the last number, the rest by what must be said."""
import json
import re

CALL = re.compile(r"<tool_call>\s*(.*?)\s*</tool_call>", re.S)


def split_answer(text, thinking):
    """(thought, content, calls) of raw model text; calls is None when one is no JSON; with thinking, a missing thought is an empty answer."""
    thought = ""
    if thinking:
        thought, mark, text = text.partition("</think>")
        if not mark:
            return thought, "", []
    try:
        calls = [json.loads(c) for c in CALL.findall(text)]
    except ValueError:
        calls = None
    return thought, CALL.sub("", text).strip(), calls


def same(a, b):
    """Equal JSON values; true is not 1, but 2.0 is 2."""
    if isinstance(a, bool) or isinstance(b, bool):
        return a is b
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(same(a[k], b[k]) for k in a)
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(map(same, a, b))
    return a == b


def last_number(text):
    found = re.findall(r"-?\d+", text.split("=")[-1])
    return int(found[-1]) if found else None


def poem(text, topic, count):
    lines = text.splitlines()
    return len(lines) == count and topic.lower() in text.lower() and all(3 <= len(line.split()) <= 16 for line in lines)


def parsed(text):
    """The JSON value of the text, also inside a code fence; None where it is none."""
    try:
        return json.loads(re.sub(r"^```(?:json)?\s*|\s*```$", "", text))
    except ValueError:
        return None


def judge(check, content, calls):
    """check: [kind, wanted] of turns.turn."""
    kind, want = check
    if kind == "calls":
        return calls is not None and same(calls, want)
    if calls is None or calls:
        return False
    low = content.lower()
    if kind == "unknown":
        return "do not know" in low
    if kind == "has":
        return all(str(part).lower() in low for part in want) and "do not know" not in low
    if kind == "is":
        return content == want
    if kind == "one of":
        return content in want
    if kind == "number":
        return last_number(content) == want
    if kind == "poem":
        return poem(content, *want)
    assert kind == "json", kind
    return same(parsed(content), want)
