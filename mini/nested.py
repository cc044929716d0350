"""Parameters that are objects or lists of objects: their schema, values and how a user writes them."""
from kinds import KINDS, written
from tools import Param, dumps

FIELD_NAMES = {name: names.split() for name, names in {
    "person": "name full_name contact", "city": "city town place", "word": "name type label product brand", "int": "quantity count age number floor",
    "float": "price amount weight width height lat lon min max", "code": "id code zip sku", "date": "date from until", "email": "email",
    "measure": "size length dose", "bool": "active urgent gift", "time": "time start end"}.items()}
SIMPLE = list(FIELD_NAMES)
MARKS = set(",;()\"{}[]\n")


class Nested(Param):
    """An object (or a list of objects) of two to four simple fields."""

    def __init__(self, d, name, kind, required=True):
        super().__init__(name, kind, required)
        self.fields, taken = [], set()
        for sub in d.some(SIMPLE, d.one([1, 2, 2, 2, 3, 3, 4])):
            field = d.one(FIELD_NAMES[sub]) if d.chance(0.6) else d.one(KINDS[sub].names)
            if field not in taken:
                taken.add(field)
                self.fields.append(Param(field, sub, d.chance(0.85) or not self.fields))

    def one(self, d):
        return {f.name: f.value(d) for f in self.fields if f.required or d.chance(0.5)}

    def value(self, d):
        return self.one(d) if self.kind.name == "object" else [self.one(d) for _ in range(d.one([1, 1, 2, 2, 3]))]

    def schema(self, d, style):
        inner = {"type": "object", "properties": {f.name: f.schema(d, style) for f in self.fields}}
        if d.chance(0.7):
            inner["required"] = [f.name for f in self.fields if f.required]
        if d.chance(0.15):
            inner["additionalProperties"] = False
        out = inner if self.kind.name == "object" else {"type": "array", "items": inner}
        if d.chance(style["hints"]):
            out = {"description": self.describe(d, style["noun"]), **out} if d.chance(0.3) else {**out, "description": self.describe(d, style["noun"])}
        return out

    def piece(self, d, value):
        """The value in the user's words."""
        many = isinstance(value, list)
        if d.chance(0.15):
            return f"{self.words}{d.one([' ', ': ', ' = '])}{dumps(value, d.chance(0.3))}"
        told = [self.tell(d, one) for one in (value if many else [value])]
        if many:
            told = [f"({t})" for t in told] if len(told) > 1 and d.chance(0.5) else told
            return f"{d.one(['', 'the ', 'these '])}{self.words}: " + d.one(["; ", "; ", "; and ", " | "]).join(told)
        return d.one(["{w} with {t}", "{w} ({t})", "{w}: {t}", "the {w} with {t}", "{w} having {t}", "the {w} has {t}"]).format(w=self.words, t=told[0])

    def tell(self, d, value):
        link, between = d.one([" ", " ", ": ", " = ", " is "]), d.one([", ", ", ", " and ", " / "])
        kinds = {f.name: f for f in self.fields}
        parts = []
        for name, v in value.items():
            text = written(d, kinds[name].kind.name, v)
            text = f'"{text}"' if set(text) & MARKS and '"' not in text else text
            bare = not parts and kinds[name].kind.name in ("person", "word") and d.chance(0.2)
            parts.append(text if bare else f"{kinds[name].words}{link}{text}")
        return between.join(parts)
