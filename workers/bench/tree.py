"""What a process and everything below it have used, as the kernel counts it."""

import os
from collections.abc import Iterator
from pathlib import Path

_TICK = os.sysconf("SC_CLK_TCK")


def below(pid: int) -> Iterator[int]:
    """A living process and all its living descendants."""
    yield pid
    try:
        children = [
            int(child)
            for task in Path(f"/proc/{pid}/task").iterdir()
            for child in (task / "children").read_text().split()
        ]
    except OSError:  # it ended while we looked
        return
    for child in children:
        yield from below(child)


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
