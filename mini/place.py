"""Where a run stands in its schedule: its clock and counts, saved beside the weights so that a stopped run goes on there."""
import json
import os
import signal
import time

from store import save_run, write_json


class Place:
    """seconds, step, seen and learned count over all parts of the run; here counts the steps of this process, whose optimizer began anew."""

    def __init__(self, a):
        self.minutes, self.steps, self.until, self.saving = a.minutes, a.steps, a.until, a.save_every
        self.step = self.seen = self.learned = self.parts = self.here = 0
        self.before, self.rows, self.stopped = 0.0, [], False
        if a.resume and not a.fresh:
            with open(f"{a.resume}/place.json") as f:
                told = json.load(f)
            self.step, self.seen, self.learned, self.parts, self.before, self.rows = (told[k] for k in ("step", "tokens", "learned", "parts", "seconds", "rows"))
        self.parts += 1
        self.start()

    def start(self):
        self.began = self.saved = time.time()

    def obey_signals(self):
        """SIGTERM and Ctrl-C end the run after the step, with its weights saved."""
        for name in (signal.SIGTERM, signal.SIGINT):
            signal.signal(name, self.stop)

    def stop(self, *_):
        self.stopped = True

    @property
    def seconds(self):
        return self.before + time.time() - self.began

    def progress(self):
        """(how much of the schedule is done, shall this process end here?)"""
        done = self.step / self.steps if self.steps else self.seconds / (self.minutes * 60)
        return done, self.stopped or done >= 1 or self.until is not None and self.seconds >= self.until * 60

    def count(self, used, learned):
        self.step, self.here, self.seen, self.learned = self.step + 1, self.here + 1, self.seen + used, self.learned + learned

    def due(self):
        return time.time() - self.saved > self.saving

    def save(self, folder, config, tensors, name="last"):
        """The weights as <name>*, and the place if these are the last ones."""
        save_run(folder, name, config, tensors)
        if name == "last":
            write_json(f"{folder}/place.json.part", {"step": self.step, "tokens": self.seen, "learned": self.learned, "parts": self.parts,
                                                     "seconds": round(self.seconds, 1), "rows": self.rows})
            os.replace(f"{folder}/place.json.part", f"{folder}/place.json")
        self.saved = time.time()
