"""A file of unknown kind becomes a measured source and a plan: the result of the measure job."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from pipeline import loudness, plan, presets, privacy, probe, source
from pipeline.sniff import Kind, sniff


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


def _film(
    path: Path, container: str, preset_name: str, watermark: bool, on_progress: Callable[[float], None] | None
) -> dict[str, Any]:
    preset = presets.load(preset_name)
    measured, table = probe.probe(path, container, preset.limits)
    measured = replace(measured, private=tuple(sorted(privacy.collect(path, container))))
    heard = None
    if preset.sound.loudness is not None and measured.sound is not None:
        heard = loudness.measure(path, container, measured.sound, on_progress)
    decided = plan.film(measured, table, preset_name, watermark=watermark, loudness=heard)
    return {"source": source.to_json(measured), "plan": plan.to_json(decided)}
