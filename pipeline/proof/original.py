"""The picture of the source that a chunk begins with, for `picture` to hold what was made against.

Decoded by PyAV from the chunk's own key frame: mostly that one picture. What a decoder has to guess is not given.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
from av.error import FFmpegError
from av.sidedata.sidedata import Type as Side

from pipeline.cut import Chunk
from pipeline.errors import MediaRejected
from pipeline.index import opened
from pipeline.plan import FilmPlan
from pipeline.source import Film, Source


@dataclass(frozen=True)
class Original:
    """The source's picture at a chunk's beginning, upright. `shape` is width over height as displayed."""

    frame: av.VideoFrame
    matrix: tuple[int, int, int, int]
    shape: Fraction
    film: Film


def find(path: Path, source: Source, plan: FilmPlan, chunk: Chunk) -> Original | None:
    """The picture of the source that a chunk begins with; None where the source does not give it whole."""
    assert source.film is not None
    wanted = plan.origin + round(Fraction(chunk.start).limit_denominator(1_000_000) / plan.time_base)
    try:
        with opened(path, source.container) as file:
            stream = file.streams[source.film.stream]
            assert isinstance(stream, av.VideoStream)
            # Threads would hold pictures back.
            stream.codec_context.thread_count = 1
            # What a decoder paints over a fault is no evidence.
            stream.codec_context.options = {"err_detect": "explode"}
            if chunk.seek is not None:
                file.seek(int(Fraction(chunk.seek) / plan.time_base), stream=stream, backward=True)
            frame = next((one for one in _until(file, stream, chunk, wanted) if one.pts == wanted), None)
            if frame is None or frame.is_corrupt:
                return None
            matrix = _matrix(frame)
            shape = Fraction(frame.width, frame.height) * Fraction(stream.sample_aspect_ratio or 1)
            return Original(frame, matrix, shape if across(matrix) else 1 / shape, source.film)
    except (FFmpegError, MediaRejected):
        return None


def _until(file: Any, stream: av.VideoStream, chunk: Chunk, wanted: int) -> Iterator[av.VideoFrame]:
    """What is decoded from the chunk's key frame on until a time (ticks) has come; mostly that one picture."""
    clock, begun = 0, False
    for packet in file.demux(stream):
        at = packet.pts if packet.pts is not None else packet.dts if packet.dts is not None else clock
        clock = at + (packet.duration or 0)
        # The demuxer may land earlier, where a file that still arrives has holes; a film may begin without a key frame.
        begun = begun or (at == chunk.first if chunk.seek is not None else packet.is_keyframe)
        if not begun and (packet.dts is None or packet.dts <= wanted):
            continue
        yield from packet.decode()
        if at == wanted or not begun:
            yield from stream.codec_context.decode(None)
            return


def _matrix(frame: av.VideoFrame) -> tuple[int, int, int, int]:
    """The display matrix a b c d, which leads (x, y) to (ax + cy, bx + dy). Source: ISO/IEC 14496-12, 8.3.2."""
    blocks: Any = frame.side_data
    side = next((bytes(one) for one in blocks if one.type is Side.DISPLAYMATRIX), None)
    raw = memoryview(side).cast("i") if side else (0x10000, 0, 0, 0, 0x10000)
    return raw[0], raw[1], raw[3], raw[4]


def across(matrix: tuple[int, int, int, int]) -> bool:
    """Whether lines stay lines."""
    return abs(matrix[0]) >= abs(matrix[1])
