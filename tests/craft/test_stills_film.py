"""Poster, storyboard and preview of painted films: the right frame, the right place, never more than asked for."""

from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from painting import ffmpeg, paint, read_number
from PIL import Image

from pipeline import decide, presets, stills
from pipeline.errors import ProofFailed
from pipeline.judge import best
from pipeline.make import make
from pipeline.measure import measure
from pipeline.plan import Plan
from pipeline.probe import probe
from pipeline.source import Source


def planned(path: Path, container: str = "mov", watermark: bool = False) -> tuple[Source, Plan]:
    source, table = probe(path, container, presets.load("workshop").limits)
    return source, decide.film(source, table, "workshop", watermark=watermark)


def made(name: str, path: Path, out: Path, container: str = "mov", logo: Path | None = None) -> dict[str, Any]:
    source, whole = planned(path, container, watermark=logo is not None)
    if name == "storyboard":
        return stills.storyboard(path, source, whole, out, lambda _: None)
    return getattr(stills, name)(path, source, whole, logo, out, lambda _: None)


def _frame(grey: np.ndarray) -> av.VideoFrame:
    return av.VideoFrame.from_ndarray(grey.astype(np.uint8), format="gray")


def test_the_best_frame_is_sharp_lit_and_steady_and_the_first_of_its_kind() -> None:
    sharp = np.kron(np.random.default_rng(1).integers(40, 220, (30, 40)), np.ones((8, 8)))
    blurred = np.asarray(Image.fromarray(sharp.astype(np.uint8)).resize((10, 8)).resize((320, 240), 2))
    black, white = np.full((240, 320), 3), np.full((240, 320), 252)
    frames = [black, white, blurred, 255 - sharp * 0.2, sharp, sharp, sharp]
    assert best([_frame(one) for one in frames]) == 4
    assert best([_frame(black)]) == 0
    assert best([_frame(one) for one in (sharp, sharp)]) == 0


def test_the_poster_is_upright_after_the_black_beginning_and_says_when(tmp_path: Path) -> None:
    black = "drawbox=t=fill:c=black:enable='lt(t,0.9)'"
    film = paint(tmp_path / "film.mov", seconds=2, rotation=90, video_filter=black, metadata={"make": "Secret"})
    result = made("poster", film, tmp_path)
    with Image.open(tmp_path / "poster.jpg") as poster:
        assert poster.size == (240, 320) == (result["facts"]["width"], result["facts"]["height"])
        assert not poster.getexif()
        turned = np.asarray(poster.convert("L").transpose(Image.Transpose.ROTATE_90))
    number = read_number(turned)
    assert 0.9 <= result["facts"]["at"] < 2
    assert number == round(result["facts"]["at"] * 30)
    assert b"Secret" not in (tmp_path / "poster.jpg").read_bytes()


def test_the_poster_is_the_same_every_time(tmp_path: Path) -> None:
    film = paint(tmp_path / "film.mp4", seconds=1)
    made("poster", film, tmp_path)
    once = (tmp_path / "poster.jpg").read_bytes()
    made("poster", film, tmp_path)
    assert (tmp_path / "poster.jpg").read_bytes() == once


def test_the_poster_needs_only_the_bytes_it_asked_for(tmp_path: Path) -> None:
    film = paint(tmp_path / "film.mov", seconds=9, size=(160, 120))
    source, whole = planned(film)
    ranges = whole.outputs[0].ranges
    assert ranges is not None
    data, sparse = film.read_bytes(), tmp_path / "sparse.mov"
    holes = bytearray(len(data))
    for first, end in ranges:
        holes[first:end] = data[first:end]
    sparse.write_bytes(holes)
    for path in (film, sparse):
        stills.poster(path, source, whole, None, tmp_path, lambda _: None)
        (tmp_path / "poster.jpg").rename(tmp_path / f"{path.stem}.jpg")
    assert (tmp_path / "film.jpg").read_bytes() == (tmp_path / "sparse.jpg").read_bytes()


@pytest.mark.parametrize("gop", [15, 900], ids=["many key frames", "one key frame"])
def test_each_tile_shows_the_film_at_its_cue(gop: int, tmp_path: Path) -> None:
    film = paint(tmp_path / "film.mp4", seconds=8, gop=gop)
    facts = made("storyboard", film, tmp_path)["facts"]
    assert (facts["count"], facts["columns"], facts["rows"], facts["every"]) == (4, 4, 1, 2.0)
    cues = (tmp_path / "storyboard.vtt").read_text().split("\n\n")
    assert cues[0] == "WEBVTT"
    with Image.open(tmp_path / "storyboard.jpg") as sprite:
        assert sprite.size == (4 * facts["tile_width"], facts["tile_height"])
        for n, cue in enumerate(cues[1:]):
            times, place = cue.strip().splitlines()
            assert times.startswith(f"00:00:0{2 * n}.000 --> 00:00:0{2 * n + 2}.0")
            x, y, w, h = map(int, place.removeprefix("storyboard.jpg#xywh=").split(","))
            tile = np.asarray(sprite.crop((x, y, x + w, y + h)).convert("L"))
            assert abs(read_number(tile) - 60 * n) <= 1


def test_the_preview_moves_and_is_small_and_silent(tmp_path: Path) -> None:
    film = paint(tmp_path / "film.mov", seconds=12, size=(320, 240), gop=30)
    result = made("preview", film, tmp_path)
    with Image.open(tmp_path / "preview.webp") as preview:
        assert preview.format == "WEBP"
        assert preview.n_frames >= 20
        assert preview.info.get("exif") is None
        numbers = []
        for n in range(preview.n_frames):
            preview.seek(n)
            numbers.append(read_number(np.asarray(preview.convert("L"))))
    assert numbers == sorted(numbers)
    assert numbers[-1] - numbers[0] > 150  # several moments of the film's 360 frames
    assert result["facts"]["duration"] == pytest.approx(3, abs=0.3)
    assert result["files"][0]["bytes"] < 500_000


@pytest.mark.parametrize(
    ("seconds", "still", "moving"),
    [(2, "0", True), (2, "1", False), (12, "lt(t,4)+gte(t,5)", False), (12, "lt(t,6)+gte(t,7)", True)],
    ids=["moving", "standing", "moving between the moments", "moving in the second of three"],
)
def test_a_preview_that_stands_still_is_published_only_of_a_film_that_does(
    seconds: int, still: str, moving: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    board = f"drawbox=t=fill:c=teal:enable='{still}'"
    film = paint(tmp_path / "film.mp4", seconds=seconds, audio=False, gop=30, video_filter=board)
    monkeypatch.setattr(stills, "developed", lambda frames, *_: [Image.new("RGB", (320, 240), "teal")] * len(frames))
    result = measure(film, "workshop", False)
    job = ("preview", film, result["source"], result["plan"], None, tmp_path / "out", lambda _: None)
    (tmp_path / "out").mkdir()

    if moving:
        with pytest.raises(ProofFailed, match="1 picture, of a film that moves"):
            make(*job)
    else:
        assert make(*job)["facts"]["frames"] == 1


@pytest.mark.parametrize("name", ["poster", "storyboard", "preview"])
def test_a_film_of_one_frame_has_all_its_stills(name: str, tmp_path: Path) -> None:
    film = tmp_path / "one.mp4"
    ffmpeg(
        "-f",
        "lavfi",
        "-i",
        "testsrc2=size=64x48:rate=30",
        "-frames:v",
        1,
        "-c:v",
        "libx264",
        "-pix_fmt",
        "yuv420p",
        film,
    )
    result = made(name, film, tmp_path)
    assert all((tmp_path / file["path"]).stat().st_size == file["bytes"] > 0 for file in result["files"])


@pytest.mark.parametrize("name", ["poster", "storyboard", "preview"])
def test_a_film_without_an_index_has_all_its_stills(name: str, tmp_path: Path) -> None:
    film = paint(tmp_path / "film.webm", codec="vp8", seconds=2, extra=["-f", "webm", "-live", "1"])
    result = made(name, film, tmp_path, "matroska")
    assert all((tmp_path / file["path"]).stat().st_size == file["bytes"] > 0 for file in result["files"])


def test_the_poster_carries_the_dealers_mark(tmp_path: Path) -> None:
    film = paint(tmp_path / "film.mp4", seconds=1, video_filter="drawbox=t=fill:c=gray:y=60")
    Image.new("RGBA", (100, 50), (255, 0, 0, 255)).save(tmp_path / "logo.png")
    made("poster", film, tmp_path)
    with Image.open(tmp_path / "poster.jpg") as poster:
        bare = np.asarray(poster.convert("RGB")).astype(int)
    made("poster", film, tmp_path, logo=tmp_path / "logo.png")
    with Image.open(tmp_path / "poster.jpg") as poster:
        marked = np.asarray(poster.convert("RGB")).astype(int)
    rows, columns = np.nonzero(np.abs(marked - bare).max(2) > 60)
    assert len(rows) > 100
    assert rows.max() < 60
    assert columns.min() > 160


def test_a_page_gets_a_light_poster_of_the_same_picture(tmp_path: Path) -> None:
    film = paint(tmp_path / "film.mp4", seconds=1, size=(1280, 720))

    facts = made("poster", film, tmp_path)["facts"]

    assert facts["light"] == {"width": 960, "height": 540}
    assert (tmp_path / "poster.webp").stat().st_size <= 21_000
    with Image.open(tmp_path / "poster.webp") as light, Image.open(tmp_path / "poster.jpg") as full:
        assert light.size == (960, 540)
        far = np.abs(np.asarray(full.resize(light.size).convert("L"), float) - np.asarray(light.convert("L"), float))
    assert far.mean() < 6


def test_a_dark_beginning_is_known_from_the_poster_s_own_bytes(tmp_path: Path) -> None:
    film = paint(tmp_path / "film.mov", seconds=6, gop=15, video_filter="drawbox=t=fill:c=black:enable='lt(t,3)'")
    result = measure(film, "workshop", False)
    ranges = next(one["ranges"] for one in result["plan"]["outputs"] if one["name"] == "poster")
    whole = film.read_bytes()
    early = bytearray(len(whole))
    for first, end in ranges:
        early[first:end] = whole[first:end]
    posters = []

    for body in (whole, early):
        film.write_bytes(body)
        made = make("poster", film, result["source"], result["plan"], None, tmp_path, lambda _: None)
        posters.append((made, (tmp_path / "poster.jpg").read_bytes()))

    assert early != whole
    assert posters[0] == posters[1]
    assert posters[0][0]["facts"]["brightness"] < 4
