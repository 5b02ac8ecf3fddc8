"""What lies in a packet of pictures, by its types: for `chunks`, which knows those that a picture needs."""

from collections.abc import Iterator


def h264(packet: bytes) -> Iterator[int]:
    """The types of the units in a packet: each has its length, 4 bytes, before it."""
    at = 0
    while at + 5 <= len(packet):
        yield packet[at + 4] & 0x1F
        at += 4 + int.from_bytes(packet[at : at + 4], "big")


def av1(packet: bytes) -> Iterator[int]:
    """The types of the units in a packet: each with its length, in groups of seven bits, behind its first byte.

    Source: AV1 specification, 5.3.2 and 4.10.5.
    """
    at = 0
    while at < len(packet):
        yield packet[at] >> 3 & 0x0F
        head = 2 if packet[at] & 0x04 else 1
        if not packet[at] & 0x02:
            return  # without a length it is the last
        at += head
        size = shift = 0
        while at < len(packet):
            size |= (packet[at] & 0x7F) << shift
            shift, at = shift + 7, at + 1
            if not packet[at - 1] & 0x80:
                break
        at += size
