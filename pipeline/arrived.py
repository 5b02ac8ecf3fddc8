"""Which bytes of a file are here, so that a hole is never read as if it were the film.

A film that is still arriving is measured on a sparse file. Whoever is about to believe what it reads says so first.
"""

from collections.abc import Iterable
from dataclasses import dataclass


class Later(Exception):
    """The file cannot be measured from the bytes that are here. `ranges`: those that are needed first; None: all."""

    def __init__(self, ranges: tuple[tuple[int, int], ...] | None = None) -> None:
        super().__init__("all bytes" if ranges is None else ", ".join(f"{start}–{end}" for start, end in ranges))
        self.ranges = ranges


@dataclass(frozen=True)
class Arrived:
    """Byte ranges [from, to) of a file of `total` bytes, in any order."""

    ranges: tuple[tuple[int, int], ...]
    total: int

    @classmethod
    def of(cls, ranges: Iterable[Iterable[int]], total: int) -> "Arrived":
        """Ranges as JSON holds them; those that touch become one."""
        made: list[tuple[int, int]] = []
        for start, end in sorted((start, end) for start, end in ranges):
            if made and start <= made[-1][1]:
                made[-1] = (made[-1][0], max(end, made[-1][1]))
            else:
                made.append((start, end))
        return cls(tuple(made), total)

    def holds(self, start: int, end: int) -> bool:
        """Whether all of these bytes are here, as far as the file goes."""
        end = min(end, self.total)
        return start >= end or any(first <= start and end <= last for first, last in self.ranges)

    def require(self, start: int, end: int) -> None:
        """Raises: Later, naming these bytes."""
        if not self.holds(start, end):
            raise Later(((start, min(end, self.total)),))
