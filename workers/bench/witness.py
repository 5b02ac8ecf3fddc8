"""Looks at a made film as a stranger's file: each rendition joined, measured and heard in a child."""

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from workers import child
from workers import process as craft


@dataclass(frozen=True, slots=True)
class Witness:
    """The worst of all renditions. `sync_s`: how late the sound became against the picture; None where it was not found
    again. `silent`: there is nothing to hear. `duration_s`: how much longer the picture became. `frames`: how many
    there are in the first rendition."""

    sync_s: float | None
    silent: bool
    duration_s: float
    frames: int


def witness(path: Path, report: craft.Report, out: Path, order: craft.Order) -> Witness:
    """Measure what `process` made of `path` in `out`.

    Raises: MediaRejected, PipelineFailed where our own film cannot be read.
    """
    chunks = {name: made["facts"] for name, made in sorted(report["outputs"].items()) if name.startswith("chunk/")}
    film = report["source"]["film"]
    lag, silent = None, not report["source"].get("sound")
    durations, frames = [], []
    for number, rendition in enumerate(report["plan"]["film"]["renditions"]):
        with tempfile.TemporaryDirectory(prefix="walkaround-witness-") as folder:
            joined = Path(folder) / "joined.mp4"
            _join(chunks, rendition["name"], out, joined)
            made = craft.measure(joined, order)["result"]["source"]
            # All renditions hold the same sound: it is heard once.
            if number == 0 and not silent and made.get("sound"):
                lag, silent = _lag(path, report["source"], joined, made, order)
        durations.append(float(made["film"]["duration"]) - float(film["duration"]))
        frames.append(int(made["film"]["frames"]))
    return Witness(
        sync_s=None if lag is None else round(lag, 4),
        silent=silent,
        duration_s=round(sorted(durations, key=abs)[-1], 4),
        frames=frames[0],
    )


def _join(chunks: dict[str, dict[str, Any]], rendition: str, out: Path, joined: Path) -> None:
    """The init segment once, then all segments of one rendition."""
    parts = [
        (out / name, one) for name, facts in chunks.items() for one in facts["renditions"] if one["name"] == rendition
    ]
    with joined.open("wb") as file:
        file.write((parts[0][0] / parts[0][1]["init"]).read_bytes())
        for folder, part in parts:
            for segment in part["segments"]:
                file.write((folder / segment["path"]).read_bytes())
    joined.chmod(0o644)


def _lag(
    path: Path, source: dict[str, Any], joined: Path, made: dict[str, Any], order: craft.Order
) -> tuple[float | None, bool]:
    job: dict[str, Any] = {}
    for name, measured in (("input", source), ("made", made)):
        job |= {f"{name}_stream": measured["sound"]["stream"], f"{name}_zero": float(measured["film"]["start"])}
    answer = child.run(
        job,
        inputs={"input": path, "made": joined},
        limits=order.limits,
        layer=order.layer,
        program=("-c", Path(__file__).with_name("listen.py").read_text()),
    )
    return answer["result"]["lag_s"], answer["result"]["silent"]
