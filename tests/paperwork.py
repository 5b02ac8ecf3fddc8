"""Painted PDFs that act, hide and tell, and what the craft makes of them, for tests."""

import io
from pathlib import Path
from typing import Any

import pikepdf
import pypdfium2
from pikepdf import Array, Dictionary, Name, String
from PIL import Image

from pipeline import document, source
from pipeline.source import Source

SECRETS = [
    f"SECRET_{word}"
    for word in (
        *("AUTHOR", "TOOL", "XMP", "SCRIPT", "FILE", "REVIEWER", "NOTE"),
        *("PROGRAM", "PRIVATE", "CAMERA", "BOOKMARK", "FIELD", "LAYER", "OUTSIDE"),
    )
]


def report(path: Path, pages: int = 2) -> Path:
    """A brake report with a picture, a link, a filled form field, and every kind of thing that must go."""
    pdf = pikepdf.new()
    taken = snapshot()
    font = Dictionary(Type=Name.Font, Subtype=Name.Type1, BaseFont=Name.Helvetica)
    for number in range(pages):
        page = pdf.add_blank_page(page_size=(595, 842)).obj
        image = pdf.make_stream(taken, Type=Name.XObject, Subtype=Name.Image, Width=64, Height=64)
        image.ColorSpace, image.BitsPerComponent, image.Filter = Name.DeviceRGB, 8, Name.DCTDecode
        page.Resources = Dictionary(XObject=Dictionary(I=image), Font=Dictionary(F=font))
        page.Contents = pdf.make_stream(
            b"q 200 0 0 200 50 600 cm /I Do Q BT /F 24 Tf 50 500 Td (Brake report %d) Tj ET" % (number + 1)
        )
        page.PieceInfo = Dictionary(App=Dictionary(Private=String("SECRET_PRIVATE")))
        page.LastModified = String("D:20260101120000Z")
        page.AA = Dictionary(O=Dictionary(S=Name.JavaScript, JS=String("SECRET_SCRIPT")))
        page.Thumb = image
    pdf.Root.AcroForm = Dictionary(Fields=Array(), DA=String("/F 12 Tf"))
    for page in pdf.pages:
        page.obj.Annots = Array(_notes(pdf, font))
        pdf.Root.AcroForm.Fields.append(page.obj.Annots[4])
    pdf.Root.OpenAction = Dictionary(S=Name.JavaScript, JS=String("app.alert('SECRET_SCRIPT')"))
    group = pdf.make_indirect(
        Dictionary(
            Type=Name.OCG,
            Name=String("Layer"),
            Usage=Dictionary(CreatorInfo=Dictionary(Creator=String("SECRET_LAYER"), Subtype=Name.Artwork)),
        )
    )
    pdf.Root.OCProperties = Dictionary(OCGs=Array([group]), D=Dictionary(Order=Array([group])))
    with pdf.open_outline() as outline:
        outline.root.append(pikepdf.OutlineItem("SECRET_BOOKMARK", 0))
    pdf.attachments["offer.txt"] = b"SECRET_FILE"
    with pdf.open_metadata() as metadata:
        metadata["dc:creator"] = ["SECRET_XMP"]
    pdf.docinfo["/Author"] = "SECRET_AUTHOR"
    pdf.docinfo["/Producer"] = "SECRET_TOOL"
    pdf.save(path)
    pdf.close()
    return path


def snapshot() -> bytes:
    """A red JPEG that tells its camera."""
    exif = Image.Exif()
    exif[0x010F] = "SECRET_CAMERA"
    buffer = io.BytesIO()
    Image.new("RGB", (64, 64), "red").save(buffer, "JPEG", exif=exif, quality=95)
    return buffer.getvalue()


def wrapped(path: Path, data: bytes, filters: list[str], parms: list[object] | None = None) -> Path:
    """A PDF whose one page shows one image of 64 by 64 px, which its `filters` have been laid around."""
    pdf = pikepdf.new()
    page = pdf.add_blank_page(page_size=(595, 842)).obj
    image = pdf.make_stream(data, Type=Name.XObject, Subtype=Name.Image, Width=64, Height=64)
    image.ColorSpace, image.BitsPerComponent = Name.DeviceRGB, 8
    image.Filter = Array([Name(f"/{one}") for one in filters])
    if parms:
        image.DecodeParms = Array(parms)
    page.Resources = Dictionary(XObject=Dictionary(I=image))
    page.Contents = pdf.make_stream(b"q 400 0 0 400 50 400 cm /I Do Q")
    pdf.save(path, compress_streams=False, stream_decode_level=pikepdf.StreamDecodeLevel.none)
    pdf.close()
    return path


def _notes(pdf: pikepdf.Pdf, font: pikepdf.Dictionary) -> list[pikepdf.Object]:
    rect = Array([50, 400, 150, 420])
    drawn = pdf.make_stream(b"/Tx BMC BT /F 12 Tf 2 4 Td (OK) Tj ET EMC", Type=Name.XObject, Subtype=Name.Form)
    drawn.BBox, drawn.Resources = Array([0, 0, 100, 20]), Dictionary(Font=Dictionary(F=font))
    link = Dictionary(Type=Name.Annot, Subtype=Name.Link, Rect=rect)
    return [
        pdf.make_indirect(Dictionary(**dict(_named(link), A=action)))
        for action in (
            Dictionary(S=Name.URI, URI=String("https://example.org/brakes")),
            Dictionary(S=Name.Launch, F=String("SECRET_PROGRAM")),
            Dictionary(S=Name.GoToR, F=String("SECRET_OUTSIDE"), D=Array([0, Name.Fit])),
        )
    ] + [
        pdf.make_indirect(
            Dictionary(
                Type=Name.Annot,
                Subtype=Name.Text,
                Rect=rect,
                T=String("SECRET_REVIEWER"),
                Contents=String("SECRET_NOTE"),
            )
        ),
        pdf.make_indirect(
            Dictionary(
                Type=Name.Annot,
                Subtype=Name.Widget,
                FT=Name.Tx,
                Rect=rect,
                T=String("SECRET_FIELD"),
                V=String("OK"),
                DA=String("/F 12 Tf"),
                AP=Dictionary(N=drawn),
            )
        ),
    ]


def _named(thing: pikepdf.Dictionary) -> dict[str, pikepdf.Object]:
    return {key[1:]: value for key, value in thing.items()}


def laid_open(path: Path) -> bytes:
    """The bytes of a PDF with every stream and object written in the clear."""
    target = path.with_suffix(".open")
    with pikepdf.open(path) as pdf:
        pdf.save(
            target,
            object_stream_mode=pikepdf.ObjectStreamMode.disable,
            stream_decode_level=pikepdf.StreamDecodeLevel.generalized,
            compress_streams=False,
        )
    return target.read_bytes()


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
