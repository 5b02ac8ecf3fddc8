"""`walkaround bench`: runs the sections of every floor, holds numbers against targets, keeps what it found."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from workers.bench import command, targets
from workers.bench.section import Context, Report, Section, Table

Run = Callable[..., Result]


def _fast(context: Context) -> Report:
    assert context.films.logo() == context.order.watermark
    assert not list(context.folder.iterdir())
    table = Table("How fast", ("what", "s"), [("a | b", "1.5")], "Told once.")
    return Report([table], {"cpu-vs-a": 0.8, "units-speedup": 1.5}, {"fast.svg": "<svg/>"}, {"rounds": [1, 2]})


def _broken(_: Context) -> Report:
    raise RuntimeError("no such film")


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    """The command with these sections, keeping what it finds in `tmp_path`."""

    def run(*args: str, sections: tuple[Section, ...]) -> Result:
        monkeypatch.setattr(command, "sections", lambda: list(sections))
        return CliRunner().invoke(command.bench, ["--into", str(tmp_path / "found"), *args])

    return run


FAST = Section("fast", "Speed", 10, _fast)
BROKEN = Section("broken", "What breaks", 5, _broken)


def test_every_section_brings_tables_numbers_and_plots(bench: Run, tmp_path: Path) -> None:
    done = bench(sections=(FAST, Section("again", "Once more", 20, lambda _: Report())))

    assert done.exit_code == 0, done.output
    assert "## How fast\n\n| what | s |\n| --- | --- |\n| a \\| b | 1.5 |\n\nTold once.\n" in done.stdout
    assert (tmp_path / "found/fast.svg").read_text() == "<svg/>"
    kept = json.loads((tmp_path / "found/bench.json").read_text())
    assert kept["fast"]["data"] == {"rounds": [1, 2]}
    assert kept["fast"]["machine"]["cores"] >= 1
    assert set(kept) == {"fast", "again"}
    assert (tmp_path / "found/tables.md").read_text() == done.stdout


def test_each_target_says_whether_it_is_met_or_by_how_much_not(bench: Run) -> None:
    done = bench(sections=(FAST, Section("again", "Once more", 20, lambda _: Report())))

    assert "| CPU per film-minute vs peer A | ≤ 0.85× | 0.80× | met |" in done.stdout
    assert "| 2 worker units vs 1, wall | ≥ 1.85× | 1.50× | **missed by 0.35×, 19%** |" in done.stdout
    assert done.stdout.count("not measured") == len(targets.TARGETS) - 2


def test_a_section_alone_is_a_command_and_leaves_the_numbers_of_the_others(bench: Run, tmp_path: Path) -> None:
    bench("fast", sections=(FAST, BROKEN))

    done = bench("again", sections=(Section("again", "Once more", 20, lambda _: Report(data=3)), BROKEN))

    assert done.exit_code == 0, done.output
    kept = json.loads((tmp_path / "found/bench.json").read_text())
    assert kept["fast"]["data"] == {"rounds": [1, 2]}
    assert kept["again"]["data"] == 3
    assert "not measured" not in done.stdout


def test_a_section_that_breaks_is_told_of_and_stops_no_other(bench: Run) -> None:
    done = bench(sections=(BROKEN, FAST))

    assert done.exit_code == 1
    assert "## What breaks\n\n**Not measured:** RuntimeError: no such film" in done.stdout
    assert "## How fast" in done.stdout


def test_the_run_says_how_long_it_will_take_and_how_long_each_section_took(bench: Run) -> None:
    done = bench(sections=(FAST, Section("again", "Once more", 20, lambda _: Report(), takes_s=120)))

    assert "2 sections, about 3.0 min on two idle cores" in done.stderr
    assert "again: Once more (about 2.0 min)" in done.stderr
    assert "fast took 0 s" in done.stderr
    assert "| fast | 60 | 0 |\n| again | 120 | 0 |\n| **all** | 180 | **0** |" in done.stdout


def test_the_sections_together_take_less_than_a_quarter_of_an_hour() -> None:
    assert sum(section.takes_s for section in command.sections()) < 15 * 60


def test_something_wrong_in_what_was_made_fails_the_bench(bench: Run) -> None:
    done = bench(sections=(Section("leak", "Leaks", 1, lambda _: Report(wrong=["a name in 720p.m4s"])),))

    assert done.exit_code == 1
    assert "**Wrong:** a name in 720p.m4s" in done.stdout


def test_sections_of_all_floors_are_found_in_their_order() -> None:
    found = command.sections()

    assert {"peers", "flame"} <= {section.name for section in found}
    assert [section.order for section in found] == sorted(section.order for section in found)


def test_a_number_without_a_target_is_a_mistake() -> None:
    with pytest.raises(KeyError, match="cpu-vs-nobody"):
        targets.table({"cpu-vs-nobody": 1.0}, whole=False)


def test_files_of_a_collection_that_is_not_there_are_a_clear_refusal(bench: Run, tmp_path: Path) -> None:
    done = bench("--media", str(tmp_path / "nowhere"), "corpus", sections=())

    assert done.exit_code == 2
    assert "no collection of files at" in done.stderr
