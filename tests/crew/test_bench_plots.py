"""Pictures of numbers: valid SVG, as long as they should be, readable in light and dark."""

import re
from itertools import pairwise
from xml.etree import ElementTree

import pytest

from workers.bench import plots
from workers.bench.plots import Part

SVG = "{http://www.w3.org/2000/svg}"


def _parsed(text: str) -> ElementTree.Element:
    return ElementTree.fromstring(text)


def _widths(text: str) -> list[float]:
    return [float(bar.attrib["width"]) for bar in _parsed(text).iter(f"{SVG}rect")]


def test_bars_are_as_long_as_their_numbers_and_a_name_keeps_its_colour() -> None:
    text = plots.bars("CPU", "s", {"HEVC": {"ours": 50.0, "A": 100.0}, "H.264 & more": {"A": 25.0, "ours": 0.0}})

    first, second, third, fourth = _widths(text)
    assert (first / second, third / second, fourth) == (pytest.approx(0.5), pytest.approx(0.25), 0)
    colours = [bar.attrib["fill"] for bar in _parsed(text).iter(f"{SVG}rect")]
    assert colours[0] == colours[3] != colours[1] == colours[2]


def test_names_at_the_ends_of_lines_never_cover_one_another() -> None:
    text = plots.lines("As seen", "VMAF", ["1", "2"], {name: [50.0, 90.0 + n / 100] for n, name in enumerate("ABCDE")})

    at = sorted(
        float(word.attrib["y"]) for word in _parsed(text).iter(f"{SVG}text") if re.match("[A-E] ", word.text or "")
    )
    assert len(at) == 5
    assert min(b - a for a, b in pairwise(at)) >= 15


def test_a_piece_of_a_flame_is_as_wide_as_its_share_and_says_it() -> None:
    whole = Part("film", 10.0, [Part("chunks", 7.5, [Part("encode <x264>", 5.0)]), Part("poster", 2.5)])

    text = plots.icicle("CPU", "s", whole)

    film, chunks, encode, poster = _widths(text)
    assert chunks / film == pytest.approx(0.75, abs=0.01)
    assert encode / film == pytest.approx(0.50, abs=0.01)
    assert poster / film == pytest.approx(0.25, abs=0.01)
    assert "encode <x264>: 5.00 (50.0%)" in [title.text for title in _parsed(text).iter(f"{SVG}title")]


def test_every_picture_has_a_name_and_colours_for_the_dark() -> None:
    for text in (
        plots.bars("T", "s", {}),
        plots.lines("T", "s", ["1"], {"a": [1.0]}),
        plots.icicle("T", "s", Part("a", 1)),
    ):
        assert _parsed(text).attrib["aria-label"] == "T"
        assert "prefers-color-scheme: dark" in text
