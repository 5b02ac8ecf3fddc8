"""Still pictures and photos are held against what was decided."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from photographs import corners
from PIL import Image, PngImagePlugin

from pipeline import photo, plan, proof, source
from pipeline.errors import ProofFailed
from pipeline.make import make
from pipeline.proof import thumbnails


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


Made = tuple[Path, dict[str, Any], plan.PhotoPlan, source.Source, Path, Image.Image]


def sized(path: Path, out: Path, watermark: Path | None = None) -> Made:
    """The sizes of a photo, as they are given to the proof."""
    measured = photo.measure(path, "workshop", watermark=watermark is not None)
    found, decided = source.from_json(measured["source"]), plan.from_json(measured["plan"])
    assert decided.photo is not None
    out.mkdir()
    stored: list[Image.Image] = []
    made = photo.make_sizes(
        path, found, decided, watermark, out, lambda _: None, lambda image: stored.append(thumbnails.small(image))
    )
    return out, made, decided.photo, found, path, stored[0]


def replaced(made: Made, name: str, image: Image.Image) -> None:
    """Another picture in a size's place."""
    out, result, *_ = made
    image.save(out / name)
    for file in result["files"]:
        file["bytes"] = (out / file["path"]).stat().st_size


@pytest.fixture
def made(tmp_path: Path) -> Made:
    corners((1000, 500)).save(tmp_path / "in.png")
    return sized(tmp_path / "in.png", tmp_path / "out")


def test_the_sizes_of_a_photo_are_proved_and_beside_the_photo_they_are_alike(made: Made) -> None:
    facts = proof.sizes(*made)
    witness = facts.pop("witness")
    assert facts == made[1]["facts"]
    assert witness["likeness"] > 0.99
    assert abs(witness["lighter"]) < 3


@pytest.mark.parametrize("name", ["800.webp", "320.jpg"])
def test_a_size_that_shows_something_else_is_seen(made: Made, name: str) -> None:
    with Image.open(made[0] / name) as image:
        size = image.size
    replaced(made, name, Image.fromarray(np.full((size[1], size[0], 3), 200, np.uint8)))
    with pytest.raises(ProofFailed, match="brightness"):
        proof.sizes(*made)


@pytest.mark.parametrize(
    "turn", [Image.Transpose.ROTATE_180, Image.Transpose.FLIP_LEFT_RIGHT, Image.Transpose.FLIP_TOP_BOTTOM]
)
def test_a_photo_that_is_turned_or_mirrored_in_all_its_sizes_is_seen(made: Made, turn: Image.Transpose) -> None:
    for one in made[1]["facts"]["sizes"]:
        with Image.open(made[0] / one["path"]) as image:
            turned = image.convert("RGB").transpose(turn)
        replaced(made, one["path"], turned)
    with pytest.raises(ProofFailed, match="likeness"):
        proof.sizes(*made)


def test_a_photo_in_other_colours_is_seen(made: Made) -> None:
    for one in made[1]["facts"]["sizes"]:
        with Image.open(made[0] / one["path"]) as image:
            red, green, blue = image.convert("RGB").split()
        replaced(made, one["path"], Image.merge("RGB", (red, green, blue.point(lambda value: value * 0.8))))
    with pytest.raises(ProofFailed, match="blue of"):
        proof.sizes(*made)


@pytest.mark.parametrize("turn", range(1, 9))
@pytest.mark.parametrize("suffix", ["jpg", "webp", "png", "avif"])
def test_every_orientation_is_proved_by_what_the_camera_said(tmp_path: Path, turn: int, suffix: str) -> None:
    exif = Image.Exif()
    exif[0x010F], exif[photo.ORIENTATION] = "Painted Phones", turn
    blob = exif.tobytes()
    corners().save(tmp_path / f"in.{suffix}", exif=blob)
    made = sized(tmp_path / f"in.{suffix}", tmp_path / "out")
    assert thumbnails.orientation(blob) == turn
    assert proof.sizes(*made)["witness"]["likeness"] > 0.99


@pytest.mark.parametrize("mode", ["L", "1", "P", "CMYK", "RGBA", "LA", "I;16"])
def test_a_photo_of_any_kind_of_pixels_is_proved(tmp_path: Path, mode: str) -> None:
    if mode == "I;16":
        image = Image.fromarray(np.tile(np.linspace(0, 65535, 256), (64, 1)).astype(np.uint16))
    else:
        image = corners().convert(mode)
    if mode in ("RGBA", "LA"):
        image.putalpha(Image.linear_gradient("L").resize(image.size))
    path = tmp_path / ("in.jpg" if mode == "CMYK" else "in.png")
    image.save(path)
    assert proof.sizes(*sized(path, tmp_path / "out"))["witness"]["likeness"] > 0.98


@pytest.mark.parametrize("size", [(1, 1), (7, 3), (3000, 1), (2, 900)])
def test_a_tiny_or_thin_photo_is_proved(tmp_path: Path, size: tuple[int, int]) -> None:
    Image.new("RGB", size, "teal").save(tmp_path / "in.png")
    assert proof.sizes(*sized(tmp_path / "in.png", tmp_path / "out"))["witness"]["likeness"] is None


@pytest.mark.parametrize("size", [(10, 9), (47, 61), (100, 75), (701, 503), (3000, 40)])
@pytest.mark.parametrize("pattern", ["noise", "checks", "lines"])
def test_the_finest_patterns_are_proved_in_every_size(tmp_path: Path, pattern: str, size: tuple[int, int]) -> None:
    down, across = np.indices(size[::-1])
    noise = np.random.default_rng(1).integers(0, 255, size[::-1])
    grey = {"noise": noise, "checks": (down + across) % 2 * 255, "lines": (across % 3 == 0) * 255}[pattern]
    Image.fromarray(grey.astype(np.uint8)).save(tmp_path / "in.png")
    assert (proof.sizes(*sized(tmp_path / "in.png", tmp_path / "out"))["witness"]["likeness"] or 1) > 0.99


def test_the_dealers_logo_is_no_fault_of_a_photo(tmp_path: Path) -> None:
    corners((1000, 800)).save(tmp_path / "in.png")
    Image.new("RGBA", (200, 100), (255, 0, 255, 255)).save(tmp_path / "logo.png")
    made = sized(tmp_path / "in.png", tmp_path / "out", tmp_path / "logo.png")
    mark = plan.from_json(photo.measure(made[4], "workshop", watermark=True)["plan"]).watermark
    assert proof.sizes(*made, mark)["witness"]["likeness"] > 0.99


def test_a_photo_is_decoded_once_to_be_made_and_proved(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    decode, decoded = PngImagePlugin.PngImageFile.load_prepare, []
    monkeypatch.setattr(
        PngImagePlugin.PngImageFile, "load_prepare", lambda image: (decoded.append(image), decode(image))
    )
    corners((1000, 500)).save(tmp_path / "in.png")
    measured = photo.measure(tmp_path / "in.png", "workshop")
    (tmp_path / "out").mkdir()
    args = (measured["source"], measured["plan"], None, tmp_path / "out", lambda _: None)
    assert make("sizes", tmp_path / "in.png", *args)["facts"]["witness"]["likeness"] > 0.99
    assert len(decoded) == 1


def test_a_size_of_other_dimensions_is_seen(made: Made) -> None:
    replaced(made, "800.webp", corners((400, 200)))
    with pytest.raises(ProofFailed, match=r"size of 800\.webp"):
        proof.sizes(*made)


def test_a_missing_size_is_seen(made: Made) -> None:
    made[1]["facts"]["sizes"].pop()
    with pytest.raises(ProofFailed, match="sizes"):
        proof.sizes(*made)
