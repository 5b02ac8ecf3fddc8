"""The sizes of a photo: upright, sRGB, 8-bit, from pixels alone, so that nothing of the original file rides along.

For the crew, through `measure` and `make`. It takes the picture a phone's gallery shows first: the still of a motion
photo, the base image of one with a gain map, the first frame of an animation. It never enlarges.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from PIL import Image

from pipeline import plan as plans
from pipeline import privacy
from pipeline import source as sources
from pipeline.photo.pixels import ORIENTATION, master, opened, orientation, resized
from pipeline.picture import watermark_picture
from pipeline.plan import Output, PhotoPlan, Plan, Queue, WatermarkPlan
from pipeline.presets import load, recipe
from pipeline.sniff import sniff
from pipeline.source import Kind, Photo, Source

__all__ = ["ORIENTATION", "make_sizes", "measure", "opened", "sizes"]

# A size less than an eighth larger than the one before it would be stored twice for nothing anyone sees.
WORTH = 1.125
LOGO_PIXELS = 16_000_000


def measure(path: Path, preset_name: str, *, watermark: bool = False) -> dict[str, Any]:
    """`{"source", "plan"}` of a photo, as JSON, from its header alone.

    Raises: the leaves of MediaRejected: Empty, UnknownType, Unreadable, Truncated, TooManyPixels.
    """
    preset = load(preset_name)
    found = sniff(path)
    with opened(path, found.format, preset.limits.photo_pixels) as image:
        width, height = image.size
        if orientation(image) >= 5:
            width, height = height, width
    source = Source(
        kind=Kind.PHOTO,
        container=found.format,
        bytes=path.stat().st_size,
        photo=Photo(found.format, width, height),
        private=tuple(sorted(privacy.collect(path, found.format))),
    )
    mark = preset.watermark
    plan = Plan(
        recipe=recipe(preset_name),
        preset=preset_name,
        outputs=(Output("sizes", Queue.EXPRESS, 1.0),),
        watermark=WatermarkPlan(mark.width, mark.height, mark.margin, mark.opacity) if watermark else None,
        photo=PhotoPlan(sizes(width, height, preset.photo.sizes), preset.photo.webp_quality, preset.photo.jpeg_quality),
    )
    return {"source": sources.to_json(source), "plan": plans.to_json(plan)}


def sizes(width: int, height: int, edges: tuple[int, ...]) -> tuple[tuple[int, int], ...]:
    """Width and height (px) of every size worth making, smallest first: long edges as given, never above the photo's
    own, which is itself the last size when it lies between two of them."""
    long = max(width, height)
    chosen: list[int] = []
    for edge in sorted(edges):
        if not chosen or long > chosen[-1] * WORTH:
            chosen.append(min(edge, long))
    return tuple((max(1, round(width * edge / long)), max(1, round(height * edge / long))) for edge in chosen)


def make_sizes(
    path: Path,
    source: Source,
    plan: Plan,
    watermark: Path | None,
    out: Path,
    on_progress: Callable[[float], None],
    on_decoded: Callable[[Image.Image], None] = lambda _: None,
) -> dict[str, Any]:
    """Every planned size as WebP and JPEG in `out`, and the facts of them; progress runs from 0 to 1. `on_decoded` is
    shown the pixels before anything is done to them, for the witness: decoding them again would be a quarter of the
    work.

    Raises: Truncated, Damaged or Unreadable when the pixels do not come out whole.
    """
    assert source.photo is not None
    assert plan.photo is not None
    largest = plan.photo.sizes[-1]
    whole = master(path, source.photo, largest, on_decoded)
    on_progress(0.4)
    logo = _logo(watermark) if watermark else None
    files: list[dict[str, Any]] = []
    facts: list[dict[str, Any]] = []
    for done, (width, height) in enumerate(plan.photo.sizes, 1):
        still = whole if (width, height) == whole.size else resized(whole, (width, height))
        if logo is not None and plan.watermark is not None:
            still = _marked(still, logo, plan.watermark)
        for suffix, form, options in (
            # method 4 is libwebp's own balance; 6 costs twice the time for about 2 % fewer bytes.
            ("webp", "WEBP", {"quality": plan.photo.webp_quality, "method": 4}),
            # progressive: a slow line shows the whole picture at once; optimize: smaller at the same pixels.
            ("jpg", "JPEG", {"quality": plan.photo.jpeg_quality, "progressive": True, "optimize": True}),
        ):
            name = f"{max(width, height)}.{suffix}"
            still.save(out / name, form, **options)
            length = (out / name).stat().st_size
            files.append({"path": name, "bytes": length, "content_type": f"image/{form.lower()}"})
            facts.append({"path": name, "width": width, "height": height, "format": form.lower(), "bytes": length})
        on_progress(0.4 + 0.6 * done / len(plan.photo.sizes))
    red, green, blue = whole.resize((1, 1), Image.Resampling.BOX).tobytes()
    return {
        "files": files,
        "facts": {
            "width": largest[0],
            "height": largest[1],
            "colour": f"#{red:02x}{green:02x}{blue:02x}",
            "sizes": facts,
        },
    }


def _logo(path: Path) -> Image.Image:
    """The dealer's logo. It too came from a stranger: one forced decoder, and a limit on its pixels."""
    with opened(path, sniff(path).format, LOGO_PIXELS) as image:
        return image.convert("RGBA")


def _marked(still: Image.Image, logo: Image.Image, rules: WatermarkPlan) -> Image.Image:
    mark, x, y = watermark_picture(logo, *still.size, rules)
    marked = still.copy()
    marked.paste(mark, (x, y), mark)
    return marked
