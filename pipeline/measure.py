"""A file of unknown kind becomes a measured source and a plan: the result of the measure job.

The first bytes are looked at before the room of their kind is imported: what is no picture at all starts no engine.
"""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from pipeline.arrived import Arrived, Later
from pipeline.errors import MediaRejected
from pipeline.sniff import HEAD_BYTES, Kind, sniff


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
        from pipeline import film

        made = film.measure(path, found.format, preset_name, watermark, on_progress)
    return {"kind": str(found.kind), "recipe": made["plan"]["recipe"], **made}


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
        from pipeline import film

        made = film.measure_early(path, found.format, preset_name, watermark, arrived, known)
    except Later as later:
        return {"later": later.ranges}
    except MediaRejected:
        return {"later": None}
    return {"kind": str(found.kind), "recipe": made["plan"]["recipe"], **made}
