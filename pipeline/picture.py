"""The filter steps between decoder and encoder: whole pictures, right size, SDR, upright, marked, then the ladder.

For `transcode` and `stills`, which choose the input and the encoder. The order is the cheapest correct one: fields are
woven first, then pixels become fewer, then colours are computed on the fewer pixels, and only 8-bit pictures turned.
It never decides anything: sizes come from the plan, everything else from the `Film`.

    input (with -noautorotate) ─ deinterlace ─ (trim) ─ steps: size ▸ colours ▸ upright ▸ watermark ▸ tags ─ ladder
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import ffmpeg
from PIL import Image, ImageChops, ImageFilter, ImageStat

from pipeline.colour import coloured
from pipeline.plan import WatermarkPlan
from pipeline.source import Fields, Film

Node = Any  # a stream of ffmpeg-python, which has no types
Size = tuple[int, int]  # width and height, px

HALO = 0.6  # opacity of the halo where it is strongest


@dataclass(frozen=True)
class Watermark:
    """A dealer's logo, made ready for one size of picture: its PNG, and where its top left corner goes, px."""

    path: Path
    x: int
    y: int


def deinterlace(node: Node, film: Film) -> Node:
    """Weave fields into whole pictures, one per frame. Comes before any trim, because it looks at the frames around."""
    if film.fields is Fields.PROGRESSIVE:
        return node
    # send_frame: one picture per frame, so that the frame times of the plan stay true (send_field doubles the rate).
    parity = "tff" if film.fields is Fields.TOP else "bff"
    woven = node.filter("bwdif", mode="send_frame", parity=parity, deint="all")
    # It halves the time base, also at one picture per frame; a trim counts in that of the film.
    return woven.filter("settb", f"{film.time_base.numerator}/{film.time_base.denominator}")


def steps(node: Node, film: Film, *, width: int, height: int, watermark: Watermark | None = None) -> Node:
    """Lead decoded frames to what every viewer can show: `width` × `height` px upright, SDR bt709, marked.

    `width` and `height` are even. The input must be opened with `-noautorotate`: the turn is made here, once.
    """
    named: list[tuple[str, Callable[[Node], Node]]] = [
        ("size and colours", lambda it: coloured(it, film, *_as_stored(film, width, height))),
        ("upright", lambda it: upright(it, film)),
        ("watermark", lambda it: marked(it, watermark) if watermark else it),
        ("tags", tagged),
    ]
    for _, step in named:
        node = step(node)
    return node


def ladder(node: Node, sizes: Sequence[Size], wanted: Sequence[Size] = ()) -> list[Node]:
    """One stream per size (px, even, the first is the size the node has), all from the same decoded pictures; of those
    `wanted`, in the same order, where not all are.
    """
    made: list[Node] = []
    wanted = wanted or sizes
    for place, (width, height) in enumerate(sizes):
        if place:
            # Each from the one above: half the work of scaling all from the largest, and as sharp. lanczos, seen at
            # full size: 0.8 VMAF more than bicubic at 720p, 1.8 at 480p, 3.8 at 360p, for 3–5 % more bits. zscale's
            # costs half of swscale's, which is a twentieth of a chunk's CPU.
            node = node.filter("zscale", width, height, filter="lanczos")
        if (width, height) == wanted[-1]:
            break
        if (width, height) in wanted:
            copies = node.filter_multi_output("split", 2)
            made.append(copies[0])
            node = copies[1]
    return [*made, node]


def _as_stored(film: Film, width: int, height: int) -> tuple[int, int]:
    return (height, width) if film.rotation in (90, 270) else (width, height)


def upright(node: Node, film: Film) -> Node:
    """Undo the camera's mirror, then its turn (degrees clockwise), as explicit filters; an upright film needs none."""
    if film.mirrored:
        node = node.filter("hflip")
    if film.rotation == 90:
        return node.filter("transpose", "clock")
    if film.rotation == 180:
        return node.filter("hflip").filter("vflip")
    if film.rotation == 270:
        return node.filter("transpose", "cclock")
    return node


def tagged(node: Node) -> Node:
    """Say what the pictures are now, and drop what rode along."""
    return (
        # All side data: HDR light levels, Dolby Vision, captions, user data of the phone's encoder. A player would
        # believe them of the new picture, and some name the device.
        node.filter("sidedata", mode="delete")
        .filter("setsar", 1)
        .filter(
            "setparams", field_mode="prog", range="tv", color_primaries="bt709", color_trc="bt709", colorspace="bt709"
        )
    )


def watermark_box(
    width: int, height: int, logo_width: int, logo_height: int, rules: WatermarkPlan
) -> tuple[int, int, int, int]:
    """Where a logo goes on a picture of `width` × `height` px: (x, y, w, h) in px, top right, all even.

    Measured by the short edge, so that a portrait and a landscape picture, a film and a photo carry the same mark. Top
    right, because the player's controls lie at the bottom.
    """
    short = min(width, height)
    scale = min(short * rules.width / logo_width, short * rules.height / logo_height)
    w, h = (max(2, round(side * scale / 2) * 2) for side in (logo_width, logo_height))
    margin = max(2, round(short * rules.margin / 2) * 2)
    return max(0, width - margin - w) // 2 * 2, margin, w, h


def watermark_picture(logo: Image.Image, width: int, height: int, rules: WatermarkPlan) -> tuple[Image.Image, int, int]:
    """The logo as it is laid over a picture of `width` × `height` px: an RGBA image and its top left corner, px.

    A soft halo in the opposite lightness is drawn around its shape, so that it reads on snow and in a dark workshop.
    """
    x, y, w, h = watermark_box(width, height, *logo.size, rules)
    # Premultiplied while shrinking (RGBa), or the colour of transparent pixels bleeds into the edge.
    small = logo.convert("RGBA").convert("RGBa").resize((w, h), Image.Resampling.LANCZOS).convert("RGBA")
    # The halo's room, even and never outside the picture.
    room = min(max(2, round(h * 0.12 / 2) * 2), x, y)
    canvas = Image.new("RGBA", (w + 2 * room, h + 2 * room))
    canvas.paste(small, (room, room))
    shape = canvas.getchannel("A")
    light = ImageStat.Stat(canvas.convert("L"), mask=shape).mean[0] if shape.getbbox() else 255.0
    halo = Image.new("RGBA", canvas.size, (0, 0, 0, 0) if light > 127 else (255, 255, 255, 0))
    blurred = shape.filter(ImageFilter.GaussianBlur(max(1, room / 2.5)))
    halo.putalpha(ImageChops.add(blurred, blurred).point(lambda a: round(a * HALO)))
    canvas = Image.alpha_composite(halo, canvas)
    canvas.putalpha(canvas.getchannel("A").point(lambda a: round(a * rules.opacity)))
    return canvas, x - room, y - room


def watermark(logo: Path, width: int, height: int, rules: WatermarkPlan, prepared: Path) -> Watermark:
    """Make the dealer's logo ready for pictures of `width` × `height` px and write it to `prepared` (a new PNG)."""
    with Image.open(logo, formats=("PNG",)) as opened:
        mark, x, y = watermark_picture(opened, width, height, rules)
    mark.save(prepared, "PNG")
    return Watermark(prepared, x, y)


class _Movie(ffmpeg.nodes.FilterNode):  # type: ignore[misc]
    """A picture read inside the filter graph, which ffmpeg-python cannot name.

    Not an input: when a phone is turned while filming, ffmpeg builds the graph anew, and an input that has given its
    one picture would give no second one; the mark would be gone from there on.
    """

    def __init__(self, **options: str) -> None:
        ffmpeg.nodes.Node.__init__(
            self,
            stream_spec=None,
            name="movie",
            incoming_stream_types=set(),
            outgoing_stream_type=ffmpeg.nodes.FilterableStream,
            min_inputs=0,
            max_inputs=0,
            args=[],
            kwargs=options,
        )


def marked(node: Node, mark: Watermark) -> Node:
    """Lay the mark over every frame."""
    logo = (
        _Movie(filename=str(mark.path), format_name="png_pipe")
        .stream()
        # bt709, or the dealer's red becomes another red: the default is BT.601.
        .filter("scale", out_color_matrix="bt709", out_range="tv")
        .filter("format", "yuva420p")
    )
    # repeat: the one picture of the logo stays for all frames.
    return node.overlay(logo, x=mark.x, y=mark.y, format="yuv420", eof_action="repeat")
