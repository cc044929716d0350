"""Held-out cases: conversations with values and phrasings that training never sees, cut before the answer that is judged.

python3 cases.py                            writes cases.json, a small fixed set for end-to-end tests
python3 cases.py --calls 200 [--seed 78]    prints so many cases whose answer is a call, as cases.json has them
"""
import argparse
import json
import os

import chain_scenes
import copying
import facts
import forms
import render
import scenes
import sums
import talk
import tool_scenes
from dice import Dice

HERE = os.path.dirname(os.path.abspath(__file__))
SEED, FILE_SEED = 77, 7
# group: (maker of a scene or a turn, its share of the cases)
GROUPS = {"tool: one made-up call": (tool_scenes.one_made_call, 350), "tool: one everyday call": (tool_scenes.one_everyday_call, 250),
          "tool: twins": (tool_scenes.twin_call, 100), "tool: symbols in values": (tool_scenes.symbol_call, 100), "tool: nested values": (tool_scenes.nested_call, 60),
          "tool: several of a kind": (tool_scenes.several, 60), "tool: in a chat": (chain_scenes.in_chat, 60), "tool: told before": (chain_scenes.told_before, 40),
          "tool: value of a result": (chain_scenes.chain, 80), "tool: two calls": (tool_scenes.two_calls, 200), "tool: session": (tool_scenes.session, 150), "tool: answer from result": (tool_scenes.result_scene, 150),
          "tool: answer from two": (tool_scenes.two_results, 50), "tool: none needed": (tool_scenes.no_call, 150), "tool: none fits": (tool_scenes.no_fit, 150),
          "tool: value missing": (tool_scenes.missing, 150), "facts": (facts.fact, 400), "sums": (sums.arithmetic, 300), "story sums": (sums.story_sum, 100),
          "does not know": (facts.unknown, 150), "too hard": (facts.too_hard, 50), "small talk": (talk.small_talk, 150), "statements": (talk.statement, 50),
          "json": (forms.json_answer, 150), "system prompt": (scenes.persona, 60), "repeat": (copying.repeat, 100), "repeat symbols": (copying.repeat_symbols, 60), "upper and lower case": (copying.change_case, 50),
          "lists": (copying.list_task, 100), "little tasks": (copying.little, 100), "poems": (talk.poem, 30), "drill, last turn": (scenes.drill, 150),
          "memory": (scenes.chat, 100)}


def make_case(d, group):
    make = GROUPS[group][0]
    is_scene = make.__module__ in ("scenes", "tool_scenes", "chain_scenes")
    out = render.draw(d, make if is_scene else lambda d: scenes.single(d, make))
    last = len(out["messages"]) - 1
    final = out["messages"][last]
    return {"group": group, "scene": out, "prompt": render.render(out, last), "check": final["check"], "thinking": out["thinking"], "gold": render.call_text(final)}


def make_cases(count, seed=SEED, groups=None):
    """About so many cases, the groups in their proportions; each group has its own seed, so that it stays the same beside others."""
    total = sum(n for _, n in GROUPS.values())
    out = []
    for i, group in enumerate(GROUPS):
        if groups is None or group in groups:
            d = Dice(seed * 100 + i, "test")
            out += [make_case(d, group) for _ in range(max(1, round(GROUPS[group][1] * count / total)))]
    return out


def wire_messages(scene):
    """The messages before the last one as a client of the OpenAI interface sends them."""
    out, made, answered = ([{"role": "system", "content": scene["system"]}] if "system" in scene else []), 0, 0
    for m in scene["messages"][:-1]:
        if m["role"] == "tool":
            out.append({"role": "tool", "tool_call_id": f"call_{answered}", "content": m["content"]})
            answered += 1
        elif m.get("tool_calls"):
            calls = []
            for call in m["tool_calls"]:
                function = {"name": call["name"], "arguments": render.dumps(call["arguments"])}
                calls.append({"id": f"call_{made}", "type": "function", "function": function})
                made += 1
            out.append({"role": "assistant", "content": None, "tool_calls": calls})
        else:
            out.append({"role": m["role"], "content": m["content"]})
    return out


def wire_tools(scene):
    return [{"type": "function", "function": t} for t in scene["tools"]]


EXPECT = {"calls": "calls", "has": "contains", "is": "equals", "one of": "one_of", "number": "number", "json": "json"}


def expected(check):
    """The check as cases.json has it."""
    kind, want = check
    return {"contains": ["do not know"]} if kind == "unknown" else {EXPECT[kind]: want}


def file_case(name, case):
    return {"id": name, "group": case["group"], "thinking": case["thinking"], "messages": wire_messages(case["scene"]), "tools": wire_tools(case["scene"]),
            "expect": expected(case["check"])}


def call_cases(count, seed):
    """So many cases of the groups that call, in their proportions."""
    groups = ["tool: one made-up call", "tool: one everyday call", "tool: two calls", "tool: session"]
    left, weight, out = count, sum(GROUPS[g][1] for g in groups), []
    for i, group in enumerate(groups):
        d, part = Dice(seed * 100 + i, "test"), round(left * GROUPS[group][1] / weight)
        left, weight = left - part, weight - GROUPS[group][1]
        made = (case for case in iter(lambda: make_case(d, group), None) if case["check"][0] == "calls")
        out += [file_case(f"{group} {j + 1}", next(made)) for j in range(part)]
    return out


def file_cases():
    """About 60 cases over all groups but poems, thinking on and off in turn."""
    out = []
    for i, group in enumerate(g for g in GROUPS if g != "poems"):
        d = Dice(FILE_SEED * 100 + i, "test")
        for j in range(4 if group.startswith("tool: one") else 3 if group.startswith(("facts", "sums")) else 2):
            case = make_case(d, group)
            while case["thinking"] != (j % 2 == 1) or len(case["prompt"]) > 3000 or case["check"][0] == "poem":
                case = make_case(d, group)
            out.append(file_case(f"{group} {j + 1}", case))
    return out


if __name__ == "__main__":
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--calls", type=int)
    p.add_argument("--seed", type=int, default=78)
    a = p.parse_args()
    if a.calls:
        print(json.dumps(call_cases(a.calls, a.seed), ensure_ascii=False))
    else:
        from store import write_json
        write_json(f"{HERE}/cases.json", {"about": "Held-out cases; expect holds one check: calls, contains (all, any case), equals, one_of, number (the last), json",
                                          "seed": FILE_SEED, "cases": file_cases()})
