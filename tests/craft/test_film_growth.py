"""The plan of a film in fragments grows while it arrives, and is the beginning of the whole film's at every moment."""

import json
from pathlib import Path
from typing import Any

import pytest
from painting import paint
from screening import make_chunk, measured

from pipeline.growth import MOST
from pipeline.measure import measure_early


def _arriving(body: bytes, ranges: list[list[int]], to: Path) -> Path:
    with to.open("wb") as file:
        file.truncate(len(body))
        for start, end in ranges:
            file.seek(start)
            file.write(body[start:end])
    return to


def _walk(film: Path, part: Path, ahead: int) -> list[tuple[list[list[int]], dict[str, Any]]]:
    """What is measured of a film whose bytes come as they are asked for, or so many sooner: what was here, and said."""
    body, told, known = film.read_bytes(), [], None
    ranges, needs = [[0, 1 << 22]], 1 << 16
    while needs < len(body):
        here = [[start, min(end, needs + ahead, len(body) - 1)] for start, end in ranges]
        made = measure_early(_arriving(body, here, part), "workshop", False, here, known)
        said: dict[str, Any] = json.loads(json.dumps(made))
        told.append((here, said))
        more = said.get("more")
        if "plan" not in said:
            assert said["later"]
            ranges, needs = [[0, said["later"][0][1]]], said["later"][0][1]
        elif more is None:
            break
        else:
            known, ranges, needs = said, more["ranges"], more["needs"]
    return told


@pytest.mark.parametrize(
    ("movflags", "how", "ahead"),
    [
        ("frag_keyframe+empty_moov+default_base_moof", {"gop": 10}, 0),
        ("empty_moov+default_base_moof", {"gop": 13, "codec": "hevc", "extra": ["-frag_duration", "600000"]}, 0),
        ("frag_keyframe+empty_moov+separate_moof", {"gop": 10, "audio_delay": 0.8}, 90_000),
        ("empty_moov+default_base_moof", {"gop": 25, "audio": False, "extra": ["-frag_duration", "900000"]}, 0),
    ],
    ids=["by key frames", "open groups", "each track its own, on a fast line", "silent"],
)
def test_every_early_plan_is_the_beginning_of_the_last(
    tmp_path: Path, movflags: str, how: dict[str, Any], ahead: int
) -> None:
    how = {"codec": "h264-b", **how, "extra": ["-movflags", movflags, *how.get("extra", [])]}
    film = paint(tmp_path / "film.mp4", seconds=24, rate=10, **how)
    final = measured(film)["plan"]

    told = _walk(film, tmp_path / "part.mp4", ahead)

    plans = [(here, said["plan"]) for here, said in told if "plan" in said]
    names = [len(plan["outputs"]) for _, plan in plans]
    assert names == sorted(names)
    assert names[0] == 2 or ahead
    assert names[-1] >= len(final["outputs"]) - 5
    assert len(told) < MOST + 10
    for _, plan in plans:
        assert plan["outputs"] == final["outputs"][: len(plan["outputs"])]
        assert plan["film"]["chunks"] == final["film"]["chunks"][: len(plan["film"]["chunks"])]
    # What lies between the beginning and what came since is not given again.
    here = plans[-1][0]
    assert len(here) == 2
    assert sum(end - start for start, end in here) < 0.75 * here[-1][1]


def test_a_chunk_of_an_early_plan_is_that_of_the_last(tmp_path: Path) -> None:
    flags = ["-movflags", "frag_keyframe+empty_moov+default_base_moof"]
    film = paint(tmp_path / "film.mp4", seconds=12, rate=10, gop=10, codec="h264-b", extra=flags)
    told = _walk(film, tmp_path / "part.mp4", 0)

    early = next(said for _, said in told if "plan" in said and len(said["plan"]["outputs"]) > 2)

    for result, out in ((early, tmp_path / "early"), (measured(film), tmp_path / "late")):
        make_chunk(film, result, "chunk/0001", out)
    made = {file.name: file.read_bytes() for file in (tmp_path / "early/chunk/0001").iterdir()}
    assert made == {file.name: file.read_bytes() for file in (tmp_path / "late/chunk/0001").iterdir()}
    assert early["source"]["duration"] is None
