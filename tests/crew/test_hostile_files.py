"""Files made to hurt: each is rejected or honestly made, within its limits, and nothing beside it is read."""

from pathlib import Path

import pytest
from conftest import MEDIA

from workers import process as craft
from workers import sandbox
from workers.bench import corpus
from workers.bench.beside import Trap
from workers.sandbox.landlock import Unguarded

_ORDER = craft.Order("workshop", jobs=2, limits=sandbox.Limits(timeout_s=90, stall_s=45, memory_bytes=3 * 2**30))
_HERE = (MEDIA / "MANIFEST.tsv").exists()
_NAMES = corpus.files(MEDIA, hostile=True, third=True) if _HERE else []
_POINTING = ["ffconcat_sibling.mp4", "dash_file.mp4", "hls_file.mp4", "hls_ssrf.mp4", "sdp_rtp.mp4", "xxe.jpg"]


@pytest.mark.media
@pytest.mark.skipif(not _HERE, reason="../shared/media is not here")
@pytest.mark.parametrize("name", _NAMES, ids=[Path(name).name[-60:] for name in _NAMES])
def test_it_ends_as_it_should(name: str, tmp_path: Path) -> None:
    row = corpus.one(MEDIA / name, name, tmp_path / "work", _ORDER)

    assert row.right, f"{row.verdict}: {row.message}"
    assert not row.crashed
    assert not row.hung
    assert row.read_beside == ()
    assert row.peak_rss_bytes is None or row.peak_rss_bytes < 3 * 2**30
    assert row.verdict == "made" or not (tmp_path / "work" / "out").exists()


@pytest.mark.media
@pytest.mark.parametrize("name", _POINTING)
def test_a_file_that_names_other_files_opens_none_even_without_walls(name: str, media: Path, tmp_path: Path) -> None:
    order = craft.Order("workshop", limits=_ORDER.limits, layer=Unguarded())
    row = corpus.one(media / "hostile/own" / name, f"hostile/own/{name}", tmp_path / "work", order)

    assert row.verdict.startswith("rejected"), row.message
    assert row.read_beside == ()


def test_the_trap_notices_a_file_that_is_opened(tmp_path: Path) -> None:
    with Trap(tmp_path / "in") as trap:
        assert trap.opened() == []
        text = (trap.folder / "victim.mp4").read_text()
        assert trap.opened() == ["opened victim.mp4"]
        (tmp_path / "out").mkdir()
        (tmp_path / "out" / "a.jpg").write_text(text)
        assert trap.found_in(tmp_path / "out") == ["found in a.jpg"]
        assert trap.found_in_text(f"cannot parse {text}") == ["found in the message"]
