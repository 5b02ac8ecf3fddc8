"""Every decision about a film, before its first frame is decoded: `Source` + `Index` + `Preset` → `Plan`."""

from dataclasses import replace
from fractions import Fraction
from math import ceil, inf
from typing import Any

from pipeline import presets
from pipeline.cut import Clock, apart, chunks, hurried, needed, needed_before, thinned
from pipeline.index import Index, shown
from pipeline.ladder import Codec, Rendition, also_av1, fit, renditions
from pipeline.names import REST
from pipeline.plan import (
    FilmPlan,
    Hear,
    Output,
    Plan,
    Poster,
    Preview,
    Queue,
    SoundPlan,
    Storyboard,
    WatermarkPlan,
)
from pipeline.presets import Hearing, Preset
from pipeline.source import Film, Sound, Source

MOST_GAIN = 20.0  # dB

OPENING_BITS = 1_500_000  # bit/s, of the rendition a film opens with
LIGHT = 0.45  # of the work of a chunk, that of this rendition alone


def film(source: Source, table: Index, preset_name: str, *, watermark: bool, loudness: float | None = None) -> Plan:
    """The plan of a film. `loudness` (LUFS) is the source's, measured only when the preset levels."""
    preset = presets.load(preset_name)
    assert source.film is not None
    picture, track = source.film, table.tracks[source.film.stream]
    keep, most, frames = thinned(picture.rate, preset.picture.rate), preset.picture.rate, shown(track)
    # A film of fragments is told by its beginning.
    if picture.variable and not table.fragments and (keep or hurried(frames, track.time_base, most)):
        keep = Fraction(most)  # in its fastest stretches; what players are told
    clock = Clock(frames[0].pts, track.time_base, None if keep is None else apart(most, track.time_base))
    duration = Fraction(picture.duration).limit_denominator(1_000_000)
    cuts = chunks(table, picture.stream, clock, duration, preset.cut)
    # A film of fragments is decided about by its beginning, which is no measure of its bits.
    rate = inf if table.fragments else 8 * sum(packet.size for packet in track.packets) / picture.duration
    h264 = renditions(picture, preset.picture, rate)
    ladder = h264 + also_av1(h264, preset.picture.av1)
    # The one chunk of a long film would hold up everybody's first seconds.
    soon = cuts[0].duration <= 2 * preset.cut.others
    made = FilmPlan(
        renditions=ladder,
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
        opening=_opening(ladder) if soon else None,
    )
    if table.fragments and not made.fragmented:
        table = replace(table, seekable=False)  # one chunk is read from its beginning
    heard = source.sound.stream if source.sound else None
    within = picture.start + made.poster.within
    outputs = []
    for chunk in cuts:
        queue = Queue.EXPRESS if soon and chunk.number == 0 else Queue.FILM
        ranges = needed(table, chunk, picture.stream, heard)
        outputs.append(Output(f"chunk/{chunk.number:04d}", queue, chunk.duration, ranges))
    # After the first chunk, from the same bytes: whoever waits, waits to play.
    after = [Output("poster", Queue.EXPRESS, 0.5, needed_before(table, picture.stream, within))]
    if made.opening is not None:
        first = outputs[0]
        outputs[0] = replace(first, weight=LIGHT * first.weight)
        after.append(replace(first, name=REST, weight=(1 - LIGHT) * first.weight))
    outputs[1:1] = after
    outputs.append(Output("storyboard", Queue.LATER, max(0.5, 0.1 * picture.duration)))
    outputs.append(Output("preview", Queue.LATER, 0.5))
    mark = WatermarkPlan(**vars(preset.watermark)) if watermark else None
    return Plan(presets.recipe(preset_name), preset_name, tuple(outputs), mark, made)


def _opening(ladder: tuple[Rendition, ...]) -> str | None:
    """The rendition in which the first chunk is made before all others: the best that a phone's line surely takes. None
    where the others are no work beside it.
    """
    common = [one for one in ladder if one.codec is Codec.H264]
    light = next((one for one in common if one.maxrate <= OPENING_BITS), common[-1])
    return None if light is ladder[0] and len(common) == len(ladder) else light.name


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
