"""A dealer's logo, cleaned: pixels in, a new PNG out. It becomes the watermark and the head of the customer's page.

The shop never opens the picture it was given; only what this room wrote is kept and served.
"""

import warnings
from pathlib import Path
from typing import Any

from PIL import Image, UnidentifiedImageError

from pipeline.errors import TooManyPixels, Unreadable

EDGE = 1024  # px, the longest edge kept: twice the widest watermark of a 4K film
PIXELS = 16_000_000  # px of the picture given; a logo is no photograph


def logo(path: Path, out: Path) -> dict[str, Any]:
    """Write `logo.png` to `out`: RGBA, longest edge at most 1024 px, nothing in it but pixels.

    Raises: Unreadable, TooManyPixels.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(path, formats=("PNG",)) as given:
                if given.width * given.height > PIXELS:
                    raise TooManyPixels(f"{given.width}x{given.height}, limit {PIXELS} pixels")
                # A new picture from the pixels alone: text, profiles and whatever follows the end stay behind.
                clean = Image.new("RGBA", given.size)
                clean.paste(given.convert("RGBA"))
    except Image.DecompressionBombWarning as error:
        raise TooManyPixels(str(error)) from error
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError) as error:
        raise Unreadable(f"not a PNG that can be read: {error}") from error
    clean.thumbnail((EDGE, EDGE), Image.Resampling.LANCZOS)
    made = out / "logo.png"
    clean.save(made, "PNG", optimize=True)
    files = [{"path": made.name, "bytes": made.stat().st_size, "content_type": "image/png"}]
    return {"files": files, "facts": {"width": clean.width, "height": clean.height}}
