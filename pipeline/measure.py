"""A file of unknown kind becomes a measured source and a plan: the result of the measure job."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

from pipeline import fragments, growth, index, loudness, plan, presets, privacy, probe, source
from pipeline.arrived import Arrived, Later
from pipeline.errors import MediaRejected
from pipeline.sniff import HEAD_BYTES, Kind, sniff

_WHOLE = {b"moov", b"mdat"}  # what an ISO film without fragments has


def measure(
    path: Path, preset_name: str, watermark: bool, on_progress: Callable[[float], None] | None = None
) -> dict[str, Any]:
    """`{"kind", "recipe", "source", "plan"}` of a file, as JSON values. `watermark`: a logo will be laid on.

    Raises: every leaf of MediaRejected.
    """
    found = sniff(path)
    if found.kind is Kind.PHOTO:
        from pipeline import photo

        made = photo.measure(path, preset_name, watermark=watermark)
    elif found.kind is Kind.DOCUMENT:
        from pipeline import document

        made = document.measure(path, preset_name)
    else:
        made = _film(path, found.format, preset_name, watermark, on_progress)
    return {"kind": str(found.kind), "recipe": presets.recipe(preset_name), **made}


def measure_early(
    path: Path,
    preset_name: str,
    watermark: bool,
    present: Iterable[Iterable[int]],
    known: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """What `measure` will say of a film that is still arriving: `path` holds its bytes `present` and zeros elsewhere.

    `{"later": ranges}` where that cannot be known yet, `{"later": None}` where only the whole file tells. An early
    answer may be wrong, since an index that was sent ahead may be; it never refuses. Of a film in fragments it is the
    beginning of what `measure` will say, with `more`: which bytes to look at next, together with what is `known`, its
    source and plan.
    """
    arrived = Arrived.of(present, path.stat().st_size)
    try:
        arrived.require(0, HEAD_BYTES)
        found = sniff(path)
        if found.format != "mov":
            raise Later
        if _in_front(path, arrived):
            return {"kind": str(found.kind), **_grown(path, found.format, preset_name, watermark, arrived, known)}
        made = _film(path, found.format, preset_name, watermark, None, arrived)
    except Later as later:
        return {"later": later.ranges}
    except MediaRejected:
        return {"later": None}
    return {"kind": str(found.kind), "recipe": presets.recipe(preset_name), **made}


def _in_front(path: Path, arrived: Arrived) -> bool:
    """Look whether the tables of an ISO file are here, so that its packets can be read though they are not. True: those
    in front are, and fragments have their own.

    Raises: Later.
    """
    seen: set[bytes] = set()
    promised = False
    at, boxes = 0, index.outermost(path)
    while at + 8 <= arrived.total:
        if not arrived.holds(at, at + 16):
            if seen >= _WHOLE and not promised:
                return False  # what is behind is no table, or the whole file will say so
            # Behind the pictures, where nobody sent it ahead, the index comes last.
            raise Later(None if b"mdat" in seen and not promised else ((at, at + 16),))
        kind, _, end = next(boxes, (b"", 0, 0))
        if kind == b"moof" and b"moov" in seen:
            return True
        if not kind or kind == b"moof":
            raise Later  # broken, or tables all over the file
        if kind != b"mdat":
            arrived.require(at, end)
        if kind == b"moov":
            promised = fragments.promised(path, at, end)
        seen.add(kind)
        at = end
    if not seen >= _WHOLE:
        raise Later
    return False


def _grown(
    path: Path,
    container: str,
    preset_name: str,
    watermark: bool,
    arrived: Arrived,
    known: dict[str, Any] | None,
) -> dict[str, Any]:
    if presets.load(preset_name).sound.loudness is not None:
        raise Later  # all of it must be listened to
    if known is None:
        measured, decided, more = growth.begin(path, container, preset_name, watermark, arrived)
    else:
        measured = source.from_json(known["source"])
        decided, more = growth.go_on(path, measured, plan.from_json(known["plan"]), arrived)
    made = {"source": source.to_json(measured), "plan": plan.to_json(decided)}
    return {"recipe": decided.recipe, **made, "more": more}


def _film(
    path: Path,
    container: str,
    preset_name: str,
    watermark: bool,
    on_progress: Callable[[float], None] | None,
    arrived: Arrived | None = None,
) -> dict[str, Any]:
    preset = presets.load(preset_name)
    measured, table = probe.probe(path, container, preset.limits, arrived)
    measured = replace(measured, private=tuple(sorted(privacy.collect(path, container))))
    heard = None
    if preset.sound.loudness is not None and measured.sound is not None:
        if arrived is not None:
            raise Later  # all of it must be listened to
        heard = loudness.measure(path, container, measured.sound, on_progress)
    decided = plan.film(measured, table, preset_name, watermark=watermark, loudness=heard)
    return {"source": source.to_json(measured), "plan": plan.to_json(growth.signed(measured, decided))}
