"""`walkaround process` and `walkaround probe` on files made here: what is written, what is said, how they end."""

import json
import os
import threading
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from painting import paint
from PIL import Image, PngImagePlugin

from workers import child, command
from workers import process as craft
from workers.sandbox.landlock import Landlock


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A portrait film of 5 s with a place and an owner inside and a private name."""
    place = {"location": "+48.8584+002.2945/", "artist": "SWORDFISH", "com.apple.quicktime.model": "SWORDFISH Phone"}
    return paint(
        tmp_path_factory.mktemp("film") / "SWORDFISH plate AB-123.mov",
        seconds=5,
        size=(320, 240),
        rotation=90,
        metadata=place,
    )


@pytest.fixture(scope="module")
def made(film: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Result, Path]:
    """What was said and where everything lies after the film was made."""
    out = tmp_path_factory.mktemp("made") / "out"
    return _process(film, "--out", out, "--json"), out


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    exif = Image.Exif()
    exif[0x010F], exif[0x0112] = "SWORDFISH", 6
    path = tmp_path / "SWORDFISH.jpg"
    Image.radial_gradient("L").resize((480, 360)).convert("RGB").save(path, exif=exif)
    return path


@pytest.fixture
def logo(tmp_path: Path) -> Path:
    path = tmp_path / "logo.png"
    Image.new("RGBA", (80, 40), (255, 0, 0, 255)).save(path)
    return path


def _process(*args: object) -> Result:
    return CliRunner().invoke(command.process, [str(arg) for arg in args])


def _probe(*args: object) -> Result:
    return CliRunner().invoke(command.probe, [str(arg) for arg in args])


def _names(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def test_a_film_becomes_all_that_a_page_needs(made: tuple[Result, Path]) -> None:
    done, out = made

    assert done.exit_code == 0, done.stderr
    names = _names(out)
    assert {"index.m3u8", "poster.jpg", "storyboard.jpg", "storyboard.vtt", "report.json"} <= names
    assert any(name.startswith("preview.") for name in names)
    report = json.loads(done.stdout)["report"]
    assert report == json.loads((out / "report.json").read_text())
    assert report["source"]["film"]["height"] > report["source"]["film"]["width"]
    assert report["usage"]["cpu_s"] > 0
    chunks = [facts["facts"] for name, facts in report["outputs"].items() if name.startswith("chunk/")]
    assert len(chunks) >= 2
    assert sum(chunk["frames"] for chunk in chunks) == report["source"]["film"]["frames"] == 150


def test_every_file_a_playlist_names_is_there(made: tuple[Result, Path]) -> None:
    _, out = made
    named = set()
    for playlist in out.glob("*.m3u8"):
        for line in playlist.read_text().splitlines():
            if line and not line.startswith("#"):
                named.add(line)
            elif "URI=" in line:
                named.add(line.split('URI="')[1].split('"')[0])
    assert named
    assert named <= _names(out)
    unnamed = {name for name in _names(out) if name.startswith("chunk/")} - named
    # Every chunk brings the same init segment; the playlists name the first one's.
    assert all("init" in name for name in unnamed)


def test_nothing_personal_is_in_any_output_or_name(made: tuple[Result, Path], photo: Path, tmp_path: Path) -> None:
    assert _process(photo, "--out", tmp_path / "out").exit_code == 0

    paths = [path for out in (made[1], tmp_path / "out") for path in out.rglob("*")]
    assert {"index.m3u8", "320.jpg"} <= {path.name for path in paths}
    for path in paths:
        assert "SWORDFISH" not in path.name
        if path.is_file():
            assert b"SWORDFISH" not in path.read_bytes(), path.name
            assert b"48.8584" not in path.read_bytes(), path.name


def test_several_files_get_a_folder_each_and_a_bad_one_does_not_stop_the_others(photo: Path, tmp_path: Path) -> None:
    bad = tmp_path / "bad.mp4"
    bad.write_bytes(b"<html>not a film</html>" * 50)
    done = _process(bad, photo, "--out", tmp_path / "out")

    assert done.exit_code == 2
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["photo-2"]
    assert done.stderr.splitlines() == [line for line in done.stderr.splitlines() if f"{bad}: unknown-type: " in line]
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    ("name", "data", "reason"),
    [("empty.mov", b"", "empty"), ("page.mp4", b"<html>" * 99, "unknown-type"), ("cut.jpg", b"\xff\xd8\xff\xe0", "")],
)
def test_a_rejected_file_leaves_nothing_behind(name: str, data: bytes, reason: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(data)
    done = _process(tmp_path / name, "--out", tmp_path / "out", "--json")

    assert done.exit_code == 2, done.stderr
    said = json.loads(done.stdout)
    assert said["verdict"] == "rejected"
    assert reason in said["reason"]
    assert said["advice"]
    assert not (tmp_path / "out").exists()


def test_a_photo_becomes_its_sizes_and_running_twice_changes_nothing(photo: Path, tmp_path: Path) -> None:
    assert _process(photo, "--out", tmp_path / "out").exit_code == 0
    first = {name: (tmp_path / "out" / name).read_bytes() for name in _names(tmp_path / "out") - {"report.json"}}
    assert _process(photo, "--out", tmp_path / "out").exit_code == 0
    second = {name: (tmp_path / "out" / name).read_bytes() for name in _names(tmp_path / "out") - {"report.json"}}

    assert {"320.webp", "320.jpg"} <= set(first)
    assert first == second
    assert [path.name for path in (tmp_path / "out").iterdir() if path.name.startswith(".")] == []


def test_what_an_earlier_run_made_and_this_one_does_not_is_gone_and_what_is_not_ours_stays(
    photo: Path, tmp_path: Path
) -> None:
    small = tmp_path / "small.jpg"
    Image.open(photo).resize((200, 150)).save(small)
    assert _process(photo, "--out", tmp_path / "out").exit_code == 0
    (tmp_path / "out" / "notes.txt").write_text("mine")
    assert _process(small, "--out", tmp_path / "out").exit_code == 0

    assert _names(tmp_path / "out") == {"200.webp", "200.jpg", "report.json", "notes.txt"}


def test_the_dealers_logo_is_laid_on(photo: Path, logo: Path, tmp_path: Path) -> None:
    assert _process(photo, "--out", tmp_path / "plain").exit_code == 0
    assert _process(photo, "--out", tmp_path / "marked", "--watermark", logo).exit_code == 0

    def red(folder: str) -> int:
        picture = Image.open(tmp_path / folder / "320.jpg").convert("RGB")
        return sum(r - max(g, b) > 60 for r, g, b in picture.get_flattened_data())

    assert red("plain") == 0
    assert red("marked") > 50


def test_what_a_logo_tells_is_in_no_output(photo: Path, tmp_path: Path) -> None:
    exif, text = Image.Exif(), PngImagePlugin.PngInfo()
    exif[0x013B] = "SWORDFISH"
    text.add_text("Author", "SWORDFISH")
    text.add_itxt("XML:com.adobe.xmp", "<x:xmpmeta><dc:creator>SWORDFISH</dc:creator></x:xmpmeta>")
    logo = tmp_path / "logo.png"
    Image.new("RGBA", (80, 40), (255, 0, 0, 255)).save(logo, exif=exif, pnginfo=text)
    assert logo.read_bytes().count(b"SWORDFISH") == 3
    film = paint(tmp_path / "film.mp4", seconds=1, audio=False)
    done = _process(photo, film, "--out", tmp_path / "out", "--watermark", logo)

    assert done.exit_code == 0, done.stderr
    made = [path for path in (tmp_path / "out").rglob("*") if path.is_file()]
    assert {"320.jpg", "poster.jpg", "preview.webp", "index.m3u8"} <= {path.name for path in made}
    assert [path.name for path in made if b"SWORDFISH" in path.read_bytes()] == []


def test_a_logo_that_is_no_picture_is_refused_and_the_photo_is_not_blamed(photo: Path, tmp_path: Path) -> None:
    (tmp_path / "logo.png").write_bytes(b"<svg onload=alert(1)>" * 20)
    done = _process(photo, "--out", tmp_path / "out", "--watermark", tmp_path / "logo.png")

    assert done.exit_code == 1
    assert f"the logo {tmp_path / 'logo.png'} cannot be used" in done.stderr
    assert photo.name not in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert not (tmp_path / "out").exists()


def test_a_missing_preset_is_said(photo: Path, tmp_path: Path) -> None:
    done = _process(photo, "--out", tmp_path / "out", "--preset", "no-such-treatment")

    assert done.exit_code == 1
    assert "no-such-treatment" in done.stderr
    assert "Traceback" not in done.stderr


def test_probe_says_what_a_file_is(film: Path, photo: Path) -> None:
    source = json.loads(_probe(film, "--json").stdout)
    assert source["kind"] == "film"
    assert source["film"]["frames"] == 150
    assert (source["film"]["width"], source["film"]["height"]) == (240, 320)

    words = _probe(photo).stdout
    assert "photo" in words
    assert "360" in words


def test_probe_of_a_bad_file_ends_with_2(tmp_path: Path) -> None:
    (tmp_path / "a.mp4").write_bytes(b"")
    done = _probe(tmp_path / "a.mp4", "--json")

    assert done.exit_code == 2
    assert done.stderr.startswith(f"{tmp_path / 'a.mp4'}: empty: The file is empty.")


def test_the_craft_works_behind_landlock_too(film: Path, photo: Path, logo: Path, tmp_path: Path) -> None:
    order = craft.Order("workshop", watermark=logo, jobs=2, layer=Landlock())

    made = craft.process(film, lambda kind: tmp_path / kind, order)
    assert made["kind"] == "film"
    assert (tmp_path / "film" / "index.m3u8").exists()
    assert craft.process(photo, lambda kind: tmp_path / kind, order)["kind"] == "photo"
    assert {path.stat().st_uid for path in tmp_path.rglob("*")} == {os.geteuid()}


def test_being_stopped_leaves_nothing(film: Path, tmp_path: Path) -> None:
    stop = threading.Event()
    with pytest.raises(child.Cancelled):
        craft.process(film, lambda _: tmp_path / "out", craft.Order("workshop"), lambda *_: stop.set(), stop)
    assert not (tmp_path / "out").exists()
