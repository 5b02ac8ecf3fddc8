"""A plan and a name become proved outputs: the table of contents of the craft."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from pipeline import document, photo, plan, source, transcode
from pipeline.errors import PipelineFailed
from pipeline.plan import Plan
from pipeline.source import Source

Progress = Callable[[float], None]

CONTENT_TYPES = {
    ".m4s": "video/iso.segment",
    ".mp4": "video/mp4",
    ".jpg": "image/jpeg",
    ".webp": "image/webp",
    ".vtt": "text/vtt",
    ".pdf": "application/pdf",
}


def make(
    name: str,
    path: Path,
    measured: dict[str, Any],
    decided: dict[str, Any],
    watermark: Path | None,
    out: Path,
    on_progress: Progress,
) -> dict[str, Any]:
    """Make one output of a plan in `out`, prove it, and return `{"files", "facts"}` as docs/architecture.md says.

    `measured` and `decided` are what `measure` returned; `watermark` is the dealer's PNG, or None.

    Raises: MediaRejected where decoding shows what probing could not; EngineFailed; ProofFailed.
    """
    it, what = source.from_json(measured), plan.from_json(decided)
    return _made(name, path, it, what, watermark, out, on_progress)


def _made(
    name: str, path: Path, it: Source, what: Plan, watermark: Path | None, out: Path, on_progress: Progress
) -> dict[str, Any]:
    kind, _, number = name.partition("/")
    match kind:
        case "chunk":
            assert what.film is not None
            chunk = what.film.chunks[int(number)]
            facts = transcode.make(path, it, what, chunk, watermark, out, on_progress)
            return {"files": listed(out), "facts": facts}
        case "sizes":
            return photo.make_sizes(path, it, what, watermark, out, on_progress)
        case "document":
            return document.make(path, out, on_progress)
        case _:
            raise PipelineFailed(f"no output is called {name!r}")


def listed(out: Path) -> list[dict[str, Any]]:
    """The files of a folder as the parent stores them."""
    return [
        {"path": file.name, "bytes": file.stat().st_size, "content_type": CONTENT_TYPES[file.suffix]}
        for file in sorted(out.iterdir())
    ]
