"""Coded pictures without what they say about themselves; the pixels are not decoded."""

# JPEG segments an image inside a page needs: JFIF and Adobe's note on its colours. All other APPn and COM may go.
_JPEG_KEPT = {0xE0, 0xEE}
_JP2_DROPPED = {b"xml ", b"uuid", b"uinf"}


def bare_jpeg(data: bytes) -> bytes:
    """The same JPEG without metadata segments and without what follows its end; pixels are not touched."""
    kept, at = [data[:2]], 2
    while at + 4 <= len(data) and data[at] == 0xFF:
        marker, size = data[at + 1], int.from_bytes(data[at + 2 : at + 4], "big")
        if marker == 0xFF:
            at += 1  # a fill byte
            continue
        if marker == 0xDA:
            end = data.rfind(b"\xff\xd9")
            kept.append(data[at : end + 2] if end > at else data[at:])
            return b"".join(kept)
        if not (0xE0 <= marker <= 0xEF or marker == 0xFE) or marker in _JPEG_KEPT:
            # A JFIF segment longer than 16 bytes carries a thumbnail.
            head = data[at : at + 2 + size]
            kept.append(head if marker != 0xE0 or size == 16 else b"")
        at += 2 + size
    return data


def bare_jp2(data: bytes) -> bytes:
    """The same JPEG 2000 without XML and UUID boxes; a bare codestream comes back as it is."""
    kept, at = [], 0
    while data[4:8] == b"jP  " and at + 8 <= len(data):
        size = int.from_bytes(data[at : at + 4], "big")
        if size == 0:
            size = len(data) - at
        elif size == 1:
            size = int.from_bytes(data[at + 8 : at + 16], "big")
        if size < 8:
            return data
        if data[at + 4 : at + 8] not in _JP2_DROPPED:
            kept.append(data[at : at + size])
        at += size
    return b"".join(kept) or data
