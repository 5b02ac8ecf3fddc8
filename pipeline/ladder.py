"""The preset's ladder and the film's own detail become the renditions worth making. Never upscales.

Sizes count by the short edge, so that a portrait film is as sharp as a landscape one.
"""

from dataclasses import dataclass, replace
from enum import StrEnum
from math import ceil, inf, sqrt

from pipeline.presets import Av1, Picture, Rung
from pipeline.source import Film

# A film's own size is worth a rung of its own when it has this many times the short edge of the rung below.
WORTH_IT = 1.15
# Bits grow with this power of the short edge, more slowly than pixels: the exponent is that of the preset's own rungs.
BITS_BY_SIZE = 1.6
# The bits that x264 at the preset's speed takes for the same picture as one bit of these; others are no better than it.
H264_COSTS = {"hevc": 2.0, "vp9": 2.0, "av1": 2.5, "vvc": 3.0}
FITS = 0.8  # of a line that its rung's peak fills, on average
# Source: ITU-T H.264, table A-1, level 4.2: macroblocks in a frame.
MOST_MACROBLOCKS = 8704


class Codec(StrEnum):
    """How the picture is coded."""

    H264 = "h264"
    AV1 = "av1"


@dataclass(frozen=True)
class Rendition:
    """One encoded version. Even width and height, square pixels, upright."""

    name: str  # "720p": the short edge; "720p-av1"
    width: int  # px
    height: int  # px
    maxrate: int  # bit/s
    bufsize: int  # bit
    codec: Codec = Codec.H264


def renditions(film: Film, picture: Picture, rate: float = inf) -> tuple[Rendition, ...]:
    """The renditions of this film, largest first; at least one. `rate` is that of its own pictures, bit/s.

    A film between two rungs gets its own size on top when that shows more than the rung below; a film smaller than the
    lowest rung gets exactly its own size. A lowest rung is left out where the one above it fits its line as well.
    """
    short = min(film.width, film.height)
    fitting = [rung for rung in sorted(picture.ladder, key=lambda rung: -rung.short_edge) if rung.short_edge <= short]
    above = [rung for rung in sorted(picture.ladder, key=lambda rung: rung.short_edge) if rung.short_edge > short]
    if above and (not fitting or short > WORTH_IT * fitting[0].short_edge):
        fitting.insert(0, _own(short, above[0]))
    made: dict[tuple[int, int], Rendition] = {}
    for rung in _needed(fitting, rate * H264_COSTS.get(film.codec, 1.0), short):
        width, height = fit(film, rung.short_edge)
        made.setdefault((width, height), Rendition(rung.name, width, height, rung.maxrate, rung.bufsize))
    return tuple(made.values())


def _needed(rungs: list[Rung], rate: float, short: int) -> list[Rung]:
    """Without the lowest ones, as long as the one above needs no more than the line they are made for.

    `rate` (bit/s) at `short` (px) is what the film needs at its own size: no copy of a picture is harder than it.
    """
    needed = list(rungs)
    while len(needed) > 1:
        low, above = needed[-1], needed[-2]
        if rate * (above.short_edge / short) ** BITS_BY_SIZE > FITS * low.maxrate:
            break
        needed[-2:] = [replace(above, maxrate=low.maxrate, bufsize=low.bufsize)]
    return needed


def also_av1(made: tuple[Rendition, ...], wanted: Av1 | None) -> tuple[Rendition, ...]:
    """The same renditions again in AV1, those that are worth it: the largest, and the others down to `wanted.least`."""
    if wanted is None:
        return ()
    worth = (one for one in made if one is made[0] or min(one.width, one.height) >= wanted.least)
    return tuple(
        replace(
            one,
            name=f"{one.name}-av1",
            maxrate=round(one.maxrate * wanted.share),
            bufsize=round(one.bufsize * wanted.share),
            codec=Codec.AV1,
        )
        for one in worth
    )


def _own(short: int, above: Rung) -> Rung:
    share = (short / above.short_edge) ** BITS_BY_SIZE
    maxrate = max(150_000, round(above.maxrate * share / 10_000) * 10_000)
    return Rung(f"{short}p", short, maxrate, maxrate * above.bufsize // above.maxrate)


def fit(film: Film, short_edge: int) -> tuple[int, int]:
    """Width and height (px, even, at most the film's own) of this film at a short edge, within H.264 level 4.2."""
    scale = min(1.0, short_edge / min(film.width, film.height))
    blocks = ceil(film.width * scale / 16) * ceil(film.height * scale / 16)
    if blocks > MOST_MACROBLOCKS:
        scale *= sqrt(MOST_MACROBLOCKS / blocks) * 0.99
    # A panorama of 20:1 would exceed the longest edge that the level allows. Source: ITU-T H.264, A.3.1 g.
    scale = min(scale, 16 * int(sqrt(MOST_MACROBLOCKS * 8)) / max(film.width, film.height))
    return _even(film.width * scale, film.width), _even(film.height * scale, film.height)


def _even(value: float, most: int) -> int:
    return max(2, min(round(value / 2) * 2, most // 2 * 2))
