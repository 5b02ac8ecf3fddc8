"""The sizes of a photo: upright, sRGB, 8-bit, from pixels alone, so that nothing of the original file rides along.

For the crew, through `measure` and `make`. It takes the picture a phone's gallery shows first: the still of a motion
photo, the base image of one with a gain map, the first frame of an animation. It never enlarges.
"""

import io
import re
import struct
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pillow_heif
from PIL import Image, ImageCms, UnidentifiedImageError

from pipeline import plan as plans
from pipeline import privacy
from pipeline import source as sources
from pipeline.errors import Damaged, TooManyPixels, Truncated, Unreadable
from pipeline.picture import watermark_picture
from pipeline.plan import Output, PhotoPlan, Plan, Queue, WatermarkPlan
from pipeline.presets import load, recipe
from pipeline.sniff import sniff
from pipeline.source import Kind, Photo, Source

ORIENTATION = 0x0112
# EXIF orientation → what makes it upright. Source: CIPA DC-008 (EXIF 2.32), tag 0x0112. Other values mean nothing.
_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_SRGB = ImageCms.createProfile("sRGB")
# What decoders raise over bytes that make no sense.
BROKEN = (
    OSError,
    ValueError,
    SyntaxError,
    EOFError,
    LookupError,
    TypeError,
    ArithmeticError,
    RuntimeError,
    struct.error,
)
# A size less than an eighth larger than the one before it would be stored twice for nothing anyone sees.
WORTH = 1.125
LOGO_PIXELS = 16_000_000
# Only the picture itself: no thumbnails, no depth maps, no gain maps are decoded.
pillow_heif.register_heif_opener(thumbnails=False, depth_images=False, aux_images=False)


def measure(path: Path, preset_name: str, *, watermark: bool = False) -> dict[str, Any]:
    """`{"source", "plan"}` of a photo, as JSON, from its header alone.

    Raises: the leaves of MediaRejected: Empty, UnknownType, Unreadable, Truncated, TooManyPixels.
    """
    preset = load(preset_name)
    found = sniff(path)
    with opened(path, found.format, preset.limits.photo_pixels) as image:
        width, height = image.size
        if _orientation(image) >= 5:
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
    path: Path, source: Source, plan: Plan, watermark: Path | None, out: Path, on_progress: Callable[[float], None]
) -> dict[str, Any]:
    """Every planned size as WebP and JPEG in `out`, and the facts of them; progress runs from 0 to 1.

    Raises: Truncated, Damaged or Unreadable when the pixels do not come out whole.
    """
    assert source.photo is not None
    assert plan.photo is not None
    largest = plan.photo.sizes[-1]
    master = _master(path, source.photo, largest)
    on_progress(0.4)
    logo = _logo(watermark) if watermark else None
    files: list[dict[str, Any]] = []
    facts: list[dict[str, Any]] = []
    for done, (width, height) in enumerate(plan.photo.sizes, 1):
        still = master if (width, height) == master.size else _resized(master, (width, height))
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
    red, green, blue = master.resize((1, 1), Image.Resampling.BOX).tobytes()
    return {
        "files": files,
        "facts": {
            "width": largest[0],
            "height": largest[1],
            "colour": f"#{red:02x}{green:02x}{blue:02x}",
            "sizes": facts,
        },
    }


@contextmanager
def opened(path: Path, format: str, pixels: int) -> Iterator[Image.Image]:
    """A stranger's picture, opened by the decoder named and no other; leave the block when its pixels are loaded.

    Raises: TooManyPixels above `pixels`; Truncated, Damaged, Unreadable for what the decoder says.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # broken EXIF, odd palettes: the picture decides, not its margins
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        usual, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, pixels
        try:
            with Image.open(path, formats=(format,)) as image:
                count = image.width * image.height
                if count > pixels:
                    raise TooManyPixels(f"{image.width} x {image.height} = {count} pixels, limit {pixels}")
                yield image
        except (Image.DecompressionBombWarning, Image.DecompressionBombError) as error:
            counted = re.search(r"\d+", str(error))
            raise TooManyPixels(f"{counted.group() if counted else 'too many'} pixels, limit {pixels}") from error
        except UnidentifiedImageError as error:
            raise Unreadable(f"not a whole {format} header") from error
        except (
            OSError,
            ValueError,
            SyntaxError,
            EOFError,
            LookupError,
            TypeError,
            ArithmeticError,
            RuntimeError,
        ) as error:
            said = str(error)[:200]
            if any(word in said.lower() for word in ("truncated", "end of file", "not enough data", "incomplete")):
                raise Truncated(f"{format}: {said}") from error
            raise Damaged(f"{format}: {said}") from error
        finally:
            Image.MAX_IMAGE_PIXELS = usual


def _orientation(image: Image.Image) -> int:
    """1 to 8; 1 for anything that is no orientation.

    Read from EXIF alone: Pillow's own look into XMP would turn pictures that no browser turns. HEIF is always 1: its
    decoder has applied `irot` and `imir`, and ISO/IEC 23008-12 says EXIF's value must then be ignored.
    """
    blob = image.info.get("exif")
    if image.format == "HEIF" or not isinstance(blob, bytes):
        return 1
    exif = Image.Exif()
    try:
        exif.load(blob)
        value = exif.get(ORIENTATION)
    except BROKEN:
        return 1  # broken EXIF is common, and not a broken picture
    return value if isinstance(value, int) and value in _UPRIGHT else 1


def _master(path: Path, photo: Photo, largest: tuple[int, int]) -> Image.Image:
    """The largest size, upright, in sRGB on white, holding pixels and nothing else."""
    with opened(path, photo.format, photo.width * photo.height) as image:
        turn = _UPRIGHT.get(_orientation(image))
        # Shrunk as it is stored, turned afterwards: the turn then moves fewer pixels.
        stored = largest[::-1] if _orientation(image) >= 5 else largest
        # A JPEG decoder can halve while it decodes: a 48-megapixel photo then costs a quarter of time and memory.
        image.draft(None, stored)
        image.load()
        profile = image.info.get("icc_profile")
        flat = _flat(image)
    small = flat if flat.size == stored else _resized(flat, stored)
    coloured = _srgb(small, profile if isinstance(profile, bytes) else b"")
    upright = coloured.transpose(turn) if turn is not None else coloured
    return Image.frombytes("RGB", upright.size, upright.tobytes())


def _flat(image: Image.Image) -> Image.Image:
    """RGB, L or CMYK without transparency; what was transparent is white, as on the page."""
    if image.has_transparency_data:
        layered = image if image.mode == "RGBA" else image.convert("RGBA")
        flat = Image.new("RGB", layered.size, "white")
        flat.paste(layered, mask=layered.getchannel("A"))
        return flat
    if image.mode.startswith("I"):  # 16-bit grey: Pillow's own conversion clips at 255 instead of scaling
        return Image.fromarray((np.asarray(image).astype(np.uint32) >> 8).clip(0, 255).astype(np.uint8))
    if image.mode in ("RGB", "L", "CMYK"):
        return image
    return image.convert("L" if image.mode in ("1", "LA") else "RGB")


def _srgb(image: Image.Image, profile: bytes) -> Image.Image:
    """The colours a viewer without colour management shows right. A profile that is broken or made for other channels
    is left aside, as browsers do."""
    if profile:
        try:
            return _through(image, profile)
        except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
            pass
    return image.convert("RGB")


def _through(image: Image.Image, profile: bytes) -> Image.Image:
    embedded = ImageCms.ImageCmsProfile(io.BytesIO(profile))
    space = embedded.profile.xcolor_space.strip()
    if space == "RGB" and image.mode == "L":
        image = image.convert("RGB")
    # Relative with black-point compensation: in-gamut colours stay exact, and a printer's black becomes the screen's.
    converted = ImageCms.profileToProfile(
        image,
        embedded,
        _SRGB,
        renderingIntent=ImageCms.Intent.RELATIVE_COLORIMETRIC,
        outputMode="RGB",
        flags=ImageCms.Flags.BLACKPOINTCOMPENSATION,
    )
    assert converted is not None
    return converted


def _resized(image: Image.Image, size: tuple[int, int]) -> Image.Image:
    # reducing_gap 3: a box filter takes the first coarse step, invisible in the result and several times faster.
    return image.resize(size, Image.Resampling.LANCZOS, reducing_gap=3.0)


def _logo(path: Path) -> Image.Image:
    """The dealer's logo. It too came from a stranger: one forced decoder, and a limit on its pixels."""
    with opened(path, sniff(path).format, LOGO_PIXELS) as image:
        return image.convert("RGBA")


def _marked(still: Image.Image, logo: Image.Image, rules: WatermarkPlan) -> Image.Image:
    mark, x, y = watermark_picture(logo, *still.size, rules)
    marked = still.copy()
    marked.paste(mark, (x, y), mark)
    return marked
