"""Trains the model on freshly generated conversations.

python3 train.py OUT --minutes 8 [--seed 1] [--resume RUN]
torchrun --standalone --nproc-per-node 2 train.py OUT ..      on several GPUs, each with its own workers and its own data

OUT gets flat*.safetensors (before the rate falls, to resume from) and final*.safetensors in float16, config.json and log.json.
On a GPU the whole step is one CUDA graph: at this size launching the kernels one by one takes longer than running them.
Several GPUs take the same step on different data and then share the mean of their weights and momenta.
"""
import argparse
import json
import math
import os
import time

import torch
import torch.distributed as dist

import model
import optim
from feed import LONGEST, Feed, batch_size, views
from store import read_run, save_run

HERE = os.path.dirname(os.path.abspath(__file__))
WARM = 150
RANK, RANKS = int(os.environ.get("RANK", 0)), int(os.environ.get("WORLD_SIZE", 1))


def schedule(step, progress, flat):
    """Rise over WARM steps, stay, then fall to zero in a straight line from the progress flat on."""
    return min(1.0, (step + 1) / WARM) * (1.0 if progress < flat else max(0.0, (1 - progress) / (1 - flat)))


class Stepper:
    """Runs one optimizer step on a batch array; on a GPU it captures the step once and replays it."""

    def __init__(self, c, w, blocks, think):
        self.w, self.blocks, self.think = w, blocks, think
        self.device = w["embed"].device
        self.cuda = self.device.type == "cuda"
        self.optimizer, self.rope = optim.Optimizer(w), model.rope_table(c, self.device)
        self.batch = torch.zeros(batch_size(blocks), dtype=torch.int32, device=self.device)
        self.hyper, self.loss, self.graph = torch.zeros(4, device=self.device), torch.zeros((), device=self.device), None
        self.parts = {k: torch.compile(v, dynamic=False) for k, v in model.PARTS.items()} if self.cuda else model.PARTS
        ring = 8 if self.cuda else 1
        self.staging = [torch.zeros(batch_size(blocks), dtype=torch.int32, pin_memory=self.cuda) for _ in range(ring)]
        self.rates = [torch.zeros(4, pin_memory=self.cuda) for _ in range(ring)]
        self.copied = [torch.cuda.Event() if self.cuda else None for _ in range(ring)]
        self.turn = 0

    def compute(self):
        fields = views(self.batch, self.blocks)
        batch = {**fields, "rows": fields["rows"].long(), "targets": fields["targets"].long(), "weight": fields["weight"].float(),
                 "unthought": fields["unthought"] > 0}
        loss = model.train_pass(self.w, batch, self.rope, self.think, LONGEST, self.parts) / batch["weight"].sum().clamp(min=1)
        loss.backward()
        self.optimizer.step(self.hyper)
        for p in self.w.values():
            p.grad = None
        self.loss.copy_(loss.detach())

    def load(self, feed, hyper):
        slot = self.turn % len(self.staging)
        self.turn += 1
        if self.cuda:
            self.copied[slot].synchronize()
        counts = feed.fill(self.staging[slot].numpy(), self.blocks)
        self.batch.copy_(self.staging[slot], non_blocking=True)
        self.rates[slot].copy_(torch.tensor(hyper))
        self.hyper.copy_(self.rates[slot], non_blocking=True)
        if self.cuda:
            self.copied[slot].record()
        return counts

    def step(self):
        if self.graph:
            self.graph.replay()
        else:
            self.compute()
        if RANKS > 1:
            self.share()

    @torch.no_grad()
    def share(self):
        shared = [*self.w.values(), *self.optimizer.momentum]
        for t in shared:
            dist.all_reduce(t)
        torch._foreach_div_(shared, RANKS)

    def prepare(self, feed):
        """Compiles and captures with a rate of zero, so that the weights stay as they are."""
        if not self.cuda:
            return
        side = torch.cuda.Stream()
        side.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(side):
            for _ in range(3):
                self.load(feed, optim.hyper(1, 0.0, 0.0))
                self.compute()
        torch.cuda.current_stream().wait_stream(side)
        torch.cuda.synchronize()
        try:
            graph = torch.cuda.CUDAGraph()
            with torch.cuda.graph(graph):
                self.compute()
            self.graph = graph
        except RuntimeError as error:
            print("no CUDA graph:", repr(error)[:800], flush=True)
        self.optimizer.clear()


def start(a, device):
    """(config, weights): new ones or those of an earlier run."""
    if a.resume:
        c, tensors = read_run(a.resume, a.resume_name)
        w = model.from_hf(tensors, c, device)
    else:
        c = {**model.CONFIG, **json.loads(a.config)}
        w = model.init(c, device, a.seed)
    return c, {k: v.requires_grad_() for k, v in w.items()}


def train(a):
    from tokenizers import Tokenizer
    opened, feed = time.time(), Feed(a.tokenizer, a.seed + 100 * RANK, a.workers)
    device = f"cuda:{RANK}" if torch.cuda.is_available() else "cpu"
    if device != "cpu":
        torch.cuda.set_device(device)
    torch.set_float32_matmul_precision("high")
    os.makedirs(a.out, exist_ok=True)
    c, w = start(a, device)
    stepper = Stepper(c, w, a.blocks, Tokenizer.from_file(a.tokenizer).token_to_id("<think>"))
    stepper.prepare(feed)
    print(f"ready after {time.time() - opened:.1f} s, {model.count(c)} parameters, graph: {stepper.graph is not None}", flush=True)
    if RANKS > 1:
        dist.init_process_group()
    log = run(a, c, w, stepper, feed)
    feed.close()
    if RANK == 0:
        save_run(a.out, "final", c, model.to_hf(w))
        with open(f"{a.out}/log.json", "w") as f:
            json.dump(log, f, indent=0)
    return c, w


def agreed(progress):
    """The first process's progress, so that all end at the same step."""
    if RANKS > 1:
        told = torch.tensor(progress, dtype=torch.float64)
        dist.broadcast(told, 0)
        progress = float(told)
    return progress


def run(a, c, w, stepper, feed):
    """The training loop; its log, which counts what this process has seen."""
    began, step, seen, learned, rows, losses, saved = time.time(), 0, 0, 0, [], [], False
    feed.waited = 0.0
    while True:
        progress = agreed(step / a.steps if a.steps else (time.time() - began) / (a.minutes * 60))
        if progress >= 1:
            break
        if progress >= a.flat and not saved:
            saved = True
            if RANK == 0:
                save_run(a.out, "flat", c, model.to_hf(w))
        scale = schedule(step, progress, a.flat)
        used, count = stepper.load(feed, optim.hyper(step + 1, a.rate * scale, a.rest_rate * scale))
        stepper.step()
        losses.append(stepper.loss.clone())
        step, seen, learned = step + 1, seen + used, learned + count
        if step % a.every == 0:
            mean = float(torch.stack(losses).mean())
            assert math.isfinite(mean), "the loss is not finite"
            rows.append({"step": step, "seconds": round(time.time() - began, 1), "loss": round(mean, 4), "tokens": seen, "learned": learned,
                         "waited": round(feed.waited, 1), "repeated": feed.repeats})
            losses = []
            print(json.dumps(rows[-1]), flush=True)
    seconds = time.time() - began
    summary = {"steps": step, "seconds": round(seconds, 1), "tokens": seen, "learned": learned, "tokens_per_second": round(seen / seconds),
               "processes": RANKS, "blocks_made": feed.made, "blocks_repeated": feed.repeats, "args": vars(a)}
    print(json.dumps(summary), flush=True)
    return {"summary": summary, "rows": rows}


if __name__ == "__main__":
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("out")
    p.add_argument("--tokenizer", default=f"{HERE}/checkpoint/tokenizer.json")
    p.add_argument("--minutes", type=float, default=8)
    p.add_argument("--steps", type=int, default=0, help="instead of minutes")
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--rate", type=float, default=5e-3)
    p.add_argument("--rest-rate", type=float, default=3e-3)
    p.add_argument("--flat", type=float, default=0.5)
    p.add_argument("--blocks", type=int, default=4)
    p.add_argument("--workers", type=int, default=13)
    p.add_argument("--every", type=int, default=200)
    p.add_argument("--config", default="{}")
    p.add_argument("--resume")
    p.add_argument("--resume-name", default="flat")
    train(p.parse_args())
