"""Real photos of real phones, and what they look like afterwards."""

from pathlib import Path

import numpy as np
import pytest
from photographs import largest, made, pixels
from PIL import Image

from pipeline import photo, privacy, source
from pipeline.errors import Truncated

CANARIES = (b"CANARY", b"12.3456", b"98.7654", b"12,20.736", b"98,45.924", b"2019:08:07", b"2019-08-07")
pytestmark = pytest.mark.media


def small(path: Path, out: Path) -> np.ndarray:
    """The picture as made, 48 px wide and high."""
    return pixels(largest(made(path, out), out).resize((48, 48), Image.Resampling.BOX))


def test_the_eight_orientations_of_one_photo_look_alike(media: Path, tmp_path: Path) -> None:
    first = small(media / "photo-orient/sharp__Landscape_2.jpg", tmp_path / "2")
    for number in (1, 3, 4, 5, 6, 7, 8):
        other = small(media / f"photo-orient/sharp__Landscape_{number}.jpg", tmp_path / str(number))
        # number 1 has no colour profile, the others have
        assert np.abs(other - first).mean() < (4 if number == 1 else 1.5), number


def test_display_p3_becomes_srgb_and_not_dull(media: Path, tmp_path: Path) -> None:
    path = media / "photo-jpeg/nuke__image-p3.jpg"
    with Image.open(path) as image:
        stored = pixels(image.resize((48, 48), Image.Resampling.BOX))
    still = small(path, tmp_path / "out")
    # The same red has larger numbers in the smaller space.
    chroma = (stored.max(axis=2) - stored.min(axis=2)).astype(int)
    vivid = chroma > 100
    assert (still.max(axis=2) - still.min(axis=2))[vivid].mean() > chroma[vivid].mean() + 5


def test_cmyk_is_neither_black_nor_inverted(media: Path, tmp_path: Path) -> None:
    still = small(media / "photo-jpeg/sharp__Channel_digital_image_CMYK_color_no_profile.jpg", tmp_path / "out")
    assert 90 < still.mean() < 160


@pytest.mark.parametrize("name", ["glide__small_gainmap_image.jpg", "libavif__apple_gainmap_new.jpg"])
def test_a_gain_map_does_not_make_the_photo_dark(media: Path, tmp_path: Path, name: str) -> None:
    path = media / "photo-gainmap" / name
    with Image.open(path, formats=("JPEG",)) as image:
        base = pixels(image.resize((48, 48), Image.Resampling.BOX)).mean()
    assert abs(small(path, tmp_path / "out").mean() - base) < 8


@pytest.mark.parametrize(
    ("name", "size"),
    [
        ("photo-heic/nuke__img_751.heic", (1008, 756)),
        ("photo-motion/media__sample_MP.heic", (1080, 1920)),
        ("photo-avif-jxl/libavif__paris_icc_exif_xmp.avif", (403, 302)),
        ("photo-png/coil__16_bit.png", (600, 600)),
        ("photo-webp/metadata-extractor-images__Issue 473 (Java).webp", (240, 320)),
        ("photo-anim/nuke__cat.gif", (500, 279)),
        ("photo-orient/sharp__Landscape_9.jpg", (480, 369)),
        ("photo-bad/exif-samples__image01088.jpg", (425, 120)),
    ],
)
def test_every_kind_of_photo_is_made_upright_and_clean(
    media: Path, tmp_path: Path, name: str, size: tuple[int, int]
) -> None:
    found = source.from_json(photo.measure(media / name, "workshop")["source"])
    assert found.photo is not None
    assert (found.photo.width, found.photo.height) == size
    result = made(media / name, tmp_path / "out")
    for entry in result["files"]:
        file = tmp_path / "out" / entry["path"]
        assert privacy.search(file, found.private) == []
        assert privacy.structure(file, entry["content_type"]) == []
    assert pixels(largest(result, tmp_path / "out")).std() > 10


@pytest.mark.parametrize("name", ["s33_canary_photo.jpg", "s37_canary.gif"])
def test_no_canary_sings_in_a_photo(media: Path, tmp_path: Path, name: str) -> None:
    path = media / "synthetic" / name
    assert any(canary in path.read_bytes() for canary in CANARIES)
    for entry in made(path, tmp_path / "out")["files"]:
        data = (tmp_path / "out" / entry["path"]).read_bytes()
        assert [canary for canary in CANARIES if canary in data] == []


def test_a_photo_cut_on_its_way_is_refused(media: Path, tmp_path: Path) -> None:
    with pytest.raises(Truncated):
        made(media / "photo-heic/perkeep__river-truncated.heic", tmp_path / "out")
