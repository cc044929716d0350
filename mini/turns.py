"""One question and its answer, with the check that judges an answer and the thought that may come before it."""
import re

from material import sections

OPENERS = set("""What What's Which How Who Where When Why Is Are Was Do Does Did Has Have Can Could Would Will Tell Name Give Say Please On In Of For At The
A An If Show Write Make Put Send Set Book Find Search Look Play Turn Add Create Open Read List Run Get Check Track Start Stop Convert Translate Calculate
Compute Explain Describe""".split())
AROUND = sections("talk")["around"]
AN = re.compile(r"\b([Aa]) (?=[aeioAEIO])")


def turn(user, answer, check, thought=""):
    """check: [kind, wanted], judged by judge.py."""
    return {"user": user, "answer": answer, "check": check, "thought": thought}


def article(text):
    return AN.sub(r"\1n ", text)


def upper_first(text):
    return text[:1].upper() + text[1:]


def lower_first(text):
    """With a small first letter, unless it opens with a name."""
    return text[0].lower() + text[1:] if text.split(" ")[0] in OPENERS else text


def around(d, question, share):
    """The question, sometimes with a few words before or after it."""
    return d.phrase(AROUND).format(q=question, l=lower_first(question)) if d.chance(share) else question
