"""The images inside a PDF: they tell nothing of their cameras, whatever is wrapped around them."""

import io
import zlib
from base64 import a85encode
from pathlib import Path
from typing import Any

import pikepdf
import pytest
from paperwork import made, measured, picture, snapshot, wrapped
from PIL import Image

from pipeline import document
from pipeline.errors import ProofFailed, TooManyPixels, Unreadable
from pipeline.proof import documents


def _behind(filters: list[str]) -> bytes:
    """A JPEG that tells its camera, with `filters` around it, the first outermost."""
    data = snapshot()
    for name in reversed(filters[:-1]):
        match name:
            case "FlateDecode":
                data = zlib.compress(data)
            case "ASCII85Decode":
                data = a85encode(data) + b"~>"
            case "ASCIIHexDecode":
                data = data.hex().encode() + b">"
            case "RunLengthDecode":
                parts = (data[at : at + 128] for at in range(0, len(data), 128))
                data = b"".join(bytes([len(part) - 1]) + part for part in parts) + b"\x80"
    return data


@pytest.mark.parametrize(
    "around",
    [
        *([], ["FlateDecode"], ["ASCII85Decode"], ["ASCIIHexDecode"], ["RunLengthDecode"]),
        ["ASCII85Decode", "FlateDecode"],
    ],
    ids="+".join,
)
def test_an_image_tells_nothing_of_its_camera_whatever_is_wrapped_around_it(tmp_path: Path, around: list[str]) -> None:
    filters = [*around, "DCTDecode"]
    parms = [*(None for _ in around), pikepdf.Dictionary(ColorTransform=1)]
    path = wrapped(tmp_path / "in.pdf", _behind(filters), filters, parms)
    result = made(path, tmp_path / "out")
    documents.document(tmp_path / "out", result, measured(path))
    assert picture(tmp_path / "out" / "document.pdf").getpixel((100, 100)) == picture(path).getpixel((100, 100))
    with pikepdf.open(tmp_path / "out" / "document.pdf") as pdf:
        image = pdf.pages[0].obj.Resources.XObject.I
        assert image.Filter == pikepdf.Name.DCTDecode
        assert image.DecodeParms.ColorTransform == 1
        assert b"SECRET_CAMERA" not in image.read_raw_bytes()


def test_an_image_whose_wrapping_predicts_its_bytes_comes_out_whole(tmp_path: Path) -> None:
    """Rows of ten bytes, each after the number of the way in which it is told: 0, as it is (PNG, 9.2)."""
    data = snapshot()
    rows = b"".join(b"\0" + data[at : at + 10].ljust(10, b"\0") for at in range(0, len(data), 10))
    predicted = [pikepdf.Dictionary(Predictor=15, Columns=10), None]
    path = wrapped(tmp_path / "in.pdf", zlib.compress(rows), ["FlateDecode", "DCTDecode"], predicted)
    documents.document(tmp_path / "out", made(path, tmp_path / "out"), measured(path))
    assert picture(tmp_path / "out" / "document.pdf").getpixel((100, 100)) == (254, 0, 0)


@pytest.mark.parametrize("parms", [None, [pikepdf.Dictionary(Name=pikepdf.Name.Identity), None]], ids=["bare", "told"])
def test_an_image_that_is_said_not_to_be_encrypted_is_shown(tmp_path: Path, parms: list[Any] | None) -> None:
    path = wrapped(tmp_path / "in.pdf", snapshot(), ["Shown", "DCTDecode"], parms)
    path.write_bytes(path.read_bytes().replace(b"/Shown", b"/Crypt"))  # a writer would leave it out
    documents.document(tmp_path / "out", made(path, tmp_path / "out"), measured(path))
    assert picture(tmp_path / "out" / "document.pdf").getpixel((100, 100)) == (254, 0, 0)


def test_the_second_picture_behind_a_phones_first_goes_with_what_it_tells(tmp_path: Path) -> None:
    path = wrapped(tmp_path / "in.pdf", snapshot() + snapshot(), ["DCTDecode"])
    documents.document(tmp_path / "out", made(path, tmp_path / "out"), measured(path))
    with pikepdf.open(tmp_path / "out" / "document.pdf") as pdf:
        bare = pdf.pages[0].obj.Resources.XObject.I.read_raw_bytes()
    assert b"SECRET_CAMERA" not in bare
    with Image.open(io.BytesIO(bare)) as image:
        assert image.convert("RGB").getpixel((32, 32)) == (254, 0, 0)


def test_an_image_that_is_still_wrapped_is_not_published(tmp_path: Path) -> None:
    path = wrapped(tmp_path / "in.pdf", snapshot(), ["DCTDecode"])
    result = made(path, tmp_path / "out")
    clean = tmp_path / "out" / "document.pdf"
    with pikepdf.open(clean, allow_overwriting_input=True) as pdf:
        image, filters = pdf.pages[0].obj.Resources.XObject.I, ["ASCIIHexDecode", "DCTDecode"]
        image.write(_behind(filters), filter=pikepdf.Array([pikepdf.Name(f"/{one}") for one in filters]))
        pdf.save(clean, stream_decode_level=pikepdf.StreamDecodeLevel.none)
    result["files"][0]["bytes"] = clean.stat().st_size
    with pytest.raises(ProofFailed, match="inside /ASCIIHexDecode"):
        documents.document(tmp_path / "out", result, measured(path))


def test_an_image_whose_wrapping_is_damaged_is_the_files_fault(tmp_path: Path) -> None:
    data = bytearray(zlib.compress(snapshot()))
    data[20:60] = bytes(40)
    path = wrapped(tmp_path / "in.pdf", bytes(data), ["FlateDecode", "DCTDecode"])
    with pytest.raises(Unreadable):
        made(path, tmp_path / "out")


def test_an_image_that_swells_is_refused_before_it_fills_the_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(document, "IMAGE_BYTES", 100_000)
    path = wrapped(tmp_path / "in.pdf", zlib.compress(bytes(200_000)), ["FlateDecode", "DCTDecode"])
    with pytest.raises(TooManyPixels, match="100000"):
        made(path, tmp_path / "out")
