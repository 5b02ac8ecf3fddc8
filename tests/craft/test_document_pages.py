"""A PDF on its way to the customer: what it shows stays, what it does and tells goes."""

import sys
import zlib
from pathlib import Path

import pikepdf
import pypdfium2
import pytest
from paperwork import SECRETS, laid_open, made, measured, picture, report
from PIL import Image

from pipeline import document
from pipeline.errors import Encrypted, ProofFailed, TooManyPages, Unreadable
from pipeline.proof import documents


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
    xmp = (
        b"<x:xmpmeta><xmpTPg:PlateNames><rdf:Seq><rdf:li>Magenta</rdf:li></rdf:Seq></xmpTPg:PlateNames>"
        b"<xmpTPg:Fonts>\n<stFnt:fontFamily>Painted Sans</stFnt:fontFamily></xmpTPg:Fonts>"
        b"<dc:creator>SECRET_XMP</dc:creator></x:xmpmeta>"
    )
    path = _described(tmp_path / "in.pdf", xmp)
    assert "SECRET_XMP" in measured(path).private
    assert {"Magenta", "Painted Sans"}.isdisjoint(measured(path).private)


def _described(path: Path, xmp: bytes, filter: pikepdf.Name | None = None) -> Path:
    """A report whose metadata is `xmp`, as it is given."""
    with pikepdf.open(report(path.with_suffix(".report"))) as pdf:
        pdf.Root.Metadata = pdf.make_stream(xmp) if filter is None else pikepdf.Stream(pdf, xmp, Filter=filter)
        pdf.save(path, fix_metadata_version=False, stream_decode_level=pikepdf.StreamDecodeLevel.none)
    return path


@pytest.mark.timeout(30)
@pytest.mark.parametrize("tag", [b"<dc:language>", b"<dc:language ", b"<xmpTPg:n%d>"])
def test_a_document_whose_tags_never_close_keeps_nobody_waiting(tmp_path: Path, tag: bytes) -> None:
    """It took minutes: each tag was looked after to the end. Now it takes a few tenths of a second."""
    tags = b"".join(tag % n if b"%" in tag else tag for n in range(75_000))
    path = _described(tmp_path / "in.pdf", b"<dc:creator>SECRET_XMP</dc:creator>" + tags)
    assert "SECRET_XMP" in measured(path).private


@pytest.mark.parametrize("filter", [None, pikepdf.Name.FlateDecode])
def test_metadata_that_swells_is_read_at_its_beginning_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, filter: pikepdf.Name | None
) -> None:
    monkeypatch.setattr(sys.modules["pipeline.privacy.collect"], "_MOST_XMP", 1000)
    xmp = b"<dc:creator>SECRET_FIRST</dc:creator>" + bytes(1000) + b"<dc:creator>SECRET_LAST</dc:creator>"
    path = _described(tmp_path / "in.pdf", xmp if filter is None else zlib.compress(xmp), filter)
    assert {"SECRET_FIRST", "SECRET_LAST"} & set(measured(path).private) == {"SECRET_FIRST"}


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
