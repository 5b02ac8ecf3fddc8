"""The boxes of an ISO base media file, walked without an engine. Source: ISO/IEC 14496-12, 4.2."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

CONTAINERS = frozenset(
    b"moov trak mdia minf stbl dinf edts udta mvex moof traf mfra meta ilst tref iprp ipco gmhd".split()
)
DEEPEST = 12
MOST = 20_000  # boxes; a real file has a few hundred beside its fragments


@dataclass(frozen=True)
class Box:
    """One box: `path` are the types from the top, `start` and `end` bound its content in bytes of the file."""

    path: tuple[bytes, ...]
    start: int
    end: int

    @property
    def type(self) -> bytes:
        return self.path[-1]


def walk(path: Path) -> Iterator[Box]:
    """Every box of a file, parents before children. What does not parse ends the walk of its parent with a box `????`.

    Never reads content, so a film of any size costs a few reads.
    """
    with path.open("rb") as file:
        size = path.stat().st_size
        budget = [MOST]
        yield from _within(file, (), 0, size, budget)


def content(path: Path, box: Box, most: int) -> bytes:
    """The first `most` bytes of a box."""
    with path.open("rb") as file:
        file.seek(box.start)
        return file.read(min(most, box.end - box.start))


def _within(file: BinaryIO, parents: tuple[bytes, ...], at: int, end: int, budget: list[int]) -> Iterator[Box]:
    while at < end:
        file.seek(at)
        head = file.read(16)
        budget[0] -= 1
        if parents[-1:] == (b"udta",) and end - at == 4 and head[:4] == b"\0\0\0\0":
            return  # QuickTime ends a list of user data with a 32-bit zero
        if len(head) < 8 or end - at < 8 or budget[0] < 0:
            yield Box((*parents, b"????"), at, end)
            return
        size, kind, start = int.from_bytes(head[:4], "big"), head[4:8], at + 8
        if size == 1 and len(head) == 16:
            size, start = int.from_bytes(head[8:16], "big"), at + 16
        elif size == 0 and not parents:
            size = end - at
        if size < start - at or at + size > end:
            yield Box((*parents, b"????"), at, end)
            return
        yield Box((*parents, kind), start, at + size)
        # Every entry of an item list is a container, whatever its type is.
        if (kind in CONTAINERS or parents[-1:] == (b"ilst",)) and len(parents) < DEEPEST:
            yield from _within(file, (*parents, kind), _first_child(file, kind, start), at + size, budget)
        at += size


def _first_child(file: BinaryIO, kind: bytes, start: int) -> int:
    if kind != b"meta":
        return start
    # ISO's `meta` has a version before its children, QuickTime's has not.
    file.seek(start + 4)
    return start if file.read(4) == b"hdlr" else start + 4
