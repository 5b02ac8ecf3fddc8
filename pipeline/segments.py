"""A fragmented MP4 of one chunk becomes an init segment and media segments; says where every I-frame lies.

Bytes are only cut, never written anew; of the header, the empty box for tags and the encoder's name are left out.
"""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, BinaryIO

from pipeline.errors import EngineFailed

# Boxes that hold boxes, and nothing before them, on the way to what is read here.
_FOLDERS = {b"moov", b"trak", b"mdia", b"minf", b"stbl", b"moof", b"traf"}
# Source: ISO/IEC 14496-12, 8.8.7.1: which optional fields are there.
_TFHD = ((0x01, 8), (0x02, 4), (0x08, 4))  # base offset, description, default duration; then default size


@dataclass(frozen=True)
class Fragment:
    """A `moof` and its `mdat`; the picture's first sample is an IDR frame."""

    offset: int  # bytes, of the file
    length: int
    start: float | None  # s, when its first picture is shown; None: sound alone
    iframe: int  # bytes from `offset` to the end of the first picture
    frames: int  # pictures


def boxes(data: memoryview, start: int = 0, end: int | None = None) -> Iterator[tuple[bytes, int, int, int]]:
    """Each box as (kind, first byte, first byte of its body, first byte after it)."""
    at, end = start, len(data) if end is None else end
    while at + 8 <= end:
        kind, head, size = _box(data[at : at + 16], at, end)
        yield kind, at, at + head, at + size
        at += size


def _box(data: memoryview, at: int, end: int) -> tuple[bytes, int, int]:
    """Kind, length of the head and of the whole of the box whose first bytes these are; it must end before `end`."""
    size, kind, head = int.from_bytes(data[:4], "big"), bytes(data[4:8]), 8
    if size == 1:
        size, head = int.from_bytes(data[8:16], "big"), 16
    if size < head or at + size > end:
        raise EngineFailed(f"a {kind!r} box of {size} bytes at {at}, {end - at} are left")
    return kind, head, size


def find(data: memoryview, path: Sequence[bytes], start: int = 0, end: int | None = None) -> Iterator[tuple[int, int]]:
    """Bodies of all boxes at this path, as (first byte, first byte after)."""
    for kind, _, body, stop in boxes(data, start, end):
        if kind == path[0]:
            if len(path) == 1:
                yield body, stop
            elif kind in _FOLDERS:
                yield from find(data, path[1:], body, stop)


def codecs(data: memoryview) -> str:
    """The CODECS string of a made file, read from its sample descriptions.

    Source: RFC 6381, 3.3 and 3.4; AV1 Codec ISO Media File Format Binding, 5.
    """
    named: list[str] = []
    for body, stop in find(data, (b"moov", b"trak", b"mdia", b"minf", b"stbl", b"stsd")):
        entry = bytes(data[body + 8 : stop])
        if entry[4:8] == b"avc1" and (at := entry.find(b"avcC")) > 0:
            named.append(f"avc1.{entry[at + 5 : at + 8].hex()}")
        elif entry[4:8] == b"av01" and (at := entry.find(b"av1C")) > 0:
            named.append(_av1(entry[at + 4 :]))
        elif entry[4:8] == b"mp4a" and (at := entry.find(b"esds")) > 0:
            named.append(f"mp4a.40.{_object_type(entry[at + 8 :])}")
        else:
            raise EngineFailed(f"a sample description {entry[4:8]!r} that was not asked for")
    return ",".join(named)


def _av1(configuration: bytes) -> str:
    """Profile, level, tier and bits in the body of an `av1C` box. Source: as above, 2.3.3."""
    profile, level = configuration[1] >> 5, configuration[1] & 0x1F
    tier, high, twelve = (configuration[2] >> bit & 1 for bit in (7, 6, 5))
    return f"av01.{profile}.{level:02d}{'H' if tier else 'M'}.{8 + 2 * high + 2 * (high & twelve):02d}"


def _object_type(descriptor: bytes) -> int:
    """The audio object type in an elementary stream descriptor. Source: ISO/IEC 14496-1, 7.2.6; 14496-3, 1.6.2.1."""
    at = descriptor.find(b"\x05")
    while descriptor[at + 1] & 0x80:
        at += 1
    return descriptor[at + 2] >> 3


def _picture_track(data: memoryview) -> tuple[int, int]:
    """Number and time scale (ticks/s) of the picture's track."""
    for body, stop in find(data, (b"moov", b"trak")):
        handler = next(find(data, (b"mdia", b"hdlr"), body, stop))[0]
        if bytes(data[handler + 8 : handler + 12]) == b"vide":
            header, clock = (next(find(data, of, body, stop))[0] for of in ((b"tkhd",), (b"mdia", b"mdhd")))
            track = header + (20 if data[header] else 12)
            scale = clock + (20 if data[clock] else 12)
            return int.from_bytes(data[track : track + 4], "big"), int.from_bytes(data[scale : scale + 4], "big")
    raise EngineFailed("no picture track in what was made")


def _outermost(file: BinaryIO) -> Iterator[tuple[bytes, int, int]]:
    """The boxes of a file as (kind, first byte, first byte after it); what is in them is not read."""
    at, total = 0, file.seek(0, os.SEEK_END)
    while at + 8 <= total:
        kind, _, size = _box(memoryview(_read(file, at, at + 16)), at, total)
        yield kind, at, at + size
        at += size


def _read(file: BinaryIO, start: int, end: int) -> bytes:
    file.seek(start)
    return file.read(end - start)


def fragments(file: BinaryIO, track: int, scale: int) -> list[Fragment]:
    """Every fragment of a file, in order; `track` is the picture's, of `scale` ticks/s."""
    found: list[Fragment] = []
    moof: tuple[int, int] | None = None
    for kind, at, stop in _outermost(file):
        if kind == b"moof":
            moof = (at, stop)
        elif kind == b"mdat" and moof is not None:
            found.append(Fragment(moof[0], stop - moof[0], *_pictures(memoryview(_read(file, *moof)), track, scale)))
            moof = None
    return found


def _pictures(data: memoryview, track: int, scale: int) -> tuple[float | None, int, int]:
    """What a `moof` says: when its first picture is shown (s), where that ends in bytes from the `moof`, how many."""
    for body, stop in find(data, (b"moof", b"traf")):
        head = next(find(data, (b"tfhd",), body, stop))[0]
        flags = int.from_bytes(data[head : head + 4], "big") & 0xFFFFFF
        if int.from_bytes(data[head + 4 : head + 8], "big") != track:
            continue
        clock = next(find(data, (b"tfdt",), body, stop))[0]
        time = int.from_bytes(data[clock + 4 : clock + (12 if data[clock] else 8)], "big")
        at = head + 8 + sum(size for flag, size in _TFHD if flags & flag)
        size = int.from_bytes(data[at : at + 4], "big")
        runs = [run for run, _ in find(data, (b"trun",), body, stop)]
        frames = sum(int.from_bytes(data[run + 4 : run + 8], "big") for run in runs)
        run = runs[0]
        kinds = int.from_bytes(data[run : run + 4], "big") & 0xFFFFFF
        offset = int.from_bytes(data[run + 8 : run + 12], "big", signed=True)
        at = run + (16 if kinds & 0x04 else 12) + (4 if kinds & 0x100 else 0)
        if kinds & 0x200:
            size = int.from_bytes(data[at : at + 4], "big")
            at += 4
        at += 4 if kinds & 0x400 else 0
        shift = int.from_bytes(data[at : at + 4], "big", signed=True) if kinds & 0x800 else 0
        return (time + shift) / scale, offset + size, frames
    return None, 0, 0


def split(file: Path, name: str, *, ahead: float, cuts: Sequence[float], end: float, out: Path) -> dict[str, Any]:
    """Cut a chunk's file at `cuts` (s on the film's clock, `ahead` s behind the file's own) into `out`.

    Writes `NAME-init.mp4` and `NAME-000.m4s` … and removes the file, which is as large as they are; returns `frames`,
    `init`, `codecs`, `bytes` and `segments`. A cut whose frame was lost in the source moves to the next IDR frame,
    which the encoder put in its place.

    Raises: EngineFailed if the file does not begin with a picture.
    """
    with file.open("rb") as made:
        facts = _split(made, name, ahead, cuts, end, out)
    file.unlink()
    return facts


def _split(file: BinaryIO, name: str, ahead: float, cuts: Sequence[float], end: float, out: Path) -> dict[str, Any]:
    before = next((at for kind, at, _ in _outermost(file) if kind == b"moof"), 0)
    header = memoryview(_read(file, 0, before))
    made = fragments(file, *_picture_track(header)) if before else []
    if not made or made[0].start is None:
        raise EngineFailed(f"{len(made)} fragments were made, the first without a picture")
    init = out / f"{name}-init.mp4"
    init.write_bytes(_header(header, before))
    begins = _begins(made, [cut + ahead for cut in cuts])
    shown = [(made[n].start or 0.0) - ahead for n in begins]
    # The plan's own number where it is the same moment; the first segment begins with the chunk, whatever was lost.
    starts = [cuts[0], *(min([*cuts, at], key=lambda cut: abs(cut - at) > 0.002) for at in shown[1:]), end]
    segments: list[dict[str, Any]] = []
    for number, (begin, stop) in enumerate(pairwise([*begins, len(made)])):
        run = made[begin:stop]
        path = out / f"{name}-{number:03d}.m4s"
        with path.open("wb") as segment:
            for one in run:  # one by one: the film's one chunk may be larger than the memory
                segment.write(_read(file, one.offset, one.offset + one.length))
        segments.append(
            {
                "path": path.name,
                "start": starts[number],
                "duration": starts[number + 1] - starts[number],
                "bytes": path.stat().st_size,
                "iframes": _iframes(run, ahead, starts[number + 1]),
            }
        )
    size = sum(segment["bytes"] for segment in segments)
    frames = sum(fragment.frames for fragment in made)
    return {"frames": frames, "init": init.name, "codecs": codecs(header), "bytes": size, "segments": segments}


def _header(data: memoryview, end: int) -> bytes:
    """What stands before the first fragment, without `udta` (ffmpeg writes one even when there is nothing in it), and
    without the name of the encoder. Source of its place: ISO/IEC 14496-12, 12.1.3.2."""
    kept: list[bytes] = []
    for kind, at, body, stop in boxes(data, 0, end):
        parts = boxes(data, body, stop) if kind == b"moov" else ()
        inside = [bytes(data[first:last]) for name, first, _, last in parts if name != b"udta"]
        whole = b"".join(inside)
        kept.append((8 + len(whole)).to_bytes(4, "big") + kind + whole if inside else bytes(data[at:stop]))
    header = bytearray(b"".join(kept))
    for body, _ in find(memoryview(header), (b"moov", b"trak", b"mdia", b"minf", b"stbl", b"stsd")):
        entry = body + 8
        if bytes(header[entry + 4 : entry + 8]) in (b"avc1", b"av01"):
            header[entry + 50 : entry + 82] = bytes(32)
    return bytes(header)


def _begins(made: list[Fragment], times: Sequence[float]) -> list[int]:
    """The numbers of the fragments that begin segments: those with the first picture at or after each time."""
    found = [0]
    for time in times[1:]:
        after = (
            n for n, one in enumerate(made) if n > found[-1] and one.start is not None and one.start > time - 0.002
        )
        if (n := next(after, None)) is not None:
            found.append(n)
    return found


def _iframes(run: list[Fragment], ahead: float, end: float) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    offset = 0
    for fragment in run:
        if fragment.start is not None:
            start = round(fragment.start - ahead, 6)
            if found:
                found[-1]["duration"] = round(start - found[-1]["start"], 6)
            duration = round(end - start, 6)
            found.append({"offset": offset, "length": fragment.iframe, "start": start, "duration": duration})
        offset += fragment.length
    return found
