"""The engine tells how far it is and why it failed, and opens nothing it was not given."""

from pathlib import Path

import ffmpeg
import pytest
from painting import paint

from pipeline import engine, errors, index


def test_it_tells_its_progress(tmp_path: Path) -> None:
    film = paint(tmp_path / "film.mp4", seconds=2, audio=False)
    seen: list[float] = []

    node = ffmpeg.input(str(film), **engine.reading("mov")).output("-", f="null")
    engine.run(engine.compiled(node), duration=2.0, on_progress=seen.append)

    assert seen == sorted(seen)
    assert seen[-1] == pytest.approx(1.0, abs=0.1)


def test_its_last_words_are_the_error(tmp_path: Path) -> None:
    with pytest.raises(errors.EngineFailed, match="No such file"):
        engine.run(["-i", str(tmp_path / "nothing.mp4"), "-f", "null", "-"])


def test_a_script_that_names_another_file_is_not_followed(tmp_path: Path) -> None:
    paint(tmp_path / "secret.mp4", seconds=0.5)
    trap = tmp_path / "film.mp4"
    trap.write_text("ffconcat version 1.0\nfile secret.mp4\n")

    for container in ("mov", "matroska", "mpegts"):
        node = ffmpeg.input(str(trap), **engine.reading(container)).output("-", f="null")
        with pytest.raises(errors.EngineFailed):
            engine.run(engine.compiled(node))
        with pytest.raises(errors.MediaRejected), index.opened(trap, container) as file:
            next(file.demux())
