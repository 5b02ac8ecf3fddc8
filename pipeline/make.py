"""A plan and a name become proved outputs: the table of contents of the craft.

Rooms that bring libraries of their own are imported when their output is asked for: a film is made by dozens of
children, and each would load what reads PDFs and photos.
"""

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

from pipeline import frames, plan, proof, source, transcode, view
from pipeline.errors import PipelineFailed, ProofFailed
from pipeline.plan import Plan
from pipeline.source import Source

Progress = Callable[[float], None]

BLACK = 24.0  # of 255, mean brightness of a frame in which nothing can be seen; black itself is 16

STILL = 3.0  # of 255: mean change of a frame in which nothing moves; a coder's noise is below 1

TYPES = {
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
    match name.partition("/")[0]:
        case "chunk":
            return _chunk(name, path, it, what, watermark, out, on_progress)
        case "poster":
            from pipeline import stills

            with _given(name, path, what, out) as film:
                made = stills.poster(film, it, what, watermark, out, on_progress)
                light = (made["facts"]["light"]["width"], made["facts"]["light"]["height"])
                dark = partial(_dark_film, film, it, what)
                proof.still(out / "poster.webp", TYPES[".webp"], light, it.private, dark=dark)
                return _proved(made, "poster.jpg", film, it, what, out)
        case "storyboard":
            from pipeline import stills

            made = stills.storyboard(path, it, what, out, on_progress)
            return _proved(made, "storyboard.jpg", path, it, what, out)
        case "preview":
            from pipeline import stills

            made = stills.preview(path, it, what, watermark, out, on_progress)
            proved = _proved(made, "preview.webp", path, it, what, out)
            if proved["facts"]["frames"] == 1 and _moves(path, it, what):
                raise ProofFailed("preview.webp is 1 picture, of a film that moves")
            return proved
        case "sizes":
            from pipeline import photo
            from pipeline.proof import thumbnails

            assert what.photo is not None
            stored: list[Any] = []
            made = photo.make_sizes(
                path, it, what, watermark, out, on_progress, lambda image: stored.append(thumbnails.small(image))
            )
            mark = what.watermark if watermark is not None else None
            facts = proof.sizes(out, made, what.photo, it, path, stored[0], mark, dark=lambda: _dark_photo(path, it))
            return {**made, "facts": facts}
        case "document":
            from pipeline import document
            from pipeline.proof import documents

            made = document.make(path, out, on_progress)
            return {**made, "facts": documents.document(out, made, it)}
        case _:
            raise PipelineFailed(f"no output is called {name!r}")


def _chunk(
    name: str, path: Path, it: Source, what: Plan, watermark: Path | None, out: Path, on_progress: Progress
) -> dict[str, Any]:
    assert what.film is not None
    chunk, which = what.film.holds(name)
    # Proof is about a tenth of the work.
    with _given(name, path, what, out) as film:
        facts = transcode.make(film, it, what, chunk, watermark, out, lambda share: on_progress(0.9 * share), which)
        made = {"files": listed(out), "facts": facts}
        came = transcode.came_out(chunk, facts)
        mark = what.watermark if watermark is not None else None
        shown = replace(what.film, renditions=which)
        proved = proof.chunk(out, made, shown, came, it, film, mark, lambda share: on_progress(0.9 + 0.1 * share))
    return {**made, "facts": proved}


@contextmanager
def _given(name: str, path: Path, what: Plan, out: Path) -> Iterator[Path]:
    """The film as an output's engines are given it: where it is in fragments, just those that the output needs."""
    ranges = next(one.ranges for one in what.outputs if one.name == name)
    if what.film is None or not what.film.fragmented or ranges is None:
        yield path
        return
    with tempfile.TemporaryDirectory(prefix="film-", dir=out) as folder:
        yield view.copy(path, ranges, Path(folder) / "film")


def _proved(made: dict[str, Any], still: str, path: Path, it: Source, what: Plan, out: Path) -> dict[str, Any]:
    """A still picture proved, or the one that moves; beside it, every other file is at least clean."""
    facts = made["facts"]
    for file in made["files"]:
        if file["path"] != still:
            proof.clean(out / file["path"], file["content_type"], it.private)
    size = (
        facts.get("width") or facts["columns"] * facts["tile_width"],
        facts.get("height") or facts["rows"] * facts["tile_height"],
    )
    kind, dark = TYPES[Path(still).suffix], partial(_dark_film, path, it, what)
    found = proof.still(out / still, kind, size, it.private, dark=dark)
    return {**made, "facts": {**facts, "brightness": found["brightness"], "frames": found["frames"]}}


def _moves(path: Path, it: Source, what: Plan) -> bool:
    """Whether anything moves where the preview was taken: that of a standing picture is one picture."""
    from pipeline import stills

    taken = stills.previewed(path, it, what)
    small = (one.frame.reformat(32, 32, format="gray").to_ndarray().astype(int) for one in taken)
    first = next(small, None)
    return first is not None and any(float(abs(one - first).mean()) > STILL for one in small)


def _dark_film(path: Path, it: Source, what: Plan) -> bool:
    """Whether the film itself begins in the dark: a lens that was covered is no fault of ours.

    Looks no further than the poster did: of a film that still arrives no more bytes need be here.
    """
    assert what.film is not None
    seen = frames.decode(path, it, until=max(what.film.poster.within, 0.001))
    return all(float(one.frame.reformat(format="gray").to_ndarray().mean()) < BLACK for one in islice(seen, 120))


def _dark_photo(path: Path, it: Source) -> bool:
    from PIL import ImageStat

    from pipeline import photo

    with photo.opened(path, it.container, it.photo.width * it.photo.height if it.photo else 1) as image:
        return float(ImageStat.Stat(image.convert("L")).mean[0]) < BLACK


def listed(out: Path) -> list[dict[str, Any]]:
    """The files of a folder as the parent stores them; a folder in it is ours while we work."""
    return [
        {"path": file.name, "bytes": file.stat().st_size, "content_type": TYPES[file.suffix]}
        for file in sorted(out.iterdir())
        if file.is_file()
    ]
