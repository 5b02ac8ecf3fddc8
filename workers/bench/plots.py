"""Small pictures of numbers, as SVG text: readable in light and dark, without a script, the same every time."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from html import escape

WIDTH = 760  # px
_STYLE = """
text { font: 13px system-ui, sans-serif; fill: #1f2933; }
.title { font-weight: 600; font-size: 15px; } .soft { fill: #66707a; font-size: 12px; } .grid { stroke: #d8dde2; }
.inside { fill: #fff; font-size: 11px; pointer-events: none; }
@media (prefers-color-scheme: dark) {
  text { fill: #e4e8ec; } .soft { fill: #98a2ac; } .grid { stroke: #3a434c; } .inside { fill: #fff; }
}
"""
# Ours first; the others calm, and apart also for eyes that see fewer colours.
_COLOURS = ("#0e7c86", "#5b7083", "#8a9aa8", "#b0703c", "#7d5fa6", "#4d7d3f", "#a64d62")


@dataclass(frozen=True)
class Part:
    """A piece of work and the pieces it is made of. `value` is its whole, theirs included."""

    name: str
    value: float
    parts: Sequence["Part"] = field(default=())


def bars(title: str, unit: str, groups: Mapping[str, Mapping[str, float]]) -> str:
    """Lying bars, one a name, in groups that share a scale; the same name has the same colour everywhere."""
    names = list(dict.fromkeys(name for group in groups.values() for name in group))
    longest = max((value for group in groups.values() for value in group.values()), default=0.0) or 1.0
    left, room = 90, WIDTH - 90 - 80
    made, y = [_text(0, 16, title, "title"), _text(WIDTH, 16, unit, "soft", "end")], 30
    for group, values in groups.items():
        made.append(_text(0, y + 16, group, "soft"))
        y += 24
        for name, value in values.items():
            width, colour = value / longest * room, _COLOURS[names.index(name) % len(_COLOURS)]
            made.append(_text(left - 8, y + 13, name, "", "end"))
            made.append(f'<rect x="{left}" y="{y}" width="{width:.1f}" height="17" rx="2" fill="{colour}"/>')
            made.append(_text(left + width + 6, y + 13, f"{value:.3g}" if value < 100 else f"{value:.0f}", ""))
            y += 21
        y += 8
    return _svg(title, made, y)


def lines(title: str, unit: str, places: Sequence[str], series: Mapping[str, Sequence[float]]) -> str:
    """Values of each series at places that are evenly apart, such as bandwidths; each line is named at its end."""
    values = [value for line in series.values() for value in line]
    low, high = min(values) // 10 * 10, -(-max(values) // 10) * 10
    left, top, width, height = 36, 36, WIDTH - 36 - 110, 250

    def at(place: int, value: float) -> tuple[float, float]:
        return left + width * place / max(1, len(places) - 1), top + height * (high - value) / ((high - low) or 1)

    made = [_text(0, 16, title, "title"), _text(WIDTH, 16, unit, "soft", "end")]
    for mark in range(int(low), int(high) + 1, 10):
        y = at(0, mark)[1]
        made.append(f'<line class="grid" x1="{left}" x2="{left + width}" y1="{y:.1f}" y2="{y:.1f}"/>')
        made.append(_text(left - 8, y + 4, str(mark), "soft", "end"))
    made += [_text(at(n, low)[0], top + height + 20, name, "soft", "middle") for n, name in enumerate(places)]
    below = -99.0  # where the name above ends, so that two never cover one another
    order = sorted(series, key=lambda name: -series[name][-1])
    for name in order:
        points = [at(place, value) for place, value in enumerate(series[name])]
        colour = _COLOURS[list(series).index(name) % len(_COLOURS)]
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        made.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2.5"/>')
        made += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3.5" fill="{colour}"/>' for x, y in points]
        below = max(points[-1][1] + 4, below + 16)
        made.append(f'<rect x="{left + width + 12}" y="{below - 9:.1f}" width="10" height="10" fill="{colour}"/>')
        made.append(_text(left + width + 28, below, f"{name}  {series[name][-1]:.1f}", ""))
    return _svg(title, made, top + height + 32)


def icicle(title: str, unit: str, whole: Part) -> str:
    """A flame graph hanging down: as wide as it is dear, what it consists of below it."""
    made, deepest = [_text(0, 16, title, "title"), _text(WIDTH, 16, unit, "soft", "end")], 0

    def draw(part: Part, x: float, width: float, depth: int, colour: str) -> None:
        nonlocal deepest
        deepest = max(deepest, depth)
        share = f"{part.name}: {part.value:.2f} ({part.value / whole.value:.1%})"
        y, shade = 30 + depth * 23, 1 - 0.09 * (depth % 3)
        made.append(
            f'<rect x="{x:.2f}" y="{y}" width="{max(0.0, width - 0.6):.2f}" height="22" rx="1" fill="{colour}" '
            f'fill-opacity="{shade:.2f}"><title>{escape(share)}</title></rect>'
        )
        if words := _fitted(part, int((width - 8) / 6.4)):
            made.append(_text(x + 4, y + 15, words, "inside"))
        for number, inner in enumerate(sorted(part.parts, key=lambda inner: -inner.value)):
            wide = width * inner.value / part.value if part.value else 0.0
            if wide >= 0.5:
                draw(inner, x, wide, depth + 1, _COLOURS[number % len(_COLOURS)] if depth == 0 else colour)
            x += wide

    draw(whole, 0, WIDTH, 0, "#44525f")
    return _svg(title, made, 30 + (deepest + 1) * 23 + 4)


def _fitted(part: Part, letters: int) -> str:
    """What can be read in a box: name and number, the name, its beginning, or nothing."""
    for words in (f"{part.name} {part.value:.1f}", part.name):
        if len(words) <= letters:
            return words
    return f"{part.name[: letters - 1]}…" if letters >= 6 else ""


def _text(x: float, y: float, words: str, kind: str, anchor: str = "start") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" class="{kind}" text-anchor="{anchor}">{escape(words)}</text>'


def _svg(title: str, made: Sequence[str], height: float) -> str:
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="-8 -4 {WIDTH + 16} {height + 8:.0f}" role="img" '
        f'aria-label="{escape(title)}"><style>{_STYLE}</style>'
    )
    return "\n".join([head, *(line for line in made if line), "</svg>", ""])
