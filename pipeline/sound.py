"""What a chunk's sound becomes: AAC-LC packets on the film's clock, either the source's own or encoded.

Encoded sound lies on one grid of 1,024 samples that begins with the film, whatever chunk it is made for: each chunk
encodes a run-up before its first packet and a run-out after its last and throws both away, so that packets made on
different machines continue each other without a click.
"""

import re
from fractions import Fraction
from math import ceil
from pathlib import Path

import av
import ffmpeg
from av.error import FFmpegError

from pipeline import engine
from pipeline.plan import Chunk, FilmPlan, Hear, SoundPlan
from pipeline.source import Sound, Source

GRID = 1024  # samples in an AAC packet
# Packets encoded before and after those that are kept: two for the overlap of the transform, the others so that the
# encoder's own memory (psychoacoustics, bit reservoir) has settled as it would have.
RUN_UP, RUN_OUT = 12, 4
# What every time of an output is ahead of the film's clock, s: decoding times begin before the first picture and may
# not be negative in fragmented MP4. Ten seconds, as in Apple's own packager.
OFFSET = 10

_NAME = re.compile(rb"(?:Lavc\d\d\.|libfaac \d|libfdk-aac|Nero AAC)[ -~]*")  # longer than chance would make them


def packets(plan: FilmPlan, chunk: Chunk, rate: int) -> tuple[int, int]:
    """The packets [from, to) of the film's grid that belong to a chunk: those that start inside it."""
    last, (_, end) = chunk.end is None, _span(plan, chunk)
    first = ceil(Fraction(chunk.start).limit_denominator(1_000_000) * rate / GRID)
    # The last one may end up to half a packet after the picture.
    return first, round(end * rate / GRID) if last else ceil(Fraction(end).limit_denominator(1_000_000) * rate / GRID)


def make(path: Path, source: Source, plan: FilmPlan, chunk: Chunk, out: Path) -> None:
    """Write the chunk's sound to `out` (a NUT file: it keeps every time exactly), times ahead by `OFFSET`.

    Raises: EngineFailed.
    """
    assert source.sound is not None
    assert plan.sound is not None
    asked = engine.reading(source.container)
    if source.container == "mov":
        asked["skip_frame:v"] = "all"  # or opening it decodes a picture
    if chunk.sound_seek is not None:
        # Times of the file, not of its first packet; the container's index finds the key frame before it.
        asked |= {"seek_timestamp": "1", "ss": f"{chunk.sound_seek:.6f}"}
    if chunk.end is not None:
        # Stops reading; without it the rest of the film is demuxed for nothing.
        end = chunk.end * plan.time_base + Fraction(2, 5)
        asked |= {"to": engine.until(end, plan.origin * plan.time_base)}
    # The file's own times, which alone place the sound beside the picture.
    given = ffmpeg.input(str(path), copyts=None, vn=None, sn=None, dn=None, **asked)
    heard = given[str(source.sound.stream)]
    if plan.sound.hear is Hear.COPY:
        engine.run(engine.compiled(_copied(heard, source.sound, plan, chunk, out)))
        _blank(out)
        return
    engine.run(engine.compiled(_encoded(heard, source.sound, plan, plan.sound, chunk, out)))
    if _empty(out):
        # The track ended before this chunk, begins after it, or has a hole as long: that is silence, not a fault.
        silence = ffmpeg.input(f"anullsrc=r={source.sound.rate}:cl=mono:d=0.1", f="lavfi")
        engine.run(engine.compiled(_encoded(silence, source.sound, plan, plan.sound, chunk, out, mute=True)))


def _empty(made: Path) -> bool:
    """Whether nothing came out: the engine ends well even if its encoder never saw a sample."""
    try:
        with av.open(str(made), format="nut") as file:
            return not any(packet.size for packet in file.demux())
    except FFmpegError:
        return True


def _copied(heard: ffmpeg.nodes.Stream, sound: Sound, plan: FilmPlan, chunk: Chunk, out: Path) -> ffmpeg.nodes.Stream:
    """The source's packets that start inside the chunk."""
    origin = plan.origin * plan.time_base
    bound = [ceil((origin + Fraction(at).limit_denominator(1_000_000)) / sound.time_base) for at in _span(plan, chunk)]
    return heard.output(
        str(out),
        f="nut",
        c="copy",
        # Keeps packets by time; the engine's own -t and -to also cut the first or last one depending on the seek.
        bsf=f"noise=drop='lt(pts,{bound[0]})+gte(pts,{bound[1]})'",
        output_ts_offset=_seconds(OFFSET - origin),
        **_bare(),
    )


def _blank(made: Path) -> None:
    """Overwrite what an encoder wrote of itself beside the sound, where nothing is heard: it would tell which program
    the film came from. Source: ISO/IEC 14496-3, 4.4.2.7 (fill elements).
    """
    data = made.read_bytes()
    nameless = _NAME.sub(lambda found: bytes(len(found[0])), data)
    if nameless != data:
        made.write_bytes(nameless)


def _span(plan: FilmPlan, chunk: Chunk) -> tuple[float, float]:
    # A later chunk need not be known.
    return chunk.start, plan.duration if chunk.end is None else chunk.start + chunk.duration


def _encoded(
    heard: ffmpeg.nodes.Stream,
    sound: Sound,
    plan: FilmPlan,
    asked: SoundPlan,
    chunk: Chunk,
    out: Path,
    *,
    mute: bool = False,
) -> ffmpeg.nodes.Stream:
    """Decoded, holes filled, levelled, on the grid. `mute`: `heard` is silence whose clock begins at 0."""
    first, end = packets(plan, chunk, asked.rate)
    start, stop = (first - RUN_UP) * GRID, (end + RUN_OUT) * GRID
    ahead = OFFSET * asked.rate
    shift = (OFFSET - plan.origin * plan.time_base) * sound.rate
    if mute:
        shift = Fraction((start + ahead) * sound.rate, asked.rate)
    layout = "stereo" if asked.channels == 2 else "mono"
    node = (
        # The film's clock, in samples of the source.
        heard.filter("asettb", f"1/{sound.rate}")
        .filter("asetpts", f"PTS+({round(shift)})")
        .filter("aresample", asked.rate, ochl=layout, **engine.FOLD)
        # Holes become silence and overlaps are cut where they are longer than 20 ms; first_pts (in samples of its
        # input, so the rate is changed before) pads or trims the start: a late track begins in silence.
        .filter("aresample", **{"async": 1}, min_hard_comp=0.02, first_pts=start + ahead)
    )
    if asked.gain:
        # Constant over the film; the limiter catches the peaks that a raised voice brings. latency: it looks ahead, and
        # without it the sound would come that much later.
        node = node.filter("volume", f"{asked.gain}dB").filter("alimiter", limit=0.89, level="disabled", latency=1)
    return (
        # A track that ends early ends in silence.
        node.filter("apad")
        .filter("atrim", start_pts=start + ahead, end_pts=stop + ahead)
        .output(
            str(out),
            f="nut",
            acodec="aac",
            audio_bitrate=asked.bitrate,
            # The container's time base must be the sample's, or packets leave the grid.
            enc_time_base=f"1:{asked.rate}",
            bsf=f"noise=drop='lt(pts,{first * GRID + ahead})+gte(pts,{end * GRID + ahead})'",
            **_bare(),
        )
    )


def _bare() -> dict[str, str]:
    """Nothing of the source but its samples; the same bytes on every machine."""
    return {"map_metadata": "-1", "map_chapters": "-1", "fflags": "+bitexact", "flags": "+bitexact"}


def _seconds(value: Fraction) -> str:
    return f"{float(value):.6f}"
