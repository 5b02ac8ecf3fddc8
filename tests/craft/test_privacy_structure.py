"""Each kind of output may consist of a few known parts; everything else is a trace."""

import io
import struct
from pathlib import Path

import pytest
from PIL import Image

from pipeline import privacy


def box(kind: bytes, body: bytes = b"") -> bytes:
    return struct.pack(">I", len(body) + 8) + kind + body


def movie(*extra: bytes, date: int = 0) -> bytes:
    header = box(b"mvhd", struct.pack(">IIIII", 0, date, 0, 1000, 0) + bytes(80))
    return box(b"ftyp", b"iso5\0\0\0\0") + box(b"moov", header + b"".join(extra))


def handler(name: bytes, kind: bytes = b"vide") -> bytes:
    return box(b"hdlr", bytes(8) + kind + bytes(12) + name + b"\0")


def described(encoder: bytes) -> bytes:
    """The description of pictures, with the name of what encoded them."""
    entry = box(b"avc1", bytes(42) + encoder.ljust(32, b"\0") + bytes(4))
    return box(b"mdia", box(b"minf", box(b"stbl", box(b"stsd", bytes(7) + b"\1" + entry))))


def traces(path: Path, data: bytes, content_type: str) -> list[str]:
    path.write_bytes(data)
    return [trace.what for trace in privacy.structure(path, content_type)]


def test_a_bare_movie_has_no_trace(tmp_path: Path) -> None:
    tracks = box(b"trak", box(b"mdia", handler(b"VideoHandler"))) + box(b"trak", described(b""))
    assert traces(tmp_path / "init.mp4", movie(tracks), "video/mp4") == []


@pytest.mark.parametrize(
    "extra",
    [
        box(b"udta", box(b"\xa9xyz", b"\0\x12\x15\xc7+48.8577+002.2950/")),
        box(b"meta", bytes(4) + handler(b"", b"mdta")),
        box(b"uuid", bytes(20)),
        box(b"free", b"anything"),
        box(b"trak", box(b"mdia", handler(b"Alice's phone"))),
        box(b"trak", box(b"mdia", handler(b"", b"meta"))),
        box(b"trak", described(b"\x0cLavc libx264")),
        b"\0\0\0\x03odd",
    ],
)
def test_whatever_else_is_in_a_movie_is_a_trace(tmp_path: Path, extra: bytes) -> None:
    assert traces(tmp_path / "init.mp4", movie(extra), "video/mp4") != []


def test_a_date_in_a_movie_header_is_a_trace(tmp_path: Path) -> None:
    assert traces(tmp_path / "init.mp4", movie(date=3_700_000_000), "video/mp4") == ["a date in mvhd"]


def jpeg(**options: object) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (40, 40), "grey").save(buffer, "JPEG", **options)
    return buffer.getvalue()


def test_a_bare_jpeg_has_no_trace(tmp_path: Path) -> None:
    assert traces(tmp_path / "a.jpg", jpeg(), "image/jpeg") == []
    assert traces(tmp_path / "a.jpg", jpeg(progressive=True, optimize=True), "image/jpeg") == []


@pytest.mark.parametrize(
    "data",
    [
        jpeg(exif=b"Exif\0\0MM\0*\0\0\0\x08\0\0"),
        jpeg(comment=b"hello"),
        jpeg(icc_profile=b"profile"),
        jpeg() + b"a film behind the photo",
        jpeg()[:2] + b"\xff\xed\0\x06IPTC" + jpeg()[2:],
        jpeg()[:-2],
        b"no jpeg",
    ],
)
def test_whatever_else_is_in_a_jpeg_is_a_trace(tmp_path: Path, data: bytes) -> None:
    assert len(traces(tmp_path / "a.jpg", data, "image/jpeg")) == 1


def test_webp_and_png_hold_pictures_only(tmp_path: Path) -> None:
    for form, content_type in (("WEBP", "image/webp"), ("PNG", "image/png")):
        bare, told = io.BytesIO(), io.BytesIO()
        image = Image.new("RGBA", (20, 20), (1, 2, 3, 4))
        image.save(bare, form)
        exif = Image.Exif()
        exif[0x010F] = "Painted Phones"
        image.save(told, form, exif=exif)
        assert traces(tmp_path / "a", bare.getvalue(), content_type) == []
        assert traces(tmp_path / "a", told.getvalue(), content_type) != []
        assert traces(tmp_path / "a", bare.getvalue() + b"trailing", content_type) != []


def test_a_storyboard_text_holds_cues_only(tmp_path: Path) -> None:
    good = "WEBVTT\n\n00:00.000 --> 00:01.000\nstoryboard.jpg#xywh=0,0,160,90\n"
    assert traces(tmp_path / "a.vtt", good.encode(), "text/vtt") == []
    assert traces(tmp_path / "a.vtt", (good + "NOTE by Alice\n").encode(), "text/vtt") == ["a line that is no cue"]


def test_a_type_nobody_decided_on_is_a_trace_itself(tmp_path: Path) -> None:
    assert traces(tmp_path / "a.svg", b"<svg/>", "image/svg+xml") != []


def test_an_image_inside_a_page_loses_its_words_and_keeps_its_pixels() -> None:
    exif = Image.Exif()
    exif[0x010F] = "Painted Phones"
    told = jpeg(exif=exif, comment=b"hello", icc_profile=b"profile")
    bare = privacy.bare_jpeg(told + b"trailer")
    assert bare == jpeg()
