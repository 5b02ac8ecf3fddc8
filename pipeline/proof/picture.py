"""The witness of a chunk's picture: the first that was made, beside the same moment of the source, both as thumbnails.

The source's picture is decoded once more, by PyAV, and turned by its own display matrix, sample by sample: neither the
plan's word nor the filters that made the chunk are asked. So a picture is refused that is black, green, turned,
mirrored, of another moment, or HDR shown as if it were SDR. Not judged: what the source does not give (a damaged film;
the facts say so), the shape of a picture that is flat, and what lies under the dealer's mark.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import ceil, exp, sqrt
from pathlib import Path
from typing import Any

import av
from av.error import FFmpegError
from av.sidedata.sidedata import Type as Side

from pipeline.cut import Chunk
from pipeline.errors import Damaged
from pipeline.index import opened
from pipeline.plan import FilmPlan, WatermarkPlan
from pipeline.proof.expect import expect
from pipeline.source import Fields, Film, Hdr, Source

EDGE = 32  # px: the long edge of what is compared
LEAST_ALIKE = 0.95  # correlation of luma
LEAST_WOVEN = 0.90  # the same where the source shows two moments in one picture, of which one was kept
FLAT = 5.0  # of 255: spread of luma below which a picture has no shape to compare
FURTHEST, FURTHEST_HDR = 20.0, 60.0  # of 255: distance of the means of red, green or blue
NEAR_GREY = 64  # of 255: how far colours may lie apart where light is compared; strong ones depend on the screen
WASHED = 5.0  # of 255: how far SDR must lie from the HDR signal before they can be told apart

# Shares of red and blue in luma. Source: ITU-R BT.709, BT.601, BT.2020.
_SHARES = {"bt709": (0.2126, 0.0722), "bt2020": (0.2627, 0.0593)}
_BT601 = (0.299, 0.114)


@dataclass(frozen=True)
class Original:
    """The source's picture at a chunk's beginning, upright. `shape` is width over height as displayed."""

    frame: av.VideoFrame
    matrix: tuple[int, int, int, int]
    shape: Fraction
    film: Film


def original(path: Path, source: Source, plan: FilmPlan, chunk: Chunk) -> Original | None:
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
            return Original(frame, matrix, shape if _across(matrix) else 1 / shape, source.film)
    except (FFmpegError, Damaged):
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


def _across(matrix: tuple[int, int, int, int]) -> bool:
    """Whether lines stay lines."""
    return abs(matrix[0]) >= abs(matrix[1])


def compare(found: Original, made: av.VideoFrame, name: str, mark: WatermarkPlan | None) -> dict[str, float | None]:
    """Hold the first picture of a rendition against the source's. Returns `likeness`, the correlation of luma (None:
    the picture is flat), and `lighter`, how much lighter the made one is, of 255.

    Raises: ProofFailed.
    """
    film = found.film
    across, down = Fraction(made.width), Fraction(made.height)
    if abs(found.shape * down / across - 1) > 0.04:
        # A camera turned while recording: fitted between bars.
        across, down = (across, across / found.shape) if found.shape * down > across else (down * found.shape, down)
    scale = EDGE / max(made.width, made.height)
    width, height = (max(2, round(side * scale)) for side in (made.width, made.height))
    inside = (max(2, round(across * scale)), max(2, round(down * scale)))
    kept = list(_kept((width, height), inside, mark))
    theirs = _upright(found, inside)
    ours = _colours(made, (width, height), "bt709", full=False)
    left, top = (width - inside[0]) // 2, (height - inside[1]) // 2
    theirs = [theirs[(y - top) * inside[0] + x - left] for x, y in kept]
    ours = [ours[y * width + x] for x, y in kept]

    furthest = FURTHEST if film.hdr is Hdr.NONE else FURTHEST_HDR
    for n, colour in enumerate(("red", "green", "blue")):
        right, is_so = (_mean([one[n] for one in pixels]) for pixels in (theirs, ours))
        expect(abs(is_so - right) <= furthest, f"{colour} of {name}", f"{is_so:.0f}", f"{right:.0f} ± {furthest:.0f}")
    there, here = ([0.2126 * r + 0.7152 * g + 0.0722 * b for r, g, b in pixels] for pixels in (theirs, ours))
    lighter = round(_mean(here) - _mean(there), 1)
    near = [n for n, colours in enumerate(theirs) if max(colours) - min(colours) < NEAR_GREY]
    if len(near) > len(theirs) / 20:
        _not_washed_out(film, [there[n] for n in near], [here[n] for n in near], name)
    if _spread(there) < FLAT:
        expect(_spread(here) < 3 * FLAT, f"spread of {name}", f"{_spread(here):.1f}", f"{_spread(there):.1f}")
        return {"likeness": None, "lighter": lighter}
    likeness = round(_correlation(there, here), 4)
    least = LEAST_ALIKE if film.fields is Fields.PROGRESSIVE else LEAST_WOVEN
    expect(likeness >= least, f"likeness of {name} to its source", likeness, f"at least {least}")
    return {"likeness": likeness, "lighter": lighter}


def _kept(size: tuple[int, int], inside: tuple[int, int], mark: WatermarkPlan | None) -> Iterator[tuple[int, int]]:
    """The samples that are compared, (x, y): those inside the bars and outside the mark's corner, top right."""
    (width, height), short = size, min(size)
    left, top = (width - inside[0]) // 2, (height - inside[1]) // 2
    # With its halo, an eighth of its height around it, and one sample that it shares.
    wide = ceil(short * (mark.margin + mark.width + 0.125 * mark.height)) + 1 if mark else 0
    high = ceil(short * (mark.margin + 1.125 * mark.height)) + 1 if mark else 0
    for y in range(top, top + inside[1]):
        for x in range(left, left + inside[0]):
            if y >= high or x < width - wide:
                yield x, y


Pixels = list[tuple[float, float, float]]


def _upright(found: Original, size: tuple[int, int]) -> Pixels:
    """The source's picture as its display matrix shows it."""
    a, b, c, d = found.matrix
    width, height = size
    across = _across(found.matrix)
    stored = size if across else (height, width)
    name = {1: "bt709", 9: "bt2020", 10: "bt2020"}.get(int(found.frame.colorspace or 2), "")
    if found.frame.colorspace in (None, 2):
        name = found.film.matrix.removesuffix("nc").removesuffix("c")
    full = int(found.frame.color_range or 0) == 2 or found.frame.format.name.startswith("yuvj")
    pixels = _colours(found.frame, stored, name, full=full)
    mirrored, flipped = (a < 0, d < 0) if across else (c < 0, b < 0)
    made: Pixels = []
    for y in range(height):
        row = height - 1 - y if flipped else y
        for x in range(width):
            column = width - 1 - x if mirrored else x
            made.append(pixels[row * stored[0] + column if across else column * stored[0] + row])
    return made


def _colours(frame: av.VideoFrame, size: tuple[int, int], matrix: str, *, full: bool) -> Pixels:
    """Red, green and blue, 0…255 and not beyond, of a picture as small as `size`, still in its own transfer."""
    # AREA: every pixel counts.
    spoken = "JPEG" if full else "MPEG"
    small = frame.reformat(
        *size,
        format="yuv444p",
        interpolation="AREA",
        src_color_range=spoken,
        dst_color_range=spoken,
        threads=1,
    )
    planes = [
        [sample for y in range(size[1]) for sample in memoryview(plane)[y * plane.line_size :][: size[0]]]
        for plane in small.planes
    ]
    red, blue = _SHARES.get(matrix, _BT601)
    low, luma, chroma = (0, 1.0, 1.0) if full else (16, 255 / 219, 255 / 224)
    pixels: Pixels = []
    for y, u, v in zip(*planes, strict=True):
        light = (y - low) * luma
        r = light + 2 * (1 - red) * (v - 128) * chroma
        b = light + 2 * (1 - blue) * (u - 128) * chroma
        g = (light - red * r - blue * b) / (1 - red - blue)
        pixels.append((min(255.0, max(0.0, r)), min(255.0, max(0.0, g)), min(255.0, max(0.0, b))))
    return pixels


def _not_washed_out(film: Film, there: Sequence[float], here: Sequence[float], name: str) -> None:
    """HDR must have become SDR: nearer to what a screen would show than to the signal itself."""
    if film.hdr is Hdr.NONE:
        return
    shown = [255 * _shown(film.hdr)(one / 255) for one in there]
    if _distance(shown, there) < WASHED:
        return
    right, wrong = _distance(here, shown), _distance(here, there)
    expect(right < wrong, f"light of {name}", f"{right:.1f} from SDR", f"nearer than {wrong:.1f}, to the HDR signal")


def _shown(hdr: Hdr) -> Callable[[float], float]:
    """A signal (0…1) as the bt709 signal of the same light, where 203 cd/m² are white.

    Source: ITU-R BT.2100-2, tables 4 and 5; BT.2408-7, 2.1.
    """

    def hlg(signal: float) -> float:
        scene = signal**2 / 3 if signal <= 0.5 else (exp((signal - 0.55991073) / 0.17883277) + 0.28466892) / 12
        shown: float = (1000 / 203) ** (1 / 2.4) * sqrt(scene)
        return min(1.0, shown)

    def pq(signal: float) -> float:
        root: float = signal ** (1 / 78.84375)
        light: float = (max(0.0, root - 0.8359375) / (18.8515625 - 18.6875 * root)) ** (1 / 0.1593017578125)
        shown: float = (10_000 / 203 * light) ** (1 / 2.4)
        return min(1.0, shown)

    return hlg if hdr is Hdr.HLG else pq


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


def _spread(values: Sequence[float]) -> float:
    middle = _mean(values)
    return sqrt(_mean([(one - middle) ** 2 for one in values]))


def _distance(one: Sequence[float], other: Sequence[float]) -> float:
    return _mean([abs(a - b) for a, b in zip(one, other, strict=True)])


def _correlation(one: Sequence[float], other: Sequence[float]) -> float:
    """Pearson's, -1…1; 0 where one is flat."""
    p, q = _mean(one), _mean(other)
    both = sum((a - p) * (b - q) for a, b in zip(one, other, strict=True))
    of = sqrt(sum((a - p) ** 2 for a in one) * sum((b - q) ** 2 for b in other))
    return both / of if of else 0.0
