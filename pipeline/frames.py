"""Single frames out of a film: decoded and looked at with PyAV, then developed by `picture`'s steps.

For `stills`. The colours of a film are computed in one place only, so frames go through ffmpeg as raw pictures; they
are shrunk first, in their own colours, so that little is written. It never writes outside the folder it is given.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from enum import StrEnum
from itertools import groupby
from pathlib import Path
from typing import Any, NamedTuple

import av
import ffmpeg
import numpy as np
from av.error import FFmpegError
from PIL import Image

from pipeline import engine, picture
from pipeline.index import opened
from pipeline.source import Fields, Film, Source

MOST_PIXELS = 480  # px, long edge at which frames are judged: finer only measures the sensor's noise


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
    path: Path, source: Source, *, since: float = 0.0, until: float | None = None, which: Which = Which.ALL
) -> Iterator[Taken]:
    """The frames of a film in order, damaged ones left out; times in s on the film's clock.

    The first is a key frame, at or before `since`, or the film's first where the file has no index.
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
        for packet in file.demux(stream):
            if which is Which.KEYS and packet.size and not packet.is_keyframe:
                continue
            try:
                frames = packet.decode()
            except FFmpegError:
                continue  # one frame lost; the film's own chunks will tell whether too many are
            for frame in frames:
                at = (frame.time if frame.time is not None else film.start) - film.start
                if until is not None and at >= until:
                    return
                yield Taken(at, frame)


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
    return b"".join(
        np.frombuffer(memoryview(plane), np.uint8)
        .reshape(-1, plane.line_size)[: plane.height, : plane.width * deep]
        .tobytes()
        for plane in frame.planes
    )


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


def best(frames: Sequence[av.VideoFrame]) -> int:
    """Which frame stands for the film: the first that is nearly as good as the best. Always the same for the same film.

    Good is sharp (variance of the Laplacian), neither dark nor burnt out, and not in the middle of a change: a frame
    that is far from both its neighbours is a flash, a swing of the phone or a dissolve.

    Source: Pech-Pacheco et al., "Diatom autofocusing in brightfield microscopy", 2000 (variance of the Laplacian).
    """
    greys = [_grey(frame) for frame in frames]
    scores = [_sharp(grey) * _lit(grey) for grey in greys]
    for n, grey in enumerate(greys):
        near = [np.abs(grey - greys[m]).mean() for m in (n - 1, n + 1) if 0 <= m < len(greys)]
        scores[n] /= 1 + min(near, default=0.0) / 12
    top = max(scores)
    return next(n for n, score in enumerate(scores) if score >= 0.9 * top)


def _grey(frame: av.VideoFrame) -> Any:
    """Luma of a frame, 0…255 as float, with a long edge of at most MOST_PIXELS."""
    share = min(1.0, MOST_PIXELS / max(frame.width, frame.height))
    width, height = (max(8, round(side * share)) for side in (frame.width, frame.height))
    return frame.reformat(width, height, format="gray", interpolation="AREA").to_ndarray().astype(np.float32)


def _sharp(grey: Any) -> float:
    inner = grey[1:-1, 1:-1]
    edges = grey[:-2, 1:-1] + grey[2:, 1:-1] + grey[1:-1, :-2] + grey[1:-1, 2:] - 4 * inner
    # The root, so that one hard edge (a subtitle, a bar) does not outweigh a whole picture.
    return float(np.sqrt(edges.var())) + 1e-6


def _lit(grey: Any) -> float:
    """1 for a picture with all its tones; towards 0 for black, white and flat ones."""
    mean, spread = float(grey.mean()), float(grey.std())
    dark = min(1.0, max(0.0, (mean - 12) / 40))
    burnt = min(1.0, max(0.0, (250 - mean) / 40))
    return (0.02 + dark) * (0.02 + burnt) * (0.02 + min(1.0, spread / 25))
