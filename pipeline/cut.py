"""Where a film is cut: chunks of whole groups of pictures, and the segments and key frames inside them.

Everything is computed from the packets' times, so that every machine cuts at the same frames, and the bytes that a
chunk needs are known before they have arrived.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from math import ceil, inf

from pipeline.index import Index, Packet, Track, groups, shown
from pipeline.presets import Cut

# A rest shorter than this is no chunk and no segment of its own, s.
SHORTEST = 1.0
# How much faster than a preset's rate a film may be before frames are dropped: a phone that writes 30.4 frames/s would
# stutter.
ABOVE = Fraction(11, 10)
# Of a film's frames, how many must be too fast before any is dropped: a burst is no stretch.
HURRIED = Fraction(1, 10)


@dataclass(frozen=True)
class Chunk:
    """A run of whole groups of pictures of the source; `first` and `end` are ticks of the source's picture track."""

    number: int
    first: int  # the first frame's time, included
    end: int | None  # the first time that belongs to the next chunk; None: to the end
    start: float  # s on the film's clock
    duration: float  # s
    seek: float | None  # s on the source's clock where the demuxer is put; None: read from the beginning
    sound_seek: float | None  # the same for the sound, which needs a run-up
    entry: int  # ticks of the first frame that comes out; `first`, unless the chunk before kept one in the same slot
    frames: int  # frames that come out
    keys: tuple[float, ...]  # s on the film's clock where its IDR frames are; the first is `start`
    cuts: tuple[float, ...]  # s on the film's clock where its segments start: some of `keys`


@dataclass(frozen=True)
class Clock:
    """The film's clock: the source's, minus the first displayed frame, and the frames that are kept."""

    origin: int  # ticks
    time_base: Fraction
    apart: int | None  # ticks from a kept frame to the next, at least; None: all are kept

    def at(self, ticks: int) -> Fraction:
        """Seconds on the film's clock."""
        return (ticks - self.origin) * self.time_base

    def kept(self, frames: Sequence[Packet]) -> list[int]:
        """The times (ticks) of the frames that come out."""
        made: list[int] = []
        for frame in frames:
            if self.apart is None or not made or frame.pts - made[-1] >= self.apart:
                made.append(frame.pts)
        return made


def thinned(rate: Fraction, most: int) -> Fraction | None:
    """How many frames a second are kept of a film with more than `most`, evenly; None: all of them.

    60 becomes 30, 50 becomes 25, 240 becomes 30. Up to a tenth above the limit nothing is dropped.
    """
    every = -(-rate // (most * ABOVE))
    return None if every <= 1 else rate / every


def apart(most: int, time_base: Fraction) -> int:
    """Ticks from a kept frame to the next, at least: `thinned`, frame by frame.

    By the mean, a phone that goes from 60 to 30 frames/s in low light would keep every second frame of both.
    """
    return ceil(1 / (most * ABOVE * time_base))


def hurried(frames: Sequence[Packet], time_base: Fraction, most: int) -> bool:
    """Whether a film is faster than `thinned` allows for a good part of it, however few frames it has by the mean.

    Whole seconds are counted: two frames that stand close beside each other, as where a clock trembles, say nothing.
    """
    over, second = int(most * ABOVE), 1 / time_base
    fast = sum(after.pts - frame.pts < second for frame, after in zip(frames, frames[over:], strict=False))
    return fast >= HURRIED * len(frames)


def chunks(
    table: Index, stream: int, clock: Clock, duration: Fraction, cut: Cut, before: tuple[Chunk, ...] = ()
) -> tuple[Chunk, ...]:
    """The chunks of a film of `duration` s, in order; only one, read from the beginning, if seeking is not exact.
    Those `before` are known, and what is behind them is cut."""
    track = table.tracks[stream]
    frames = shown(track)
    doors = [group.pts for group in groups(track)] if table.seekable else []
    begun = before[-1].end if before else None
    starts = _starts(doors, frames, clock, duration, cut, frames[0].pts if begun is None else begun, not before)
    times = clock.kept(frames)
    made = list(before)
    for number, (first, end) in enumerate(pairwise([*starts, None]), len(before)):
        assert first is not None
        mine = times[bisect_left(times, first) : bisect_left(times, end) if end is not None else len(times)]
        start = clock.at(mine[0])
        after = clock.at(times[bisect_left(times, end)]) if end is not None else duration
        keys = _keys([clock.at(time) for time in mine], after, Fraction(cut.keyframe))
        made.append(
            Chunk(
                number=number,
                first=first,
                end=end,
                start=_told(start),
                duration=_told(after) - _told(start),
                seek=_seek(track, first) if number else None,
                sound_seek=_run_up(track, doors, first) if number else None,
                entry=mine[0],
                frames=len(mine),
                keys=tuple(_told(key) for key in keys),
                cuts=tuple(_told(key) for key in _cuts(keys, after, Fraction(cut.others))),
            )
        )
    return tuple(made)


def _told(time: Fraction) -> float:
    """Seconds as they are written down: to the microsecond, the same wherever a moment is named."""
    return round(float(time), 6)


def _starts(
    doors: list[int], frames: list[Packet], clock: Clock, duration: Fraction, cut: Cut, begin: int, from_first: bool
) -> list[int]:
    """Ticks where chunks start: of the groups' first frames, those nearest to the wished length."""
    starts = [begin]
    while True:
        wish = clock.at(starts[-1]) + Fraction(cut.first if from_first and len(starts) == 1 else cut.others)
        if duration - wish < SHORTEST:
            return starts
        at = bisect_left(doors, clock.origin + wish / clock.time_base)
        near = [door for door in doors[max(0, at - 1) : at + 1] if starts[-1] < door <= frames[-1].pts]
        if not near:
            return starts
        best = min(near, key=lambda door: abs(clock.at(door) - wish))
        if duration - clock.at(best) < SHORTEST:
            return starts
        starts.append(best)


def _keys(times: list[Fraction], end: Fraction, every: Fraction) -> list[Fraction]:
    """Of the frames' times, those that become IDR frames: the first, then one every `every` s."""
    keys = [times[0]]
    for time in times:
        if time - keys[-1] >= every - Fraction(1, 1000) and end - time >= every / 4:
            keys.append(time)
    return keys


def _cuts(keys: list[Fraction], end: Fraction, length: Fraction) -> list[Fraction]:
    cuts = [keys[0]]
    for key in keys:
        if key - cuts[-1] >= length - Fraction(1, 100) and end - key >= SHORTEST:
            cuts.append(key)
    return cuts


def _seek(track: Track, first: int) -> float:
    # Half a tick later than the key frame, so that a rounded microsecond cannot fall before it.
    return float((first + Fraction(1, 2)) * track.time_base)


def _run_up(track: Track, doors: list[int], first: int) -> float | None:
    """Where the sound is read from: a key frame at least a third of a second before the chunk."""
    at = bisect_right(doors, first - Fraction(1, 3) / track.time_base)
    return _seek(track, doors[at - 1]) if at else None


def needed(table: Index, chunk: Chunk, picture: int, sound: int | None) -> tuple[tuple[int, int], ...] | None:
    """The bytes of the file a chunk needs, as [from, to) in order: tables, pictures, sound; None: all of them."""
    if not table.seekable:
        return None
    track = table.tracks[picture]
    base = track.time_base
    end = float(chunk.end * base) if chunk.end is not None else inf
    # Of fragments that are not there a demuxer knows nothing.
    ahead = 0 if table.fragments else AHEAD
    spans = list(table.header) + _bytes(track, chunk.seek if chunk.seek is not None else -inf, end, ahead)
    if sound is not None:
        since = chunk.sound_seek if chunk.sound_seek is not None else -inf
        spans += _bytes(table.tracks[sound], since - MARGIN, end + MARGIN, ahead)
    return joined(_whole(table, spans))


def needed_before(table: Index, picture: int, end: float) -> tuple[tuple[int, int], ...] | None:
    """The bytes of the pictures before `end` (s on the source's clock); None: all of the file."""
    spans = list(table.header) + _bytes(table.tracks[picture], -inf, end, 0 if table.fragments else AHEAD)
    return joined(_whole(table, spans)) if table.seekable else None


# Sound around a chunk that the encoder looks at, and packets that a demuxer reads ahead.
MARGIN = 0.5
AHEAD = 16
# Holes smaller than this are read over: a request costs more than its bytes.
HOLE = 65_536


def _bytes(track: Track, since: float, end: float, ahead: int = AHEAD) -> list[tuple[int, int]]:
    """Where the packets of a time span lie, those `ahead` of its end, and the first ones, from which the engine learns
    what the track is."""
    base = float(track.time_base)
    inside = [
        n for n, packet in enumerate(track.packets) if since <= (packet.pts + 1) * base and packet.dts * base <= end
    ]
    last = min(len(track.packets), inside[-1] + 1 + ahead) if inside else 0
    packets = track.packets[:AHEAD] + (track.packets[inside[0] : last] if inside else ())
    return [(packet.pos, packet.pos + packet.size) for packet in packets]


def _whole(table: Index, spans: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """The spans; in a fragmented film, all of each fragment that one lies in."""
    starts = [start for start, _ in table.fragments]
    at = {span: bisect_right(starts, span[0]) - 1 for span in spans} if starts else {}
    return sorted({table.fragments[at[span]] if at.get(span, -1) >= 0 else span for span in spans})


def joined(spans: list[tuple[int, int]]) -> tuple[tuple[int, int], ...]:
    """Spans in order, without overlap; small holes are closed."""
    made: list[tuple[int, int]] = []
    for start, end in sorted(spans):
        if made and start <= made[-1][1] + HOLE:
            made[-1] = (made[-1][0], max(end, made[-1][1]))
        else:
            made.append((start, end))
    return tuple(made)
