"""`walkaround bench corpus` and `canaries` on a small collection made here: tables, JSON, a bad end noticed."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from painting import paint
from PIL import Image

from workers.bench import films
from workers.bench.command import bench


@pytest.fixture(scope="module")
def collection(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A film, a photo with a planted name, an empty file and a hostile one, listed as the real collection is."""
    media = tmp_path_factory.mktemp("media")
    for folder in ("synthetic", "hostile/own", "photo-jpeg"):
        (media / folder).mkdir(parents=True)
    paint(media / films.WALKAROUND, seconds=2)
    exif = Image.Exif()
    exif[0x010F] = "CANARY_MAKE"
    Image.radial_gradient("L").convert("RGB").save(media / "synthetic/s33_canary_photo.jpg", exif=exif)
    (media / "synthetic/s24_zero_bytes.mp4").write_bytes(b"")
    (media / "hostile/own/ffconcat_sibling.mp4").write_text("ffconcat version 1.0\nfile victim.mp4\n")
    (media / "hostile/README.md").write_text("not a file to open")
    names = [films.WALKAROUND, "synthetic/s33_canary_photo.jpg", "synthetic/s24_zero_bytes.mp4"]
    (media / "MANIFEST.tsv").write_text("path\tkind\n" + "".join(f"{name}\tx\n" for name in names))
    return media


def _bench(media: Path, into: Path, *args: str) -> Result:
    return CliRunner().invoke(bench, ["--media", str(media), "--into", str(into), *args])


def test_files_and_canaries_print_their_tables_and_keep_their_numbers(collection: Path, tmp_path: Path) -> None:
    files, planted = (_bench(collection, tmp_path, part) for part in ("corpus", "canaries"))

    assert files.exit_code == planted.exit_code == 0, files.output + planted.output
    for title in ("## Real files", "## Hostile files"):
        assert title in files.stdout
    assert "3 files: 2 made, 1 rejected, 0 wrong; crashes 0, hangs 0, reads beside the file 0" in files.stdout
    assert "Hits: 0." in planted.stdout
    kept = json.loads((tmp_path / "bench.json").read_text())
    film = kept["corpus"][0]
    assert film["verdict"] == "made"
    assert film["frames_in"] == film["frames_out"] == 60
    assert abs(film["sync_s"]) <= 0.040
    assert abs(film["duration_s"]) <= 0.050
    assert [search["hits"] for search in kept["canaries"]["data"]] == [[]]


def test_a_file_that_should_have_been_made_fails_the_bench(collection: Path, tmp_path: Path) -> None:
    listed = (collection / "MANIFEST.tsv").read_text()
    (collection / "photo-jpeg/broken.jpg").write_bytes(b"\xff\xd8\xff\xe0 not a photo")
    (collection / "MANIFEST.tsv").write_text(listed + "photo-jpeg/broken.jpg\tx\n")
    try:
        done = _bench(collection, tmp_path, "corpus", "--only", "broken")
    finally:
        (collection / "MANIFEST.tsv").write_text(listed)

    assert done.exit_code == 1
    assert "- wrong: photo-jpeg/broken.jpg" in done.stdout
