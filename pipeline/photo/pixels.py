"""A stranger's photo becomes pixels: decoded by one forced decoder, upright, on white, in sRGB.

The one place where HEIF is made known to Pillow. Every error of a decoder becomes one of ours at this door.
"""

import io
import re
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from PIL import Image, ImageCms, UnidentifiedImageError

from pipeline.errors import BROKEN, Damaged, TooManyPixels, Truncated, Unreadable
from pipeline.source import Photo

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


@cache
def _learn_heif() -> None:
    """Only the picture itself: no thumbnails, no depth maps, no gain maps are decoded."""
    import pillow_heif  # here, because it takes 0.1 s to load and most photos are JPEG

    pillow_heif.register_heif_opener(thumbnails=False, depth_images=False, aux_images=False)


@contextmanager
def opened(path: Path, format: str, pixels: int) -> Iterator[Image.Image]:
    """A stranger's picture, opened by the decoder named and no other; leave the block when its pixels are loaded.

    Raises: TooManyPixels above `pixels`; Truncated, Damaged, Unreadable for what the decoder says.
    """
    if format == "HEIF":
        _learn_heif()
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
        except BROKEN as error:
            said = str(error)[:200]
            if any(word in said.lower() for word in ("truncated", "end of file", "not enough data", "incomplete")):
                raise Truncated(f"{format}: {said}") from error
            raise Damaged(f"{format}: {said}") from error
        finally:
            Image.MAX_IMAGE_PIXELS = usual


def orientation(image: Image.Image) -> int:
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


def master(
    path: Path, photo: Photo, largest: tuple[int, int], on_decoded: Callable[[Image.Image], None]
) -> Image.Image:
    """The largest size, upright, in sRGB on white, holding pixels and nothing else."""
    with opened(path, photo.format, photo.width * photo.height) as image:
        turn = _UPRIGHT.get(orientation(image))
        # Shrunk as it is stored, turned afterwards: the turn then moves fewer pixels.
        stored = largest[::-1] if orientation(image) >= 5 else largest
        # A JPEG decoder can halve while it decodes: a 48-megapixel photo then costs a quarter of time and memory.
        image.draft(None, stored)
        image.load()
        on_decoded(image)
        profile = image.info.get("icc_profile")
        flat = _flat(image)
    small = flat if flat.size == stored else resized(flat, stored)
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
        import numpy as np

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


def resized(image: Image.Image, size: tuple[int, int]) -> Image.Image:
    # reducing_gap 3: a box filter takes the first coarse step, invisible in the result and several times faster.
    return image.resize(size, Image.Resampling.LANCZOS, reducing_gap=3.0)
