"""The fragments of an ISO film (`moof` and its `mdat`): where they lie, and what they say of themselves, which must be
what the engine reads. Source: ISO/IEC 14496-12, 8.8.
"""

import struct
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO

_LARGEST = 1 << 24  # bytes of one `moof` that are read: a fragment of an hour's pictures and sound has about 6 MB

Spans = Iterable[Sequence[int]]


@dataclass(frozen=True, slots=True)
class Run:
    """What a fragment holds of one track."""

    time: int | None  # ticks: of the first sample's decoding (`tfdt`); None: it does not say
    samples: int
    lowest: int  # ticks: the most that a picture is displayed before its decoding time, as a number of at most 0


@dataclass(frozen=True, slots=True)
class Fragment:
    """Bytes [start, end) from a `moof` to the end of its last `mdat`; or, before the first `moof`, an `mdat`."""

    start: int
    end: int
    runs: dict[int, Run] | None  # by number of the track; None: the table in `moov` tells what is in it
    whole: bool = True  # False: the film ends inside it


def outermost(path: Path) -> Iterator[tuple[bytes, int, int]]:
    """The outermost boxes of an ISO file: kind, first byte, first byte after it (which may lie beyond the end)."""
    with path.open("rb") as file:
        yield from boxes(file, 0, path.stat().st_size)


def boxes(file: BinaryIO, start: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    """The boxes from `start` on, which is one's first byte: kind, first byte, first byte after it (perhaps beyond
    `end`)."""
    at = start
    while at + 8 <= end:
        file.seek(at)
        head = file.read(16)
        size = int.from_bytes(head[:4], "big")
        if size == 1:
            size = int.from_bytes(head[8:16], "big")
        after = at + size if size else end
        if after < at + 8:
            return
        yield head[4:8], at, after
        at = after


def read(path: Path, spans: Spans | None = None) -> tuple[Fragment, ...]:
    """The fragments of a film, of which the bytes in `spans` are here (none: all); none if it has no `moof`."""
    found: list[Fragment] = []
    total = path.stat().st_size
    with path.open("rb") as file:
        for start, end in spans if spans is not None else [(0, total)]:
            for kind, at, after in boxes(file, start, end):
                last, whole = min(after, total), after <= total
                if kind == b"moof":
                    found.append(Fragment(at, last, _runs(file, at, last), whole))
                elif kind == b"mdat" and found and found[-1].runs is not None:
                    found.append(replace(found.pop(), end=last, whole=whole))
                elif kind == b"mdat":
                    found.append(Fragment(at, last, None, whole))
    return tuple(found) if any(one.runs is not None for one in found) else ()


def promised(path: Path, start: int, end: int) -> bool:
    """Whether a `moov` says that fragments may follow."""
    with path.open("rb") as file:
        file.seek(start)
        return any(kind == b"mvex" for kind, _, _ in _within(file.read(min(end - start, _LARGEST)), 8))


def _runs(file: BinaryIO, start: int, end: int) -> dict[int, Run]:
    file.seek(start)
    try:
        return _told(file.read(min(end - start, _LARGEST)))
    except (struct.error, IndexError):
        return {}  # it says nothing that the packets could agree with


def _told(data: bytes) -> dict[int, Run]:
    made: dict[int, Run] = {}
    for kind, at, after in _within(data, 8):
        if kind != b"traf":
            continue
        track, time, samples, lowest = 0, None, 0, 0
        for part, begin, _ in _within(data, at + 8, after):
            if part == b"tfhd":
                (track,) = struct.unpack_from(">I", data, begin + 12)
            elif part == b"tfdt":
                (time,) = struct.unpack_from(">Q" if data[begin + 8] else ">I", data, begin + 12)
            elif part == b"trun":
                count, low = _run(data, begin)
                samples, lowest = samples + count, min(lowest, low)
        before = made.get(track)
        if before is not None:
            # Of several runs of one track each must say its time, and the first one's is the fragment's.
            time = before.time if time is not None else None
            samples, lowest = before.samples + samples, min(before.lowest, lowest)
        made[track] = Run(time, samples, lowest)
    return made


def _run(data: bytes, at: int) -> tuple[int, int]:
    """How many samples a `trun` has, and the lowest of their composition offsets, at most 0."""
    version, flags = data[at + 8], int.from_bytes(data[at + 9 : at + 12], "big")
    (count,) = struct.unpack_from(">I", data, at + 12)
    if not version or not flags & 0x800:
        return count, 0
    # Data offset and first sample's flags; then of each sample duration, size, flags and offset, as the flags say.
    first = at + 16 + 4 * bool(flags & 0x1) + 4 * bool(flags & 0x4)
    fields = [bool(flags & bit) for bit in (0x100, 0x200, 0x400, 0x800)]
    step, offset = 4 * sum(fields), 4 * sum(fields[:3])
    places = range(first + offset, min(first + count * step, len(data) - 3), step)
    return count, min((struct.unpack_from(">i", data, place)[0] for place in places), default=0)


def _within(data: bytes, at: int, end: int | None = None) -> Iterator[tuple[bytes, int, int]]:
    """The boxes inside one, whole ones only."""
    end = len(data) if end is None else end
    while at + 16 <= end:
        size = int.from_bytes(data[at : at + 4], "big")
        if size < 8 or at + size > end:
            return
        yield data[at + 4 : at + 8], at, at + size
        at += size


def agree(pieces: Sequence[Fragment], number: int, packets: Iterable[tuple[int, int, int]]) -> bool:
    """Whether each fragment, read without the others, gives a track's packets (first byte, first byte after it, time of
    decoding): it has as many as it says, all inside it, and says when its first one is decoded.
    """
    starts = [one.start for one in pieces]
    count = [0] * len(pieces)
    ahead: set[int] = set()
    last = 0
    for start, end, time in packets:
        at = bisect_right(starts, start) - 1
        if at < last or end > pieces[at].end:
            return False
        last = at
        told = (pieces[at].runs or {}).get(number)
        if not count[at] and told is not None:
            if told.time is None:
                return False
            ahead.add(time - told.time)
        count[at] += 1
    for piece, found in zip(pieces, count, strict=True):
        told = (piece.runs or {}).get(number)
        if piece.runs is not None and piece.whole and found != (told.samples if told else 0):
            return False
    # An engine moves all pictures by the most that one comes before its turn: the first fragment, always there, has it.
    lows = [one.runs[number].lowest for one in pieces if one.runs and number in one.runs]
    first = lows[0] if lows and pieces[0].runs is not None else 0
    return len(ahead) <= 1 and min(lows, default=0) == first
