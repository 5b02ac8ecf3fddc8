"""`walkaround process` on a terminal and in a script: its bar, its exit codes, and what it leaves of an earlier run."""

import io
import json
import os
import pty
import re
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace

import pytest
from click.testing import CliRunner
from painting import paint
from rich.console import Console

from workers import command, shelf
from workers import process as craft


@pytest.mark.parametrize("called", [["process"], ["process", "x.mov", "--out", "out"], ["probe", "--no-such-option"]])
def test_a_command_that_is_called_wrongly_is_no_rejected_file(called: list[str]) -> None:
    done = CliRunner().invoke({"process": command.process, "probe": command.probe}[called[0]], called[1:])

    assert done.exit_code == 64
    assert done.stderr.startswith("Usage:")


def test_on_a_terminal_a_bar_shows_percent_speed_and_time_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """At three moments of a film of 60 s: while it is measured, and when a quarter and a half of it are made."""
    clock = iter([100.0, 101.0, 110.0, 120.0])
    monkeypatch.setattr(command, "time", SimpleNamespace(monotonic=lambda: next(clock)))
    monkeypatch.setattr(command, "Console", lambda **_: Console(file=shown, force_terminal=True, width=200))
    shown = io.StringIO()
    with command._bar("film.mov") as on_change:
        for share, duration in ((0.02, None), (0.25, 60.0), (0.5, 60.0)):
            on_change(share, duration)
    line = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", shown.getvalue()).splitlines()[-1]

    assert line.startswith("film.mov")
    assert " 50%" in line
    assert "1.5×" in line
    assert re.search(r"0:00:\d\d|-:--:--", line)


def test_it_says_how_far_it_is_from_the_first_look_to_the_last_output(tmp_path: Path) -> None:
    film = paint(tmp_path / "film.mp4", seconds=2)
    told: list[tuple[float, float | None]] = []
    craft.process(film, lambda _: tmp_path / "out", craft.Order("workshop"), lambda *said: told.append(said))

    shares = [share for share, _ in told]
    assert told[0][1] is None, "measuring"
    assert shares[0] <= craft.MEASURING
    assert shares == sorted(shares)
    assert shares[-1] == pytest.approx(1.0)


def test_on_a_terminal_what_is_said_does_not_run_into_the_bar(tmp_path: Path) -> None:
    bad = tmp_path / "empty.mov"
    bad.write_bytes(b"")
    ours, its = pty.openpty()
    args = [sys.executable, "-m", "webapp.command", "process", bad, "--out", tmp_path / "out"]
    with subprocess.Popen(args, stdout=its, stderr=its, env=os.environ | {"COLUMNS": "200"}) as running:
        os.close(its)
        shown = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", _said(ours))
    os.close(ours)

    assert running.returncode == 2
    lines = re.split(r"[\r\n]+", shown)
    assert any(line.startswith("empty.mov") and "0%" in line for line in lines), shown
    assert any(line.startswith(f"{bad}: empty: ") for line in lines), shown


def _said(terminal: int) -> str:
    """All that is said on it until nobody holds its other end; it keeps 4 kB for one who does not listen."""
    heard = b""
    with suppress(OSError):  # EIO: the last one has gone
        while more := os.read(terminal, 4096):
            heard += more
    return heard.decode()


def test_the_playlists_of_renditions_that_are_no_more_are_gone(tmp_path: Path) -> None:
    folder = tmp_path / "out"
    for making, names in (("first", ["720p", "360p"]), ("second", ["360p"])):
        (tmp_path / making).mkdir()
        report = {"kind": "film", "outputs": {}, "plan": {"film": {"renditions": [{"name": name} for name in names]}}}
        (tmp_path / making / "report.json").write_text(json.dumps(report))
        for name in ["index", *names, *(f"{one}-iframes" for one in names)]:
            (tmp_path / making / f"{name}.m3u8").write_text(making)
        folder.mkdir(exist_ok=True)
        shelf.put(tmp_path / making, folder)

    assert {path.name for path in folder.iterdir()} == {"index.m3u8", "360p.m3u8", "360p-iframes.m3u8", "report.json"}


def test_the_chunks_of_a_film_are_gone_when_a_photo_takes_its_place(tmp_path: Path) -> None:
    folder = tmp_path / "out"
    (tmp_path / "film" / "chunk" / "0000").mkdir(parents=True)
    (tmp_path / "film" / "chunk" / "0000" / "720p.m4s").write_bytes(b"film")
    (tmp_path / "film" / "index.m3u8").write_text("film")
    outputs = {"chunk/0000": {"files": [{"path": "720p.m4s"}]}}
    film = {"kind": "film", "outputs": outputs, "plan": {"film": {"renditions": [{"name": "720p"}]}}}
    (tmp_path / "film" / "report.json").write_text(json.dumps(film))
    (tmp_path / "photo").mkdir()
    (tmp_path / "photo" / "report.json").write_text(json.dumps({"kind": "photo", "outputs": {}, "plan": {}}))
    folder.mkdir()
    (folder / "notes.txt").write_text("Bob's")
    for making in ("film", "photo"):
        shelf.put(tmp_path / making, folder)

    assert {path.name for path in folder.iterdir()} == {"report.json", "notes.txt"}
