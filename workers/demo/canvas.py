"""A canvas for drawing with smooth edges: shapes, gradients, glows and shadows, in units of the scene.

For the demo's pictures. Everything is computed; the same pixels every time.
"""

from collections.abc import Sequence
from math import cos, pi, sin
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter, ImageFont

Point = tuple[float, float]
Colour = tuple[int, int, int]
Stops = Sequence[tuple[float, Colour]]
FINE = 3  # how many times finer a mask is drawn than the canvas


def curve(points: Sequence[Point], closed: bool = False, steps: int = 14) -> list[Point]:
    """A smooth line through the points (Catmull-Rom); a point given twice is a corner."""
    first, last = (points[-1:], points[:2]) if closed else (points[:1], points[-1:])
    points = [*first, *points, *last]
    made: list[Point] = []
    for (ax, ay), (bx, by), (cx, cy), (dx, dy) in zip(points, points[1:], points[2:], points[3:], strict=False):
        for n in range(steps):
            t = n / steps
            w = ((-t + 2 * t * t - t**3) / 2, (2 - 5 * t * t + 3 * t**3) / 2)
            v = ((t + 4 * t * t - 3 * t**3) / 2, (t**3 - t * t) / 2)
            made.append((ax * w[0] + bx * w[1] + cx * v[0] + dx * v[1], ay * w[0] + by * w[1] + cy * v[0] + dy * v[1]))
    return made if closed else [*made, points[-2]]


def circle(x: float, y: float, radius: float, start: float = 0, end: float = 360, flat: float = 1.0) -> list[Point]:
    """An arc from `start` to `end` degrees, clockwise from the right; `flat` presses its height."""
    count = max(24, int(abs(end - start) / 3))
    turns = [(start + (end - start) * n / count) * pi / 180 for n in range(count + 1)]
    return [(x + radius * cos(a), y + radius * flat * sin(a)) for a in turns]


def box(x: float, y: float, width: float, height: float, radius: float = 0) -> list[Point]:
    """A rectangle with round corners."""
    if not radius:
        return [(x, y), (x + width, y), (x + width, y + height), (x, y + height)]
    corners = [(x + width, y, 270), (x + width, y + height, 0), (x, y + height, 90), (x, y, 180)]
    made: list[Point] = []
    for cx, cy, turn in corners:
        dx, dy = (-radius if cx > x else radius), (-radius if cy > y else radius)
        made += circle(cx + dx, cy + dy, radius, turn, turn + 90)
    return made


class Canvas:
    """A picture of `width` × `height` units, `scale` px each, whose top left corner is at `origin`."""

    def __init__(
        self, width: int, height: int, scale: float, ground: Colour = (0, 0, 0), origin: Point = (0.0, 0.0)
    ) -> None:
        self.scale, self.origin = scale, origin
        self.image = Image.new("RGB", (round(width * scale), round(height * scale)), ground)

    def at(self, x: float, y: float) -> tuple[int, int]:
        """Where a point of the scene lies on the picture, px."""
        return round((x - self.origin[0]) * self.scale), round((y - self.origin[1]) * self.scale)

    def _mask(self, points: Sequence[Point], soft: float, line: float) -> tuple[Image.Image, int, int] | None:
        """A shape's coverage and where it lies, px; `line` > 0 strokes it instead of filling it."""
        room = soft * 3 + line
        points = [(x - self.origin[0], y - self.origin[1]) for x, y in points]
        xs, ys = [p[0] for p in points], [p[1] for p in points]
        left, top = (max(0, int((min(v) - room) * self.scale) - 1) for v in (xs, ys))
        right = min(self.image.width, int((max(xs) + room) * self.scale) + 2)
        bottom = min(self.image.height, int((max(ys) + room) * self.scale) + 2)
        if right <= left or bottom <= top:
            return None
        fine = 1 if soft * self.scale > 6 else FINE
        mask = Image.new("L", ((right - left) * fine, (bottom - top) * fine))
        draw = ImageDraw.Draw(mask)
        at = [((x * self.scale - left) * fine, (y * self.scale - top) * fine) for x, y in points]
        if line:
            draw.line(at, 255, max(1, round(line * self.scale * fine)), joint="curve")
        else:
            draw.polygon(at, 255)
        if fine > 1:
            mask = mask.reduce(fine)
        if soft:
            mask = mask.filter(ImageFilter.GaussianBlur(soft * self.scale))
        return mask, left, top

    def fill(
        self, points: Sequence[Point], paint: Colour | Stops, alpha: float = 1.0, soft: float = 0, line: float = 0
    ) -> None:
        """Paint a shape in one colour, or in a vertical gradient of (share of its height, colour)."""
        found = self._mask(points, soft, line)
        if found is None:
            return
        mask, left, top = found
        if alpha < 1:
            mask = mask.point(lambda value: round(value * alpha))
        if isinstance(paint[0], int):
            self.image.paste(paint, (left, top), mask)  # type: ignore[arg-type]
            return
        ys = [(p[1] - self.origin[1]) * self.scale for p in points]
        rows = (np.arange(mask.height) + top - min(ys)) / max(1.0, max(ys) - min(ys))
        self.image.paste(_rows(rows, paint, mask.width), (left, top), mask)  # type: ignore[arg-type]

    def line(self, points: Sequence[Point], colour: Colour, width: float, alpha: float = 1.0, soft: float = 0) -> None:
        """Stroke a line, `width` units thick."""
        self.fill(points, colour, alpha, soft, width)

    def glow(self, x: float, y: float, radius: float, colour: Colour, alpha: float, flat: float = 1.0) -> None:
        """Add light around a point, fading out at `radius`."""
        left, top = self.at(x - radius, y - radius * flat)
        width, height = round(2 * radius * self.scale), round(2 * radius * flat * self.scale)
        spot = light(colour, alpha).resize((width, height), Image.Resampling.BICUBIC)
        self.add(spot, left, top)

    def add(self, picture: Image.Image, left: int, top: int) -> None:
        """Add a picture's light to the canvas at (left, top) px."""
        area = (max(0, left), max(0, top), left + picture.width, top + picture.height)
        area = (*area[:2], min(area[2], self.image.width), min(area[3], self.image.height))
        if area[2] <= area[0] or area[3] <= area[1]:
            return
        part = picture.crop((area[0] - left, area[1] - top, area[2] - left, area[3] - top))
        sums = np.asarray(self.image.crop(area), np.uint16) + np.asarray(part, np.uint16)
        self.image.paste(Image.fromarray(np.minimum(sums, 255).astype(np.uint8)), area[:2])

    def text(self, x: float, y: float, words: str, size: float, colour: Colour, alpha: float = 1.0) -> None:
        """Write words with their middle at (x, y), `size` units high."""
        layer = Image.new("L", self.image.size)
        font = ImageFont.load_default(size * self.scale)
        # The bundled face has no È: it is an E with a stroke above it.
        plain = words.replace("È", "E")
        left = (x - self.origin[0]) * self.scale - font.getlength(plain) / 2
        top = (y - self.origin[1]) * self.scale
        draw = ImageDraw.Draw(layer)
        draw.text((left, top), plain, round(255 * alpha), font, anchor="lm")
        for at in (n for n, letter in enumerate(words) if letter == "È"):
            middle = left + font.getlength(plain[:at]) + font.getlength("E") / 2
            high, unit = top - size * self.scale * 0.42, size * self.scale
            stroke = [(middle - unit * 0.13, high - unit * 0.12), (middle + unit * 0.07, high)]
            draw.line(stroke, round(255 * alpha), round(unit * 0.09))
        self.image.paste(colour, (0, 0), layer)

    def grain(self, strength: float, seed: int, blur: float = 0) -> None:
        """Uneven paint and dust, the same for the same seed."""
        shape = (self.image.height, self.image.width)
        noise: NDArray[Any] = np.random.default_rng(seed).normal(0, strength, shape).astype(np.float32)
        if blur:
            field = Image.fromarray(noise).resize((shape[1] // 8, shape[0] // 8), Image.Resampling.BOX)
            noise = np.asarray(field.resize((shape[1], shape[0]), Image.Resampling.BICUBIC)) * blur
        pixels = np.asarray(self.image, np.float32) + noise[..., None]
        self.image = Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))


def _rows(rows: NDArray[np.float64], stops: Stops, width: int) -> Image.Image:
    places = [place for place, _ in stops]
    column = np.stack([np.interp(rows, places, [colour[k] for _, colour in stops]) for k in range(3)], 1)
    return Image.fromarray(np.repeat(column.astype(np.uint8)[:, None], width, 1))


def light(colour: Colour, alpha: float, size: int = 128) -> Image.Image:
    """A round spot of light on black, brightest in the middle."""
    y, x = np.mgrid[-1 : 1 : size * 1j, -1 : 1 : size * 1j]
    fall = np.clip(1 - np.hypot(x, y), 0, 1) ** 2 * alpha
    return Image.fromarray((fall[..., None] * np.array(colour)).clip(0, 255).astype(np.uint8))
