"""Coded pictures without what they say about themselves; the pixels are not decoded."""

_JP2_DROPPED = {b"xml ", b"uuid", b"uinf"}


def bare_jpeg(data: bytes) -> bytes:
    """The same JPEG without metadata segments and without what lies between segments or follows its end, such as a
    phone's second picture with words of its own; pixels are not touched."""
    at = data.find(b"\xff\xd8\xff")
    if at < 0:
        return data
    kept, at = [b"\xff\xd8"], at + 2
    while 0 <= (at := data.find(b"\xff", at)) < len(data) - 3:
        marker, end = data[at + 1], at + 2 + int.from_bytes(data[at + 2 : at + 4], "big")
        if marker == 0xD9:
            break
        if marker == 0xFF or marker < 0xC0 or 0xD0 <= marker <= 0xD8:
            at += 1  # a fill byte, or what no segment begins with
            continue
        if marker == 0xDA:
            end = _after_scan(data, end)
        if _needed(marker, data[at : at + 18]):
            kept.append(data[at:end])
        at = end
    return b"".join([*kept, b"\xff\xd9"])


def _needed(marker: int, head: bytes) -> bool:
    if marker == 0xE0:
        return head[2:4] == b"\0\x10"  # a JFIF segment longer than 16 bytes carries a thumbnail
    if marker == 0xEE:
        return head[4:9] == b"Adobe"
    return not (0xE1 <= marker <= 0xEF or marker == 0xFE)


def _after_scan(data: bytes, at: int) -> int:
    """Where the entropy-coded data ends: at the next marker that is neither a stuffed zero nor a restart."""
    while 0 <= (at := data.find(b"\xff", at)) < len(data) - 1:
        if data[at + 1] != 0 and not 0xD0 <= data[at + 1] <= 0xD7:
            return at
        at += 2
    return len(data)


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
