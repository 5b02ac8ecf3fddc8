"""What the first decoded frames of a film say: its turn, its colours, its fields. Only `probe` asks.

Decodes a dozen frames, never more than the first few seconds, and turns the engine's numbers into our words.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import av
from av.container import InputContainer
from av.error import FFmpegError
from av.sidedata.sidedata import Type as Side

from pipeline.arrived import Arrived
from pipeline.errors import Damaged, Encrypted
from pipeline.source import Fields

LOOKED_AT = 12  # frames decoded to learn what a picture is
ENCRYPTION = "encryption"

# Numbers of ISO/IEC 23091-2 (CICP) in ffmpeg's words.
PRIMARIES = {1: "bt709", 4: "bt470m", 5: "bt470bg", 6: "smpte170m", 7: "smpte240m", 9: "bt2020", 11: "smpte431"}
PRIMARIES |= {12: "smpte432", 22: "ebu3213"}
TRANSFERS = {1: "bt709", 4: "gamma22", 5: "gamma28", 6: "smpte170m", 7: "smpte240m", 8: "linear", 11: "iec61966-2-4"}
TRANSFERS |= {13: "iec61966-2-1", 14: "bt2020-10", 15: "bt2020-12", 16: "smpte2084", 18: "arib-std-b67"}
MATRICES = {0: "gbr", 1: "bt709", 4: "fcc", 5: "bt470bg", 6: "smpte170m", 7: "smpte240m", 8: "ycgco", 9: "bt2020nc"}
MATRICES |= {10: "bt2020c"}


@dataclass(frozen=True)
class Look:
    """What the first decoded frames say."""

    matrix: tuple[int, int, int, int]  # a b c d of the display matrix, 16.16
    interlaced: bool
    primaries: int
    transfer: int
    colours: int
    full_range: bool
    pixel_format: str
    bits: int


def look(file: InputContainer, stream: av.VideoStream, arrived: Arrived | None = None) -> Look:
    """Decode the first frames. A few broken ones are forgiven; none at all is not. Of a file that is still arriving
    only what is here is decoded.

    Raises: Damaged, Encrypted, Later.
    """
    seen: list[av.VideoFrame] = []
    packets = 0
    stream.thread_type = "AUTO"  # somebody waits
    protected = False
    for packet in file.demux(stream):
        packets += 1
        _require(packet, arrived)
        protected = protected or any(ENCRYPTION in str(side.data_type).lower() for side in packet.iter_sidedata())
        try:
            seen.extend(packet.decode())
        except FFmpegError:
            continue
        interlaced = sum(one.interlaced_frame for one in seen)
        # More frames could not change what most of them are.
        decided = max(2 * interlaced - 1, 2 * (len(seen) - interlaced)) >= LOOKED_AT
        if decided or packets > 20 * LOOKED_AT:
            break
    if protected:
        raise Encrypted("the packets carry encryption information")
    if not seen:
        raise Damaged(f"no picture from the first {packets} packets")
    frame = seen[0]
    # PyAV's stubs call it a mapping of names; it is a sequence of blocks.
    blocks: Iterable[Any] = frame.side_data
    side = next((bytes(one) for one in blocks if one.type is Side.DISPLAYMATRIX), None)
    raw = memoryview(side).cast("i") if side else (0x10000, 0, 0, 0, 0x10000)
    return Look(
        matrix=(raw[0], raw[1], raw[3], raw[4]),
        interlaced=sum(one.interlaced_frame for one in seen) > len(seen) / 2,
        primaries=int(frame.color_primaries or 2),
        transfer=int(frame.color_trc or 2),
        colours=int(frame.colorspace if frame.colorspace is not None else 2),
        full_range=int(frame.color_range or 0) == 2 or frame.format.name.startswith("yuvj"),
        pixel_format=frame.format.name,
        bits=max(component.bits for component in frame.format.components),
    )


def upright(matrix: tuple[int, int, int, int]) -> tuple[bool, int]:
    """A display matrix a b c d as (mirrored, degrees clockwise): mirror left-right first, then turn.

    The matrix maps (x, y) to (ax + cy, bx + dy), y pointing down. Turns are rounded to quarter turns, as players do.
    Source: ISO/IEC 14496-12, 8.3.2 (track header); QuickTime File Format, "Matrices".
    """
    a, b, c, d = matrix
    mirrored = a * d - b * c < 0
    if mirrored:
        a, b = -a, -b
    return mirrored, round(math.degrees(math.atan2(b, a)) / 90) * 90 % 360


def fields(look: Look, context: av.VideoCodecContext) -> Fields:
    if not look.interlaced:
        return Fields.PROGRESSIVE
    # AV_FIELD_BB and AV_FIELD_BT: the bottom lines are shown first.
    return Fields.BOTTOM if str(getattr(context, "field_order", "")) in ("3", "5") else Fields.TOP


def heard(file: InputContainer, stream: av.AudioStream, arrived: Arrived | None = None) -> bool:
    """Whether the track gives samples at all; one that gives none is left out, as players do. Raises: Later."""
    file.seek(0)
    for number, packet in enumerate(file.demux(stream)):
        _require(packet, arrived)
        try:
            if packet.decode():
                return True
        except FFmpegError:
            pass
        if number > 20 * LOOKED_AT:
            break
    return False


def _require(packet: "av.Packet[Any]", arrived: Arrived | None) -> None:
    if arrived is not None and packet.size:
        start = packet.pos if packet.pos is not None else 0
        arrived.require(start, start + packet.size)
