"""Trains the model on freshly generated conversations.

python3 train.py OUT --minutes 8 [--seed 1]                   the whole schedule
python3 train.py OUT --minutes 14 --until 7                   its first seven minutes; SIGTERM and Ctrl-C stop it as well
python3 train.py OUT --minutes 14 --resume OUT                the rest of it
python3 train.py NEW --minutes 2 --flat 0 --resume OUT --fresh [--resume-name last]
                                                              another schedule from earlier weights, here a falling rate alone
torchrun --standalone --nproc-per-node 2 train.py OUT ..      on several GPUs, each with its own workers and its own data

OUT gets last*.safetensors and place.json every --save-every seconds and at a stop, flat*.safetensors (before the rate falls) and, when the
schedule is done, final*.safetensors, all in float16, config.json and log.json.
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
from place import Place
from store import read_run

HERE = os.path.dirname(os.path.abspath(__file__))
WARM, WARM_AGAIN = 150, 40
RANK, RANKS = int(os.environ.get("RANK", 0)), int(os.environ.get("WORLD_SIZE", 1))


def schedule(place, progress, flat):
    """Rise, stay, then fall to zero in a straight line from the progress flat on. A run that goes on rises again, shortly."""
    rise = (place.here + 1) / (WARM if place.here == place.step else WARM_AGAIN)
    return min(1.0, rise) * (1.0 if progress < flat else max(0.0, (1 - progress) / (1 - flat)))


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
        c, tensors = read_run(a.resume, a.resume_name or "last")
        w = model.from_hf(tensors, c, device)
    else:
        c = {**model.CONFIG, **json.loads(a.config)}
        w = model.init(c, device, a.seed)
    return c, {k: v.requires_grad_() for k, v in w.items()}


def train(a):
    from tokenizers import Tokenizer
    opened, place = time.time(), Place(a)
    feed = Feed(a.tokenizer, a.seed + 100 * RANK + 10_000 * (place.parts - 1), a.workers)
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
    place.obey_signals()
    done = run(a, c, w, stepper, feed, place)
    feed.close()
    if RANK == 0:
        place.save(a.out, c, model.to_hf(w))
        if done:
            place.save(a.out, c, model.to_hf(w), "final")
        write_log(a, feed, place, done)
    return c, w


def write_log(a, feed, place, done):
    seconds = place.seconds
    summary = {"steps": place.step, "seconds": round(seconds, 1), "tokens": place.seen, "learned": place.learned, "tokens_per_second": round(place.seen / seconds),
               "done": done, "parts": place.parts, "processes": RANKS, "blocks_made": feed.made, "blocks_repeated": feed.repeats, "args": vars(a)}
    print(json.dumps(summary), flush=True)
    with open(f"{a.out}/log.json", "w") as f:
        json.dump({"summary": summary, "rows": place.rows}, f, indent=0)


def agreed(progress, end):
    """The first process's progress and will to end, so that all end at the same step."""
    if RANKS > 1:
        told = torch.tensor([progress, end], dtype=torch.float64)
        dist.broadcast(told, 0)
        progress, end = float(told[0]), bool(told[1])
    return progress, end


def run(a, c, w, stepper, feed, place):
    """The training loop. Is the schedule done?"""
    losses, was_flat = [], False
    feed.waited = 0.0
    place.start()
    while True:
        progress, end = agreed(*place.progress())
        if progress >= a.flat and was_flat and RANK == 0:
            place.save(a.out, c, model.to_hf(w), "flat")
        was_flat = progress < a.flat
        if end:
            return progress >= 1
        scale = schedule(place, progress, a.flat)
        counts = stepper.load(feed, optim.hyper(place.here + 1, a.rate * scale, a.rest_rate * scale))
        stepper.step()
        place.count(*counts)
        losses.append(stepper.loss.clone())
        if place.step % a.every == 0:
            report(feed, place, losses)
            losses = []
        if place.due() and RANK == 0:
            place.save(a.out, c, model.to_hf(w))


def report(feed, place, losses):
    mean = float(torch.stack(losses).mean())
    assert math.isfinite(mean), "the loss is not finite"
    place.rows.append({"step": place.step, "seconds": round(place.seconds, 1), "loss": round(mean, 4), "tokens": place.seen, "learned": place.learned,
                       "waited": round(feed.waited, 1), "repeated": feed.repeats})
    print(json.dumps(place.rows[-1]), flush=True)


if __name__ == "__main__":
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("out")
    p.add_argument("--tokenizer", default=f"{HERE}/checkpoint/tokenizer.json")
    p.add_argument("--minutes", type=float, default=8)
    p.add_argument("--steps", type=int, default=0, help="instead of minutes")
    p.add_argument("--until", type=float, help="stop after so many minutes of the schedule, to go on with --resume")
    p.add_argument("--save-every", type=float, default=60, help="seconds")
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--rate", type=float, default=5e-3)
    p.add_argument("--rest-rate", type=float, default=3e-3)
    p.add_argument("--flat", type=float, default=0.5)
    p.add_argument("--blocks", type=int, default=4)
    p.add_argument("--workers", type=int, default=13)
    p.add_argument("--every", type=int, default=200)
    p.add_argument("--config", default="{}")
    p.add_argument("--resume", help="a run to go on from, at its place in the schedule")
    p.add_argument("--resume-name", help="last (the default), flat or final")
    p.add_argument("--fresh", action="store_true", help="take the weights of --resume alone and begin the schedule anew")
    train(p.parse_args())
