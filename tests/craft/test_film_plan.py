"""What is decided before the first frame is decoded."""

import json
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest
from painting import paint
from screening import measured

from pipeline import ladder, plan, presets, probe, source
from pipeline.cut import hurried, joined, thinned
from pipeline.errors import PlanOutdated
from pipeline.index import Packet
from pipeline.names import FIRST, REST
from pipeline.source import Film

PICTURE = presets.load("workshop").picture


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Film:
    """Any film, whose size the tests then change."""
    path = paint(tmp_path_factory.mktemp("plan") / "film.mp4", seconds=0.5, audio=False)
    found = probe.probe(path, "mov", presets.load("workshop").limits)[0].film
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("size", "names"),
    [
        ((1080, 1920), ["1080p", "720p", "480p", "360p"]),
        ((3840, 2160), ["1080p", "720p", "480p", "360p"]),
        ((1280, 720), ["720p", "480p", "360p"]),
        ((1000, 1600), ["1000p", "720p", "480p", "360p"]),
        ((500, 900), ["480p", "360p"]),
        ((352, 288), ["288p"]),
        ((64, 48), ["48p"]),
    ],
)
def test_the_ladder_counts_by_the_short_edge_and_never_upscales(
    film: Film, size: tuple[int, int], names: list[str]
) -> None:
    made = ladder.renditions(replace(film, width=size[0], height=size[1]), PICTURE)

    assert [one.name for one in made] == names
    for one in made:
        assert one.width <= size[0]
        assert one.height <= size[1]
        assert one.width % 2 == one.height % 2 == 0


@pytest.mark.parametrize(
    ("size", "preset", "opening"),
    [((1080, 1920), "workshop", "480p"), ((500, 900), "workshop", None), ((500, 900), "archive", "480p")],
)
def test_the_first_chunk_is_made_in_a_light_rendition_before_heavier_ones(
    tmp_path: Path, size: tuple[int, int], preset: str, opening: str | None
) -> None:
    film = paint(tmp_path / "film.mp4", seconds=0.2, size=size)

    decided = plan.from_json(measured(film, preset)["plan"])

    assert decided.film is not None
    assert decided.film.opening == opening
    express = [one for one in decided.outputs if one.queue is plan.Queue.EXPRESS]
    names = [FIRST, "poster", REST] if opening else [FIRST, "poster"]
    assert [one.name for one in express] == names
    pieces = {one.name: decided.film.holds(one.name)[1] for one in express if one.name != "poster"}
    assert sorted(sum(pieces.values(), ()), key=decided.film.renditions.index) == list(decided.film.renditions)
    assert opening is None or [one.name for one in pieces[FIRST]] == [opening]
    assert sum(one.weight for one in express) == pytest.approx(0.5 + decided.film.chunks[0].duration)
    assert len({one.ranges for one in express if one.name != "poster"}) == 1


@pytest.mark.parametrize(
    ("codec", "rate", "made"),
    [
        ("h264", 17_000_000, [("1080p", 5_450_000), ("720p", 2_650_000), ("480p", 1_250_000), ("360p", 580_000)]),
        ("h264", 1_500_000, [("1080p", 5_450_000), ("720p", 2_650_000), ("480p", 580_000)]),
        ("hevc", 1_500_000, [("1080p", 5_450_000), ("720p", 2_650_000), ("480p", 1_250_000), ("360p", 580_000)]),
        ("h264", 400_000, [("1080p", 580_000)]),
    ],
)
def test_a_calm_film_is_not_made_smaller_for_a_line_that_carries_it_as_it_is(
    film: Film, codec: str, rate: float, made: list[tuple[str, int]]
) -> None:
    large = replace(film, width=1080, height=1920, codec=codec)

    assert [(one.name, one.maxrate) for one in ladder.renditions(large, PICTURE, rate)] == made


@pytest.mark.parametrize("size", [(10_000, 1000), (1001, 9999), (4096, 4096), (7680, 4320), (3, 3)])
def test_every_rendition_fits_the_level_that_every_phone_decodes(film: Film, size: tuple[int, int]) -> None:
    for one in ladder.renditions(replace(film, width=size[0], height=size[1]), PICTURE):
        assert -(-one.width // 16) * -(-one.height // 16) <= 8704
        assert max(one.width, one.height) <= 4208
        assert min(one.width, one.height) >= 2


@pytest.mark.parametrize(
    ("rate", "kept"),
    [
        (30, None),
        (Fraction(30000, 1001), None),
        (32, None),
        (60, 30),
        (50, 25),
        (240, 30),
        (Fraction(60000, 1001), None),
    ],
)
def test_frames_are_dropped_evenly_or_not_at_all(rate: Fraction, kept: Fraction | None) -> None:
    wanted = Fraction(30000, 1001) if rate == Fraction(60000, 1001) else kept

    assert thinned(Fraction(rate), 30) == wanted


@pytest.mark.parametrize(
    ("steps", "fast"),
    [
        ([33] * 300, False),
        ([30] * 300, True),
        ([16, 17] * 30 + [50] * 80, True),
        ([16, 17] * 17 + [33] * 900, False),
        ([17, 50] * 150, False),
        ([28, 39] * 150, False),
    ],
    ids=["even", "a little over", "fast, then slow", "a burst", "close beside each other", "a clock that trembles"],
)
def test_only_a_film_that_is_fast_for_whole_seconds_loses_frames(steps: list[int], fast: bool) -> None:
    times = [sum(steps[:n]) for n in range(len(steps) + 1)]
    frames = [Packet(time, time, 33, 0, 1, key=True, shown=True) for time in times]

    assert hurried(frames, Fraction(1, 1000), 30) is fast


def test_spans_are_joined_over_small_holes() -> None:
    assert joined([(500_000, 600_000), (0, 100), (150, 300), (590_000, 610_000)]) == ((0, 300), (500_000, 610_000))


def test_a_plan_survives_json_and_lists_outputs_by_urgency(tmp_path: Path) -> None:
    result = measured(paint(tmp_path / "film.mp4", seconds=7, rate=10, gop=10))

    outputs = result["plan"]["outputs"]
    assert [(one["name"], one["queue"]) for one in outputs] == [
        ("chunk/0000", "express"),
        ("poster", "express"),
        ("chunk/0001", "film"),
        ("chunk/0002", "film"),
        ("storyboard", "later"),
        ("preview", "later"),
    ]
    assert json.loads(json.dumps(plan.to_json(plan.from_json(result["plan"])))) == result["plan"]
    assert result["recipe"] == result["plan"]["recipe"]
    for other, name in (("plan", "speed"), ("source", "container")):
        read = {"plan": plan.from_json, "source": source.from_json}[other]
        before = json.loads(json.dumps(result[other]))
        del (before["film"] if other == "plan" else before)[name]
        with pytest.raises(PlanOutdated, match=f"required field missing .*{name}"):
            read(before)
        with pytest.raises(PlanOutdated, match="extra fields found"):
            read(result[other] | {"later": 1})


def test_the_one_chunk_of_a_long_film_holds_up_nobodys_first_seconds(tmp_path: Path) -> None:
    whole = measured(paint(tmp_path / "film.mp4", seconds=9, rate=5, gop=1000, audio=False))

    assert [(one["name"], one["queue"], one["weight"]) for one in whole["plan"]["outputs"][:2]] == [
        ("chunk/0000", "film", 9.0),
        ("poster", "express", 0.5),
    ]


def test_the_same_file_is_planned_the_same_twice(tmp_path: Path) -> None:
    film = paint(tmp_path / "film.mp4", seconds=3, rate=10, gop=10)

    assert measured(film) == measured(film)
