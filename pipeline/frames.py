"""Single frames out of a film: decoded and looked at with PyAV, then developed by `picture`'s steps.

For `stills`. The colours of a film are computed in one place only, so frames go through ffmpeg as raw pictures; they
are shrunk first, in their own colours, so that little is written. It never writes outside the folder it is given.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from enum import StrEnum
from itertools import groupby
from math import floor
from pathlib import Path
from typing import Any, NamedTuple

import av
import ffmpeg
from av.error import FFmpegError
from PIL import Image

from pipeline import engine, picture
from pipeline.index import opened
from pipeline.source import Fields, Film, Source


class Which(StrEnum):
    """The frames that are decoded at all."""

    ALL = "all"
    REFERENCES = "references"  # not those that no other needs: about half the work
    KEYS = "keys"


class Taken(NamedTuple):
    """A decoded frame and its time on the film's clock, s."""

    at: float
    frame: av.VideoFrame


def decode(
    path: Path,
    source: Source,
    *,
    since: float = 0.0,
    until: float | None = None,
    which: Which = Which.ALL,
    slot: float | None = None,
) -> Iterator[Taken]:
    """The frames of a film in order, damaged ones left out; times in s on the film's clock.

    The first is a key frame, at or before `since`, or the film's first where the file has no index. Of key frames, the
    first in each `slot` of so many s is decoded.
    """
    film = source.film
    assert film is not None
    with opened(path, source.container) as file:
        stream = file.streams[film.stream]
        assert isinstance(stream, av.VideoStream)
        stream.thread_type = "AUTO"
        if which is Which.REFERENCES:
            stream.codec_context.skip_frame = "NONREF"
        if since > 0:
            _seek(file, stream, film.start + since)
        last = None
        for packet in file.demux(stream):
            if which is Which.KEYS and packet.size:
                if not packet.is_keyframe:
                    continue
                if slot is not None and packet.pts is not None:
                    number = number_of(float(packet.pts * packet.time_base) - film.start, slot)
                    if number == last:
                        continue
                    last = number
            try:
                frames = packet.decode()
            except FFmpegError:
                continue  # one frame lost; the film's own chunks will tell whether too many are
            for frame in frames:
                at = (frame.time if frame.time is not None else film.start) - film.start
                if until is not None and at >= until:
                    return
                yield Taken(at, frame)


def number_of(at: float, slot: float) -> int:
    """Which slot of so many s a time falls into; a frame that is a rounding early belongs to the next."""
    return floor(at / slot + 0.02)


def _seek(file: Any, stream: av.VideoStream, time: float) -> None:
    assert stream.time_base is not None
    try:
        file.seek(int(time / stream.time_base), stream=stream, backward=True)
    except FFmpegError:
        file.seek(0)  # no index: read from the beginning


def small(one: Taken, film: Film, width: int, height: int) -> Taken:
    """The frame, not larger than `width` × `height` px (upright), in its own colours and still as stored."""
    frame = one.frame
    if film.fields is not Fields.PROGRESSIVE and height > film.height // 2:
        return one  # the steps will weave the fields; shrunk a little, they would be a comb for ever
    wide, high = (height, width) if film.rotation in (90, 270) else (width, height)
    if not _same_shape(frame, film):
        share = min(1.0, wide / frame.width, high / frame.height)
        wide, high = (max(2, round(side * share / 2) * 2) for side in (frame.width, frame.height))
    # area: every pixel of the source counts, so that nothing flickers or aliases.
    return Taken(one.at, frame.reformat(wide, high, format=_planar(frame), interpolation="AREA"))


def _same_shape(frame: av.VideoFrame, film: Film) -> bool:
    return abs(frame.width * film.coded_height / (frame.height * film.coded_width) - 1) < 0.03


def _planar(frame: av.VideoFrame) -> str:
    """The frame's own format if `_raw` can write it, else the nearest that it can."""
    name = frame.format.name
    if name.startswith(("yuv4", "yuvj4", "gbrp")) and "f" not in name and not name.endswith("be"):
        return name
    return "gbrp" if frame.format.is_rgb else "yuv444p"


def _raw(frame: av.VideoFrame) -> bytes:
    """The samples of a planar frame without the padding at the ends of its lines."""
    deep = 2 if frame.format.components[0].bits > 8 else 1
    lines: list[memoryview] = []
    for plane in frame.planes:
        samples, step = memoryview(plane), plane.line_size
        lines += [samples[at : at + plane.width * deep] for at in range(0, plane.height * step, step)]
    return b"".join(lines)


def developed(
    frames: Sequence[av.VideoFrame], film: Film, width: int, height: int, mark: picture.Watermark | None, room: Path
) -> list[Image.Image]:
    """The frames as RGB pictures of `width` × `height` px, upright, in the film's colours, marked. `room` is a folder.

    RGB, because JPEG and WebP mean BT.601 colours, which the film's frames are not in.
    """
    images: list[Image.Image] = []
    for (wide, high, form), run in groupby(frames, key=lambda one: (one.width, one.height, _planar(one))):
        raw, shown = room / "raw", room / "rgb"
        alike = list(run)
        raw.write_bytes(b"".join(_raw(one.reformat(format=form)) for one in alike))
        shape = replace(film, coded_width=wide, coded_height=high) if _shrunk(wide, high, film, width, height) else film
        node = ffmpeg.input(str(raw), f="rawvideo", pix_fmt=form, s=f"{wide}x{high}").video
        if len(alike) == 1:
            node = picture.deinterlace(node, film)
        node = picture.steps(node, shape, width=width, height=height, watermark=mark)
        # in_color_matrix: what the steps end in; accurate_rnd and full_chroma_int: no tint from rounding.
        node = node.filter("scale", in_color_matrix="bt709", in_range="tv", flags="accurate_rnd+full_chroma_int")
        engine.run(node.output(str(shown), f="rawvideo", pix_fmt="rgb24").get_args())
        data, size = shown.read_bytes(), width * height * 3
        images += [Image.frombytes("RGB", (width, height), data[at : at + size]) for at in range(0, len(data), size)]
    return images


def _shrunk(wide: int, high: int, film: Film, width: int, height: int) -> bool:
    """Whether `small` has already given the frame its square pixels."""
    return (wide, high) == ((height, width) if film.rotation in (90, 270) else (width, height))
