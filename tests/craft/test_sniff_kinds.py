"""What a file is, said by its first bytes alone."""

from pathlib import Path

import pytest

from pipeline.errors import Empty, Encrypted, NoPicture, UnknownType
from pipeline.sniff import Kind, sniff


def ftyp(major: bytes, *compatible: bytes) -> bytes:
    body = major + b"\0\0\0\0" + b"".join(compatible)
    return (len(body) + 8).to_bytes(4, "big") + b"ftyp" + body


@pytest.mark.parametrize(
    ("head", "kind", "format"),
    [
        (ftyp(b"qt  ", b"qt  "), Kind.FILM, "mov"),
        (ftyp(b"isom", b"isom", b"avc1"), Kind.FILM, "mov"),
        (ftyp(b"3gp4", b"isom"), Kind.FILM, "mov"),
        (ftyp(b"M4A ", b"isom"), Kind.FILM, "mov"),
        (b"\0\0\0\x08wide\0\0\x10\0mdat", Kind.FILM, "mov"),
        (ftyp(b"heic", b"mif1"), Kind.PHOTO, "HEIF"),
        (ftyp(b"mif1", b"heic", b"mif1"), Kind.PHOTO, "HEIF"),
        (ftyp(b"mif1", b"avif", b"miaf"), Kind.PHOTO, "AVIF"),
        (ftyp(b"avis", b"avif"), Kind.PHOTO, "AVIF"),
        (b"\x1a\x45\xdf\xa3\x9f\x42\x86\x81\x01\x42\x82\x84webm", Kind.FILM, "matroska"),
        (b"\x1a\x45\xdf\xa3\xa3\x42\x86\x81\x01\x42\x82\x88matroska", Kind.FILM, "matroska"),
        (b"RIFF\x10\0\0\0AVI LIST", Kind.FILM, "avi"),
        ((b"\x47" + b"\xff" * 187) * 5, Kind.FILM, "mpegts"),
        ((b"\0\0\0\0\x47" + b"\xff" * 187) * 5, Kind.FILM, "mpegts"),
        (b"\xff\xd8\xff\xe1\0\x10Exif", Kind.PHOTO, "JPEG"),
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", Kind.PHOTO, "PNG"),
        (b"GIF89a\x01\0\x01\0", Kind.PHOTO, "GIF"),
        (b"RIFF\x10\0\0\0WEBPVP8 ", Kind.PHOTO, "WEBP"),
        (b"%PDF-1.7\n", Kind.DOCUMENT, "PDF"),
        (b"\xef\xbb\xbf\r\n%PDF-1.4\n", Kind.DOCUMENT, "PDF"),
    ],
)
def test_each_allowed_type_names_the_decoder_to_force(tmp_path: Path, head: bytes, kind: Kind, format: str) -> None:
    path = tmp_path / "input"
    path.write_bytes(head)
    found = sniff(path)
    assert (found.kind, found.format) == (kind, format)


@pytest.mark.parametrize(
    "content",
    [
        b"<html><script>alert(1)</script>",
        b"hello, this is no film",
        b"ffconcat version 1.0\nfile victim.mp4\n",
        b"#EXTM3U\n#EXTINF:10,\nfile:///etc/passwd\n",
        b'<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011">',
        b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        b"v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\n",
        b"PK\x03\x04\x14\0",
        b"\x7fELF\x02\x01",
        b"MZ\x90\0",
        b"II*\0\x08\0\0\0",
        b"BM\x3e\x04\0\0",
        b"push graphic-context\nviewbox 0 0 640 480\n",
        b"%!PS-Adobe-3.0",
        b"\0",
        ftyp(b"jxl ", b"jxl "),
        b"\0\0\0\x05ftypisom",
        b"\x7f\xff\xff\xffftypisom",
        b"RIFF\0\0\0\0AVI LISTGAB2\0#EXTM3U",
        b"\x1a\x45\xdf\xa3\x9f\x42\x82\x84evil",
    ],
)
def test_anything_else_is_refused_whatever_its_name(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "film.mp4"
    path.write_bytes(content)
    with pytest.raises(UnknownType):
        sniff(path)


def test_an_empty_file_is_said_to_be_empty(tmp_path: Path) -> None:
    path = tmp_path / "film.mp4"
    path.write_bytes(b"")
    with pytest.raises(Empty):
        sniff(path)


def test_a_protected_film_is_said_to_be_encrypted(tmp_path: Path) -> None:
    path = tmp_path / "film.mp4"
    path.write_bytes(ftyp(b"M4VP", b"mp42"))
    with pytest.raises(Encrypted):
        sniff(path)


def test_a_voice_note_is_told_from_rubbish(tmp_path: Path) -> None:
    path = tmp_path / "note"
    path.write_bytes(b"#!AMR\n\x3c")
    with pytest.raises(NoPicture):
        sniff(path)


def test_every_real_phone_film_and_photo_is_recognised(media: Path) -> None:
    wrong = []
    for path in sorted(media.glob("*-*/*")):
        expected = Kind.FILM if path.parent.name.startswith("video-") else Kind.PHOTO
        if sniff(path).kind is not expected:
            wrong.append(path.name)
    assert wrong == []
