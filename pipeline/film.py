"""The measuring of a film: probed, searched for what is private, listened to, planned; also while it arrives."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from pipeline import decide, fragments, growth, loudness, plan, presets, privacy, probe, source
from pipeline.arrived import Arrived, Later

_WHOLE = {b"moov", b"mdat"}  # what an ISO film without fragments has


def measure(
    path: Path,
    container: str,
    preset_name: str,
    watermark: bool,
    on_progress: Callable[[float], None] | None = None,
    arrived: Arrived | None = None,
) -> dict[str, Any]:
    """`{"source", "plan"}` of a film, as JSON; of one of which `arrived` is here, its index and what it stands on.

    Raises: the leaves of MediaRejected; Later.
    """
    preset = presets.load(preset_name)
    levels = preset.sound.loudness is not None
    tell = on_progress or (lambda _: None)
    read = 0.5 if levels else 1.0  # the other half is listening
    measured, table = probe.probe(path, container, preset.limits, arrived, lambda share: tell(read * share))
    measured = replace(measured, private=tuple(sorted(privacy.collect(path, container))))
    heard = None
    if levels and measured.sound is not None:
        if arrived is not None:
            raise Later  # all of it must be listened to
        heard = loudness.measure(path, container, measured.sound, lambda share: tell(read + read * share))
    decided = decide.film(measured, table, preset_name, watermark=watermark, loudness=heard)
    return {"source": source.to_json(measured), "plan": plan.to_json(growth.signed(measured, decided))}


def measure_early(
    path: Path, container: str, preset_name: str, watermark: bool, arrived: Arrived, known: dict[str, Any] | None
) -> dict[str, Any]:
    """The same of an ISO film that is still arriving; with `more` of one in fragments, which is `known` so far.

    Raises: the leaves of MediaRejected; Later.
    """
    if _in_front(path, arrived):
        return _grown(path, container, preset_name, watermark, arrived, known)
    return measure(path, container, preset_name, watermark, None, arrived)


def _in_front(path: Path, arrived: Arrived) -> bool:
    """Look whether the tables of an ISO file are here, so that its packets can be read though they are not. True: those
    in front are, and fragments have their own.

    Raises: Later.
    """
    seen: set[bytes] = set()
    promised = False
    at, boxes = 0, fragments.outermost(path)
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
    return {"source": source.to_json(measured), "plan": plan.to_json(decided), "more": more}
