"""Looks at a made film as a stranger's file: each rendition joined, measured in a child, compared with its source."""

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from workers import process as craft


@dataclass(frozen=True, slots=True)
class Witness:
    """The worst of all renditions. `sync_s`: how far sound moved against picture; None without sound. `duration_s`: how
    much longer the picture became. `frames`: how many there are in the first rendition."""

    sync_s: float | None
    duration_s: float
    frames: int


def witness(report: craft.Report, out: Path, order: craft.Order) -> Witness:
    """Measure what `process` made in `out`.

    Raises: MediaRejected, PipelineFailed where our own film cannot be read.
    """
    chunks = [made["facts"] for name, made in sorted(report["outputs"].items()) if name.startswith("chunk/")]
    source = report["source"]
    found = [_rendition(chunks, place, out, order) for place in range(len(chunks[0]["renditions"]))]
    # Sound from before the first frame is cut off with it: then both begin together.
    wanted = max(0.0, _offset(source)) if source.get("sound") else 0.0
    sounds = [abs(_offset(made) - wanted) for made in found if made.get("sound") and source.get("sound")]
    durations = [float(made["film"]["duration"]) - float(source["film"]["duration"]) for made in found]
    return Witness(
        sync_s=round(max(sounds), 4) if sounds else None,
        duration_s=round(sorted(durations, key=abs)[-1], 4),
        frames=found[0]["film"]["frames"],
    )


def _rendition(chunks: list[dict[str, Any]], place: int, out: Path, order: craft.Order) -> dict[str, Any]:
    """The source of one rendition: its init segment once, then all its segments."""
    with tempfile.TemporaryDirectory(prefix="walkaround-witness-") as folder:
        joined = Path(folder) / "joined.mp4"
        with joined.open("wb") as file:
            first = chunks[0]["renditions"][place]
            file.write((out / f"chunk/{chunks[0]['chunk']:04}" / first["init"]).read_bytes())
            for chunk in chunks:
                for segment in chunk["renditions"][place]["segments"]:
                    file.write((out / f"chunk/{chunk['chunk']:04}" / segment["path"]).read_bytes())
        joined.chmod(0o644)
        answer = craft.measure(joined, order)
    source: dict[str, Any] = answer["result"]["source"]
    return source


def _offset(source: dict[str, Any]) -> float:
    """Seconds from the first frame to the first sound."""
    return float(source["sound"]["start"]) - float(source["film"]["start"])
