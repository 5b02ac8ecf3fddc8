"""A photo, from a stranger's file to the sizes a customer sees."""

import io
import zlib
from pathlib import Path

import numpy as np
import pillow_heif
import pytest
from photographs import corners, largest, made, pixels
from PIL import Image, ImageCms

from pipeline import photo, privacy, source
from pipeline.errors import Damaged, TooManyPixels, Truncated, UnknownType, Unreadable


def test_every_size_is_there_twice_and_none_is_larger_than_the_photo(tmp_path: Path) -> None:
    corners((2000, 1000)).save(tmp_path / "in.jpg")
    result = made(tmp_path / "in.jpg", tmp_path / "out")
    sizes = [(s["path"], s["width"], s["height"]) for s in result["facts"]["sizes"]]
    assert sizes == [
        (f"{edge}.{suffix}", edge, edge // 2) for edge in (320, 800, 1600, 2000) for suffix in ("webp", "jpg")
    ]
    for entry in result["facts"]["sizes"]:
        with Image.open(tmp_path / "out" / entry["path"]) as image:
            assert image.size == (entry["width"], entry["height"])
            assert (image.format or "").lower() == entry["format"]


@pytest.mark.parametrize("size", [(1, 1), (7, 3), (319, 20), (3000, 1)])
def test_a_tiny_or_thin_photo_has_at_least_one_size(tmp_path: Path, size: tuple[int, int]) -> None:
    Image.new("RGB", size, "teal").save(tmp_path / "in.png")
    result = made(tmp_path / "in.png", tmp_path / "out")
    assert all(s["width"] <= size[0] and s["height"] <= size[1] for s in result["facts"]["sizes"])
    assert largest(result, tmp_path / "out").width == min(size[0], 2560)


@pytest.mark.parametrize("orientation", range(1, 10))
@pytest.mark.parametrize("suffix", ["jpg", "webp", "png"])
def test_every_orientation_comes_out_upright_and_nine_is_ignored(tmp_path: Path, orientation: int, suffix: str) -> None:
    stored = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }.get(orientation)
    exif = Image.Exif()
    exif[photo.ORIENTATION] = orientation
    image = corners().transpose(stored) if stored is not None else corners()
    path = tmp_path / f"in.{suffix}"
    image.save(path, exif=exif)
    result = made(path, tmp_path / "out")
    upright = largest(result, tmp_path / "out")
    assert upright.size == (400, 200)
    assert np.abs(pixels(upright) - pixels(corners())).mean() < 6


def test_a_heic_turned_by_its_container_is_not_turned_again(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[photo.ORIENTATION] = 6
    path = tmp_path / "in.heic"
    image = corners().transpose(Image.Transpose.ROTATE_90)
    image.info["exif"] = exif.tobytes()
    pillow_heif.register_heif_opener()
    image.save(path, "HEIF", quality=90)
    assert b"irot" in path.read_bytes()
    upright = largest(made(path, tmp_path / "out"), tmp_path / "out")
    assert upright.size == (400, 200)
    assert np.abs(pixels(upright) - pixels(corners())).mean() < 8


def test_an_avif_is_upright_too(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[photo.ORIENTATION] = 6
    path = tmp_path / "in.avif"
    corners().transpose(Image.Transpose.ROTATE_90).save(path, exif=exif, quality=90, speed=10)
    upright = largest(made(path, tmp_path / "out"), tmp_path / "out")
    assert upright.size == (400, 200)
    assert np.abs(pixels(upright) - pixels(corners())).mean() < 8


def test_what_was_transparent_is_white(tmp_path: Path) -> None:
    image = Image.new("RGBA", (100, 100), (255, 0, 0, 0))
    image.paste((0, 0, 255, 255), (0, 0, 50, 100))
    image.save(tmp_path / "in.png")
    still = pixels(largest(made(tmp_path / "in.png", tmp_path / "out"), tmp_path / "out"))
    assert (np.abs(still[50, 90] - [255, 255, 255]) < 6).all()
    assert (np.abs(still[50, 10] - [0, 0, 255]) < 20).all()


def test_sixteen_bit_grey_keeps_its_greys(tmp_path: Path) -> None:
    ramp = np.tile(np.linspace(0, 65535, 256), (64, 1)).astype(np.uint16)
    Image.fromarray(ramp).save(tmp_path / "in.png")
    still = pixels(largest(made(tmp_path / "in.png", tmp_path / "out"), tmp_path / "out"))
    assert abs(still[32, 128].mean() - 128) < 4
    assert still[32, 4].mean() < 12
    assert still[32, 250].mean() > 243


@pytest.mark.parametrize(
    "exif", [b"Exif\0\0MM\0*\0\0\0\x08\0\x02\x01\x12", b"Exif\0\0II*\0\xff\xff\xff\xff", b"Exif\0\0"]
)
def test_broken_exif_is_no_broken_photo(tmp_path: Path, exif: bytes) -> None:
    buffer = io.BytesIO()
    corners().save(buffer, "JPEG")
    segment = b"\xff\xe1" + (len(exif) + 2).to_bytes(2, "big") + exif
    (tmp_path / "in.jpg").write_bytes(buffer.getvalue()[:2] + segment + buffer.getvalue()[2:])
    assert largest(made(tmp_path / "in.jpg", tmp_path / "out"), tmp_path / "out").size == (400, 200)


def test_a_broken_colour_profile_is_left_aside(tmp_path: Path) -> None:
    corners().save(tmp_path / "in.jpg", icc_profile=b"no profile at all")
    still = pixels(largest(made(tmp_path / "in.jpg", tmp_path / "out"), tmp_path / "out"))
    assert (np.abs(still[50, 50] - [200, 0, 0]) < 12).all()


def test_an_srgb_profile_changes_nothing(tmp_path: Path) -> None:
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    corners().save(tmp_path / "in.jpg", icc_profile=srgb, quality=95)
    still = pixels(largest(made(tmp_path / "in.jpg", tmp_path / "out"), tmp_path / "out"))
    assert (np.abs(still[50, 50] - [200, 0, 0]) < 12).all()


def test_cmyk_without_a_profile_becomes_red_green_and_blue(tmp_path: Path) -> None:
    corners().convert("CMYK").save(tmp_path / "in.jpg", quality=95)
    still = pixels(largest(made(tmp_path / "in.jpg", tmp_path / "out"), tmp_path / "out"))
    assert (np.abs(still[50, 50] - [200, 0, 0]) < 20).all()


def test_the_first_frame_stands_for_an_animation(tmp_path: Path) -> None:
    frames = [Image.new("RGB", (64, 64), colour) for colour in ("red", "blue")]
    for name in ("in.gif", "in.png", "in.webp"):
        frames[0].save(tmp_path / name, save_all=True, append_images=frames[1:], duration=100)
        still = pixels(largest(made(tmp_path / name, tmp_path / "out"), tmp_path / "out"))
        assert (np.abs(still[32, 32] - [255, 0, 0]) < 8).all(), name


def test_nothing_of_the_original_rides_along(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x010F], exif[0x013B] = "Painted Phone Works", "Alice Example"
    exif.get_ifd(0x8825).update({1: "N", 2: (12.0, 20.0, 44.16), 3: "E", 4: (98.0, 45.0, 55.44)})
    buffer = io.BytesIO()
    corners().save(buffer, "JPEG", exif=exif, comment=b"a private comment", dpi=(72, 72))
    path = tmp_path / "in.jpg"
    path.write_bytes(buffer.getvalue() + b"a trailer with 12.3456 in it")
    found = source.from_json(photo.measure(path, "workshop")["source"])
    assert {"Painted Phone Works", "Alice Example", "a private comment", "12.3456", "98.7654"} <= set(found.private)
    for entry in made(path, tmp_path / "out")["files"]:
        file = tmp_path / "out" / entry["path"]
        assert privacy.search(file, found.private) == []
        assert privacy.structure(file, entry["content_type"]) == []


def test_the_logo_lies_on_every_size(tmp_path: Path) -> None:
    Image.new("RGB", (1000, 800), "black").save(tmp_path / "in.png")
    Image.new("RGBA", (200, 100), (255, 0, 255, 255)).save(tmp_path / "logo.png")
    result = made(tmp_path / "in.png", tmp_path / "out", tmp_path / "logo.png")
    for entry in result["facts"]["sizes"]:
        with Image.open(tmp_path / "out" / entry["path"]) as image:
            still = pixels(image)
        right, left = still[:, still.shape[1] // 2 :], still[:, : still.shape[1] // 2]
        assert right[..., 0].max() > 150, entry["path"]
        assert left.max() < 30, entry["path"]


def test_a_cut_photo_is_said_to_be_cut(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    Image.fromarray(rng.integers(0, 255, (300, 300, 3), dtype=np.uint8)).save(tmp_path / "whole.jpg")
    data = (tmp_path / "whole.jpg").read_bytes()
    (tmp_path / "in.jpg").write_bytes(data[: len(data) // 2])
    with pytest.raises(Truncated):
        made(tmp_path / "in.jpg", tmp_path / "out")


def test_a_photo_with_broken_data_is_refused(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    corners((300, 300)).save(buffer, "PNG")
    data = bytearray(buffer.getvalue())
    at = data.index(b"IDAT") + 20
    data[at : at + 40] = bytes(40)
    (tmp_path / "in.png").write_bytes(data)
    with pytest.raises((Damaged, Truncated)) as refused:
        made(tmp_path / "in.png", tmp_path / "out")
    assert "film again" not in refused.value.advice.casefold()


def test_too_many_pixels_are_refused_before_any_is_decoded(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    Image.new("1", (10, 10)).save(buffer, "PNG")
    data = bytearray(buffer.getvalue())
    data[16:24] = (40_000).to_bytes(4, "big") * 2
    data[29:33] = zlib.crc32(data[12:29]).to_bytes(4, "big")
    (tmp_path / "in.png").write_bytes(data)
    with pytest.raises(TooManyPixels, match="1600000000 pixels, limit"):
        photo.measure(tmp_path / "in.png", "workshop")


@pytest.mark.parametrize(
    "content",
    [b"\xff\xd8\xff\xe0 nothing", b"\x89PNG\r\n\x1a\n nothing", b"RIFF\x20\0\0\0WEBPVP8 nothing", b"GIF89a"],
)
def test_a_beginning_with_nothing_behind_it_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "in.jpg").write_bytes(content)
    with pytest.raises((Unreadable, Damaged, Truncated)):
        photo.measure(tmp_path / "in.jpg", "workshop")


def test_a_drawing_full_of_scripts_is_no_photo(tmp_path: Path) -> None:
    (tmp_path / "in.jpg").write_bytes(b"<svg onload='x'/>")
    with pytest.raises(UnknownType):
        photo.measure(tmp_path / "in.jpg", "workshop")
