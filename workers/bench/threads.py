"""What ffmpeg's threads use while they live: it names them after what they do."""

import os
import re
import threading
import time
from collections import defaultdict
from pathlib import Path

from workers.bench import tree

_EVERY_S = 0.03
_KINDS = (
    (r"dmx", "read"),
    (r"dec|av:", "decode"),
    (r"enc(\d+)", "encode"),
    (r"vf|fc|af", "filter"),
    (r"mux", "write"),
)


class Threads:
    """Looks at all ffmpegs below this process from enter to exit. `spent` is seconds of CPU by kind of work; of
    encoders by their output's number: `encode 0`."""

    def __init__(self) -> None:
        self._seen: dict[tuple[int, int], tuple[str, float]] = {}
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)
        self.own_s = 0.0  # what looking itself has used

    def __enter__(self) -> "Threads":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    @property
    def spent(self) -> dict[str, float]:
        found: dict[str, float] = defaultdict(float)
        for name, seconds in self._seen.values():
            found[_kind(name)] += seconds
        return found

    def _look(self) -> None:
        while not self._ended.wait(_EVERY_S):
            for pid in tree.below(os.getpid()):
                try:
                    if (Path(f"/proc/{pid}/comm").read_text()).startswith("ffmpeg"):
                        self._note(pid)
                except OSError:
                    continue  # it ended while we looked
        self.own_s = time.thread_time()

    def _note(self, pid: int) -> None:
        for task in Path(f"/proc/{pid}/task").iterdir():
            try:
                # Nanoseconds on a core. Source: Documentation/scheduler/sched-stats.rst
                ran = int((task / "schedstat").read_text().split()[0]) / 1e9
                self._seen[pid, int(task.name)] = ((task / "comm").read_text().strip(), ran)
            except OSError:
                continue


def _kind(name: str) -> str:
    for pattern, kind in _KINDS:
        if found := re.match(pattern, name):
            return f"{kind} {found[1]}" if found.groups() else kind
    return "start"
