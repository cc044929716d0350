"""A seeded random source that knows whether it serves training or the held-out evaluation.

One value in eight, and one wording in four of the phrasings that have choices, are kept for the evaluation by checksum.
"""
import functools
import random
import re
import zlib

CHOICE = re.compile(r"\[([^\[\]]*)\]")
WORD = re.compile(r"(?<![{\w])[a-z]+(?![}\w])")


def held_out(value):
    """Is this value kept for the evaluation?"""
    return zlib.crc32(str(value).encode()) % 8 == 0


@functools.cache
def parts(form):
    """A phrasing cut into fixed text (even places) and lists of alternatives (odd places)."""
    return [p.split("|") if i % 2 else p for i, p in enumerate(CHOICE.split(form))]


class Dice:
    """Choices of one conversation source. split: "train" or "test"."""

    def __init__(self, seed, split="train"):
        self.r, self.test, self._pools = random.Random(seed), split == "test", {}
        self._random = self.r.random

    def one(self, seq):
        return seq[int(self._random() * len(seq))]

    def some(self, seq, k):
        return self.r.sample(seq, min(k, len(seq)))

    def chance(self, p):
        return self._random() < p

    def num(self, low, high):
        return low + int(self._random() * (high - low + 1))

    def shuffled(self, seq):
        seq = list(seq)
        self.r.shuffle(seq)
        return seq

    def pool(self, seq):
        """This split's part of a pool of values."""
        part = self._pools.get(id(seq))
        if part is None:
            part = self._pools[id(seq)] = (seq, [v for v in seq if held_out(v) == self.test] or list(seq))
        return part[1]

    def value(self, seq):
        return self.one(self.pool(seq))

    def fresh(self, make):
        """A made value that belongs to this split."""
        for _ in range(60):
            value = make()
            if held_out(value) == self.test:
                break
        return value

    def expand(self, form):
        """One wording of a phrasing: its [a|b] choices made."""
        return "".join(self.one(p) if type(p) is list else p for p in parts(form))

    def phrase(self, forms):
        """A wording of one of the forms. Of the wordings of a form with choices, one in four serves the evaluation alone."""
        open_forms = [f for f in forms if "[" in f] if self.test else forms
        for _ in range(40):
            form = self.one(open_forms or forms)
            text = self.expand(form)
            if "[" not in form or (zlib.crc32(text.encode()) % 4 == 0) == self.test:
                break
        return self.blur(text)

    def blur(self, text):
        """Users write in lower case, leave out the last mark and, in training only, slip on the keyboard."""
        k = self._random()
        if k > 0.16:
            return text
        if k < 0.05:
            return text.lower() if "{V" not in text else text
        if k < 0.1:
            return text.rstrip("?.!")
        return self.slip(text) if k < 0.14 and not self.test else text

    def slip(self, text):
        """Two letters swapped or one left out, never inside a {slot}."""
        words = [m for m in WORD.finditer(text) if len(m[0]) > 3]
        if not words:
            return text
        m = self.one(words)
        i = m.start() + self.num(1, len(m[0]) - 2)
        return text[:i] + (text[i + 1] + text[i] + text[i + 2:] if self.chance(0.5) else text[i + 1:])
