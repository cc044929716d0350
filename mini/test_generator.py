"""The generator keeps its promises: calls can be copied from what the user said, and the evaluation shares no value with training."""
import json
import unittest

import cases
import chain_scenes
import render
import scenes
import symbols
import tool_scenes
from dice import Dice, held_out
from inflect import ing, number_word, past
from judge import judge, same, split_answer
from tools import dumps

COUNT = 400


def strings(value):
    if isinstance(value, str):
        return [value]
    return [s for v in (value if isinstance(value, list) else value.values() if isinstance(value, dict) else ()) for s in strings(v)]


def numbers(value):
    if isinstance(value, (list, dict)):
        return [n for v in (value.values() if isinstance(value, dict) else value) for n in numbers(v)]
    return [value] if isinstance(value, (int, float)) and not isinstance(value, bool) else []


def strings_of(result):
    """A tool's result with its strings unescaped."""
    try:
        return result + "\n".join(strings(json.loads(result))) + "\n"
    except ValueError:
        return result + "\n"


def escaped(said, text):
    """Does the text stand in what was said, as it is or as a string of JSON?"""
    return text.lower() in said.lower() or json.dumps(text, ensure_ascii=False)[1:-1].lower() in said.lower()


class Scenes(unittest.TestCase):
    def draws(self, split, make=None):
        d = Dice(3, split)
        return [render.draw(d, make) for _ in range(COUNT)]

    def called(self, split):
        """(user and tool texts so far, tools, one call) of many scenes."""
        for make in (tool_scenes.one_call, tool_scenes.two_calls, tool_scenes.missing, tool_scenes.session, tool_scenes.twin_call, chain_scenes.chain,
                     chain_scenes.told_before, chain_scenes.in_chat):
            for out in self.draws(split, make):
                said = ""
                for m in out["messages"]:
                    said += m["content"] + "\n" if m["role"] == "user" else strings_of(m["content"]) if m["role"] == "tool" else ""
                    for call in m.get("tool_calls", ()):
                        yield said, out["tools"], call

    def test_every_called_tool_is_offered_and_gets_its_required_arguments(self):
        for split in ("train", "test"):
            for _, tools, call in self.called(split):
                schema = {t["name"]: t["parameters"] for t in tools}[call["name"]]
                self.assertLessEqual(set(call["arguments"]), set(schema["properties"]))
                self.assertLessEqual(set(schema.get("required", ())), set(call["arguments"]), call)

    def test_every_argument_stands_in_what_the_user_said(self):
        for split in ("train", "test"):
            for said, _, call in self.called(split):
                for s in strings(call["arguments"]):
                    self.assertTrue(escaped(said, s), (call, said))
                for name, value in call["arguments"].items():
                    for n in numbers(value):
                        words = [str(n)] + ([number_word(n)] if n in range(101) else [])
                        self.assertTrue(any(w in said.lower() for w in words), (name, n, said))

    def test_different_tools_of_a_scene_have_different_names(self):
        for out in self.draws("train"):
            names = [t["name"] for t in out["tools"]]
            self.assertEqual(len(names), len(set(names)))

    def test_a_scene_ends_with_a_checked_assistant_message_that_passes_its_check(self):
        for split in ("train", "test"):
            for out in self.draws(split):
                final = out["messages"][-1]
                _, content, calls = split_answer(render.call_text(final), False)
                self.assertTrue(judge(final["check"], content, calls), final)

    def test_the_same_seed_gives_the_same_text(self):
        self.assertEqual([render.training_text(Dice(5)) for _ in range(3)], [render.training_text(Dice(5)) for _ in range(3)])


class HeldOut(unittest.TestCase):
    def test_no_long_value_of_the_evaluation_is_trained(self):
        seen = {split: set() for split in ("train", "test")}
        for split, found in seen.items():
            for _, _, call in Scenes().called(split):
                found.update(s for s in strings(call["arguments"]) if len(s) > 12)
        self.assertFalse({s for s in seen["train"] & seen["test"] if not s.startswith(("America/", "Europe/", "Australia/", "next "))})

    def test_values_belong_to_their_split(self):
        for split in ("train", "test"):
            d = Dice(1, split)
            for _ in range(200):
                self.assertEqual(held_out(d.fresh(lambda: d.num(1, 10 ** 9))), split == "test")


class Cases(unittest.TestCase):
    def test_a_group_stays_the_same_beside_others(self):
        alone = [c["prompt"] for c in cases.make_cases(300, groups=["facts"])]
        self.assertEqual(alone, [c["prompt"] for c in cases.make_cases(300) if c["group"] == "facts"])

    def test_the_file_of_cases_is_what_the_generator_makes(self):
        with open(f"{cases.HERE}/cases.json", encoding="utf-8") as f:
            self.assertEqual(json.load(f)["cases"], json.loads(json.dumps(cases.file_cases())))


class Forms(unittest.TestCase):
    def test_verbs_are_inflected(self):
        self.assertEqual([past(v) for v in ("stop", "archive", "carry", "send", "look up")], ["stopped", "archived", "carried", "sent", "looked up"])
        self.assertEqual([ing(v) for v in ("stop", "archive", "carry", "tie", "free")], ["stopping", "archiving", "carrying", "tying", "freeing"])
        self.assertEqual([number_word(n) for n in (7, 20, 42, 100)], ["seven", "twenty", "forty-two", "one hundred"])


class Signs(unittest.TestCase):
    def test_strings_of_signs_survive_json_and_belong_to_their_split(self):
        for split in ("train", "test"):
            d, found = Dice(4, split), ""
            for _ in range(1000):
                text = symbols.raw(d)
                self.assertEqual(json.loads(dumps({"v": text}))["v"], text)
                found += text
            self.assertFalse(set("{}[]()<>\"'`\\%$&µ€") - set(found))


class Judge(unittest.TestCase):
    def test_values_are_compared_as_json(self):
        self.assertTrue(same({"a": 2}, {"a": 2.0}))
        self.assertFalse(same({"a": True}, {"a": 1}))
        self.assertFalse(same([1, 2], [2, 1]))

    def test_a_missing_thought_is_wrong(self):
        self.assertEqual(split_answer("Paris", True), ("Paris", "", []))

    def test_a_call_where_none_is_wanted_is_wrong(self):
        self.assertFalse(judge(["has", ["Paris"]], "Paris", [{"name": "x", "arguments": {}}]))


if __name__ == "__main__":
    unittest.main()
