"""The contenders on a small painted film: each leaves finished HLS, none enlarges, and quality is told apart."""

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from painting import paint

from pipeline.measure import measure
from workers import process as craft
from workers.bench import compare, flame, ladders, peers, quality, tree
from workers.bench.films import WALKAROUND, Films
from workers.bench.made import Made
from workers.bench.section import Context


@pytest.fixture(scope="module")
def context(tmp_path_factory: pytest.TempPathFactory) -> Context:
    """A collection whose walkaround film is two seconds of 360 × 480."""
    folder = tmp_path_factory.mktemp("bench")
    folder.chmod(0o711)
    (folder / "media/synthetic").mkdir(parents=True)
    paint(folder / "media" / WALKAROUND, seconds=2, size=(360, 480))
    (folder / "films").mkdir(mode=0o711)
    (folder / "work").mkdir(mode=0o711)
    films = Films(folder / "films", folder / "media")
    order = craft.Order(preset="workshop", jobs=2, watermark=films.logo())
    return Context(folder / "work", films, order, True, lambda _: None)


@pytest.fixture(scope="module")
def sent(context: Context) -> tuple[peers.Film, dict[str, Any]]:
    """The film and what it was measured to be."""
    return peers.film(context.films("hevc"), context.order)


@pytest.fixture(scope="module")
def made_by(sent: tuple[peers.Film, dict[str, Any]], context: Context) -> Callable[[str], Made]:
    """What a contender leaves of the film, made when it is first asked for."""

    @cache
    def make(name: str) -> Made:
        out = context.folder / "made" / name
        out.mkdir(mode=0o711, parents=True)
        out.parent.chmod(0o711)
        return next(one for one in peers.CONTENDERS if one.name == name).make(sent[0], context.order, out)

    return make


@pytest.mark.parametrize("contender", peers.CONTENDERS, ids=lambda one: one.name)
def test_each_contender_leaves_a_ladder_that_enlarges_nothing(
    contender: peers.Contender, made_by: Callable[[str], Made], tmp_path: Path
) -> None:
    made = made_by(contender.name)

    assert made.cpu_s > 0
    assert 0 < made.first_s <= made.ready_s <= made.wall_s
    assert made.peak_rss_bytes > 10 << 20
    assert made.variants
    for variant in made.variants:
        size = measure(_joined(variant, tmp_path), "workshop", watermark=False)["source"]
        assert (size["film"]["width"], size["film"]["height"]) <= (360, 480)
        assert size["duration"] == pytest.approx(2, abs=0.15)


def _joined(variant: ladders.Variant, folder: Path) -> Path:
    """A rendition as one file."""
    joined = folder / f"{variant.name}.mp4"
    peers.run([["-i", str(variant.playlist), "-c", "copy", str(joined)]], folder)
    return joined


def test_a_poor_rendition_is_seen_to_be_poor_and_our_mark_is_no_fault(
    context: Context, sent: tuple[peers.Film, dict[str, Any]], made_by: Callable[[str], Made], tmp_path: Path
) -> None:
    film, found = sent
    made = made_by("ours")
    poor = ["-i", str(film.path), "-c:v", "libx264", "-crf", "45", "-f", "hls", "-hls_segment_type", "fmp4"]
    peers.run([[*poor, str(tmp_path / "poor.m3u8")]], tmp_path)

    for marked in (True, False):
        reference = quality.Reference(film.path, found, context.order.watermark, ours=marked)
        both = [made.variants[0], ladders.read(tmp_path / "poor.m3u8")]
        scores = quality.scores(reference, both, tmp_path)
        if marked:
            assert scores[both[0].name].mean > 90
            assert scores["poor"].mean < scores[both[0].name].mean - 10
            assert scores["poor"].low <= scores["poor"].mean
            with_mark = scores[both[0].name].mean
        else:
            assert scores[both[0].name].mean < with_mark


def test_the_whole_comparison_prints_costs_renditions_and_what_is_seen(context: Context) -> None:
    whole = compare.Case("whole", "hevc", None, ("ours", "A", "A′"))
    part = compare.Case("part", "hevc", 1, ("ours", "B", "C"), part_of="whole")

    found = {"whole": (mine := compare.measure(whole, context))}
    found["part"] = compare.measure(part, context, (whole, mine["ours"]))
    report = compare.report((whole, part), found)

    assert [table.title.split(":")[0] for table in report.tables] == ["Cost", "Renditions", "As seen"] * 2
    assert report.measured["cpu-vs-a"] == pytest.approx(mine["ours"].rounds[0].cpu_s / mine["A"].rounds[0].cpu_s)
    assert 50 < report.measured["rss-1080p"] < 600
    assert set(report.plots) == {"cpu.svg", "first.svg", "seen.svg", "seen-peers.svg"}
    assert set(report.data["whole"]["A"]["renditions"]) == {variant.name for variant in mine["A"].variants}
    assert "peak ÷ average" in report.tables[1].head


def test_the_beginning_of_a_film_bears_its_share_of_what_is_made_once() -> None:
    variant = ladders.Variant("720p", Path("720p.m3u8"), ((100, 1.0), (400, 4.0), (600, 4.0), (100, 1.0)))
    chunks = ((1.0, 2.0), (4.0, 8.0), (4.0, 12.0), (1.0, 2.0))
    made = Made(30.0, 16.0, 1.5, 15.0, 1 << 20, (variant,), {"poster": 6.0}, chunks)

    part, long = made.beginning(5.2)

    assert long == 5
    assert part.cpu_s == pytest.approx(10 + 6 * 0.5)
    assert (part.first_s, part.wall_s) == (1.5, pytest.approx(16 * 13 / 30))
    assert part.variants[0].segments == ((100, 1.0), (400, 4.0))
    assert made.beginning(10) == (replace(made, by_output={}, ready_s=15.0), 10)


def test_memory_is_that_of_the_new_child_which_holds_most_not_of_its_parent_or_a_server() -> None:
    ballast = bytearray(os.urandom(1 << 20) * 150)
    words = "held = bytearray(b'x') * ({} << 20); print(flush=True); import time; time.sleep({})"
    server = subprocess.Popen([sys.executable, "-c", words.format(200, 600)], stdout=subprocess.PIPE)
    try:
        assert server.stdout
        assert server.stdout.readline()
        with tree.Peak() as peak:
            subprocess.run([sys.executable, "-c", words.format(40, 0.6)], stdout=subprocess.DEVNULL, check=True)
    finally:
        server.kill()
        server.communicate()

    assert 40 << 20 < peak.bytes < 100 << 20
    assert 20 << 20 < compare.unit_rss_bytes() < 120 << 20 < len(ballast)


def test_frames_that_are_passed_over_change_no_score(
    sent: tuple[peers.Film, dict[str, Any]], made_by: Callable[[str], Made], tmp_path: Path
) -> None:
    film, found = sent
    made = made_by("A")
    reference = quality.Reference(film.path, found)

    some = quality.scores(reference, list(made.variants), tmp_path, every=12)
    dense = quality.scores(reference, list(made.variants), tmp_path, every=3)

    for name, score in some.items():
        assert score.each == pytest.approx(dense[name].each[::4])


def test_a_flame_holds_all_that_a_film_used(context: Context) -> None:
    report = flame.run(context)

    groups = report.data
    assert {"measure", "poster", "chunks", "storyboard", "preview", "parent", "storage"} <= set(groups)
    chunks = groups["chunks"]
    assert any(name.startswith("ffmpeg / encode / ") for name in chunks)
    assert {"ffmpeg / decode", "imports", "sandbox, interpreter"} <= set(chunks)
    assert any("proof" in name for name in chunks)
    assert "film" in report.plots["flame.svg"]
