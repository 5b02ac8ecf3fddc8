"""The witness of a photo: each of its sizes beside the photo itself, both as thumbnails.

The photo's pixels as they were decoded, and nothing that was done to them, are shrunk, put on white, turned by what the
file's EXIF says as it is read here, and shown in sRGB: the code that made the sizes is not asked. So a size is refused
that is turned, mirrored or of other colours. Not judged: the decoder (a HEIC turned by its container is turned by it
alone), the shape of a picture that is flat or tiny, and what lies under the dealer's mark.

Measured on 35 photos of phones and cameras, of every format: honest sizes correlate by 0.997 or more and are at most 6
of 255 lighter or darker. Shrinking 12 megapixels costs 10 to 40 ms of CPU, 60 to 100 ms with a palette or transparency;
decoding them again would cost 0.3 s and more, except for a JPEG.
"""

import io
from math import ceil
from pathlib import Path
from statistics import correlation, fmean, pstdev

import av
from PIL import Image, ImageCms

from pipeline.photo.pixels import opened
from pipeline.plan import WatermarkPlan
from pipeline.proof.expect import expect
from pipeline.source import Photo

EDGE = 32  # px: the long edge of what is compared
LEAST_ALIKE = 0.95  # correlation of luma
FLAT = 8.0  # of 255: spread of luma below which a picture has no shape to compare
FURTHEST = 20.0  # of 255: distance of the means of red, green or blue
SMALLEST = 64  # px: long edge below which a coder may change what is left of a picture's shape
# Fine patterns become grey: what was shrunk in one step and in two would show other beats of them.
SMOOTHLY = Image.Resampling.BILINEAR

_ORIENTATION = 0x0112
# Types of a number that is one: BYTE, SHORT, LONG, and how long they are. Source: TIFF 6.0, 2.
_NUMBERS = {1: 1, 3: 2, 4: 4}


def original(path: Path, photo: Photo, stored: Image.Image) -> Image.Image:
    """The photo as a viewer sees it: upright, in sRGB. `stored` is what `small` made of its pixels; `path` is asked for
    the rest, at its header.

    Raises: the leaves of MediaRejected that a decoder has for it.
    """
    with opened(path, photo.format, photo.width * photo.height) as image:
        blob, profile = image.info.get("exif"), image.info.get("icc_profile")
    # A HEIC is turned by its decoder; EXIF is not asked then. Source: ISO/IEC 23008-12, 6.5.10
    turn = orientation(blob) if isinstance(blob, bytes) and photo.format != "HEIF" else 1
    return _turned(_shown(stored, profile if isinstance(profile, bytes) else b""), turn)


def orientation(exif: bytes) -> int:
    """How a camera was held, 1 to 8; 1 where its EXIF does not say. Source: CIPA DC-008 (EXIF 2.32), 4.6.5."""
    tiff = exif
    while tiff.startswith(b"Exif\0\0"):
        tiff = tiff[6:]
    if tiff[:4] not in (b"II*\0", b"MM\0*"):
        return 1

    def number(at: int, size: int) -> int:
        return int.from_bytes(tiff[at : at + size], "little" if tiff[:1] == b"I" else "big")

    first, said = number(4, 4), 1
    for at in range(first + 2, first + 2 + 12 * number(first, 2), 12):
        tag, kind, count = number(at, 2), number(at + 2, 2), number(at + 4, 4)
        if (tag, count) == (_ORIENTATION, 1):
            said = number(at + 8, _NUMBERS.get(kind, 0))
    return said if 1 <= said <= 8 else 1


def compare(
    theirs: Image.Image, made: av.VideoFrame, name: str, mark: WatermarkPlan | None
) -> tuple[float | None, float]:
    """Hold one size against the photo. Returns the correlation of luma (None: the photo is flat), and how much lighter
    the made one is, of 255.

    Raises: ProofFailed.
    """
    ours = Image.fromarray(made.reformat(format="rgb24", threads=1).to_ndarray()).resize(theirs.size, SMOOTHLY)
    kept = _kept(theirs.size, mark)
    for n, colour in enumerate(("red", "green", "blue")):
        right, is_so = (fmean(band[at] for at in kept) for band in (theirs.tobytes()[n::3], ours.tobytes()[n::3]))
        expect(abs(is_so - right) <= FURTHEST, f"{colour} of {name}", f"{is_so:.0f}", f"{right:.0f} ± {FURTHEST:.0f}")
    lumas = (theirs.convert("L").tobytes(), ours.convert("L").tobytes())
    there, here = ([float(luma[at]) for at in kept] for luma in lumas)
    lighter = round(fmean(here) - fmean(there), 1)
    if pstdev(there) < FLAT or max(made.width, made.height) < SMALLEST:
        expect(
            pstdev(here) < pstdev(there) + 2 * FLAT, f"spread of {name}", f"{pstdev(here):.1f}", f"{pstdev(there):.1f}"
        )
        return None, lighter
    likeness = round(correlation(there, here), 4) if pstdev(here) else 0.0
    expect(likeness >= LEAST_ALIKE, f"likeness of {name} to the photo", likeness, f"at least {LEAST_ALIKE}")
    return likeness, lighter


def small(image: Image.Image) -> Image.Image:
    """As it is stored, on white, but at most `EDGE` px long: RGB, L or CMYK."""
    scale = min(1.0, EDGE / max(image.size))
    size = (max(2, round(image.width * scale)), max(2, round(image.height * scale)))
    if image.has_transparency_data:
        clear = image.convert("RGBA").resize(size, SMOOTHLY)
        return Image.alpha_composite(Image.new("RGBA", size, "white"), clear).convert("RGB")
    if image.mode.startswith("I"):  # 16 bits
        return image.convert("F").resize(size, SMOOTHLY).point(lambda value: value * (1 / 256)).convert("L")
    plain = image if image.mode in ("RGB", "L", "CMYK") else image.convert("L" if image.mode == "1" else "RGB")
    return plain.resize(size, SMOOTHLY)


def _shown(image: Image.Image, profile: bytes) -> Image.Image:
    if profile:
        try:
            theirs = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            plain = (
                image.convert("RGB") if image.mode == "L" and theirs.profile.xcolor_space.strip() == "RGB" else image
            )
            seen = ImageCms.profileToProfile(plain, theirs, ImageCms.createProfile("sRGB"), outputMode="RGB")
            assert seen is not None
            return seen
        except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
            pass  # a broken profile is left aside, as browsers do
    return image.convert("RGB")


def _turned(image: Image.Image, turn: int) -> Image.Image:
    """Upright. Source: CIPA DC-008 (EXIF 2.32), tag 0x0112: where the first row and the first column are."""
    if turn >= 5:
        image = image.transpose(Image.Transpose.TRANSPOSE)
    if turn in (2, 3, 6, 7):
        image = image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    return image.transpose(Image.Transpose.FLIP_TOP_BOTTOM) if turn in (3, 4, 7, 8) else image


def _kept(size: tuple[int, int], mark: WatermarkPlan | None) -> list[int]:
    """The samples that are compared, counted row by row: those outside the mark's corner, top right."""
    (width, height), short = size, min(size)
    # With its halo, an eighth of its height around it, and one sample that it shares.
    wide = ceil(short * (mark.margin + mark.width + 0.125 * mark.height)) + 1 if mark else 0
    high = ceil(short * (mark.margin + 1.125 * mark.height)) + 1 if mark else 0
    return [y * width + x for y in range(height) for x in range(width) if y >= high or x < width - wide] or [0]
