"""What the colours become: SDR bt709, 8 bit, limited range, whatever the camera recorded. The craft's darkroom.

For `picture`. HDR is bent, not cut: mid-tones stay where they were, white stays white, lamps keep their form. The
HLG of phones takes three tables; what else is HDR is computed in light. How the numbers were chosen: docs/hdr.md.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import ffmpeg

from pipeline.source import Film, Hdr

Node = Any  # a stream of ffmpeg-python, which has no types

WHITE = 203  # cd/m²: HDR reference white, "diffuse white" of a scene. Source: ITU-R BT.2408-7, 2.1
PEAK = 1000  # cd/m²: nominal peak of HLG, and of PQ as phones record it. Source: ITU-R BT.2100-2, table 5

# Colour differences of HLG (BT.2020) as bt709 has them, in shadows and mid-tones: gain, and how much of it is lost (or,
# negative, added) at full difference, below and above neutral. Reds lose, because luma shows them too light. These and
# the next two were fitted to the exact rendering on painted colours (docs/hdr.md).
HLG_CB = (1.063, -0.09, 0.03)
HLG_CR = (1.655, -0.9, 0.46)
# By the luma that is shown (16…235): how much they are multiplied from there, as the curve is steep at skin and flat at
# lamps; and how much more where they are strong, so that a lamp's red is not bleached with the sky.
HLG_KEPT = ((139, 1.0), (160, 1.29), (179, 1.43), (197, 1.27), (215, 0.9), (226, 0.54), (232, 0.275), (235, 0.015))
HLG_STRONG = ((139, 0.0), (179, -0.17), (215, 1.13), (235, 1.21))

# The same for zscale, which raises each channel to the system gamma 1.2 where BT.2100 raises the luminance alone: the
# channels are spread by 1.2; taken back before. Fitted on nine patches: mean ΔE 8.1 → 1.8.
HLG_CHROMA = 0.85


# Names that zscale computes with; a film in others is taken for BT.709 there, as every player takes it.
_PRIMARIES = ("bt470m", "bt470bg", "smpte170m", "smpte240m", "film", "bt2020", "smpte431", "smpte432")
_TRANSFERS = ("smpte170m", "bt470m", "bt470bg", "smpte240m", "linear", "iec61966-2-1", "bt2020-10", "bt2020-12")
_MATRICES = ("gbr", "bt709", "fcc", "bt470bg", "smpte170m", "smpte240m", "bt2020nc", "bt2020c")

_SDR = {"primaries": "bt709", "transfer": "bt709", "matrix": "bt709", "range": "tv"}


def coloured(node: Node, film: Film, width: int, height: int) -> Node:
    """Square pixels of the wanted size (px, even) in bt709 limited range, 8 bit 4:2:0, still as stored, not upright."""
    fit = _fit(film, width, height)
    node = _described(node, film)
    if film.coded_width % 2 or film.coded_height % 2:
        # zscale refuses an odd size whose colours are halved; one line of 607 is not seen.
        node = node.filter("crop", "2*trunc(iw/2)", "2*trunc(ih/2)", 0, 0)
    if film.hdr is Hdr.HLG and (film.matrix, film.primaries) == ("bt2020nc", "bt2020"):
        node = _tables(node, film, fit)
    elif film.hdr is not Hdr.NONE:
        node = _tone_mapped(node, film, fit)
    elif film.primaries in _PRIMARIES and not (film.pixel_format.startswith("pal") or "rgb" in film.pixel_format):
        # Other primaries (Display P3, BT.601's) are other reds and greens: these need linear light, which zscale has.
        node = node.filter("zscale", **fit, filter="bicubic", **_SDR)
    else:
        # Matrix and range in the same pass as the size.
        node = node.filter("scale", **fit, flags="bicubic", out_color_matrix="bt709", out_range="tv")
    # A camera turned while recording changes the frame's shape: it is then fitted between bars. Else pad does nothing.
    return node.filter("format", "yuv420p").filter("pad", width, height, -1, -1)


def _fit(film: Film, width: int, height: int) -> dict[str, str]:
    """Expressions for size: exactly the wanted one, or inside it where a frame has another shape than the film."""
    same = f"lt(abs(iw*{film.coded_height}/(ih*{film.coded_width})-1),0.03)"
    ratio = f"min({width}/iw,{height}/ih)"
    return {
        "w": f"if({same},{width},2*trunc(iw*{ratio}/2))",
        "h": f"if({same},{height},2*trunc(ih*{ratio}/2))",
    }


def _described(node: Node, film: Film) -> Node:
    """Write on the frames what the film is, once: many are untagged, and each filter would guess in its own way."""
    transfer = {Hdr.HLG: "arib-std-b67", Hdr.PQ: "smpte2084"}.get(film.hdr)
    return node.filter(
        "setparams",
        range="pc" if film.full_range else "tv",
        colorspace=film.matrix if film.matrix in _MATRICES else "bt709",
        color_primaries=film.primaries if film.primaries in _PRIMARIES else "bt709",
        color_trc=transfer or (film.transfer if film.transfer in _TRANSFERS else "bt709"),
    )


def _tables(node: Node, film: Film, fit: dict[str, str]) -> Node:
    """HLG to SDR by tables over coded values: exact for greys, near for colours (docs/hdr.md says how near).

    HLG is so close to bt709's own curve that luma can be bent alone; light is never computed, no plane made larger.
    """
    luma, chroma = (1023, 1023) if film.full_range else (876, 896)
    signal = f"clip((val-{0 if film.full_range else 64})/{luma},0,1)"
    # Source: ITU-R BT.2100-2, table 5. The root is the system gamma 1.2 over the screen's 2.4.
    scene = "if(lte(ld(0),0.5),ld(0)^2/3,(exp((ld(0)-0.55991073)/0.17883277)+0.28466892)/12)"
    shown = _table(f"st(0,{_bent(signal, Hdr.HLG)});round(64+876*{(PEAK / WHITE) ** (1 / 2.4):.6f}*sqrt({scene}))")

    def difference(gain: float, below: float, above: float) -> str:
        lost = f"if(lt(ld(0),0),{below},{above})*abs(ld(0))"
        # round: the filter truncates, and half a step less of both differences tints every grey green.
        return _table(f"st(0,(val-512)/{chroma / 2});round(512+448*{gain}*ld(0)*(1-{lost}))")

    # Limited from the tables on, or a full-range film would be squeezed once more.
    limited = {"range": "tv", "colorspace": "bt709", "color_primaries": "bt709", "color_trc": "bt709"}
    bent = (
        # Pixels become fewer before, as SDR's do; does nothing where the size is right.
        node.filter("scale", **fit, flags="bicubic")
        # 10 bit: the tables stretch the mid-tones, and steps of 8 bit would be seen in a sky.
        .filter("format", "yuv420p10le")
        .filter("lutyuv", y=shown, u=difference(*HLG_CB), v=difference(*HLG_CR))
        .filter("setparams", **limited)
        # By zscale, which takes two thirds of what swscale takes for it.
        .filter("zscale", dither="ordered")
        .filter("format", "yuv420p")
    )
    planes = bent.filter_multi_output("extractplanes", "y+u+v")
    brightness = planes[0].filter_multi_output("split", 2)
    # neighbor: the gain is smooth in luma, a mean would cost twice as much and not be seen.
    small = brightness[1].filter("scale", "iw/2", "ih/2", flags="neighbor").filter_multi_output("split", 2)
    strength = f"({_through(HLG_KEPT)}+{_through(HLG_STRONG)}*abs(x-128)/112)"
    # Below the first point nothing changes, and nothing need be computed: the table has 65,536 places.
    kept = f"clip(if(lt(y,{HLG_KEPT[0][0]}),x,round(128+(x-128)*{strength})),1,254)"
    colours = [ffmpeg.filter([planes[n + 1], small[n]], "lut2", c0=kept) for n in (0, 1)]
    whole = {"map0s": 0, "map1s": 1, "map2s": 2, "format": "yuv420p"}
    # The joined frame knows nothing of what its planes meant.
    return ffmpeg.filter([brightness[0], *colours], "mergeplanes", **whole).filter("setparams", **limited)


def _table(curve: str) -> str:
    """A curve over 10-bit values for lutyuv and lutrgb, which work out 65,536 of them for each plane at every start."""
    return f"if(gt(val,1023),0,({curve}))"


def _through(points: Sequence[tuple[int, float]]) -> str:
    """Straight lines through points (y, value), level on both sides, as an expression over `y`."""
    text = str(points[-1][1])
    for (from_y, low), (to_y, high) in reversed(list(pairwise(points))):
        text = f"if(lt(y,{to_y}),{low}+{(high - low) / (to_y - from_y):.6f}*max(0,y-{from_y}),{text})"
    return text


def _tone_mapped(node: Node, film: Film, fit: dict[str, str]) -> Node:
    """PQ, and HLG in unusual primaries: mid-tones as they were, white at 91 %, all highlights below 100 %.

    The shoulder bends the coded values of each channel, before they become light. So the only costly step is the last
    zscale, in integers; the usual chain of float filters costs half as much again and loses colour in the lights.
    """
    if film.hdr is Hdr.HLG:
        # round: the filter truncates, and half a step less of both differences tints every grey green.
        kept = f"round(512+(val-512)*{HLG_CHROMA})"
        node = node.filter("format", "yuv420p10le").filter("lutyuv", u=kept, v=kept)
    shoulder = _shoulder(film.hdr)
    return (
        # Coded R'G'B' at the final size; still HLG or PQ, still the wide primaries.
        node.filter("zscale", **fit, filter="bicubic", matrix="gbr", range="pc")
        .filter("format", "gbrp10le")
        .filter("lutrgb", r=shoulder, g=shoulder, b=shoulder)
        # npl: the light that becomes SDR white; without it zscale takes 100 cd/m² and everything bright burns out.
        .filter("zscale", **_SDR, npl=WHITE, dither="ordered")
    )


def pq(nits: float) -> float:
    """The PQ signal (0…1) of a display light in cd/m². Source: SMPTE ST 2084, equation 5.1."""
    light = (nits / 10000) ** 0.1593017578125
    return float(((0.8359375 + 18.8515625 * light) / (1 + 18.6875 * light)) ** 78.84375)


def _shoulder(hdr: Hdr) -> str:
    """The curve for lutrgb."""
    return _table(f"maxval*({_bent('val/maxval', hdr)})")


def _bent(signal: str, hdr: Hdr) -> str:
    """A curve over coded values (0…1), an expression: straight to a knee, then bent so that PEAK becomes WHITE.

    Source: ITU-R BT.2390-11, 5.4.1 (EETF: Hermite spline from KS = 1.5·maxLum − 0.5), in the film's own signal.
    """
    top, white = (1.0, 0.75) if hdr is Hdr.HLG else (pq(PEAK), pq(WHITE))  # HLG: 75 % is 203 cd/m², BT.2408 table 1
    high = white / top
    knee = 1.5 * high - 0.5
    t = f"((ld(0)-{knee:.6f})/{1 - knee:.6f})"
    bent = (
        f"(2*ld(1)^3-3*ld(1)^2+1)*{knee:.6f}+(ld(1)^3-2*ld(1)^2+ld(1))*{1 - knee:.6f}+(3*ld(1)^2-2*ld(1)^3)*{high:.6f}"
    )
    return f"st(0,min(1,{signal}/{top:.6f}));st(1,{t});{top:.6f}*if(lt(ld(1),0),ld(0),{bent})"
