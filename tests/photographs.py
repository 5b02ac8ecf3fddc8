"""Painted photos, and the sizes made of any photo."""

from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw

from pipeline import photo, plan, source


def corners(size: tuple[int, int] = (400, 200)) -> Image.Image:
    """Red top left, green top right, blue bottom left, white bottom right."""
    image = Image.new("RGB", size, "white")
    draw = ImageDraw.Draw(image)
    width, height = size
    draw.rectangle((0, 0, width // 2 - 1, height // 2 - 1), fill=(200, 0, 0))
    draw.rectangle((width // 2, 0, width, height // 2 - 1), fill=(0, 200, 0))
    draw.rectangle((0, height // 2, width // 2 - 1, height), fill=(0, 0, 200))
    return image


def made(path: Path, out: Path, watermark: Path | None = None) -> dict[str, Any]:
    out.mkdir(exist_ok=True)
    measured = photo.measure(path, "workshop", watermark=watermark is not None)
    found, planned = source.from_json(measured["source"]), plan.from_json(measured["plan"])
    return photo.make_sizes(path, found, planned, watermark, out, lambda _: None)


def largest(result: dict[str, Any], out: Path) -> Image.Image:
    with Image.open(out / result["facts"]["sizes"][-1]["path"]) as image:
        image.load()
        return image


def pixels(image: Image.Image) -> np.ndarray:
    return np.asarray(image.convert("RGB")).astype(int)
