"""A PDF for the customer: its pages as they look, and nothing that acts, hides or tells who wrote it.

For the crew, through `measure` and `make`. The original's object graph is cut down to lists of what pages need; visible
forms and notes become part of the page; the first page becomes a picture. Never runs anything inside the file.
"""

import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pikepdf
import pypdfium2
from pikepdf import Array, Dictionary, Name

from pipeline import plan as plans
from pipeline import privacy
from pipeline import source as sources
from pipeline.errors import Encrypted, TooManyPages, TooManyPixels, Unreadable
from pipeline.plan import Output, Plan, Queue
from pipeline.presets import load, recipe
from pipeline.source import Document, Kind, Source

# What the catalog, the page tree and a page may say. Source: ISO 32000-2, tables 29, 30 and 31. Left out: Names (files,
# scripts), OpenAction, AA, AcroForm, Metadata, Outlines, PieceInfo, Collection, Perms, StructTreeRoot, Thumb, AF, VP …
CATALOG_KEYS = frozenset({"/Type", "/Version", "/Pages", "/PageLabels", "/OCProperties", "/Lang"})
TREE_KEYS = frozenset({"/Type", "/Parent", "/Kids", "/Count", "/Resources", "/MediaBox", "/CropBox", "/Rotate"})
PAGE_KEYS = TREE_KEYS - {"/Kids", "/Count"} | {
    "/Contents", "/BleedBox", "/TrimBox", "/ArtBox", "/Group", "/UserUnit", "/Annots"
}  # fmt: skip
# Anywhere else: metadata, private data of programs, dates, actions, files, places, references to files outside.
FORBIDDEN_KEYS = frozenset(
    {"/Metadata", "/PieceInfo", "/LastModified", "/CreatorInfo", "/ID", "/Thumb", "/Alternates", "/OPI", "/Ref"}
    | {"/AA", "/JS", "/OpenAction", "/AF", "/EF", "/Measure", "/PtData", "/StructParent", "/StructParents"}
)
# Notes about the document rather than parts of it, and things that play.
_NOT_DRAWN = {"/Text", "/Popup", "/FileAttachment", "/Sound", "/Movie", "/Screen", "/RichMedia", "/3D", "/Projection"}
_LINKS = ("http://", "https://", "mailto:", "tel:")
# Images coded as such, and what leaves their pixels alone.
_BARE = {Name.DCTDecode: privacy.bare_jpeg, Name.DCT: privacy.bare_jpeg, Name.JPXDecode: privacy.bare_jp2}
IMAGE_BYTES = 1 << 28  # of one coded image; the largest sheet that is scanned has a tenth of it
PAGE_EDGE = 1200  # px, long edge of the first page's picture: a phone at 3x
PAGE_QUALITY = 85

_BROKEN = (
    *(pikepdf.PdfError, pikepdf.DataDecodingError, zlib.error),
    *(ValueError, KeyError, TypeError, AttributeError),
)


def measure(path: Path, preset_name: str) -> dict[str, Any]:
    """`{"source", "plan"}` of a PDF, as JSON.

    Raises: Encrypted; Unreadable when it does not parse or has no page; TooManyPages above the preset's pages.
    """
    limit = load(preset_name).limits.pages
    with _opened(path) as pdf:
        pages = len(pdf.pages)
    if pages == 0:
        raise Unreadable("0 pages")
    if pages > limit:
        raise TooManyPages(f"{pages} pages, limit {limit}")
    source = Source(
        kind=Kind.DOCUMENT,
        container="PDF",
        bytes=path.stat().st_size,
        document=Document(pages),
        private=tuple(sorted(privacy.collect(path, "PDF"))),
    )
    plan = Plan(recipe=recipe(preset_name), preset=preset_name, outputs=(Output("document", Queue.EXPRESS, 1.0),))
    return {"source": sources.to_json(source), "plan": plans.to_json(plan)}


def make(path: Path, out: Path, on_progress: Callable[[float], None]) -> dict[str, Any]:
    """`document.pdf`, cleaned, and `page.jpg`, its first page, in `out`; progress runs from 0 to 1.

    Raises: Encrypted, Unreadable, TooManyPixels.
    """
    clean, picture = out / "document.pdf", out / "page.jpg"
    with _opened(path) as pdf:
        _clean(pdf)
        on_progress(0.5)
        # linearize: the first page shows before the last byte has come. deterministic_id: no time and no name in /ID.
        pdf.save(clean, linearize=True, deterministic_id=True, object_stream_mode=pikepdf.ObjectStreamMode.generate)
        pages = len(pdf.pages)
    on_progress(0.7)
    width, height = _draw(clean, picture)
    files = [(clean, "application/pdf"), (picture, "image/jpeg")]
    return {
        "files": [{"path": f.name, "bytes": f.stat().st_size, "content_type": kind} for f, kind in files],
        "facts": {"pages": pages, "width": width, "height": height},
    }


@contextmanager
def _opened(path: Path) -> Iterator[pikepdf.Pdf]:
    try:
        with pikepdf.open(path) as pdf:
            if pdf.is_encrypted:
                raise Encrypted("an encryption dictionary")
            yield pdf
    except pikepdf.PasswordError as error:
        raise Encrypted("needs a password") from error
    except MemoryError as error:
        raise TooManyPixels("a PDF that takes more memory than there is") from error
    except _BROKEN as error:
        raise Unreadable(f"PDF: {str(error)[:200]}") from error


def _clean(pdf: pikepdf.Pdf) -> None:
    """Cut the document down, in place; what nothing refers to any more is not written."""
    for page in pdf.pages:
        shown = [note for note in page.obj.get("/Annots", ()) if _subtype(note) not in _NOT_DRAWN]
        page.obj.Annots = Array(shown)
    if "/AcroForm" in pdf.Root:
        pdf.generate_appearance_streams()
    # What forms and notes show becomes part of the page; what they hold goes with them.
    pdf.flatten_annotations("all")
    for page in pdf.pages:
        links = [link for note in page.obj.get("/Annots", ()) if (link := _link(note)) is not None]
        _keep(page.obj, PAGE_KEYS - {"/Annots"})
        if links:
            page.obj.Annots = pdf.make_indirect(Array(links))
    _keep(pdf.Root, CATALOG_KEYS)
    for key in ("/Info", "/ID"):
        if key in pdf.trailer:
            del pdf.trailer[key]
    for thing in pdf.objects:
        _strip(thing)
        if isinstance(thing, Dictionary) and thing.get("/Type") == Name.Pages:
            _keep(thing, TREE_KEYS)
        if isinstance(thing, pikepdf.Stream):
            _strip_stream(thing)


def _subtype(note: Any) -> str:
    return str(note.get("/Subtype", "")) if isinstance(note, Dictionary) else "/Popup"


def _link(note: Any) -> Dictionary | None:
    """A link to the outside, made anew; every other action (scripts, programs, forms, files) is left behind."""
    action = note.get("/A") if _subtype(note) == "/Link" else None
    if not isinstance(action, Dictionary) or action.get("/S") != Name.URI or "/Rect" not in note:
        return None
    address = str(action.get("/URI", ""))
    if not address.lower().startswith(_LINKS):
        return None
    return Dictionary(
        Type=Name.Annot,
        Subtype=Name.Link,
        Rect=note.Rect,
        Border=Array([0, 0, 0]),
        A=Dictionary(S=Name.URI, URI=pikepdf.String(address)),
    )


def _keep(thing: Any, keys: frozenset[str]) -> None:
    for key in set(thing.keys()) - keys:
        del thing[key]


def _strip(thing: Any, depth: int = 0) -> None:
    """Remove the forbidden keys of one object and of what stands directly inside it."""
    if depth > 50:
        raise ValueError("objects nested more than 50 deep")
    if isinstance(thing, (Dictionary, pikepdf.Stream)):
        for key in FORBIDDEN_KEYS.intersection(thing.keys()):
            del thing[key]
        children = [value for _, value in thing.items()]
    elif isinstance(thing, Array):
        children = list(thing)
    else:
        return
    for child in children:
        if isinstance(child, (Dictionary, Array)) and not child.is_indirect:
            _strip(child, depth + 1)


def _strip_stream(stream: pikepdf.Stream) -> None:
    """Forget a file outside that a stream points to, and what an image inside a page says about its camera.

    Raises: TooManyPixels for an image that is nothing but size; Unreadable for one that is wrapped in what cannot be
    taken off, for what it says would stay.
    """
    for key in ("/F", "/FFilter", "/FDecodeParms"):
        if key in stream:
            del stream[key]
    names, parms = _listed(stream.get("/Filter")), _listed(stream.get("/DecodeParms"))
    coded = next((at for at, name in enumerate(names) if name in _BARE), None)
    if coded is None:
        return
    data = _BARE[names[coded]](_unwrapped(stream, names[:coded], parms))
    told = (parms + [None] * len(names))[coded : len(names)]
    with_parms = any(isinstance(one, Dictionary) for one in told)
    stream.write(data, filter=Array(names[coded:]), decode_parms=Array(told) if with_parms else None)


def _listed(value: Any) -> list[Any]:
    return list(value) if isinstance(value, Array) else [] if value is None else [value]


def _unwrapped(stream: pikepdf.Stream, filters: list[Any], parms: list[Any]) -> bytes:
    """The bytes of a coded image, out of the filters around it."""
    data = stream.read_raw_bytes()
    if not filters:
        return data
    if filters == [Name.FlateDecode] and not any(isinstance(one, Dictionary) for one in parms[:1]):
        inflate = zlib.decompressobj()
        whole = inflate.decompress(data, IMAGE_BYTES)
        if inflate.unconsumed_tail:
            raise TooManyPixels(f"an image of more bytes than {IMAGE_BYTES}, the limit")
        return whole
    with pikepdf.new() as apart:
        told = [Dictionary(dict(one)) if isinstance(one, Dictionary) else None for one in parms[: len(filters)]]
        wrapped = pikepdf.Stream(apart, data, Filter=Array(filters), DecodeParms=Array(told))
        return wrapped.read_bytes(pikepdf.StreamDecodeLevel.specialized)


def _draw(pdf: Path, picture: Path) -> tuple[int, int]:
    """The first page as a JPEG on white; its width and height, px."""
    try:
        document = pypdfium2.PdfDocument(pdf)
        try:
            page = document[0]
            scale = PAGE_EDGE / max(*page.get_size(), 1.0)
            still = page.render(scale=scale, may_draw_forms=False).to_pil().convert("RGB")
        finally:
            document.close()
    except MemoryError as error:
        raise TooManyPixels("a first page that takes more memory than there is") from error
    except (pypdfium2.PdfiumError, ValueError) as error:
        raise Unreadable(f"the first page cannot be drawn: {error}") from error
    still.save(picture, "JPEG", quality=PAGE_QUALITY, progressive=True, optimize=True)
    width, height = still.size
    return width, height
