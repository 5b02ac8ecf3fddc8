"""A PDF on its way to the customer: what it shows stays, what it does and tells goes."""

import io
import zlib
from base64 import a85encode
from pathlib import Path
from typing import Any

import pikepdf
import pypdfium2
import pytest
from paperwork import SECRETS, laid_open, report, snapshot, wrapped
from PIL import Image

from pipeline import document, source
from pipeline.errors import Encrypted, ProofFailed, TooManyPages, TooManyPixels, Unreadable
from pipeline.proof import documents
from pipeline.source import Source


def measured(path: Path) -> Source:
    return source.from_json(document.measure(path, "workshop")["source"])


def made(path: Path, out: Path) -> dict[str, Any]:
    out.mkdir()
    return document.make(path, out, lambda _: None)


def picture(path: Path) -> Image.Image:
    pdf = pypdfium2.PdfDocument(path)
    try:
        return pdf[0].render(scale=0.5).to_pil().convert("RGB")
    finally:
        pdf.close()


def test_every_secret_of_a_report_is_gone(tmp_path: Path) -> None:
    path = report(tmp_path / "in.pdf")
    assert [secret for secret in SECRETS if secret.encode() not in laid_open(path)] == []
    made(path, tmp_path / "out")
    assert [secret for secret in SECRETS if secret.encode() in laid_open(tmp_path / "out" / "document.pdf")] == []


def test_the_pages_still_show_what_they_showed(tmp_path: Path) -> None:
    path = report(tmp_path / "in.pdf")
    facts = made(path, tmp_path / "out")["facts"]
    clean = tmp_path / "out" / "document.pdf"
    assert facts["pages"] == 2
    text = pypdfium2.PdfDocument(clean)
    words = text[1].get_textpage().get_text_range()
    text.close()
    assert "Brake report 2" in words
    assert "OK" in words, "what stood in the form"
    assert picture(clean).getpixel((70, 70)) == picture(path).getpixel((70, 70))


def test_only_the_link_to_a_web_page_can_still_be_followed(tmp_path: Path) -> None:
    made(report(tmp_path / "in.pdf"), tmp_path / "out")
    with pikepdf.open(tmp_path / "out" / "document.pdf") as pdf:
        notes = [(str(note.Subtype), str(note.A.S), str(note.A.URI)) for note in pdf.pages[0].obj.Annots]
    assert notes == [("/Link", "/URI", "https://example.org/brakes")]


def test_the_first_page_becomes_a_picture(tmp_path: Path) -> None:
    facts = made(report(tmp_path / "in.pdf"), tmp_path / "out")["facts"]
    with Image.open(tmp_path / "out" / "page.jpg") as page:
        assert page.size == (facts["width"], facts["height"])
        assert max(page.size) == document.PAGE_EDGE
        red = page.convert("RGB").getpixel((200, 200))
    assert red[0] > 200
    assert red[1] < 60


def test_the_same_report_becomes_the_same_bytes(tmp_path: Path) -> None:
    path = report(tmp_path / "in.pdf")
    made(path, tmp_path / "a")
    made(path, tmp_path / "b")
    assert (tmp_path / "a" / "document.pdf").read_bytes() == (tmp_path / "b" / "document.pdf").read_bytes()


def test_what_was_made_is_proved(tmp_path: Path) -> None:
    path = report(tmp_path / "in.pdf")
    result = made(path, tmp_path / "out")
    found = measured(path)
    assert "SECRET_XMP" in found.private
    facts = documents.document(tmp_path / "out", result, found)
    assert facts.items() >= result["facts"].items()
    assert facts["objects"] > 5
    assert facts["brightness"] > 200


@pytest.mark.parametrize("secret", ["action", "author", "file", "piece", "image"])
def test_a_document_with_a_rest_inside_is_not_published(tmp_path: Path, secret: str) -> None:
    path = report(tmp_path / "in.pdf")
    result = made(path, tmp_path / "out")
    clean = tmp_path / "out" / "document.pdf"
    with pikepdf.open(clean, allow_overwriting_input=True) as pdf:
        match secret:
            case "action":
                pdf.Root.OpenAction = pikepdf.Dictionary(S=pikepdf.Name.JavaScript)
            case "author":
                pdf.docinfo["/Author"] = "Alice Example"
            case "file":
                pdf.attachments["a.txt"] = b"a"
            case "piece":
                pdf.pages[0].obj.Resources.PieceInfo = pikepdf.Dictionary(A=1)
            case "image":
                image = pdf.pages[1].obj.Resources.XObject.I
                with pikepdf.open(path) as original:
                    raw = original.pages[1].obj.Resources.XObject.I.read_raw_bytes()
                image.write(raw, filter=pikepdf.Name.DCTDecode)
        pdf.save(clean)
    result["files"][0]["bytes"] = clean.stat().st_size
    with pytest.raises(ProofFailed, match="trace"):
        documents.document(tmp_path / "out", result, measured(path))


def test_what_a_document_says_of_its_language_and_its_fonts_may_stay(tmp_path: Path) -> None:
    """A page is drawn with its fonts and read out in its language, whatever its metadata repeats of them."""
    path = tmp_path / "in.pdf"
    with pikepdf.open(report(tmp_path / "report.pdf")) as pdf:
        pdf.Root.Lang = pikepdf.String("de-DE")
        told = pikepdf.Dictionary(
            Type=pikepdf.Name.FontDescriptor, FontName=pikepdf.Name.Painted, FontFamily=pikepdf.String("Painted Sans")
        )
        pdf.pages[0].obj.Resources.Font.F.FontDescriptor = pdf.make_indirect(told)
        with pdf.open_metadata() as metadata:
            metadata["dc:language"] = ["de-DE"]
            metadata["dc:title"] = "Brakes"
            metadata["xmp:Nickname"] = "Painted Sans"
        pdf.save(path)
    found = measured(path)
    assert "SECRET_XMP" in found.private
    assert "de-DE" not in found.private
    documents.document(tmp_path / "out", made(path, tmp_path / "out"), found)
    with pikepdf.open(tmp_path / "out" / "document.pdf") as pdf:
        assert str(pdf.Root.Lang) == "de-DE"


def test_the_inks_and_fonts_that_metadata_lists_are_those_of_the_pages(tmp_path: Path) -> None:
    path = tmp_path / "in.pdf"
    with pikepdf.open(report(tmp_path / "report.pdf")) as pdf:
        pdf.Root.Metadata = pdf.make_stream(
            b"<x:xmpmeta><xmpTPg:PlateNames><rdf:Seq><rdf:li>Magenta</rdf:li></rdf:Seq></xmpTPg:PlateNames>"
            b"<xmpTPg:Fonts>\n<stFnt:fontFamily>Painted Sans</stFnt:fontFamily></xmpTPg:Fonts>"
            b"<dc:creator>SECRET_XMP</dc:creator></x:xmpmeta>"
        )
        pdf.save(path, fix_metadata_version=False)
    assert "SECRET_XMP" in measured(path).private
    assert {"Magenta", "Painted Sans"}.isdisjoint(measured(path).private)


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


@pytest.mark.parametrize("user", ["", "secret"])
def test_a_protected_document_is_said_to_be_protected(tmp_path: Path, user: str) -> None:
    with pikepdf.open(report(tmp_path / "in.pdf")) as pdf:
        pdf.save(tmp_path / "locked.pdf", encryption=pikepdf.Encryption(owner="owner", user=user))
    with pytest.raises(Encrypted):
        document.measure(tmp_path / "locked.pdf", "workshop")


@pytest.mark.parametrize(
    "content", [b"%PDF-1.7\nnothing", b"%PDF-1.4\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>"]
)
def test_a_broken_document_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "in.pdf").write_bytes(content)
    with pytest.raises(Unreadable) as refused:
        document.measure(tmp_path / "in.pdf", "workshop")
    assert "film again" not in refused.value.advice.casefold()


def test_a_book_is_refused(tmp_path: Path) -> None:
    pdf = pikepdf.new()
    for _ in range(501):
        pdf.add_blank_page()
    pdf.save(tmp_path / "in.pdf")
    with pytest.raises(TooManyPages, match="501 pages, limit"):
        document.measure(tmp_path / "in.pdf", "workshop")
