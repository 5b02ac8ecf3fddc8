"""A container's packets, none decoded: where each frame lies in time and in bytes, and where decoding can start.

Times come from the demuxer, which has applied edit lists; byte positions are those of the file. Works on a sparse file
too, whose sample data have not arrived, as long as the container's own tables have.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
from av.container import InputContainer
from av.error import FFmpegError

from pipeline import engine, fragments
from pipeline.arrived import Arrived
from pipeline.errors import Damaged, TooManyStreams, Truncated, Unreadable
from pipeline.fragments import Fragment
from pipeline.view import View

# Packets of one track: 4 hours at 60 frames/s, and enough for the shortest audio packets of half an hour.
MOST_PACKETS = 900_000
SPOKEN = 100  # packets of a track from one word about progress to the next: seconds of film

_TABLES = {b"moov", b"mdat", b"moof", b"sidx", b"mfra"}


@dataclass(frozen=True, slots=True)
class Packet:
    """One coded frame, or a run of audio samples. Times in ticks of its track, on the presentation clock."""

    pts: int
    dts: int
    duration: int
    pos: int  # bytes from the file's start, -1 if unknown
    size: int
    key: bool
    shown: bool  # False: needed for decoding only (an edit list hides it)


@dataclass(frozen=True)
class Track:
    """The packets of one track in the order of decoding."""

    stream: int
    time_base: Fraction  # s per tick
    packets: tuple[Packet, ...]


@dataclass(frozen=True)
class Group:
    """Where decoding can start: a key frame after which, in time, nothing needs what came before."""

    pts: int  # ticks
    at: int  # number of the packet in the order of decoding


@dataclass(frozen=True)
class Index:
    """Every packet of the tracks that were asked for."""

    bytes: int
    tracks: dict[int, Track]
    header: tuple[tuple[int, int], ...]  # bytes [from, to) of the container's own tables
    missing: int  # frames that the container's table names and the file, cut short, does not hold
    seekable: bool  # the container's own tables find a key frame exactly, and positions are true
    fragments: tuple[tuple[int, int], ...] = ()  # bytes [from, to) that an engine reads wholly or not at all


@contextmanager
def opened(
    path: Path, container: str, arrived: Arrived | None = None, *, unseen: bool = False
) -> Iterator[InputContainer]:
    """A stranger's file, opened with the demuxer that `sniff` named and nothing else. Of a film in fragments those that
    have `arrived` are shown. `unseen`: nothing of it is decoded.

    Raises: Truncated, Unreadable, Damaged.
    """
    fragmented = container == "mov" and any(kind == b"moof" for kind, _, _ in fragments.outermost(path))
    if fragmented:
        with View(path, arrived.ranges if arrived else None) as view, _opened(path, view, container, unseen) as file:
            yield file
        return
    with _opened(path, str(path), container, unseen) as file:
        yield file


@contextmanager
def _opened(path: Path, given: View | str, container: str, unseen: bool) -> Iterator[InputContainer]:
    # Strings of other alphabets and of none are data here, not errors.
    how: dict[str, Any] = {"container_options": engine.options(container), "metadata_errors": "surrogateescape"}
    streams: dict[str, Any] = {"stream_options": engine.unseen(container)} if unseen else {}
    try:
        try:
            file = av.open(given, format=container, **how, **streams)
        except ValueError:  # there are no streams
            file = av.open(given, format=container, **how)
    except FFmpegError as error:
        # The container's own tables are missing or make no sense.
        _refuse_truncated(path, container)
        if "max_streams" in str(error):
            raise TooManyStreams(str(error)) from error
        raise Unreadable(f"{container}: {error.strerror}") from error
    with file:
        if not isinstance(file, InputContainer):
            raise Unreadable(f"{container}: not an input")
        try:
            yield file
        except FFmpegError as error:
            raise Damaged(f"{container}: {error.strerror}") from error


def _refuse_truncated(path: Path, container: str) -> None:
    """Tell a file that lost its end from one that never was a film."""
    total = path.stat().st_size
    boxes = list(fragments.outermost(path)) if container == "mov" else []
    if boxes and boxes[-1][2] > total:
        raise Truncated(f"the last box ends at byte {boxes[-1][2]}, the file at {total}")
    kinds = {kind for kind, _, _ in boxes}
    if b"mdat" in kinds and b"moov" not in kinds:
        raise Truncated(f"{total} bytes of samples without an index")


def _header(path: Path, container: str, pieces: tuple[Fragment, ...]) -> tuple[tuple[int, int], ...]:
    total = path.stat().st_size
    if container != "mov":
        return ((0, total),)
    boxes = list(fragments.outermost(path))
    if pieces:
        return tuple((at, end) for kind, at, end in boxes if kind in (b"ftyp", b"moov") and at < pieces[-1].start)
    # Behind the last table and the last pictures there is only talk.
    last = max((n for n, (kind, _, _) in enumerate(boxes) if kind in _TABLES), default=len(boxes))
    return tuple((at, at + 16 if kind == b"mdat" else min(end, total)) for kind, at, end in boxes[: last + 1])


def read(
    path: Path,
    container: str,
    streams: tuple[int, ...],
    arrived: Arrived | None = None,
    on_progress: Callable[[float], None] | None = None,
) -> Index:
    """The packets of these tracks; the first is the picture. `arrived` says which bytes of the film are here. All of it
    is read, which may take minutes: `on_progress` gets the share.

    Raises: Truncated, Unreadable, Damaged.
    """
    found: dict[int, list[Packet]] = {stream: [] for stream in streams}
    pieces = fragments.read(path, arrived.ranges if arrived else None) if container == "mov" else ()
    with opened(path, container, arrived, unseen=True) as file:
        wanted = [file.streams[stream] for stream in streams]
        bases = {stream.index: Fraction(stream.time_base or 0) for stream in wanted}
        # What the one table in front or at the end of the file knows of; fragments carry their own.
        listed = file.streams[streams[0]].frames
        clocks = dict.fromkeys(streams, 0)
        one_table = container == "mov" and not pieces
        doors = {stream.index: _doors(stream) if one_table else None for stream in wanted}
        for packet in file.demux(*wanted):
            if packet.dts is None and packet.pts is None and not packet.size:
                continue  # the flush at the end
            one = _packet(packet, clocks[packet.stream_index], doors[packet.stream_index], arrived)
            clocks[packet.stream_index] = one.dts + max(1, one.duration)
            packets = found[packet.stream_index]
            packets.append(one)
            if on_progress is not None and len(packets) % SPOKEN == 0:
                on_progress(min(1.0, max(0, one.pos) / max(1, file.size)))
            if len(packets) > MOST_PACKETS:
                raise Damaged(f"more than {MOST_PACKETS} packets in track {packet.stream_index}")
        if pieces:
            # Only now have all tables been read.
            for stream in wanted:
                _close(found[stream.index], _doors(stream))
        names = {stream.index: stream.id for stream in wanted}
    tracks = {stream: Track(stream, bases[stream], tuple(found[stream])) for stream in streams}
    total = path.stat().st_size
    cut = container == "mov" and any(end > total for _, _, end in fragments.outermost(path))
    missing = max(0, listed - len(found[streams[0]])) if cut else 0
    if pieces:
        agreed = all(_agreed(pieces, names[track.stream], track) for track in tracks.values())
        spans = tuple((one.start, one.end) for one in pieces) if agreed else ()
        return Index(total, tracks, _header(path, container, pieces), missing, agreed, spans)
    # A table of a Matroska file names clusters, not frames, and may be absent.
    seekable = container == "mov" and listed == len(found[streams[0]]) and _exact(tracks)
    return Index(total, tracks, _header(path, container, ()), missing, seekable)


def _close(packets: list[Packet], doors: frozenset[int] | None) -> None:
    """Decoding begins only where the tables say so."""
    for at, packet in enumerate(packets):
        if packet.key and doors is not None and packet.pos not in doors:
            packets[at] = replace(packet, key=False)


def _agreed(pieces: tuple[Fragment, ...], number: int, track: Track) -> bool:
    return fragments.agree(pieces, number, ((one.pos, one.pos + one.size, one.dts) for one in track.packets))


def _doors(stream: "av.stream.Stream") -> frozenset[int] | None:
    """The byte positions at which an ISO file's own table lets a demuxer begin; None: it has no such table."""
    return frozenset(one.pos for one in stream.index_entries if one.is_keyframe) or None


def _packet(packet: "av.Packet[Any]", clock: int, doors: frozenset[int] | None, arrived: Arrived | None) -> Packet:
    # An AVI counts frames and knows no presentation time; some streams know only that.
    pts = packet.pts if packet.pts is not None else packet.dts if packet.dts is not None else clock
    start = packet.pos if packet.pos is not None else -1
    # The engine looks into the pictures, where a hole is no key frame; it goes only to those that the table names.
    seen = packet.is_keyframe or (arrived is not None and not arrived.holds(start, start + packet.size))
    return Packet(
        pts=pts,
        dts=packet.dts if packet.dts is not None else pts,
        duration=packet.duration or 0,
        pos=start,
        size=packet.size,
        key=seen and (doors is None or start in doors),
        shown=not packet.is_discard,
    )


def _exact(tracks: dict[int, Track]) -> bool:
    return all(packet.pos >= 0 for track in tracks.values() for packet in track.packets)


def shown(track: Track) -> list[Packet]:
    """The frames a viewer sees, in the order of display.

    Before the first key frame there is nothing to decode, and pictures that lead it refer to what is not in the file.
    """
    first = next((n for n, packet in enumerate(track.packets) if packet.key), None)
    if first is None:
        return []
    start = track.packets[first].pts
    seen = [packet for packet in track.packets[first:] if packet.shown and packet.pts >= start]
    return sorted(seen, key=lambda packet: packet.pts)


def groups(track: Track) -> list[Group]:
    """Where decoding can start, in order of time. The first may lie before the first shown frame."""
    found: list[Group] = []
    latest: int | None = None  # the latest picture before this packet, in time
    for at, packet in enumerate(track.packets):
        if packet.key and (latest is None or packet.pts > latest):
            found.append(Group(packet.pts, at))
        latest = packet.pts if latest is None else max(latest, packet.pts)
    return found
