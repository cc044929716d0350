"""Lines of seeded pieces in many scripts, for comparing tokenizers; test/helpers/lines.ts makes the same."""

M32 = 0xFFFFFFFF

# first and last code point of what is drawn from: controls, Latin, Greek, Cyrillic, Hebrew, Arabic, Devanagari, Thai, Hangul, kana, CJK, more
# CJK, presentation forms, emoji, tags and joiners, combining marks
RANGES = [
    (0x01, 0x1F), (0x20, 0x7E), (0x80, 0xFF), (0x100, 0x24F), (0x300, 0x36F), (0x370, 0x3FF), (0x400, 0x52F), (0x590, 0x5FF),
    (0x600, 0x6FF), (0x900, 0x97F), (0xE00, 0xE7F), (0x1100, 0x11FF), (0x1E00, 0x1EFF), (0x2000, 0x206F), (0x20A0, 0x20CF), (0x2100, 0x214F),
    (0x2200, 0x22FF), (0x2600, 0x27BF), (0x3000, 0x303F), (0x3040, 0x30FF), (0x4E00, 0x9FFF), (0xAC00, 0xD7A3), (0xF900, 0xFAFF),
    (0xFE00, 0xFE0F), (0xFF00, 0xFFEF), (0x1D400, 0x1D7FF), (0x1F300, 0x1F6FF), (0x1F900, 0x1F9FF), (0x20000, 0x2A6DF),
]  # fmt: skip


class Random:
    """mulberry32"""

    def __init__(self, seed):
        self.state = seed

    def below(self, bound):
        self.state = (self.state + 0x6D2B79F5) & M32
        t = self.state
        t = ((t ^ (t >> 15)) * (t | 1)) & M32
        t ^= (t + (((t ^ (t >> 7)) * (t | 61)) & M32)) & M32
        return (t ^ (t >> 14)) % bound


def make_line(random, texts):
    """Up to eight pieces: a stretch of a text, or code points of one range."""
    parts = []
    for _ in range(1 + random.below(8)):
        if random.below(3) > 0:
            text = texts[random.below(len(texts))]
            start = random.below(len(text))
            parts.append(text[start : start + 1 + random.below(30)])
        else:
            first, last = RANGES[random.below(len(RANGES))]
            parts.append("".join(chr(first + random.below(last - first + 1)) for _ in range(1 + random.below(6))))
        if random.below(2) == 0:
            parts.append(" ")
    return "".join(parts)


# first and last of long runs of letters that behave alike, surrogates and private use
ALIKE = [(0x4E10, 0x9FEF), (0xAC10, 0xD790), (0xD800, 0xF8FF), (0x17010, 0x187EF), (0x20010, 0x2A6CF)]


def character_lines():
    """Every other character up to U+33FFF after a letter, after a space and before a digit, 32 in a line."""
    characters = [chr(c) for c in range(1, 0x34000) if not any(first <= c <= last for first, last in ALIKE)]
    return ["".join(f"a{c} {c}1" for c in characters[at : at + 32]) for at in range(0, len(characters), 32)]
