"""Scenes as text, exactly as template.jinja renders them, for training and as prompts; and the mix of scenes that trains.

python3 render.py 20 [--seed 0] [--split train]   prints conversations
"""
import argparse

import chain_scenes
import scenes
import tool_scenes
from dice import Dice
from tools import dumps

EMPTY_THOUGHT = "<think>\n\n</think>\n\n"
SCENES = [(scenes.single, 30), (scenes.drill, 7), (scenes.chat, 2), (scenes.persona, 3), (tool_scenes.one_call, 22), (tool_scenes.twin_call, 4), (tool_scenes.symbol_call, 4), (tool_scenes.several, 1), (tool_scenes.session, 21),
          (tool_scenes.result_scene, 2), (tool_scenes.two_calls, 14), (tool_scenes.two_results, 2), (tool_scenes.no_call, 5), (tool_scenes.no_fit, 7),
          (tool_scenes.missing, 9), (chain_scenes.chain, 5), (chain_scenes.told_before, 2), (chain_scenes.in_chat, 3)]
BAG = [make for make, weight in SCENES for _ in range(weight)]


def draw(d, make=None):
    """A scene with its system prompt and its mode. tight: the client writes JSON without spaces in the calls of the history."""
    out = (make or d.one(BAG))(d)
    if "system" not in out and d.chance(0.4):
        out["system"] = scenes.system_prompt(d)
    out["thinking"], out["tight"] = d.chance(0.45), d.chance(0.1)
    return out


def call_text(message, tight=False):
    made = [f'<tool_call>\n{{"name": "{c["name"]}", "arguments": {dumps(c["arguments"], tight)}}}\n</tool_call>' for c in message.get("tool_calls", ())]
    return "\n".join(([message["content"]] if message["content"] else []) + made)


def head(out):
    """The system block with the tools."""
    text = "<|im_start|>system\n" + out["system"] if "system" in out else ""
    if out["tools"]:
        text += "\n\n" if text else "<|im_start|>system\n"
        text += "# Tools\n\n<tools>\n" + "".join(dumps(t) + "\n" for t in out["tools"]) + "</tools>"
    return text + "<|im_end|>\n" if text else ""


def tool_block(messages, i):
    opens = "<|im_start|>user" if messages[i - 1]["role"] != "tool" else ""
    closes = "<|im_end|>\n" if i + 1 == len(messages) or messages[i + 1]["role"] != "tool" else ""
    return f"{opens}\n<tool_response>\n{messages[i]['content']}\n</tool_response>{closes}"


def render(out, upto=None, kept=True):
    """The whole conversation, its last assistant turn in full, for training; with upto, the prompt of that message.

    kept: the client sends the thoughts inside a tool loop back.
    """
    messages, text = out["messages"], head(out)
    end = len(messages) if upto is None else upto
    last_user = max(i for i in range(end) if messages[i]["role"] == "user")
    for i, m in enumerate(messages[:end]):
        if m["role"] == "user":
            text += f"<|im_start|>user\n{m['content']}<|im_end|>\n"
        elif m["role"] == "tool":
            text += tool_block(messages, i)
        else:
            final = upto is None and i == end - 1
            thought = f"<think>\n{m['thought']}\n</think>\n\n" if out["thinking"] and (final or i > last_user and kept) else EMPTY_THOUGHT if final else ""
            text += f"<|im_start|>assistant\n{thought}{call_text(m, out['tight'] and i < len(messages) - 1)}<|im_end|>\n"
    if upto is not None:
        text += "<|im_start|>assistant\n" + ("" if out["thinking"] else EMPTY_THOUGHT)
    return text


def training_text(d):
    out = draw(d)
    return render(out, kept=d.chance(0.4)).rstrip("\n")


if __name__ == "__main__":
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("count", type=int)
    p.add_argument("--seed", type=int, default=0)
    p.add_argument("--split", default="train")
    a = p.parse_args()
    dice = Dice(a.seed, a.split)
    for _ in range(a.count):
        print(training_text(dice), end="\n\n=====\n\n")
