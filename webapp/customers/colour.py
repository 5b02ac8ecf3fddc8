"""A dealer's colour, made safe to read: whatever was chosen, text on it and in it keeps its contrast."""

import re
from dataclasses import dataclass

RGB = tuple[float, float, float]

PAPER_LIGHT = "#f4f2ee"  # the darkest surface of the light page
PAPER_DARK = "#1d2027"  # the lightest surface of the dark page
NEUTRAL = "#1f4fd8"

# WCAG 2.2, 1.4.3: contrast of text; 0.1 more, since browsers round colours.
TEXT = 4.6


@dataclass(frozen=True, slots=True)
class Palette:
    """Colours as #rrggbb: a filled button with its text, and the colour as text on the light and the dark page."""

    fill: str
    on_fill: str
    ink_light: str
    ink_dark: str


def palette(colour: str) -> Palette:
    """The colours of a dealer's page; something that is no #rrggbb counts as our own blue."""
    fill = colour.lower() if re.fullmatch(r"#[0-9a-fA-F]{6}", colour) else NEUTRAL
    on_fill = max(("#ffffff", "#14181f"), key=lambda text: contrast(fill, text))
    # A middling colour carries neither: then it is darkened until white can be read on it.
    if contrast(fill, on_fill) < TEXT:
        fill, on_fill = _towards(fill, "#000000", "#ffffff"), "#ffffff"
    return Palette(fill, on_fill, _towards(fill, "#000000", PAPER_LIGHT), _towards(fill, "#ffffff", PAPER_DARK))


def contrast(one: str, other: str) -> float:
    """The contrast ratio of two colours, 1 to 21. Source: WCAG 2.2, relative luminance."""
    low, high = sorted((_luminance(_rgb(one)), _luminance(_rgb(other))))
    return (high + 0.05) / (low + 0.05)


def _towards(colour: str, goal: str, behind: str) -> str:
    """The colour, mixed with `goal` just as far as it needs to be read on `behind`."""
    start, end = _rgb(colour), _rgb(goal)
    for step in range(51):
        share = step / 50
        mixed = _hex(tuple(a + (b - a) * share for a, b in zip(start, end, strict=True)))
        if contrast(mixed, behind) >= TEXT:
            return mixed
    return goal


def _luminance(colour: RGB) -> float:
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in colour)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _rgb(colour: str) -> RGB:
    red, green, blue = (int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5))
    return red, green, blue


def _hex(colour: tuple[float, ...]) -> str:
    return "#" + "".join(f"{round(part * 255):02x}" for part in colour)
