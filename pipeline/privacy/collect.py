"""What a source says beside its picture and sound: names, devices, software, places, dates, comments.

Reads the margins of a file only, never a frame. A margin that cannot be read says nothing and stops nobody. What reads
photos and PDFs is imported where it is needed: a film, and each of its chunks, would pay for it at every start.
"""

import re
import warnings
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import av

from pipeline import engine
from pipeline.errors import BROKEN
from pipeline.privacy import boxes
from pipeline.privacy.needles import needles

# Boxes that hold what a person or a device wrote; everything else in a film describes pictures and sound.
_TALKATIVE = {b"udta", b"meta", b"uuid", b"free", b"skip", b"wide", b"hdlr"}
# A tail that is no box is most often a piece of picture data that was cut.
_KNOWN_TOP = {b"????", b"ftyp", b"styp", b"moov", b"moof", b"mdat", b"sidx", b"mfra", b"ssix", b"prft"}
_MOST_BYTES = 262_144  # of one box; a longer one is a picture or a table
_BEYOND_CHANCE = 8  # characters: longer than what reads as text in binary data, and than a box's name and size

# UTF-8 text of four bytes and more, and the same as UTF-16 for the Latin letters that names are written in.
_UTF8 = re.compile(
    rb"(?:[\x20-\x7e\r\n\t]|[\xc3-\xdf][\x80-\xbf]|[\xe1-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3}){4,}"
)
_UTF16 = {
    "utf-16-le": re.compile(rb"(?:[\x20-\x7e\xc0-\xff]\0){4,}"),
    "utf-16-be": re.compile(rb"(?:\0[\x20-\x7e\xc0-\xff]){4,}"),
}
# An index that was replaced and left behind in a box of padding: box names after their sizes (below 16 MB).
_OLD_INDEX = re.compile(rb"\0[\0-\xff]{3}(?:trak|mdia|minf|stbl|mvhd|tkhd|mdhd|stsd|stts|stsz|stsc|stco|co64)")
_MARKUP = re.compile(r"[<>]|\b[\w:]+\s*=\s*[\"']|[\"']")

_BRANDS = ("major_brand", "minor_version", "compatible_brands")
_PICTURES = {13, 14, 27}  # JPEG, PNG and BMP covers. Source: QuickTime File Format, "Well-known types"
_SUB_IFDS = (0x8769, 0x8825, 0xA005)  # EXIF, GPS, interoperability. Source: CIPA DC-008
_GPS = 0x8825
_MAKER_NOTE = 0x927C
_WINDOWS_TEXTS = range(0x9C9B, 0x9CA0)  # title, comment, author, keywords, subject as UTF-16LE

# Tags around what XMP says about the pages themselves, and they say too: fonts, inks, sizes, language.
_OF_PAGES = re.compile(rb"<(/?)(xmpTPg:\w+|dc:language)\b[^<>]*(?<!/)>")
_MOST_XMP = 1 << 20  # bytes, inflated: more texts than are looked for


def collect(path: Path, format: str) -> frozenset[str]:
    """The strings of a source that must not be found in anything made from it; `format` as sniffed."""
    texts: list[str] = []
    places: list[tuple[float, float]] = []
    if format == "PDF":
        texts.extend(_pdf(path))
    elif format in ("mov", "matroska", "avi", "mpegts"):
        if format == "mov":
            texts.extend(_mov(path, places))
        texts.extend(_tags(path, format))
    else:
        _photo(path, format, texts, places)
    return needles(texts, places)


def printable(data: bytes) -> list[str]:
    """The texts in a block of bytes, in the order of UTF-8, UTF-16LE, UTF-16BE; markup is taken apart."""
    found = [match.decode("utf-8", "ignore") for match in _UTF8.findall(data)]
    for encoding, pattern in _UTF16.items():
        found += [match.decode(encoding) for match in pattern.findall(data)]
    return [part.strip() for text in found for part in _MARKUP.split(text) if part.strip()]


def _mov(path: Path, places: list[tuple[float, float]]) -> Iterator[str]:
    for box in boxes.walk(path):
        top = len(box.path) == 1 and box.type not in _KNOWN_TOP
        if not top and not _TALKATIVE.intersection(box.path):
            continue
        if box.type in boxes.CONTAINERS or box.path[-2:-1] == (b"ilst",):
            continue
        data = boxes.content(path, box, _MOST_BYTES)
        if box.type == b"hdlr":
            data = data[24:]  # version, type and maker stand before the name
        elif box.type == b"loci":
            places.extend(_loci(data))
        elif box.type == b"data" and int.from_bytes(data[:4], "big") in _PICTURES:
            yield from _long(data)
            continue
        elif box.type == b"data":
            data = data[8:]
        elif box.type[:1] == b"\xa9" and box.path[-2:-1] == (b"udta",):
            data = data[4:]  # QuickTime puts length and language before the text
        if _OLD_INDEX.search(data):
            # The names of its boxes stand in every film, ours too.
            yield from (text for text in printable(data) if len(text) >= _BEYOND_CHANCE)
        else:
            yield from printable(data)


def _long(data: bytes) -> list[str]:
    """Texts between binary data: short ones there are chance."""
    return [text for text in printable(data)[:200] if len(text) >= _BEYOND_CHANCE][:20]


def _loci(data: bytes) -> Iterator[tuple[float, float]]:
    """3GPP's place: after the name, a role and three 16.16 numbers: longitude, latitude, altitude (TS 26.244)."""
    end = data.find(b"\0", 6)
    numbers = data[end + 2 : end + 10]
    if end > 0 and len(numbers) == 8:
        longitude, latitude = (int.from_bytes(numbers[at : at + 4], "big", signed=True) / 65536 for at in (0, 4))
        yield latitude, longitude


def _tags(path: Path, format: str) -> Iterator[str]:
    """What the demuxer itself reports; the only way into Matroska, AVI and transport streams."""
    options = {"protocol_whitelist": "file", "format_whitelist": format, "max_streams": "64"}
    how: dict[str, Any] = {"container_options": options, "stream_options": engine.unseen(format)}
    try:
        with av.open(str(path), format=format, metadata_errors="ignore", **how) as container:
            said = [container.metadata, *(stream.metadata for stream in container.streams)]
            said += [chapter["metadata"] for chapter in container.chapters()]
    except (av.FFmpegError, *BROKEN):
        return  # the probe, not this room, says what is wrong with a film
    for tags in said:
        for key, value in tags.items():
            if key.casefold() not in _BRANDS:
                yield from _texts(value)


def _photo(path: Path, format: str, texts: list[str], places: list[tuple[float, float]]) -> None:
    from PIL import Image, UnidentifiedImageError

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            if format == "HEIF":
                import pillow_heif

                info: dict[Any, Any] = dict(pillow_heif.open_heif(path).info)
            else:
                with Image.open(path, formats=(format,)) as image:
                    info = dict(image.info)
        except (*BROKEN, UnidentifiedImageError):
            return
        for name, value in info.items():
            if name == "exif" and isinstance(value, bytes):
                _exif(value, texts, places)
            elif name == "photoshop" and isinstance(value, dict):
                for block in value.values():
                    texts.extend(printable(block) if isinstance(block, bytes) else ())
            elif name == "Raw profile type exif" and isinstance(value, str):
                _exif(_unwrapped(value), texts, places)
            elif name == "Raw profile type xmp" and isinstance(value, str):
                texts.extend(printable(_unwrapped(value)))
            elif name not in ("icc_profile", "extension", "version"):
                texts.extend(_texts(value))


def _unwrapped(text: str) -> bytes:
    """EXIF as ImageMagick hides it in a PNG's text: name, length, then hexadecimal digits."""
    match text.split():
        case [_, length, *digits] if length.isdigit():
            try:
                return bytes.fromhex("".join(digits)[: 2 * int(length)])
            except ValueError:
                return b""
    return b""


def _exif(blob: bytes, texts: list[str], places: list[tuple[float, float]]) -> None:
    from PIL import Image

    exif = Image.Exif()
    try:
        exif.load(blob)
        ifds = [dict(exif), *(exif.get_ifd(tag) for tag in _SUB_IFDS)]
    except BROKEN:
        texts.extend(printable(blob))
        return
    for ifd in ifds:
        for tag, value in ifd.items():
            if tag == _MAKER_NOTE and isinstance(value, bytes):
                texts.extend(_long(value))
            elif tag in _WINDOWS_TEXTS and isinstance(value, bytes):
                texts.append(value.decode("utf-16-le", "ignore"))
            else:
                texts.extend(_texts(value))
    place = _gps(exif.get_ifd(_GPS))
    if place:
        places.append(place)


def _gps(ifd: dict[int, Any]) -> tuple[float, float] | None:
    """Latitude and longitude, degrees, of an EXIF GPS directory."""
    try:
        angles = [sum(float(part) / 60**power for power, part in enumerate(ifd[tag])) for tag in (2, 4)]
    except BROKEN:
        return None
    return (angles[0], angles[1]) if all(abs(angle) <= 180 for angle in angles) else None


def _texts(value: object) -> list[str]:
    if isinstance(value, str):
        return printable(value.encode("utf-8", "ignore"))
    if isinstance(value, bytes):
        return printable(value)
    return []


def _pdf(path: Path) -> Iterator[str]:
    """The document's information and XMP. Its title and subject are left out: they may stand on its pages too."""
    import pikepdf

    try:
        with pikepdf.open(path) as pdf:
            for name, value in pdf.docinfo.items():
                if name not in ("/Title", "/Subject", "/Keywords"):
                    yield from _texts(str(value))
            metadata = pdf.Root.get("/Metadata")
            if isinstance(metadata, pikepdf.Stream):
                yield from printable(_beside_pages(_beginning(metadata)))
    except (pikepdf.PdfError, zlib.error, *BROKEN):
        return  # `document` says what is wrong with it


def _beginning(metadata: Any) -> bytes:
    """Of a stream of XMP: a few kB become GBs, if it likes, where all of it is inflated."""
    if str(metadata.get("/Filter")) == "/FlateDecode" and "/DecodeParms" not in metadata:
        return zlib.decompressobj().decompress(metadata.read_raw_bytes(), _MOST_XMP)
    return bytes(metadata.read_bytes()[:_MOST_XMP])


def _beside_pages(xmp: bytes) -> bytes:
    """XMP without what it says about the pages. Each tag is looked at twice, however few of them are closed."""
    tags = [(tag, tag[1] == b"/", tag[2]) for tag in _OF_PAGES.finditer(xmp)]
    closed = {name: tag.start() for tag, closing, name in tags if closing}
    kept, at, inside = [], 0, b""
    for tag, closing, name in tags:
        if not inside and not closing and closed.get(name, 0) > tag.start():
            kept.append(xmp[at : tag.start()])
            inside = name
        elif closing and name == inside:
            at, inside = tag.end(), b""
    return b"".join([*kept, xmp[at:]])
