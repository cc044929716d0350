"""Greedy evaluation on held-out cases, by group.

python3 eval.py --url http://127.0.0.1:8000/v1 --cases 200 [--stream] [--strict] [--at-once 8]   a running server
    with the standard library alone; --strict asks the server to hold calls to the schemas
python3 eval.py --run OUT [--bits 8] [--cases 4000] [--name last]                     a training run in PyTorch, as if quantized (16 = as trained)

Writes the failures to --out. --groups tool limits it to groups that begin so.
"""
import argparse
import collections
import json
import os
import time
from concurrent.futures import ThreadPoolExecutor

from cases import GROUPS, make_cases
from judge import judge, split_answer
from probes import make_probes

HERE = os.path.dirname(os.path.abspath(__file__))


def report(cases, answers, seconds, path=None):
    """Prints right answers by group and gives them as a table; answers are (content, calls)."""
    right, count, modes, failures, called = collections.Counter(), collections.Counter(), collections.Counter(), [], []
    for case, (content, calls) in zip(cases, answers):
        good = judge(case["check"], content, calls)
        right[case["group"]] += good
        count[case["group"]] += 1
        modes[case["thinking"], good] += 1
        called += [good] if case["check"][0] == "calls" else []
        if not good:
            failures.append({"group": case["group"], "thinking": case["thinking"], "prompt": case["prompt"], "check": case["check"], "gold": case["gold"],
                             "content": content, "calls": calls})
    table = {group: [right[group], count[group]] for group in count}
    table["all tool calls"] = [sum(called), len(called)]
    table["all"] = [sum(right.values()), sum(count.values())]
    for thinking in (True, False):
        table["all, thinking " + ("on" if thinking else "off")] = [modes[thinking, True], modes[thinking, True] + modes[thinking, False]]
    for group, (a, b) in table.items():
        if b:
            print(f"{group:28} {a:5} of {b:<5} {a / b:7.1%}")
    print(f"{seconds:.1f} s", flush=True)
    if path:
        with open(path, "w", encoding="utf-8") as f:
            json.dump({"groups": table, "failures": failures}, f, indent=1, ensure_ascii=False)
    return table


def answer_by_server(cases, url, model, stream, strict, at_once):
    import client
    out = []
    with ThreadPoolExecutor(at_once) as pool:
        for answer in pool.map(lambda case: client.ask(url, model, case, stream, strict), cases):
            out.append(answer)
            if len(out) % 50 == 0:
                print(f"{len(out)} of {len(cases)}", flush=True)
    return out


def answer_by_torch(cases, c, w, tokenizer, batch=512, limit=260):
    """Longest prompts together; no answer is cut that is less than 90 tokens longer than the expected one."""
    from tokenizers import Tokenizer

    from decode import generate
    tok = Tokenizer.from_file(tokenizer)
    ids = [e.ids for e in tok.encode_batch([case["prompt"] for case in cases], add_special_tokens=False)]
    gold = [len(tok.encode(case["gold"]).ids) for case in cases]
    order, out = sorted(range(len(ids)), key=lambda i: (gold[i] // 40, len(ids[i]))), [None] * len(ids)
    batch = batch if w["embed"].is_cuda else 64
    for i in range(0, len(order), batch):
        part = order[i:i + batch]
        top = min(limit, max(gold[j] for j in part) + 90)
        for j, answer in zip(part, generate(c, w, [ids[j] for j in part], tok.token_to_id("<|im_end|>"), top)):
            out[j] = split_answer(tok.decode(answer, skip_special_tokens=False), cases[j]["thinking"])[1:]
    return out


def load(run, bits, name):
    import torch

    import model
    from export import as_shipped
    from store import read_run
    c, tensors = read_run(run, name)
    tensors = as_shipped(tensors, bits) if bits < 16 else tensors
    return c, model.from_hf(tensors, c, "cuda" if torch.cuda.is_available() else "cpu")


if __name__ == "__main__":
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("--url")
    p.add_argument("--model", default="pippin-mini")
    p.add_argument("--stream", action="store_true")
    p.add_argument("--strict", action="store_true")
    p.add_argument("--at-once", type=int, default=1, help="requests that the server gets together")
    p.add_argument("--run")
    p.add_argument("--name", default="final", help="which weights of the run: final, last or flat")
    p.add_argument("--bits", type=int, default=8)
    p.add_argument("--cases", type=int, default=4000)
    p.add_argument("--groups", default="")
    p.add_argument("--seed", type=int, default=77)
    p.add_argument("--out")
    p.add_argument("--tokenizer", default=f"{HERE}/checkpoint/tokenizer.json")
    a = p.parse_args()
    todo, began = make_cases(a.cases, a.seed, [g for g in GROUPS if g.startswith(a.groups)]) + make_probes(), time.time()
    if a.url:
        done = answer_by_server(todo, a.url, a.model, a.stream, a.strict, a.at_once)
    else:
        done = answer_by_torch(todo, *load(a.run, a.bits, a.name), a.tokenizer)
    report(todo, done, time.time() - began, a.out)
