"""What each kind of output may consist of. Everything that is not listed is a trace."""

from collections.abc import Iterator
from pathlib import Path

from pipeline.privacy import boxes
from pipeline.privacy.search import Trace, chunks

# Fragmented MP4 as `transcode` writes it. Source: ISO/IEC 14496-12 and 23000-19 (CMAF); `btrt`, `pasp` and `colr`
# stand inside sample entries and describe pictures. No udta, meta, uuid, free, skip, edts.
_MP4 = frozenset(
    b"ftyp styp sidx prft moov mvhd trak tkhd mdia mdhd hdlr minf vmhd smhd dinf dref stbl stsd stts stsc stsz stco "
    b"co64 mvex mehd trex moof mfhd traf tfhd tfdt trun sbgp sgpd subs saiz saio mdat mfra tfra mfro".split()
)
_HANDLERS = {b"vide", b"soun"}
_HANDLER_NAMES = {b"", b"VideoHandler", b"SoundHandler"}
# JFIF, tables, frames and scans. Not among them: APP1 (EXIF, XMP), APP2 (profiles, more pictures), APP13 (IPTC), COM.
_JPEG = {0xE0, 0xDB, 0xC0, 0xC1, 0xC2, 0xC4, 0xDA, 0xDD}
_WEBP = {b"VP8 ", b"VP8L", b"VP8X", b"ALPH", b"ANIM", b"ANMF"}
_WEBP_METADATA_FLAGS = 0x2C  # ICC profile, EXIF and XMP bits of VP8X. Source: RFC 9649, 2.7
_PNG = {b"IHDR", b"PLTE", b"IDAT", b"IEND", b"tRNS", b"sRGB", b"gAMA", b"pHYs"}


def structure(path: Path, content_type: str) -> list[Trace]:
    """Every part of an output that has no place in a file of its type; an unknown type is a trace itself."""
    checks = {
        "video/mp4": _mp4,
        "audio/mp4": _mp4,
        "video/iso.segment": _mp4,
        "image/jpeg": _jpeg,
        "image/webp": _webp,
        "image/png": _png,
        "text/vtt": _text,
        "application/pdf": _text_free,
    }
    check = checks.get(content_type)
    return list(check(path)) if check else [Trace(f"the type {content_type}", "the whole file")]


def _mp4(path: Path) -> Iterator[Trace]:
    for box in boxes.walk(path):
        name = box.type.decode("latin-1")
        where = f"byte {box.start}"
        if box.type not in _MP4:
            yield Trace(f"a {name} box", where)
        elif box.type == b"hdlr":
            data = boxes.content(path, box, 4096)
            if data[8:12] not in _HANDLERS or data[24:].strip(b"\0") not in _HANDLER_NAMES:
                yield Trace("a handler with another type or name", where)
        elif box.type == b"stsd":
            # The first description; 50 bytes into a picture's stand 32 for its encoder's name (14496-12, 12.1.3.2).
            entry = boxes.content(path, box, 90)[8:]
            if entry[4:8] in (b"avc1", b"av01") and any(entry[50:82]):
                yield Trace("the name of an encoder", where)
        elif box.type in (b"mvhd", b"tkhd", b"mdhd"):
            data = boxes.content(path, box, 20)
            first = 4 + 4 * (1 + data[0]) * 2 if data[:1] in (b"\0", b"\1") else 0
            if not first or any(data[4:first]):
                yield Trace(f"a date in {name}", where)


def _jpeg(path: Path) -> Iterator[Trace]:
    data = path.read_bytes()
    at = 2
    if data[:2] != b"\xff\xd8":
        yield Trace("no JPEG", "byte 0")
        return
    while at + 4 <= len(data):
        marker = data[at + 1]
        if data[at] != 0xFF:
            yield Trace("bytes between segments", f"byte {at}")
            return
        if marker == 0xD9:
            break
        size = int.from_bytes(data[at + 2 : at + 4], "big")
        if marker not in _JPEG:
            yield Trace(f"a segment {marker:02X}", f"byte {at}")
        elif marker == 0xE0 and (data[at + 4 : at + 9] != b"JFIF\0" or size != 16):
            yield Trace("an APP0 other than JFIF without a thumbnail", f"byte {at}")
        at += 2 + size
        if marker == 0xDA:
            at = _after_scan(data, at)
    if data[at : at + 2] != b"\xff\xd9":
        yield Trace("no end of image", f"byte {at}")
    elif at + 2 != len(data):
        yield Trace(f"{len(data) - at - 2} bytes after the end of the image", f"byte {at + 2}")


def _after_scan(data: bytes, at: int) -> int:
    """Where the entropy-coded data ends: at the next marker that is neither a stuffed zero nor a restart."""
    while True:
        at = data.find(b"\xff", at)
        if at < 0 or at + 1 >= len(data):
            return len(data)
        if data[at + 1] != 0 and not 0xD0 <= data[at + 1] <= 0xD7:
            return at
        at += 2


def _webp(path: Path) -> Iterator[Trace]:
    data = path.read_bytes()
    if data[:4] != b"RIFF" or data[8:12] != b"WEBP":
        yield Trace("no WebP", "byte 0")
        return
    for kind, body in chunks(data):
        if kind not in _WEBP:
            yield Trace(f"a chunk {kind.decode('latin-1')}", f"{len(body)} bytes")
        elif kind == b"VP8X" and body[0] & _WEBP_METADATA_FLAGS:
            yield Trace("flags of metadata", "VP8X")


def _png(path: Path) -> Iterator[Trace]:
    data = path.read_bytes()
    at, kind = 8, b""
    while at + 8 <= len(data) and kind != b"IEND":
        size, kind = int.from_bytes(data[at : at + 4], "big"), data[at + 4 : at + 8]
        if kind not in _PNG:
            yield Trace(f"a chunk {kind.decode('latin-1')}", f"byte {at}")
        at += 12 + size
    if at != len(data):
        yield Trace("bytes after the end of the image", f"byte {at}")


def _text(path: Path) -> Iterator[Trace]:
    """WebVTT: times and our own file name, line by line."""
    for number, line in enumerate(path.read_text("utf-8").splitlines(), 1):
        if line and not (line == "WEBVTT" or " --> " in line or line.startswith("storyboard.jpg#xywh=")):
            yield Trace("a line that is no cue", f"line {number}")


def _text_free(path: Path) -> Iterator[Trace]:
    """A PDF's outside; its objects are looked at by `proof.document`, which opens it."""
    data = path.read_bytes()
    if not data.startswith(b"%PDF-"):
        yield Trace("no PDF", "byte 0")
    for word in (b"/EmbeddedFile", b"/JavaScript", b"/Launch", b"/Producer", b"/PieceInfo"):
        if word in data:
            yield Trace(f"the key {word.decode()}", f"byte {data.find(word)}")
