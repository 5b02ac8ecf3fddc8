"""The witness of a chunk's picture: the first that was made, beside the same moment of the source, both as thumbnails.

The source's picture is decoded once more, by PyAV, and turned by its own display matrix, sample by sample: neither the
plan's word nor the filters that made the chunk are asked. So a picture is refused that is black, green, turned,
mirrored, of another moment, or HDR shown as if it were SDR. Not judged: what the source does not give (a damaged film;
the facts say so), the shape of a picture that is flat, and what lies under the dealer's mark.

Measured on 44 films of phones, cameras and browsers, 59 chunks: honest pictures correlate by 0.995 or more (HLG 0.993),
and the means of their reds, greens and blues are 3 of 255 apart at the most (HLG 8); painted fields reach 0.95. The
same pictures mirrored reach 0.90 where they are nearly symmetrical, upside down 0.66. HLG is 1 to 9 of 255 from what
it should be, and would be 7 to 30 shown as it came. Costs 10 ms of CPU and a key frame: of 1080p 10 ms (H.264) to 60
(HEVC).
"""

from collections.abc import Iterator, Sequence
from fractions import Fraction
from math import ceil, exp, sqrt

import av

from pipeline.plan import WatermarkPlan
from pipeline.proof import original
from pipeline.proof.expect import expect
from pipeline.proof.original import Original
from pipeline.source import Fields, Hdr

EDGE = 32  # px: the long edge of what is compared
LEAST_ALIKE = 0.95  # correlation of luma
LEAST_WOVEN = 0.90  # the same where the source shows two moments in one picture, of which one was kept
FLAT = 5.0  # of 255: spread of luma below which a picture has no shape to compare
FURTHEST, FURTHEST_HDR = 20.0, 30.0  # of 255: distance of the means of red, green or blue
NEAR_GREY = 64  # of 255: how far colours may lie apart where light is compared; strong ones depend on the screen
WASHED = 5.0  # of 255: how far SDR must lie from the HDR signal before they can be told apart

# Shares of red and blue in luma. Source: ITU-R BT.709, BT.601, BT.2020.
_SHARES = {"bt709": (0.2126, 0.0722), "bt2020": (0.2627, 0.0593)}
_BT601 = (0.299, 0.114)

Pixel = tuple[float, float, float]  # red, green, blue, 0…255
Pixels = list[Pixel]


def compare(found: Original, made: av.VideoFrame, name: str, mark: WatermarkPlan | None) -> dict[str, float | None]:
    """Hold the first picture of a rendition against the source's. Returns `likeness`, the correlation of luma (None:
    the picture is flat), and `lighter`, how much lighter the made one is than it should be, of 255.

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

    shown = theirs if film.hdr is Hdr.NONE else [_shown(one, film.hdr) for one in theirs]
    furthest = FURTHEST if film.hdr is Hdr.NONE else FURTHEST_HDR
    for n, colour in enumerate(("red", "green", "blue")):
        right, is_so = (_mean([one[n] for one in pixels]) for pixels in (shown, ours))
        expect(abs(is_so - right) <= furthest, f"{colour} of {name}", f"{is_so:.0f}", f"{right:.0f} ± {furthest:.0f}")
    there, here = [_luma(one) for one in shown], [_luma(one) for one in ours]
    if film.hdr is not Hdr.NONE:
        grey = [n for n, colours in enumerate(theirs) if max(colours) - min(colours) < NEAR_GREY]
        if len(grey) > len(theirs) / 20:
            signal = [_luma(theirs[n]) for n in grey]
            _not_washed_out(signal, [there[n] for n in grey], [here[n] for n in grey], name)
    lighter = round(_mean(here) - _mean(there), 1)
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


def _upright(found: Original, size: tuple[int, int]) -> Pixels:
    """The source's picture as its display matrix shows it."""
    a, b, c, d = found.matrix
    width, height = size
    across = original.across(found.matrix)
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


def _not_washed_out(signal: Sequence[float], there: Sequence[float], here: Sequence[float], name: str) -> None:
    """HDR must have become SDR: nearer to what a screen shows of it than to the signal itself."""
    if _distance(there, signal) < WASHED:
        return
    right, wrong = _distance(here, there), _distance(here, signal)
    expect(right < wrong, f"light of {name}", f"{right:.1f} from SDR", f"nearer than {wrong:.1f}, to the HDR signal")


def _shown(pixel: Pixel, hdr: Hdr) -> Pixel:
    """An HDR signal as the SDR signal of the same light, where 203 cd/m² are white; strong colours come out weaker.

    Source: ITU-R BT.2100-2, tables 4 and 5; BT.2408-7, 2.1.
    """
    light = _hlg if hdr is Hdr.HLG else _pq
    red, green, blue = (255 * min(1.0, light(one / 255) ** (1 / 2.4)) for one in pixel)
    return red, green, blue


def _hlg(signal: float) -> float:
    scene = signal**2 / 3 if signal <= 0.5 else (exp((signal - 0.55991073) / 0.17883277) + 0.28466892) / 12
    return float(1000 / 203 * scene**1.2)


def _pq(signal: float) -> float:
    root = signal ** (1 / 78.84375)
    return float(10_000 / 203 * (max(0.0, root - 0.8359375) / (18.8515625 - 18.6875 * root)) ** (1 / 0.1593017578125))


def _luma(pixel: Pixel) -> float:
    return 0.2126 * pixel[0] + 0.7152 * pixel[1] + 0.0722 * pixel[2]


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
