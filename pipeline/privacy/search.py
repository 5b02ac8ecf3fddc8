"""The strings of a source, looked for in the bytes of an output."""

import re
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from pipeline.privacy import boxes

# Below this many bytes a string is likely enough to occur by chance in megabytes of compressed picture (5 bytes: once
# in 100,000 outputs of 10 MB, times a hundred strings), so it is looked for only around the picture data.
BY_CHANCE = 6  # bytes

_PRINTABLE = re.compile(rb"[\t\n\r\x20-\x7e]{6,}")
_JPEG_SCAN = re.compile(rb"\xff\xda.*\xff\xd9", re.DOTALL)
_PDF_STREAM = re.compile(rb"\bstream\r?\n.*?endstream", re.DOTALL)


@dataclass(frozen=True)
class Trace:
    """Something in an output that should not be there. `what` never quotes the source: it is written to logs."""

    what: str
    where: str


def search(path: Path, needles: Collection[str]) -> list[Trace]:
    """Every needle that occurs in the file's bytes, as UTF-8, Latin-1, UTF-16LE or UTF-16BE."""
    data = path.read_bytes()
    around = _around(path, data)
    # Plain text and both UTF-16 forms of it are the same once zeros are gone; only printable runs are worth a look, and
    # they are a hundredth of a picture's bytes: a hundred needles then cost no more than one.
    printable = b"\0".join(_PRINTABLE.findall(data.translate(None, b"\0")))
    traces = []
    for needle in needles:
        plain = needle.isascii() and len(needle) >= BY_CHANCE
        if plain and needle.encode() not in printable:
            continue
        found = _found(needle, data, around)
        if found or plain:
            traces.append(Trace(f"a text of the source, {len(needle)} characters", found or "scattered over zeros"))
    return traces


def _found(needle: str, data: bytes, around: bytes) -> str:
    """Where a needle stands and in which encoding; empty if nowhere."""
    for encoding in ("utf-8", "latin-1", "utf-16-le", "utf-16-be"):
        try:
            pattern = needle.encode(encoding)
        except UnicodeEncodeError:
            continue
        at = (data if len(needle) >= BY_CHANCE else around).find(pattern)
        if at >= 0:
            return f"byte {at} as {encoding}"
    return ""


def _around(path: Path, data: bytes) -> bytes:
    """A file's bytes without its compressed pictures and sound."""
    if data[4:8] in (b"ftyp", b"styp", b"moof"):
        media = [box for box in boxes.walk(path) if box.type == b"mdat"]
        parts, at = [], 0
        for box in media:
            parts.append(data[at : box.start])
            at = box.end
        return b"\0".join([*parts, data[at:]])
    if data.startswith(b"\xff\xd8"):
        return _JPEG_SCAN.sub(b"\0", data)
    if data.startswith(b"RIFF"):
        return b"\0".join(body for kind, body in chunks(data) if kind not in (b"VP8 ", b"VP8L", b"ALPH", b"ANMF"))
    if data.startswith(b"%PDF"):
        return _PDF_STREAM.sub(b"\0", data)
    return data


def chunks(data: bytes) -> list[tuple[bytes, bytes]]:
    """The chunks of a RIFF file (WebP): type and content. A tail that is no chunk has the type `????`."""
    found, at = [], 12
    end = min(len(data), 8 + int.from_bytes(data[4:8], "little"))
    while at + 8 <= end:
        size = int.from_bytes(data[at + 4 : at + 8], "little")
        found.append((data[at : at + 4], data[at + 8 : at + 8 + size]))
        at += 8 + size + (size & 1)
    if data[min(at, end) :]:
        found.append((b"????", data[min(at, end) :]))
    return found
