"""The proof of a document: its objects against the lists of what it may hold, its first page as a picture."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pikepdf
import pypdfium2

from pipeline.document import CATALOG_KEYS, FORBIDDEN_KEYS, PAGE_KEYS
from pipeline.errors import ProofFailed
from pipeline.privacy import Trace
from pipeline.proof.expect import clean, expect, same
from pipeline.proof.stills import still
from pipeline.source import Source

# Only in an action, an attachment or a form; none of them survives.
_ACTIONS = {"/JavaScript", "/Launch", "/SubmitForm", "/ImportData", "/GoToR", "/GoToE", "/Rendition", "/Hide"}
# Texts that stay although they may be the source's as well: an address is what the reader is shown and sent to;
# without its language, and the names of fonts and alphabets, a page is read out or drawn wrong.
_STAYING = {"/URI", "/Lang", "/FontFamily", "/Registry", "/Ordering"}
_CODED = {"/DCTDecode", "/DCT", "/JPXDecode"}
# How metadata begins in a JPEG or a JPEG 2000; six bytes and more are no chance.
_MARKS = {
    b"Exif\0\0": "EXIF",
    b"http://ns.adobe.com/": "XMP",
    b"<x:xmpmeta": "XMP",
    b"Photoshop 3.0\0": "IPTC",
    b"JpgTiffExif->JP2": "EXIF",
}
_TRAILER = {"/Root", "/Size", "/ID", "/Prev", "/Type", "/W", "/Index", "/Filter", "/DecodeParms", "/Length"}


def document(out: Path, made: dict[str, Any], source: Source) -> dict[str, Any]:
    """Prove `document.pdf` and `page.jpg` in `out`. Returns the facts, with what was measured beside them: `objects`,
    how many were looked at, and the `brightness` of the page (0 to 255).

    Raises: ProofFailed.
    """
    assert source.document is not None
    facts = made["facts"]
    for file in made["files"]:
        path = out / file["path"]
        same(f"size of {path.name}", path.stat().st_size, file["bytes"])
        clean(path, file["content_type"], source.private)
    path = out / "document.pdf"
    try:
        with pikepdf.open(path) as pdf:
            same("pages", len(pdf.pages), source.document.pages)
            expect(not pdf.is_encrypted, "document", "encrypted", "plain")
            objects = len(pdf.objects)
            traces = list(_traces(pdf, [text.casefold() for text in source.private]))
        again = pypdfium2.PdfDocument(path)
        drawn = len(again)
        again.close()
    except (pikepdf.PdfError, pypdfium2.PdfiumError) as error:
        raise ProofFailed(f"{path.name} does not open: {error}") from error
    if traces:
        raise ProofFailed(f"{path.name} holds {len(traces)} traces, limit 0: {traces[0].what} in {traces[0].where}")
    same("pages drawn", drawn, source.document.pages)
    page = still(out / "page.jpg", "image/jpeg", (facts["width"], facts["height"]), (), dark=lambda: True)
    return {**facts, "objects": objects, "brightness": page["brightness"]}


def _traces(pdf: pikepdf.Pdf, private: list[str]) -> Iterator[Trace]:
    for where, thing, allowed in (("trailer", pdf.trailer, _TRAILER), ("catalog", pdf.Root, CATALOG_KEYS)):
        for key in set(thing.keys()) - allowed:
            yield Trace(f"the key {key}", where)
    for number, page in enumerate(pdf.pages, 1):
        for key in set(page.obj.keys()) - PAGE_KEYS:
            yield Trace(f"the key {key}", f"page {number}")
    for thing in pdf.objects:
        if isinstance(thing, pikepdf.Stream) and thing.get("/Type") == pikepdf.Name.XRef:
            continue  # the trailer of a file with compressed objects, looked at above
        where = f"object {thing.objgen[0]}"
        yield from _within(thing, private, where, 0)
        if isinstance(thing, pikepdf.Stream):
            yield from _beside_pixels(thing, where)


def _beside_pixels(stream: pikepdf.Stream, where: str) -> Iterator[Trace]:
    """What a coded image says about its camera; nothing may be wrapped around one, where it would not be seen."""
    filters = stream.get("/Filter")
    names = [str(one) for one in filters] if isinstance(filters, pikepdf.Array) else [str(filters)]
    if not _CODED.intersection(names):
        return
    if names[0] not in _CODED:
        yield Trace(f"an image inside {names[0]}", where)
    data = stream.read_raw_bytes()
    for mark, what in _MARKS.items():
        if mark in data:
            yield Trace(f"{what} in an image", where)


def _within(thing: Any, private: list[str], where: str, depth: int) -> Iterator[Trace]:
    """Forbidden keys, actions, and strings of the source, in one object and what stands directly inside it."""
    children: list[Any] = []
    if isinstance(thing, (pikepdf.Dictionary, pikepdf.Stream)):
        for key in FORBIDDEN_KEYS.intersection(thing.keys()):
            yield Trace(f"the key {key}", where)
        if str(thing.get("/S", "")) in _ACTIONS:
            yield Trace(f"the action {thing.get('/S')}", where)
        children = [value for key, value in thing.items() if key not in _STAYING]
    elif isinstance(thing, pikepdf.Array):
        children = list(thing)
    for child in children:
        if isinstance(child, pikepdf.String):
            text = str(child).casefold()
            if any(needle in text for needle in private):
                yield Trace("a text of the source", where)
        elif isinstance(child, (pikepdf.Dictionary, pikepdf.Array)) and not child.is_indirect and depth < 50:
            yield from _within(child, private, where, depth + 1)
