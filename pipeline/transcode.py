"""One chunk: one decode, N renditions, fMP4 segments on the film's own clock.

Nothing here depends on which machine makes the chunk or on what was made before: the same source, plan and chunk are
the same bytes, and chunks made anywhere join without a seam.
"""

import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import ffmpeg

from pipeline import encoders, engine, picture, segments, sound
from pipeline.encoders import CLOCK
from pipeline.errors import Damaged, EngineFailed
from pipeline.frames import Taken, decode
from pipeline.plan import Chunk, FilmPlan, Plan, Rendition
from pipeline.source import Film, Source

OFFSET = sound.OFFSET
# A film of which less can be decoded is not shown: the customer would not see what is spoken of.
LEAST_SHARE = 0.75


def make(
    path: Path,
    source: Source,
    whole: Plan,
    chunk: Chunk,
    watermark: Path | None,
    out: Path,
    on_progress: engine.Progress | None = None,
    which: Sequence[Rendition] = (),
) -> dict[str, Any]:
    """Write the segments of a chunk to `out` and return its facts (docs/architecture.md, times in s, sizes in bytes).
    `which` renditions: none is all. What is made of one does not depend on which others are.

    Raises: Damaged where too few frames can be decoded; EngineFailed.
    """
    assert source.film is not None
    assert whole.film is not None
    plan = whole.film
    which = which or plan.renditions
    with tempfile.TemporaryDirectory(prefix="chunk-", dir=out) as folder:
        work = Path(folder)
        heard = work / "sound.nut" if plan.sound else None
        if heard is not None:
            sound.make(path, source, plan, chunk, heard)
        mark = None
        if watermark is not None and whole.watermark is not None:
            top = plan.renditions[0]
            mark = picture.watermark(watermark, top.width, top.height, whole.watermark, work / "mark.png")
        node = _graph(path, source.container, source.film, plan, chunk, mark, heard, work, which)
        try:
            engine.run(
                [*encoders.opened(plan.encoder), *engine.compiled(node)],
                duration=chunk.duration,
                start=chunk.start + OFFSET,
                on_progress=on_progress,
            )
            made = [_rendition(work / f"{n}.mp4", one, plan, chunk, out) for n, one in enumerate(which)]
        except EngineFailed as error:
            # Whose fault: ours, or that of a file whose pictures no decoder gives?
            _enough(chunk, sum(1 for _ in _decodable(path, source, chunk)), error)
            raise
    frames = made[0]["frames"]
    _enough(chunk, frames)
    if frames > chunk.frames:
        raise EngineFailed(f"{frames} frames came out of {chunk.frames}")
    return {
        "chunk": chunk.number,
        "start": chunk.start,
        "duration": chunk.duration,
        "frames": frames,
        "planned": chunk.frames,
        "renditions": made,
    }


def _enough(chunk: Chunk, frames: int, cause: Exception | None = None) -> None:
    if frames < max(1, LEAST_SHARE * chunk.frames - 2):
        short = f"{frames} of {chunk.frames} frames from {chunk.start:.1f} s on, least {LEAST_SHARE:.0%}"
        raise Damaged(short) from cause


def _decodable(path: Path, source: Source, chunk: Chunk) -> Iterator[Taken]:
    end = chunk.start + chunk.duration
    return (one for one in decode(path, source, since=chunk.start, until=end) if one.at >= chunk.start - 0.001)


def came_out(chunk: Chunk, facts: dict[str, Any]) -> Chunk:
    """The chunk as its source allowed it: frames that could not be decoded are gone, and with them perhaps a key frame.

    For `proof`, which holds every rendition against this one and the same chunk.
    """
    if facts["frames"] == chunk.frames:
        return chunk
    parts = facts["renditions"][0]["segments"]
    keys = tuple(frame["start"] for part in parts for frame in part["iframes"])
    start, end = keys[0], chunk.start + chunk.duration
    cuts = tuple(part["start"] for part in parts)
    return replace(chunk, frames=facts["frames"], keys=keys, cuts=cuts, start=start, duration=end - start)


def _graph(
    path: Path,
    container: str,
    film: Film,
    plan: FilmPlan,
    chunk: Chunk,
    mark: picture.Watermark | None,
    heard: Path | None,
    work: Path,
    which: Sequence[Rendition],
) -> Any:
    asked = engine.reading(container)
    if chunk.seek is not None:
        # Exactly to the chunk's own key frame, by the file's clock; what is before `first` is trimmed below, by us.
        asked |= {"seek_timestamp": "1", "ss": f"{chunk.seek:.6f}"}
    if chunk.end is not None:
        # Stops reading after the chunk: decoding order runs ahead of display order, so this is never too early.
        asked |= {"to": engine.until(chunk.end * plan.time_base, plan.origin * plan.time_base)}
    given = ffmpeg.input(
        str(path),
        # The file's own times; without it each chunk would begin at 0.
        copyts=None,
        # A damaged film is judged by what came out of it, not by how many packets complained.
        max_error_rate=1,
        # Decodes from the key frame on; the engine's own cut drops frames by rounded times.
        noaccurate_seek=None,
        # `picture` turns upright, once and explicitly.
        noautorotate=None,
        # Chunks are the parallelism; each further thread would hold another frame and gain nothing.
        threads=1,
        **asked,
    )
    node = _frames(given[str(film.stream)], film, plan, chunk)
    top = plan.renditions[0]
    node = picture.steps(node, film, width=top.width, height=top.height, watermark=mark)
    # copyts once more: it belongs to each input.
    tone = ffmpeg.input(str(heard), f="nut", copyts=None) if heard else None
    pictures = _sizes(node, plan, which)
    return ffmpeg.merge_outputs(
        *(
            ffmpeg.output(
                *([pictures[n], tone["a"]] if tone else [pictures[n]]),
                str(work / f"{n}.mp4"),
                **encoders.encoding(one, plan, chunk),
            )
            for n, one in enumerate(which)
        )
    )


def _sizes(node: Any, plan: FilmPlan, which: Sequence[Rendition]) -> list[Any]:
    """One stream per rendition. Each size is scaled once, whatever is encoded from it."""
    ladder = list(dict.fromkeys((one.width, one.height) for one in plan.renditions))
    sizes = [(one.width, one.height) for one in which]
    wanted = [size for size in ladder if size in sizes]
    # setsar: 854 px for 853⅓ makes the scaler write pixels of 1281:1280, and players a blurred picture.
    scaled = [made.filter("setsar", 1) for made in picture.ladder(node, ladder, wanted)]
    streams: dict[tuple[int, int], list[Any]] = {}
    for size, made in zip(wanted, scaled, strict=True):
        count = sizes.count(size)
        copies = made.filter_multi_output("split", count) if count > 1 else [made]
        streams[size] = [copies[n] for n in range(count)]
    return [encoders.uploaded(streams[size].pop(0), one, plan) for size, one in zip(sizes, which, strict=True)]


def _frames(node: Any, film: Film, plan: FilmPlan, chunk: Chunk) -> Any:
    """Exactly the chunk's frames, on the clock of the output."""
    node = picture.deinterlace(node, film)
    # By ticks of the track, not by seconds: no rounding can move a frame to the neighbour.
    bounds = {"start_pts": chunk.first} | ({"end_pts": chunk.end} if chunk.end is not None else {})
    node = node.filter("trim", **bounds)
    if plan.apart is not None:
        # From the chunk's first kept frame on each that is far enough from the one kept before it.
        far = f"if(isnan(prev_selected_pts),1,gte(pts-prev_selected_pts,{plan.apart}))"
        node = node.filter("select", f"gte(pts,{chunk.entry})*{far}")
    start = round(OFFSET * CLOCK - plan.origin * plan.time_base * CLOCK)
    return node.filter("settb", f"1/{CLOCK}").filter("setpts", f"PTS+({start})")


def _rendition(file: Path, one: Rendition, plan: FilmPlan, chunk: Chunk, out: Path) -> dict[str, Any]:
    end = chunk.start + chunk.duration
    made = segments.split(file, one.name, ahead=OFFSET, cuts=chunk.cuts, end=end, out=out)
    size = {"width": one.width, "height": one.height, "rate": f"{plan.rate.numerator}/{plan.rate.denominator}"}
    return {"name": one.name, **size, **made}
