"""The plan of a film in fragments while it arrives: as far as it is known, and more with each measurement.

What a plan names stays as it is while the film grows, and is the same in the plan of the whole film: a chunk is named
only when nothing that may follow can change it. So each measurement needs the film's beginning and what came since the
last, not what lies between.
"""

import hashlib
import json
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from math import inf
from pathlib import Path
from typing import Any

from pipeline import cut, decide, fragments, index, presets, privacy, probe
from pipeline import plan as planning
from pipeline.arrived import Arrived, Later
from pipeline.cut import Chunk, Clock
from pipeline.index import Index
from pipeline.names import REST
from pipeline.plan import Output, Plan
from pipeline.presets import Cut
from pipeline.source import Source
from pipeline.source import to_json as told

MOST = 32  # measurements of one film, about
STEP = 4.0  # s of film that come between two
GIVEN = 1 << 26  # bytes that are given to one beyond those it waits for

# What is known of a film only when all of it is here; no chunk is made by it, nor the poster.
_OF_SOURCE = ("duration",)
_OF_PICTURE = ("duration", "frames", "variable")
_OF_SOUND = ("end", "whole")
_OF_PLAN = ("chunks", "duration", "poster", "storyboard", "preview")


def signed(source: Source, plan: Plan) -> Plan:
    """The plan, each output with a digest of what its making reads. Only of a film in fragments."""
    if plan.film is None or not plan.film.fragmented:
        return plan
    read = told(source)
    whole = planning.to_json(plan)
    common = {
        "source": {
            **_without(read, _OF_SOURCE),
            "film": _without(read["film"], _OF_PICTURE),
            "sound": read["sound"] and _without(read["sound"], _OF_SOUND),
        },
        "plan": {**_without(whole, ("outputs",)), "film": _without(whole["film"], _OF_PLAN)},
    }
    own = {f"chunk/{chunk['number']:04d}": chunk for chunk in whole["film"]["chunks"]} | {
        REST: whole["film"]["chunks"][0],
        "poster": whole["film"]["poster"],
    }
    outputs = (replace(one, reads=_digest([common, own[one.name]])) if one.name in own else one for one in plan.outputs)
    return replace(plan, outputs=tuple(outputs))


def _without(value: dict[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    return {name: one for name, one in value.items() if name not in names}


def _digest(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:32]


def begin(
    path: Path, container: str, preset_name: str, watermark: bool, arrived: Arrived
) -> tuple[Source, Plan, dict[str, Any] | None]:
    """Source and plan of a film as far as they are known, and which bytes to go on with: `{"ranges", "needs"}`.

    Raises: Later, until the first chunk and the poster are known; every leaf of MediaRejected.
    """
    preset = presets.load(preset_name)
    here = _complete(path, arrived)
    source, table = probe.probe(path, container, preset.limits, here)
    if not table.fragments:
        raise Later
    source = replace(source, private=tuple(sorted(privacy.collect(path, container))))
    whole = decide.film(source, table, preset_name, watermark=watermark)
    assert source.film is not None
    assert whole.film is not None
    looked_at = max(probe.BEGINNING, preset.stills.poster_within)
    count = _lasting(table, whole.film.chunks, _clock(whole), preset.cut)
    a_second = _bytes_a_second(table, whole)
    if not count or _known(table) < source.film.start + looked_at:
        raise Later(_further(arrived, int((looked_at + 2 * cut.MARGIN) * a_second)))
    named = [one for one in whole.outputs if one.name in _names(count)]
    made = replace(whole, outputs=tuple(named), film=replace(whole.film, chunks=whole.film.chunks[:count]))
    more = _more(table, whole.film.chunks[count], a_second, arrived)
    # How long it will be nobody knows.
    return replace(source, duration=None), signed(source, made), more


def go_on(path: Path, source: Source, plan: Plan, arrived: Arrived) -> tuple[Plan, dict[str, Any] | None]:
    """The plan with what is known now beside it, and which bytes to go on with. What it named stays.

    Raises: Later; every leaf of MediaRejected.
    """
    assert source.film is not None
    assert plan.film is not None
    preset = presets.load(plan.preset)
    picture, heard = source.film.stream, source.sound.stream if source.sound else None
    try:
        here = _complete(path, arrived)
    except Later:
        return plan, _later(arrived, [[start, end] for start, end in arrived.ranges], arrived.total // MOST)
    table = index.read(path, source.container, (picture,) if heard is None else (picture, heard), here)
    if not table.fragments:
        raise Later
    clock, frames = _clock(plan), index.shown(table.tracks[picture])
    duration = clock.at(frames[-1].pts)
    chunks = cut.chunks(table, picture, clock, duration, preset.cut, plan.film.chunks)
    count = _lasting(table, chunks, clock, preset.cut)
    added = chunks[len(plan.film.chunks) : count]
    outputs = [
        Output(
            f"chunk/{chunk.number:04d}",
            planning.Queue.FILM,
            chunk.duration,
            cut.needed(table, chunk, picture, heard),
        )
        for chunk in added
    ]
    film = replace(plan.film, chunks=plan.film.chunks + added)
    more = _more(table, chunks[len(film.chunks)], _bytes_a_second(table, plan), arrived)
    return signed(source, replace(plan, outputs=plan.outputs + tuple(outputs), film=film)), more


def _lasting(table: Index, made: Sequence[Chunk], clock: Clock, wished: Cut) -> int:
    """How many of the first chunks stay as they are, whatever follows in a film of which only this much is known."""
    doors = index.groups(next(iter(table.tracks.values())))
    sure = _known(table)
    for number, chunk in enumerate(made):
        wish = clock.at(chunk.first) + Fraction(wished.others if chunk.number else wished.first)
        # A door nearer to the wish may follow; so may pictures that lead one, and sound beside it.
        if chunk.end is None or chunk.end * clock.time_base >= sure or clock.at(doors[-1].pts) < wish:
            return number
    return len(made)


def _known(table: Index) -> float:
    """Until when (s on the source's clock) every packet is known that a film of this much holds, and so are the first
    ones of all tracks."""
    if any(len(track.packets) < cut.AHEAD for track in table.tracks.values()):
        return -inf
    return min(float(track.packets[-1].dts * track.time_base) for track in table.tracks.values()) - cut.MARGIN


def _followed(table: Index, chunk: Chunk) -> tuple[int, int]:
    """Where to go on, bytes: what chunks from this one on need lies before the first number and from the second on."""
    ends = [end for _, end in table.fragments]
    first = [packet for track in table.tracks.values() for packet in track.packets[: cut.AHEAD]]
    head = max(ends[bisect_right(ends, packet.pos)] for packet in first)
    since = chunk.sound_seek - cut.MARGIN if chunk.sound_seek is not None else -inf
    after = [
        packet.pos
        for track in table.tracks.values()
        for packet in track.packets
        if (packet.pts + 1) * float(track.time_base) >= since
    ]
    tail = table.fragments[bisect_right(ends, min(after))][0]
    return head, tail


def _names(count: int) -> set[str]:
    return {"poster", REST} | {f"chunk/{number:04d}" for number in range(count)}


def _clock(plan: Plan) -> Clock:
    assert plan.film is not None
    return Clock(plan.film.origin, plan.film.time_base, plan.film.apart)


def _complete(path: Path, arrived: Arrived) -> Arrived:
    """What is here, without the fragment that still arrives. Raises: Later."""
    *before, (start, end) = arrived.ranges
    found = fragments.read(path, [(start, end)])
    if len(found) < 2 or found[-1].start >= end:
        raise Later(_further(arrived, 0))
    return Arrived((*before, (start, found[-1].start)), arrived.total)


def _further(arrived: Arrived, wanted: int) -> tuple[tuple[int, int], ...] | None:
    """As many bytes from the beginning as are `wanted`, or half as much again; None where that is all."""
    here = arrived.ranges[-1][1]
    until = wanted if wanted > here else here * 3 // 2
    return ((0, until),) if until < arrived.total else None


def _bytes_a_second(table: Index, plan: Plan) -> float:
    assert plan.film is not None
    last = next(iter(table.tracks.values())).packets[-1]
    return table.fragments[-1][1] / max(0.1, float((last.dts - plan.film.origin) * plan.film.time_base))


def _more(table: Index, chunk: Chunk, a_second: float, arrived: Arrived) -> dict[str, Any] | None:
    """Which bytes the next measurement is given, and how many must have come; None: it is that of the whole film."""
    last = arrived.ranges[-1][1]
    head, tail = _followed(table, chunk)
    ranges = [[0, head], [tail, last]] if head < tail else [[0, last]]
    return _later(arrived, ranges, max(int(STEP * a_second), arrived.total // MOST))


def _later(arrived: Arrived, ranges: list[list[int]], step: int) -> dict[str, Any] | None:
    until = ranges[-1][1] + step
    if until >= arrived.total:
        return None
    ranges[-1][1] = min(arrived.total, until + GIVEN)
    return {"ranges": ranges, "needs": until}
