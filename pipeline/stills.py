"""Poster, storyboard and silent preview of a film.

For `make`. It chooses frames; `frames` decodes them and gives them the film's own colours and mark. Sizes and times are
the plan's. What it writes comes from pixels alone, so nothing rides along.
"""

import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from PIL import Image

from pipeline import picture
from pipeline.errors import Damaged
from pipeline.frames import Taken, Which, decode, developed, number_of, small
from pipeline.plan import FilmPlan, Plan
from pipeline.source import Film, Source

Progress = Callable[[float], None]

LOOKS = 12  # frames that a poster is chosen from
LIGHT_EDGE = 540  # px, short edge: a phone's width at 1.4x
LIGHT_BYTES = 21_000  # a tenth of a second on a bus; with the page's own 38 kB the customer waits for less than 60
PREVIEW_BYTES = 500_000
MOMENTS = 3  # that a preview shows


def poster(
    path: Path, source: Source, plan: Plan, watermark: Path | None, out: Path, on_progress: Progress
) -> dict[str, Any]:
    """The best early frame as `poster.jpg`, and light as `poster.webp`: sharp, well lit, steady; the same every time.

    Needs only the bytes of the film's first seconds. Raises: Damaged when no frame can be decoded.
    """
    film, made = _planned(source, plan)
    wish = made.poster
    taken: list[Taken] = []
    for one in decode(path, source, until=max(wish.within, 0.001), which=Which.REFERENCES):
        if not taken or one.at - taken[-1].at >= wish.within / LOOKS * 0.99:
            taken.append(small(one, film, wish.width, wish.height))
            on_progress(min(0.8, 0.8 * one.at / max(0.1, wish.within)))
    if not taken:
        raise Damaged("no frame for a poster can be decoded")
    from pipeline.judge import best

    chosen = best([one.frame for one in taken])
    with tempfile.TemporaryDirectory() as room:
        mark = _mark(watermark, plan, wish.width, wish.height, Path(room))
        image = developed([taken[chosen].frame], film, wish.width, wish.height, mark, Path(room))[0]
    # 4:2:0 and progressive: the smallest first picture, and the whole of it early on a slow line.
    image.save(out / "poster.jpg", "JPEG", quality=84, progressive=True, optimize=True)
    small_one = _light(image, out / "poster.webp")
    on_progress(1.0)
    facts = {"width": image.width, "height": image.height, "at": round(max(0.0, taken[chosen].at), 3)}
    files = [_file(out / "poster.jpg", "image/jpeg"), _file(out / "poster.webp", "image/webp")]
    return {"files": files, "facts": {**facts, "light": {"width": small_one.width, "height": small_one.height}}}


def _light(image: Image.Image, target: Path) -> Image.Image:
    """The poster as a page loads it before anybody has asked for the film: half the weight of the rest of that page."""
    share = min(1.0, LIGHT_EDGE / min(image.size))
    made = image.resize((round(image.width * share), round(image.height * share)), Image.Resampling.LANCZOS)
    for quality in (65, 50, 38, 28, 24, 20):
        made.save(target, "WEBP", quality=quality, method=4)
        if target.stat().st_size <= LIGHT_BYTES:
            break
    return made


def storyboard(path: Path, source: Source, plan: Plan, out: Path, on_progress: Progress) -> dict[str, Any]:
    """Small pictures at even times in one sprite `storyboard.jpg`, and `storyboard.vtt`, which says where each one is.

    Key frames are taken where there are enough of them, so that a long film costs little. Raises: Damaged.
    """
    film, made = _planned(source, plan)
    wish = made.storyboard
    tiles = _tiles(decode(path, source, which=Which.KEYS, slot=wish.every), film, made, on_progress)
    if len(tiles) <= wish.count // 2:
        tiles = _tiles(decode(path, source), film, made, on_progress)
    if not tiles:
        raise Damaged("no frame for a storyboard can be decoded")
    earliest = tiles[min(tiles)]
    row = [earliest := tiles.get(n, earliest) for n in range(wish.count)]
    size = (wish.tile_width, wish.tile_height)
    with tempfile.TemporaryDirectory() as room:
        images = developed([one.frame for one in row], film, *size, None, Path(room))
    sprite = Image.new("RGB", (wish.columns * wish.tile_width, wish.rows * wish.tile_height))
    cues = ["WEBVTT\n"]
    for n, image in enumerate(images):
        x, y = n % wish.columns * wish.tile_width, n // wish.columns * wish.tile_height
        sprite.paste(image, (x, y))
        end = made.duration if n + 1 == wish.count else (n + 1) * wish.every
        place = f"storyboard.jpg#xywh={x},{y},{wish.tile_width},{wish.tile_height}"
        cues.append(f"{_clock(n * wish.every)} --> {_clock(end)}\n{place}\n")
    sprite.save(out / "storyboard.jpg", "JPEG", quality=72, progressive=True, optimize=True)
    (out / "storyboard.vtt").write_text("\n".join(cues))
    on_progress(1.0)
    files = [_file(out / "storyboard.jpg", "image/jpeg"), _file(out / "storyboard.vtt", "text/vtt")]
    facts = {name: getattr(wish, name) for name in ("columns", "rows", "tile_width", "tile_height", "every", "count")}
    return {"files": files, "facts": facts}


def preview(
    path: Path, source: Source, plan: Plan, watermark: Path | None, out: Path, on_progress: Progress
) -> dict[str, Any]:
    """A few silent seconds from several moments of the film as `preview.webp`, at most 500 kB. Raises: Damaged."""
    film, made = _planned(source, plan)
    wish = made.preview
    taken = previewed(path, source, plan, on_progress)
    if not taken:
        raise Damaged("no frame for a preview can be decoded")
    size = (wish.width, wish.height)
    with tempfile.TemporaryDirectory() as room:
        mark = _mark(watermark, plan, *size, Path(room))
        images = developed([one.frame for one in taken], film, *size, mark, Path(room))
    target = out / "preview.webp"
    for quality in (65, 50, 35, 20):
        images[0].save(
            target,
            "WEBP",
            save_all=True,
            append_images=images[1:],
            duration=round(1000 / wish.rate),
            loop=0,
            quality=quality,
            method=2,  # a third of the time of libwebp's default for a tenth more bytes
        )
        if target.stat().st_size <= PREVIEW_BYTES:
            break
    on_progress(1.0)
    facts = {"width": wish.width, "height": wish.height, "duration": round(len(images) / wish.rate, 3)}
    return {"files": [_file(target, "image/webp")], "facts": facts}


def previewed(path: Path, source: Source, plan: Plan, on_progress: Progress = lambda _: None) -> list[Taken]:
    """The frames that a preview shows, small; progress runs from 0 to 0.7."""
    film, made = _planned(source, plan)
    taken: list[Taken] = []
    starts, length = _moments(made, film)
    for n, start in enumerate(starts):
        seen = decode(path, source, since=start, which=Which.REFERENCES)
        taken += _moment(seen, taken[-1].at if taken else -1.0, length, film, made)
        on_progress(0.7 * (n + 1) / len(starts))
    return taken


def _planned(source: Source, plan: Plan) -> tuple[Film, FilmPlan]:
    assert source.film is not None
    assert plan.film is not None
    return source.film, plan.film


def _file(path: Path, content_type: str) -> dict[str, Any]:
    return {"path": path.name, "bytes": path.stat().st_size, "content_type": content_type}


def _clock(seconds: float) -> str:
    whole = round(seconds * 1000)
    return f"{whole // 3_600_000:02}:{whole // 60_000 % 60:02}:{whole // 1000 % 60:02}.{whole % 1000:03}"


def _mark(logo: Path | None, plan: Plan, width: int, height: int, room: Path) -> picture.Watermark | None:
    if logo is None or plan.watermark is None:
        return None
    return picture.watermark(logo, width, height, plan.watermark, room / "mark.png")


def _moments(made: FilmPlan, film: Film) -> tuple[list[float], float]:
    """The starts (s on the film's clock) of the moments of a preview, and their length: one for a short film."""
    wish = made.preview
    if made.duration < 3 * wish.duration or len(made.chunks) == 1:
        return [max(0.0, wish.start - film.start)], wish.duration
    return [made.duration * (n + 0.5) / MOMENTS for n in range(MOMENTS)], wish.duration / MOMENTS


def _moment(frames: Iterator[Taken], after: float, length: float, film: Film, made: FilmPlan) -> Iterator[Taken]:
    """From a key frame on, at the preview's rate, as no run-up has to be decoded; nothing up to `after` again."""
    wish = made.preview
    first = due = None
    for one in frames:
        first = one.at if first is None else first
        due = one.at if due is None else due
        if first <= after or one.at >= first + length - 0.002:
            return
        if one.at >= due - 0.002:
            yield small(one, film, wish.width, wish.height)
            due = max(due + 1 / wish.rate, one.at + 0.5 / wish.rate)


def _tiles(frames: Iterator[Taken], film: Film, made: FilmPlan, on_progress: Progress) -> dict[int, Taken]:
    """The first frame of each tile's span, by the tile's number."""
    wish, tiles = made.storyboard, dict[int, Taken]()
    for one in frames:
        number = number_of(one.at, wish.every)
        if 0 <= number < wish.count and number not in tiles:
            tiles[number] = small(one, film, wish.tile_width, wish.tile_height)
            on_progress(0.8 * number / wish.count)
    return tiles
