"""The first bytes of a file say what it is, or that we do not take it.

The name and the declared type of an upload are never asked. The answer names the one demuxer or decoder that every
later step must force, so that no engine ever guesses for itself: a text that a player would follow to other files
(ffconcat, HLS, DASH, SDP, SVG) is in no list here and ends as `UnknownType`, whatever it is called. Nothing is decoded.
"""

from dataclasses import dataclass
from pathlib import Path

from pipeline.errors import Empty, Encrypted, NoPicture, UnknownType
from pipeline.source import Kind

__all__ = ["Kind", "Sniffed", "sniff"]

# Enough for the brands of every real `ftyp`, two transport-stream packets, and the first list of an AVI.
HEAD_BYTES = 16_384


@dataclass(frozen=True)
class Sniffed:
    """`format` is the engine's own word for what to force: an ffmpeg demuxer for films (`mov`, `matroska`, `avi`,
    `mpegts`), a Pillow format for photos (`JPEG`, `PNG`, `WEBP`, `GIF`, `HEIF`, `AVIF`), `PDF` for documents."""

    kind: Kind
    format: str
    mime: str


# Boxes with which QuickTime files older than `ftyp` begin. Source: QuickTime File Format (2001), "Movie Atoms".
_QUICKTIME_OPENINGS = (b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot")
_AVIF_BRANDS = {b"avif", b"avis"}
# Source: ISO/IEC 23008-12 (HEIF), annex B and E: still pictures and sequences coded with HEVC.
_HEIF_BRANDS = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs"}
_HEIF_STRUCTURE_BRANDS = {b"mif1", b"mif2", b"msf1", b"miaf"}
# FairPlay music and film, and the OMA container: their sample data are encrypted, always.
_PROTECTED_BRANDS = {b"M4P ", b"M4VP", b"odcf", b"opf2"}
_SOUND_BRANDS = {b"M4A ", b"M4B ", b"F4A ", b"F4B "}
# ISO files that are no film: JPEG 2000, JPEG XL and Canon's raw photos.
_FOREIGN_BRANDS = {b"jp2 ", b"jpx ", b"jpm ", b"mjp2", b"jxl ", b"crx "}
# Sound in its own containers: recognised only so that the technician hears the true reason.
_SOUND = (b"ID3", b"fLaC", b"#!AMR", b"\xff\xfb", b"\xff\xf3", b"\xff\xf1", b"\xff\xf9")


def sniff(path: Path) -> Sniffed:
    """The kind of a file and the decoder to force, from its first 16 KB.

    Files with only sound in a film's container (`m4a`) pass as films: the probe says `NoPicture`, having looked.

    Raises: Empty; UnknownType for everything that is not in the list; NoPicture for pure sound formats; Encrypted where
    the brand alone says so.
    """
    with path.open("rb") as file:
        head = file.read(HEAD_BYTES)
    if not head:
        raise Empty("0 bytes")
    found = _photo(head) or _iso(head) or _film(head) or _document(head)
    if found is None:
        if head.startswith(_SOUND) or (head[:4] == b"RIFF" and head[8:12] == b"WAVE"):
            raise NoPicture("a sound format, by its first bytes")
        raise UnknownType(f"first bytes {head[:12].hex(' ')}")
    return found


def _photo(head: bytes) -> Sniffed | None:
    if head.startswith(b"\xff\xd8\xff"):
        return Sniffed(Kind.PHOTO, "JPEG", "image/jpeg")
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return Sniffed(Kind.PHOTO, "PNG", "image/png")
    if head.startswith((b"GIF87a", b"GIF89a")):
        return Sniffed(Kind.PHOTO, "GIF", "image/gif")
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return Sniffed(Kind.PHOTO, "WEBP", "image/webp")
    return None


def _iso(head: bytes) -> Sniffed | None:
    """ISO base media: films, and the still pictures that share their boxes."""
    if head[4:8] in _QUICKTIME_OPENINGS:
        return Sniffed(Kind.FILM, "mov", "video/quicktime")
    if head[4:8] != b"ftyp":
        return None
    size = int.from_bytes(head[:4], "big")
    if size < 12 or size > len(head) or size % 4:
        raise UnknownType(f"an ftyp box of {size} bytes, limit {HEAD_BYTES}")
    major = head[8:12]
    brands = {major, *(head[at : at + 4] for at in range(16, size, 4))}
    if major in _PROTECTED_BRANDS:
        raise Encrypted(f"brand {major.decode('ascii', 'replace')}")
    if major in _FOREIGN_BRANDS:
        raise UnknownType(f"brand {major.decode('ascii', 'replace')}")
    if major in _AVIF_BRANDS:
        return Sniffed(Kind.PHOTO, "AVIF", "image/avif")
    if major in _HEIF_BRANDS:
        return Sniffed(Kind.PHOTO, "HEIF", "image/heic")
    if major in _HEIF_STRUCTURE_BRANDS:
        # The major brand names only the structure; the codec is among the compatible ones.
        if brands & _AVIF_BRANDS and not brands & _HEIF_BRANDS:
            return Sniffed(Kind.PHOTO, "AVIF", "image/avif")
        return Sniffed(Kind.PHOTO, "HEIF", "image/heif")
    if major in _SOUND_BRANDS:
        return Sniffed(Kind.FILM, "mov", "audio/mp4")
    if major == b"qt  ":
        return Sniffed(Kind.FILM, "mov", "video/quicktime")
    if major[:2] == b"3g":
        return Sniffed(Kind.FILM, "mov", "video/3gpp")
    return Sniffed(Kind.FILM, "mov", "video/mp4")


def _film(head: bytes) -> Sniffed | None:
    if head.startswith(b"\x1a\x45\xdf\xa3"):
        if b"webm" in head[:80]:
            return Sniffed(Kind.FILM, "matroska", "video/webm")
        if b"matroska" in head[:80]:
            return Sniffed(Kind.FILM, "matroska", "video/x-matroska")
        return None
    if head[:4] == b"RIFF" and head[8:12] == b"AVI ":
        # No camera writes subtitles into an AVI; ffmpeg hands such a "GAB2" chunk to another demuxer, and playlists
        # hidden in it have read files. Source: the HLS-in-AVI exploit against ffmpeg (2017, neex).
        if b"GAB2" in head or b"#EXTM3U" in head:
            raise UnknownType("an AVI with a playlist or subtitles inside")
        return Sniffed(Kind.FILM, "avi", "video/x-msvideo")
    # Sync bytes every 188 bytes, or every 192 where camcorders put a time code of 4 bytes before each packet.
    for offset, stride in ((0, 188), (4, 192)):
        syncs = head[offset : offset + 5 * stride : stride]
        if len(syncs) >= 3 and set(syncs) == {0x47}:
            return Sniffed(Kind.FILM, "mpegts", "video/mp2t")
    return None


def _document(head: bytes) -> Sniffed | None:
    # Scanners and mail gateways put a byte-order mark or line ends before the header; nothing else may stand there.
    if head.removeprefix(b"\xef\xbb\xbf").lstrip(b"\r\n\t \0").startswith(b"%PDF-"):
        return Sniffed(Kind.DOCUMENT, "PDF", "application/pdf")
    return None
