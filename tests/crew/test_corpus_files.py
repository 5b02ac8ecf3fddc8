"""Real phone files through the whole craft: made and in sync, or rejected with the right reason.

Those with planted strings are made behind the sandbox's walls, as the hostile ones are, the others in this process: a
child for each of a hundred jobs shows nothing of the files.
"""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import arriving
import numpy as np
import pytest
from conftest import MEDIA

from workers import child, sandbox
from workers import process as craft
from workers.bench import canaries, corpus, listen, tables

_ORDER = craft.Order("workshop", limits=sandbox.Limits(timeout_s=170, stall_s=120))
_HERE = (MEDIA / "MANIFEST.tsv").exists()
_NAMES = corpus.files(MEDIA, hostile=False, third=True) if _HERE else []
_PLANTED = canaries.files(MEDIA) if _HERE else []
# What is made once for several tests is made in one process of those that run the tests.
_TOGETHER = {name: (pytest.mark.xdist_group(name),) for name in _PLANTED}

Make = Callable[[str], tuple[corpus.Row, Path]]


def here(job: dict[str, Any], *, program: object = child.CHILD, **how: Any) -> dict[str, Any]:
    """As `child.run`, in this process."""
    if program is child.CHILD:
        return arriving.run(job, **how)
    return listen.main(job | {name: str(path) for name, path in how["inputs"].items()})


@pytest.fixture(scope="module")
def make(tmp_path_factory: pytest.TempPathFactory) -> Make:
    """Makes a file of the collection, once: what became of it, and the folder."""
    made: dict[str, tuple[corpus.Row, Path]] = {}

    def one(name: str) -> tuple[corpus.Row, Path]:
        if name not in made:
            folder = tmp_path_factory.mktemp("file") / "work"
            with pytest.MonkeyPatch.context() as monkeypatch:
                if name not in _PLANTED:
                    monkeypatch.setattr(child, "run", here)
                called = canaries.telling(name) if name in _PLANTED else "input"
                made[name] = (corpus.one(MEDIA / name, name, folder, _ORDER, called), folder / "out")
        return made[name]

    return one


@pytest.mark.media
@pytest.mark.skipif(not _HERE, reason="../shared/media is not here")
@pytest.mark.parametrize("name", [pytest.param(name, id=name, marks=_TOGETHER.get(name, ())) for name in _NAMES])
def test_it_is_made_and_true_or_rejected_with_the_right_reason(name: str, make: Make) -> None:
    row, _ = make(name)

    assert row.right, f"{row.verdict}: {row.message}"
    assert row.read_beside == ()


@pytest.mark.media
@pytest.mark.skipif(not _HERE, reason="../shared/media is not here")
@pytest.mark.parametrize("name", [pytest.param(name, id=name, marks=_TOGETHER[name]) for name in _PLANTED])
def test_no_planted_string_is_in_any_output(name: str, make: Make) -> None:
    row, out = make(name)
    found = canaries.look(name, row.verdict, (MEDIA / name).read_bytes(), out)

    assert found.verdict == "made"
    assert found.outputs > 1
    assert found.hits == ()


@pytest.mark.media
def test_the_third_covers_every_kind_and_every_list_names_real_files(media: Path) -> None:
    for hostile in (False, True):
        everything = corpus.files(media, hostile=hostile, third=False)
        third = corpus.files(media, hostile=hostile, third=True)
        folders = {str(Path(name).parent) for name in everything}
        assert {str(Path(name).parent) for name in third} == folders
        assert len(everything) / 3 <= len(third) < len(everything) / 2
    for name in corpus._lines("third.txt") + sorted(corpus.expected()):
        assert (media / name).is_file(), name


def test_a_search_finds_a_string_that_stayed(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(b"\xff\xd8 " + "CANARY_OWNER".encode("utf-16-le"))
    (tmp_path / "b.jpg").write_bytes(b"nothing here")

    found = canaries.needles(b"..CANARY_OWNER..")
    assert canaries.hidden_in(tmp_path / "a.jpg", found)
    assert canaries.hidden_in(tmp_path / "b.jpg", found) == []


def test_the_ear_hears_how_late_sound_is() -> None:
    noise = np.random.default_rng(7).normal(size=listen.SECONDS * listen.RATE)
    late = np.concatenate([np.zeros(320), 0.1 * noise[:-320]])

    assert listen.lag(noise, noise) == 0
    assert listen.lag(noise, late) == pytest.approx(0.040)
    assert listen.lag(late, noise) == pytest.approx(-0.040)
    assert listen.lag(noise, np.zeros_like(noise)) is None
    assert listen.lag(noise, np.random.default_rng(8).normal(size=noise.shape)) is None


@pytest.mark.parametrize(
    ("how", "fault"),
    [
        ({"sync_s": 0.041}, "+41 ms between picture and sound, limit 40"),
        ({"sync_s": -0.052}, "-52 ms between picture and sound, limit 40"),
        ({"sync_s": None}, "the sound of the source is not heard"),
        ({"duration_s": -0.051}, "-51 ms of duration, limit 50"),
        ({"duration_s": 0.071, "frame_s": 0.066}, "+71 ms of duration, limit 66"),
        ({"peak_rss_bytes": 1_600_000_000}, "1600 MB of memory, limit 1500"),
    ],
)
def test_a_film_that_is_made_out_of_sync_or_too_short_or_too_dear_is_not_right(how: dict[str, Any], fault: str) -> None:
    fine = corpus.Row(
        "a.mp4", "made", True, 1.0, sync_s=0.04, silent=False, duration_s=0.05, frame_s=1 / 30, peak_rss_bytes=10**9
    )

    assert corpus.faults(fine) == []
    assert corpus.faults(replace(fine, sync_s=None, silent=True)) == []
    assert corpus.faults(replace(fine, duration_s=0.06, frame_s=0.066)) == []
    assert corpus.faults(replace(fine, **how)) == [fault]


def test_of_a_hostile_file_only_what_it_took_is_counted() -> None:
    row = corpus.Row("hostile/a.mp4", "made", True, 1.0, sync_s=3.0, silent=False, duration_s=9.0)

    assert corpus.faults(row) == []
    assert len(corpus.faults(replace(row, peak_rss_bytes=2 * 10**9))) == 1


def test_silence_and_what_is_as_good_as_silence_cannot_be_heard() -> None:
    noise = np.random.default_rng(7).normal(size=listen.RATE)

    assert listen.silent(np.zeros(listen.RATE))
    assert listen.silent(noise * 0.0005)
    assert not listen.silent(noise * 0.01)
    # Short, in a long silence.
    assert not listen.silent(np.concatenate([noise * 0.01, np.zeros(20 * listen.RATE)]))


def test_the_tables_say_what_went_wrong() -> None:
    row = corpus.Row("hostile/a|b.mp4", "rejected: unknown-type", True, 0.5, peak_rss_bytes=50 * 2**20)
    bad = replace(row, file="c.mp4", verdict="failed: engine-failed", right=False, message="died", crashed=True)
    text = tables.hostile([row, bad])

    assert "| a\\|b.mp4 | rejected: unknown-type | 0.5 | 50 |" in text
    assert "2 files: 0 made, 1 rejected, 1 wrong; crashes 1, hangs 0, reads beside the file 0" in text
    assert "- wrong: c.mp4" in text
