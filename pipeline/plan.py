"""Every decision, before the first frame is decoded: `Source` + `Index` + `Preset` → `Plan`.

After this nobody asks "is it portrait?" or "is there sound?". A plan is a pure value, kept as JSON on the asset's row;
the crew reads only its `outputs`.
"""

from dataclasses import dataclass, replace
from enum import StrEnum
from fractions import Fraction
from math import ceil, inf
from typing import Any

from pipeline import presets
from pipeline.cut import Chunk, Clock, apart, chunks, needed, needed_before, thinned
from pipeline.index import Index, shown
from pipeline.ladder import Codec, Rendition, also_av1, fit, renditions
from pipeline.presets import Av1, Encoder, Hearing, Preset
from pipeline.source import Film, Sound, Source, converter, read

__all__ = ["Chunk", "Codec", "Rendition"]


MOST_GAIN = 20.0  # dB


class Queue(StrEnum):
    """How urgent an output is."""

    EXPRESS = "express"
    FILM = "film"
    LATER = "later"


class Hear(StrEnum):
    """What happens to the sound: its packets are right already, or it is encoded."""

    COPY = "copy"
    ENCODE = "encode"


@dataclass(frozen=True)
class Output:
    """One thing that must exist."""

    name: str  # poster, chunk/0000, storyboard, preview, sizes, document
    queue: Queue
    weight: float  # share of the work, s of film
    ranges: tuple[tuple[int, int], ...] | None = None  # bytes [from, to) it needs; None: the whole file
    reads: str | None = None  # a digest of all that its making reads of source and plan; None: all of both


@dataclass(frozen=True)
class SoundPlan:
    """The sound of every rendition."""

    hear: Hear
    rate: int  # Hz
    channels: int
    bitrate: int  # bit/s, encoded only
    gain: float = 0.0  # dB, constant over the film; other than 0 only when the preset levels


@dataclass(frozen=True)
class Poster:
    """Where the poster is looked for, and how large it is."""

    start: float  # s on the source's clock
    within: float  # s
    width: int  # px
    height: int


@dataclass(frozen=True)
class Storyboard:
    """The small pictures above the seek bar, row by row in one JPEG."""

    every: float  # s between two tiles
    columns: int
    rows: int
    count: int
    tile_width: int  # px
    tile_height: int


@dataclass(frozen=True)
class Preview:
    """A short silent moving picture."""

    start: float  # s on the source's clock
    duration: float  # s
    rate: int  # frames per second
    width: int  # px
    height: int


@dataclass(frozen=True)
class FilmPlan:
    """Everything about a film. The film's clock is the source's clock minus `origin`."""

    renditions: tuple[Rendition, ...]  # largest first; those in AV1 after all in H.264
    chunks: tuple[Chunk, ...]
    sound: SoundPlan | None
    time_base: Fraction  # s per tick of the source's picture track
    origin: int  # ticks: the first displayed frame
    duration: float  # s
    rate: Fraction  # frames per second that come out (average, or the most where frames of a changing rate are dropped)
    keep: Fraction | None  # the same, where frames are dropped; None: all are kept
    apart: int | None  # ticks from a kept frame to the next, at least; None: all are kept
    speed: str  # x264's preset
    tuning: str  # x264's parameters over it
    crf: int
    threads: int  # per encoder
    poster: Poster
    storyboard: Storyboard
    preview: Preview
    encoder: Encoder = Encoder.X264  # of H.264; one for all chunks, and another only where the crew found a card
    av1: Av1 | None = None  # how the renditions in AV1 are encoded
    fragmented: bool = False  # what has ranges is made of a film of just the fragments in them


@dataclass(frozen=True)
class PhotoPlan:
    """The sizes of a photo, smallest first, never larger than the photo."""

    sizes: tuple[tuple[int, int], ...]  # width, height in px
    webp_quality: int
    jpeg_quality: int


@dataclass(frozen=True)
class WatermarkPlan:
    """The box the logo is fitted into, as shares of the picture's short edge."""

    width: float
    height: float
    margin: float
    opacity: float


@dataclass(frozen=True)
class Plan:
    """Every decision about one file."""

    recipe: str
    preset: str
    outputs: tuple[Output, ...]  # in order of urgency
    watermark: WatermarkPlan | None = None
    film: FilmPlan | None = None
    photo: PhotoPlan | None = None


_CONVERTER = converter()


def to_json(plan: Plan) -> dict[str, Any]:
    """The plan as JSON values."""
    value: dict[str, Any] = _CONVERTER.unstructure(plan)
    return value


def from_json(value: dict[str, Any]) -> Plan:
    """The plan back from JSON values.

    Raises: PlanOutdated if it was written by other code.
    """
    return read(value, Plan)


def film(source: Source, table: Index, preset_name: str, *, watermark: bool, loudness: float | None = None) -> Plan:
    """The plan of a film. `loudness` (LUFS) is the source's, measured only when the preset levels."""
    preset = presets.load(preset_name)
    assert source.film is not None
    picture, track = source.film, table.tracks[source.film.stream]
    keep, most = thinned(picture.rate, preset.picture.rate), preset.picture.rate
    clock = Clock(shown(track)[0].pts, track.time_base, None if keep is None else apart(most, track.time_base))
    if keep is not None and picture.variable and not table.fragments:
        keep = Fraction(most)  # in its fastest stretches; what players are told
    duration = Fraction(picture.duration).limit_denominator(1_000_000)
    cuts = chunks(table, picture.stream, clock, duration, preset.cut)
    # A film of fragments is decided about by its beginning, which is no measure of its bits.
    rate = inf if table.fragments else 8 * sum(packet.size for packet in track.packets) / picture.duration
    h264 = renditions(picture, preset.picture, rate)
    made = FilmPlan(
        renditions=h264 + also_av1(h264, preset.picture.av1),
        chunks=cuts,
        sound=_sound(source.sound, picture, preset.sound, loudness, table) if source.sound else None,
        time_base=track.time_base,
        origin=clock.origin,
        duration=picture.duration,
        rate=keep or picture.rate,
        keep=keep,
        apart=clock.apart,
        speed=preset.picture.speed,
        tuning=preset.picture.tuning,
        crf=preset.picture.crf,
        threads=preset.picture.threads,
        **_stills(picture, preset),
        av1=preset.picture.av1,
        fragmented=bool(table.fragments) and len(cuts) > 1,
    )
    if table.fragments and not made.fragmented:
        table = replace(table, seekable=False)  # one chunk is read from its beginning
    heard = source.sound.stream if source.sound else None
    within = picture.start + made.poster.within
    outputs = []
    for chunk in cuts:
        # The one chunk of a long film would hold up everybody's first seconds.
        soon = chunk.number == 0 and chunk.duration <= 2 * preset.cut.others
        queue = Queue.EXPRESS if soon else Queue.FILM
        ranges = needed(table, chunk, picture.stream, heard)
        outputs.append(Output(f"chunk/{chunk.number:04d}", queue, chunk.duration, ranges))
    # After the first chunk, from the same bytes: whoever waits, waits to play.
    outputs.insert(1, Output("poster", Queue.EXPRESS, 0.5, needed_before(table, picture.stream, within)))
    outputs.append(Output("storyboard", Queue.LATER, max(0.5, 0.1 * picture.duration)))
    outputs.append(Output("preview", Queue.LATER, 0.5))
    mark = WatermarkPlan(**vars(preset.watermark)) if watermark else None
    return Plan(presets.recipe(preset_name), preset_name, tuple(outputs), mark, made)


def _sound(sound: Sound, film: Film, hearing: Hearing, loudness: float | None, table: Index) -> SoundPlan:
    """Packets that every player takes, that begin and end with the picture, are passed through untouched; not those of
    a film in fragments, whose end nobody knows at its beginning."""
    right = (
        (sound.codec, sound.profile) == ("aac", "LC")
        and sound.channels in (1, 2)
        and sound.rate in (44_100, 48_000)
        and sound.time_base == Fraction(1, sound.rate)
        and sound.whole
    )
    # 50 ms of silence at either end are not heard; more is a film that sounds broken.
    complete = sound.start <= film.start + 0.05 and sound.end >= film.start + film.duration - 0.05
    if right and complete and hearing.loudness is None and not table.fragments:
        return SoundPlan(Hear.COPY, sound.rate, sound.channels, 0)
    gain = 0.0
    if hearing.loudness is not None and loudness is not None:
        # Raising more would raise the noise of an empty workshop to the loudness of a voice.
        gain = min(MOST_GAIN, round(hearing.loudness - loudness, 2))
    return SoundPlan(Hear.ENCODE, hearing.rate, hearing.channels, hearing.bitrate, gain)


def _stills(film: Film, preset: Preset) -> dict[str, Any]:
    stills = preset.stills
    every = max(stills.tile_every, film.duration / stills.tiles)
    count = max(1, min(stills.tiles, ceil(film.duration / every - 0.001)))
    columns = min(10, count)
    tile = fit(film, max(2, round(stills.tile_edge * min(film.width, film.height) / max(film.width, film.height))))
    length = min(stills.preview_duration, film.duration)
    return {
        "poster": Poster(film.start, min(stills.poster_within, film.duration), *fit(film, stills.poster_edge)),
        "storyboard": Storyboard(every, columns, ceil(count / columns), count, *tile),
        # A third into the film the hand is steady and the car in the picture.
        "preview": Preview(
            film.start + (film.duration - length) / 3, length, stills.preview_rate, *fit(film, stills.preview_edge)
        ),
    }
