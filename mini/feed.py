"""Training batches: worker processes generate conversations, cut them into tokens and pack them into blocks without padding between them.

A block is BLOCK tokens of whole conversations. A batch is several blocks end to end:

  ids, position   [T]      tokens and their place in their conversation
  offsets         [D + 1]  where conversations start, filled up with T
  rows, targets, weight, unthought [R]  the learned tokens: the place before each, the token, 1 or 0 (unused), see Marks
"""
import collections
import multiprocessing as mp
import os
import queue
import signal
import time

import numpy as np

BLOCK, DOCUMENTS, LONGEST, KEPT = 16384, 64, 2048, 4000
LEARNED = 5 * BLOCK // 16
FIELDS = {"ids": BLOCK, "position": BLOCK, "rows": LEARNED, "targets": LEARNED, "weight": LEARNED, "unthought": LEARNED, "offsets": DOCUMENTS}


class Marks:
    """Which tokens are learned: what the assistant says, from its thought (if any) to <|im_end|>.

    Flag 2 is the first word of a turn of the history, where a thought could stand but is not shown.
    """

    def __init__(self, tok):
        self.start, self.end, self.think = (tok.token_to_id(t) for t in ("<|im_start|>", "<|im_end|>", "<think>"))
        self.role, self.blank = tok.encode("assistant").ids[0], tok.encode("\n\n").ids[0]

    def flags(self, ids):
        out, i = np.zeros(len(ids), np.uint8), 0
        while True:
            try:
                i = ids.index(self.start, i)
            except ValueError:
                return out
            if ids[i + 1] == self.role:
                a, b = i + 3, ids.index(self.end, i)
                if ids[a] != self.think:
                    out[a], out[a + 1:b + 1] = 2, 1
                else:
                    out[a + 4 if ids[a + 1] == self.blank else a:b + 1] = 1
            i += 3


class Packer:
    """Collects conversations until they fill a block; what does not fit waits for the next one."""

    def __init__(self):
        self.taken, self.size, self.waiting = [], 0, []

    def add(self, ids, flags):
        """A block's arrays once one is full, else None."""
        if len(ids) > LONGEST:
            return None
        if self.size + len(ids) <= BLOCK:
            self.taken.append((ids, flags))
            self.size += len(ids)
        else:
            self.waiting.append((ids, flags))
        if len(self.taken) < DOCUMENTS - 1 and len(self.waiting) < 24 and BLOCK - self.size > 48:
            return None
        block = pack(self.taken)
        waiting, self.taken, self.size, self.waiting = self.waiting, [], 0, []
        for item in waiting:
            self.add(*item)
        return block


def pack(documents):
    """One int32 array in the order of FIELDS, and (tokens used, tokens learned)."""
    ids, position, flags = np.zeros(BLOCK, np.int32), np.zeros(BLOCK, np.int32), np.zeros(BLOCK, np.uint8)
    offsets, at = np.full(DOCUMENTS, BLOCK, np.int32), 0
    for i, (tokens, marks) in enumerate(documents):
        n = len(tokens)
        offsets[i] = at
        ids[at:at + n], flags[at:at + n], position[at:at + n] = tokens, marks, np.arange(n)
        at += n
    offsets[len(documents)] = at
    places = np.flatnonzero(flags)[:LEARNED]
    learned = np.zeros((4, LEARNED), np.int32)
    learned[:, :len(places)] = places - 1, ids[places], np.ones(len(places)), flags[places] == 2
    return np.concatenate((ids, position, learned.reshape(-1), offsets)), (at, len(places))


def work(tokenizer, seed, out):
    """Endless blocks into the queue. A Ctrl-C is the parent's business, who ends this process."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.environ["TOKENIZERS_PARALLELISM"] = "false"
    from tokenizers import Tokenizer

    from dice import Dice
    from render import training_text
    tok = Tokenizer.from_file(tokenizer)
    marks, dice, packer = Marks(tok), Dice(seed), Packer()
    while True:
        for e in tok.encode_batch([training_text(dice) for _ in range(128)], add_special_tokens=False):
            block = packer.add(e.ids, marks.flags(e.ids))
            if block:
                out.put(block)


class Feed:
    """Blocks of all workers. Each is used once while it is new; when the workers are slower than the training, older ones come again.

    Make it before CUDA is touched: the workers are forks of this process.
    """

    def __init__(self, tokenizer, seed, workers):
        context = mp.get_context("fork")
        self.queue = context.Queue(maxsize=256)
        self.workers = [context.Process(target=work, args=(tokenizer, seed * 1000 + i, self.queue), daemon=True) for i in range(workers)]
        for p in self.workers:
            p.start()
        self.blocks, self.fresh, self.random = collections.deque(maxlen=KEPT), collections.deque(), np.random.default_rng(seed)
        self.made, self.repeats, self.waited = 0, 0, 0.0

    def drain(self, wait=False):
        """Takes what the workers have made; with wait, at least one block."""
        began = time.time()
        while len(self.fresh) < 64:
            try:
                self.fresh.append(self.queue.get(timeout=120) if wait else self.queue.get_nowait())
                wait = False
            except queue.Empty:
                break
        self.waited += time.time() - began

    def block(self):
        if not self.fresh:
            self.drain(wait=len(self.blocks) < 64)
        if self.fresh:
            self.made += 1
            self.blocks.append(self.fresh.popleft())
            return self.blocks[-1]
        self.repeats += 1
        return self.blocks[self.random.integers(len(self.blocks))]

    def fill(self, array, blocks):
        """Writes a batch of so many blocks into array [blocks * block size]; (tokens used, tokens learned)."""
        self.drain()
        used = learned = 0
        fields = views(array, blocks)
        for b in range(blocks):
            data, (n, m) = self.block()
            used, learned, at = used + n, learned + m, 0
            for name, size in FIELDS.items():
                part = data[at:at + size]
                at += size
                fields[name][b * size:(b + 1) * size] = part + b * BLOCK if name in ("rows", "offsets") else part
        fields["offsets"][-1] = blocks * BLOCK
        return used, learned

    def close(self):
        for p in self.workers:
            p.kill()


def views(array, blocks):
    """The fields of a batch as views of its one array (numpy or torch); offsets have one entry more, the end."""
    out, at = {}, 0
    for name, size in FIELDS.items():
        n = blocks * size + (name == "offsets")
        out[name] = array[at:at + n]
        at += n
    return out


def batch_size(blocks):
    """Length of the array of a batch."""
    return blocks * sum(FIELDS.values()) + 1
