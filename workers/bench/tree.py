"""What a process and everything below it have used, as the kernel counts it."""

import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path

_TICK = os.sysconf("SC_CLK_TCK")
_LOOK_S = 0.1


def below(pid: int) -> Iterator[int]:
    """A living process and all its living descendants."""
    yield pid
    for child in _children(pid):
        yield from below(child)


def _children(pid: int) -> list[int]:
    found: list[int] = []
    try:
        for task in Path(f"/proc/{pid}/task").iterdir():
            found += map(int, (task / "children").read_text().split())
    except OSError:
        pass  # it ended while we looked
    return found


def cpu_s(pid: int) -> float:
    """Seconds of CPU of the tree, user and kernel, those of its ended children that were waited for included."""
    total = 0
    for one in below(pid):
        try:
            # Behind the name, which may hold anything: utime, stime, cutime, cstime. Source: proc(5), fields 14 to 17.
            total += sum(map(int, Path(f"/proc/{one}/stat").read_text().rpartition(")")[2].split()[11:15]))
        except OSError:
            continue
    return total / _TICK


def memory_bytes(pid: int) -> int:
    """Bytes of memory the tree holds now; what its processes share is divided among them. Source: proc(5), Pss."""
    total = 0
    for one in below(pid):
        try:
            lines = Path(f"/proc/{one}/smaps_rollup").read_text().splitlines()
        except OSError:
            continue
        total += next((int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:")), 0)
    return total


class Peak:
    """Looks at the children that this process starts from enter to exit: `bytes` is the most that one of them held,
    with all below it.

    Not `ru_maxrss`: that of a process begins with what its parent had when it was forked, and of several processes only
    the largest counts.
    """

    def __init__(self) -> None:
        self.bytes = 0
        self.own_s = 0.0  # CPU that looking itself has used
        self._before = set(_children(os.getpid()))
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)

    def __enter__(self) -> "Peak":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._ended.wait(_LOOK_S):
            for child in set(_children(os.getpid())) - self._before:
                self.bytes = max(self.bytes, memory_bytes(child))
        self.own_s = time.thread_time()
