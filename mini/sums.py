"""Sums within a hundred, plain and in short stories. One pair of numbers in eight is kept for the evaluation."""
from dice import held_out
from material import sections
from turns import around, article, turn
from values import FIRST, NUMBER_WORDS

FORMS = sections("sums")
ITEMS = "apple pear cookie coin stone book pen ball card toy flower egg cup stamp ticket shell orange lemon nail brick".split()


def plus_thought(a, b):
    if a < 10 or b < 10 or a == 100 or b == 100:
        return f"{a} + {b} = {a + b}"
    tens_a, tens_b, ones_a, ones_b = a // 10 * 10, b // 10 * 10, a % 10, b % 10
    tens, ones = tens_a + tens_b, ones_a + ones_b
    return f"{tens_a} + {tens_b} = {tens}, {ones_a} + {ones_b} = {ones}, {tens} + {ones} = {a + b}"


def minus_thought(a, b):
    if b > a:
        return f"{b} is more than {a}, {minus_thought(b, a)}, so {a - b}"
    if b < 10 or b % 10 == 0:
        return f"{a} - {b} = {a - b}"
    tens = b // 10 * 10
    return f"{a} - {tens} = {a - tens}, {a - tens} - {b % 10} = {a - b}"


THOUGHTS = {"+": plus_thought, "-": minus_thought}


def number_pair(d, op):
    while True:
        a, b = d.num(0, 100), d.num(0, 100)
        if op == "-" and b > a and d.chance(0.7):
            a, b = b, a
        if held_out((op, a, b)) == d.test:
            return a, b


def arithmetic(d):
    if d.chance(0.08):
        a, b = d.num(0, 12), d.num(0, 12)
        return turn(d.phrase(FORMS["times"]).format(a=a, b=b), f"{a} * {b} = {a * b}", ["number", a * b], f"{a} * {b} = {a * b}")
    if d.chance(0.07):
        a, b = d.num(101, d.one([199, 999, 99999])), d.num(1, 99999)
        form = d.phrase(FORMS[d.one(["plus", "minus", "times"])])
        return turn(form.format(a=a, b=b), "I only calculate with numbers up to 100.", ["has", ["up to 100"]], "That is above 100.")
    return plain_sum(d, d.one("+-"))


def plain_sum(d, op):
    a, b = number_pair(d, op)
    c = a + b if op == "+" else a - b
    shown = (NUMBER_WORDS[a], NUMBER_WORDS[b]) if a <= 12 and b <= 12 and d.chance(0.3) else (a, b)
    user = d.phrase(FORMS["plus" if op == "+" else "minus"]).format(a=shown[0], b=shown[1])
    return turn(around(d, user, 0.15), f"{a} {op} {b} = {c}", ["number", c], THOUGHTS[op](a, b))


def story_sum(d):
    op = d.one("+-")
    text = d.phrase(FORMS["plus stories" if op == "+" else "minus stories"])
    a, b = number_pair(d, op)
    if op == "-" and b > a:
        a, b = b, a
    names, items = d.some(d.pool(FIRST), 2), d.some(ITEMS, 2)
    text = text.format(a=a, b=b, x=items[0], y=items[1], p=names[0], q=names[1])
    c = a + b if op == "+" else a - b
    return turn(article(text), f"The answer is {c}.", ["number", c], THOUGHTS[op](a, b))
