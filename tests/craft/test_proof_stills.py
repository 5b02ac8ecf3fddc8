"""Still pictures and photos are held against what was decided."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from photographs import corners
from PIL import Image

from pipeline import photo, plan, proof, source
from pipeline.errors import ProofFailed


def poster(path: Path, **options: Any) -> Path:
    corners((320, 180)).save(path, **options)
    return path


def test_a_poster_is_proved_and_measured(tmp_path: Path) -> None:
    facts = proof.still(poster(tmp_path / "poster.jpg"), "image/jpeg", (320, 180), ("Alice Example",))
    assert (facts["width"], facts["height"], facts["frames"]) == (320, 180, 1)
    assert 60 < facts["brightness"] < 140


def test_a_moving_preview_must_move(tmp_path: Path) -> None:
    frames = [Image.new("RGB", (64, 36), colour) for colour in ("red", "green", "blue")]
    path = tmp_path / "preview.webp"
    frames[0].save(path, save_all=True, append_images=frames[1:], duration=100)
    assert proof.still(path, "image/webp", (64, 36), (), frames=3)["frames"] == 3
    with pytest.raises(ProofFailed, match="frames"):
        proof.still(path, "image/webp", (64, 36), (), frames=4)


def test_another_size_is_seen(tmp_path: Path) -> None:
    with pytest.raises(ProofFailed, match="320, 180"):
        proof.still(poster(tmp_path / "poster.jpg"), "image/jpeg", (180, 320), ())


def test_a_black_poster_is_refused_unless_the_film_is_black(tmp_path: Path) -> None:
    path = tmp_path / "poster.jpg"
    Image.new("RGB", (64, 36)).save(path)
    with pytest.raises(ProofFailed, match="brightness"):
        proof.still(path, "image/jpeg", (64, 36), ())
    assert proof.still(path, "image/jpeg", (64, 36), (), dark=lambda: True)["brightness"] == 0


def test_a_comment_in_a_poster_is_seen(tmp_path: Path) -> None:
    with pytest.raises(ProofFailed, match="segment FE"):
        proof.still(poster(tmp_path / "poster.jpg", comment=b"hello"), "image/jpeg", (320, 180), ())


def test_half_a_poster_is_seen(tmp_path: Path) -> None:
    path = poster(tmp_path / "poster.jpg")
    path.write_bytes(path.read_bytes()[:900])
    with pytest.raises(ProofFailed):
        proof.still(path, "image/jpeg", (320, 180), ())


@pytest.fixture
def made(tmp_path: Path) -> tuple[Path, dict[str, Any], plan.PhotoPlan, source.Source]:
    corners((1000, 500)).save(tmp_path / "in.png")
    measured = photo.measure(tmp_path / "in.png", "workshop")
    found, decided = source.from_json(measured["source"]), plan.from_json(measured["plan"])
    assert decided.photo is not None
    out = tmp_path / "out"
    out.mkdir()
    return out, photo.make_sizes(tmp_path / "in.png", found, decided, None, out, lambda _: None), decided.photo, found


Made = tuple[Path, dict[str, Any], plan.PhotoPlan, source.Source]


def test_the_sizes_of_a_photo_are_proved(made: Made) -> None:
    assert proof.sizes(*made) == made[1]["facts"]


@pytest.mark.parametrize("name", ["800.webp", "320.jpg"])
def test_a_size_that_shows_something_else_is_seen(made: Made, name: str) -> None:
    out, result, decided, found = made
    with Image.open(out / name) as image:
        size = image.size
    Image.fromarray(np.full((size[1], size[0], 3), 200, np.uint8)).save(out / name)
    for file in result["files"]:
        file["bytes"] = (out / file["path"]).stat().st_size
    with pytest.raises(ProofFailed, match="brightness"):
        proof.sizes(out, result, decided, found)


def test_a_size_of_other_dimensions_is_seen(made: Made) -> None:
    out, result, decided, found = made
    corners((400, 200)).save(out / "800.webp")
    for file in result["files"]:
        file["bytes"] = (out / file["path"]).stat().st_size
    with pytest.raises(ProofFailed, match=r"size of 800\.webp"):
        proof.sizes(out, result, decided, found)


def test_a_missing_size_is_seen(made: Made) -> None:
    made[1]["facts"]["sizes"].pop()
    with pytest.raises(ProofFailed, match="sizes"):
        proof.sizes(*made)
