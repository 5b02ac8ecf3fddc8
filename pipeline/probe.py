"""A film becomes a `Source`: what it is, as displayed, in our own types. The only place that reads engine values.

The container's claims are not believed: rate, duration and the number of frames come from the packets' own times, the
rest from the first decoded frames.
"""

import itertools
import statistics
from bisect import bisect_right
from collections.abc import Callable, Iterable, Sequence
from fractions import Fraction
from pathlib import Path

import av
from av.container import InputContainer

from pipeline import engine, index
from pipeline.arrived import Arrived
from pipeline.errors import (
    BrokenTimeline,
    Damaged,
    NoPicture,
    TooLong,
    TooManyPixels,
    TooManyStreams,
    Truncated,
    UnsupportedCodec,
)
from pipeline.index import Index, Packet, Track
from pipeline.look import LOOKED_AT, MATRICES, PRIMARIES, TRANSFERS, fields, heard, look, upright
from pipeline.presets import Limits
from pipeline.source import Film, Hdr, Kind, Sound, Source

ATTACHED_PICTURE = 0x400  # AV_DISPOSITION_ATTACHED_PIC: a cover, not a film
DEFAULT = 0x1  # AV_DISPOSITION_DEFAULT
LONGEST_STILL = 60.0  # s between two frames, or between picture and sound; above it the clock jumped
LOST_SHARE = 0.02  # of the frames may lie beyond the file's end
BEGINNING = 2  # s of a film in fragments by which its rate is told

KNOWN_RATES = [Fraction(n) for n in (10, 12, 15, 20, 24, 25, 30, 48, 50, 60, 90, 100, 120, 240)]
KNOWN_RATES += [Fraction(n * 1000, 1001) for n in (15, 24, 30, 48, 60, 120, 240)]


def probe(
    path: Path,
    container: str,
    limits: Limits,
    arrived: Arrived | None = None,
    on_progress: Callable[[float], None] | None = None,
) -> tuple[Source, Index]:
    """Measure a film. `container` is the demuxer that `sniff` named; `arrived` says what is here of a film that still
    arrives, whose tables are here.

    Raises: Later; every leaf of MediaRejected that a film can earn; the message holds the value and the limit.
    """
    with index.opened(path, container, arrived, unseen=True) as file:
        if len(file.streams) > limits.streams:
            raise TooManyStreams(f"{len(file.streams)} streams, limit {limits.streams}")
        picture, audio = _picture(file), _audio(file)
        width, height = picture.codec_context.width, picture.codec_context.height
        if width * height > limits.pixels:
            raise TooManyPixels(f"{width}x{height} is {width * height} px, limit {limits.pixels}")
        # Numbers, not streams: those are gone when the file is closed.
        seen, heard = picture.index, audio.index if audio else None
    table = index.read(path, container, (seen,) if heard is None else (seen, heard), arrived, on_progress)
    track = table.tracks[seen]
    frames = index.shown(track)
    _refuse(track, frames, table, limits)
    with index.opened(path, container, arrived) as file:
        if arrived is not None:
            _require_first(table.tracks.values(), arrived)
        film = _film(file, track, frames, _beginning(track, frames, table), arrived)
        sound = _sound(file, table.tracks[heard], film, arrived) if heard is not None else None
    source = Source(Kind.FILM, container, table.bytes, film.duration, film, sound)
    return source, table


def _picture(file: InputContainer) -> av.VideoStream:
    """The film itself: the largest moving picture, not a cover, not a small second view."""
    streams = [s for s in file.streams.video if not s.disposition.value & ATTACHED_PICTURE]
    if not streams:
        raise NoPicture(f"{len(file.streams)} streams, none is a moving picture")
    good = [s for s in streams if _name(s) in engine.PICTURE_DECODERS and s.codec_context.width]
    if not good:
        raise UnsupportedCodec(", ".join(sorted({_name(s) for s in streams})))
    return max(good, key=lambda s: (s.codec_context.width * s.codec_context.height, s.disposition.value & DEFAULT))


def _audio(file: InputContainer) -> av.AudioStream | None:
    """The track to hear: decodable, the default one first. A spatial track no decoder knows has a plain sibling."""
    good = [s for s in file.streams.audio if _name(s) in engine.SOUND_DECODERS and s.codec_context.sample_rate]
    return max(good, key=lambda s: (s.disposition.value & DEFAULT, -s.index), default=None)


def _name(stream: av.VideoStream | av.AudioStream) -> str:
    # A codec without a decoder has no context; its four letters are the best name then.
    return stream.codec_context.codec.name if stream.codec_context else "unknown"


def _refuse(track: Track, frames: Sequence[Packet], table: Index, limits: Limits) -> None:
    if not frames:
        raise Damaged(f"{len(track.packets)} packets, no key frame among them" if track.packets else "no frames")
    lost = table.missing + sum(packet.pos >= 0 and packet.pos + packet.size > table.bytes for packet in frames)
    if lost > max(1, LOST_SHARE * len(frames)):
        raise Truncated(f"{lost} of {len(frames) + table.missing} frames lie beyond the end at byte {table.bytes}")
    base = track.time_base
    steps = [b.pts - a.pts for a, b in itertools.pairwise(frames)]
    if (longest := max(steps, default=0) * base) > LONGEST_STILL:
        raise BrokenTimeline(f"{float(longest):.0f} s between two frames, limit {LONGEST_STILL:.0f} s")
    if steps and sum(step == 0 for step in steps) > len(steps) / 2:
        raise BrokenTimeline(
            f"{sum(step == 0 for step in steps)} of {len(frames)} frames share their time with another"
        )
    duration = float((frames[-1].pts - frames[0].pts) * base)
    if duration > limits.longest:
        raise TooLong(f"{duration:.0f} s, limit {limits.longest:.0f} s")


def _require_first(tracks: Iterable[Track], arrived: Arrived) -> None:
    """Ask at once for all that will be looked at, and for what a decoder holds back. Raises: Later."""
    first = [packet for track in tracks for packet in track.packets[: 2 * LOOKED_AT] if packet.pos >= 0]
    if not all(arrived.holds(packet.pos, packet.pos + packet.size) for packet in first):
        arrived.require(min(packet.pos for packet in first), max(packet.pos + packet.size for packet in first))


def _beginning(track: Track, frames: Sequence[Packet], table: Index) -> Sequence[Packet]:
    """The frames by which the rate is told: all, but of a film in fragments those of its first seconds, so that it is
    the same while the film arrives."""
    if not table.fragments:
        return frames
    until = frames[0].pts + int(BEGINNING / track.time_base)
    return frames[: max(2, bisect_right(frames, until, key=lambda frame: frame.pts))]


def _film(
    file: InputContainer,
    track: Track,
    frames: Sequence[Packet],
    beginning: Sequence[Packet],
    arrived: Arrived | None,
) -> Film:
    stream = file.streams[track.stream]
    assert isinstance(stream, av.VideoStream)
    seen = look(file, stream, arrived)
    mirrored, rotation = upright(seen.matrix)
    context = stream.codec_context
    aspect = _aspect(stream)
    width, height = _square(context.width, context.height, aspect)
    if rotation in (90, 270):
        width, height = height, width
    rate, duration = _rate(track.time_base, beginning)[0], _rate(track.time_base, frames)[1]
    transfer = TRANSFERS.get(seen.transfer, "bt709")
    hdr = {"arib-std-b67": Hdr.HLG, "smpte2084": Hdr.PQ}.get(transfer, Hdr.NONE)
    wide = "bt2020nc" if hdr is not Hdr.NONE else "bt709" if context.height >= 600 else "smpte170m"
    return Film(
        stream=track.stream,
        codec=context.codec.canonical_name,
        profile=str(context.profile or ""),
        coded_width=context.width,
        coded_height=context.height,
        sample_aspect=aspect,
        mirrored=mirrored,
        rotation=rotation,
        width=width,
        height=height,
        pixel_format=seen.pixel_format,
        bits=seen.bits,
        full_range=seen.full_range,
        matrix="gbr" if seen.pixel_format.startswith("gbr") else MATRICES.get(seen.colours, wide),
        primaries=PRIMARIES.get(seen.primaries, "bt2020" if hdr is not Hdr.NONE else "bt709"),
        transfer=transfer,
        hdr=hdr,
        fields=fields(seen, context),
        rate=rate,
        variable=_variable(track.time_base, frames),
        time_base=track.time_base,
        start=float(frames[0].pts * track.time_base),
        duration=float(duration),
        frames=len(frames),
    )


def _aspect(stream: av.VideoStream) -> Fraction:
    aspect = Fraction(stream.sample_aspect_ratio or 1)
    # A broken header says 1:255; no camera has pixels of more than 1:4.
    return aspect if Fraction(1, 4) <= aspect <= 4 else Fraction(1)


def _square(width: int, height: int, aspect: Fraction) -> tuple[int, int]:
    """The size in square pixels: the longer side of a pixel grows, so that no detail is lost."""
    if aspect >= 1:
        return max(1, round(width * aspect)), height
    return width, max(1, round(height / aspect))


def _rate(base: Fraction, frames: Sequence[Packet]) -> tuple[Fraction, Fraction]:
    """Frames per second and seconds, from the times themselves."""
    if len(frames) == 1:
        duration = frames[0].duration * base or Fraction(1, 30)
        return 1 / duration, duration
    span = (frames[-1].pts - frames[0].pts) * base
    usual: int = statistics.median_low([b.pts - a.pts for a, b in itertools.pairwise(frames)])
    last = frames[-1].duration if 0 < frames[-1].duration <= 10 * max(1, usual) else usual
    rate = (len(frames) - 1) / span if span else Fraction(30)
    near = min(KNOWN_RATES, key=lambda known: abs(known - rate))
    # Milliseconds make 30 frames/s look like 30.0075; a tenth of a percent is rounding, not another rate.
    rate = near if abs(near - rate) < near / 1000 else rate.limit_denominator(10_000)
    return rate, span + last * base


def _variable(base: Fraction, frames: Sequence[Packet]) -> bool:
    steps = [b.pts - a.pts for a, b in itertools.pairwise(frames)]
    if not steps:
        return False
    usual = statistics.median_low(steps)
    return max(abs(step - usual) for step in steps) * base > max(Fraction(2, 1000), base * 3 / 2)


def _sound(file: InputContainer, track: Track, film: Film, arrived: Arrived | None) -> Sound | None:
    stream = file.streams[track.stream]
    assert isinstance(stream, av.AudioStream)
    packets = [packet for packet in track.packets if packet.shown]
    if not packets or not heard(file, stream, arrived):
        return None
    context = stream.codec_context
    base = track.time_base
    # A packet that claims to last longer than its samples hides a hole.
    usual = statistics.median_low([packet.duration for packet in packets])
    stretched = max(packet.duration for packet in packets) - usual > 0.020 / base
    # Whole ticks until the last: an hour has hundreds of thousands of packets.
    hole = max((abs(b.pts - a.pts - a.duration) for a, b in itertools.pairwise(packets)), default=0) * base
    longest = max((abs(b.pts - a.pts) for a, b in itertools.pairwise(packets)), default=0) * base
    start, end = packets[0].pts * base, (packets[-1].pts + packets[-1].duration) * base
    # Silence is put where there is no sound: for hours, where its clock has jumped.
    if longest > (most := max(LONGEST_STILL, film.duration)):
        raise BrokenTimeline(f"{float(longest):.0f} s between two packets of sound, limit {most:.0f} s")
    if (away := max(start - film.start - film.duration, film.start - end)) > LONGEST_STILL:
        raise BrokenTimeline(f"{away:.0f} s between picture and sound, limit {LONGEST_STILL:.0f} s")
    return Sound(
        stream=track.stream,
        codec=context.codec.canonical_name,
        profile=str(context.profile or ""),
        channels=context.channels,
        rate=context.sample_rate,
        time_base=base,
        start=float(start),
        end=float(end),
        whole=not stretched and hole <= Fraction(20, 1000),
    )
