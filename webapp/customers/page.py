"""What a customer sees of an intervention: rows in, a view for the template out. Nothing here is stored."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pipeline.catalog import assets, keys
from pipeline.catalog.models import Asset, Output, State
from webapp.customers import waiting
from webapp.database import session
from webapp.interventions.models import Intervention, Item
from webapp.media import shelf, sign

# A film opens with about as much as its player weighs (130 kB), which comes over the line at the same time.
OPENING_BYTES = 150_000

# An upload of which nothing has arrived for an hour was probably given up: no promise is made about it.
PATIENCE_S = 3600


@dataclass(frozen=True, slots=True)
class Film:
    """A film; `stage` is `waiting` (nothing can be played), `playable` or `ready`. Sizes in px."""

    id: str
    caption: str
    stage: str
    width: int
    height: int
    duration: float | None  # s
    playlist: str
    opening: str
    poster: str | None
    storyboard: str | None
    percent: int = 0  # of what it waits for
    sentence: str = ""  # what is said about that
    is_growing: bool = False  # it can be played, and not yet to its end
    is_partial: bool = False  # some versions of its beginning are still to come


@dataclass(frozen=True, slots=True)
class Photo:
    """A photo; `webp` and `jpeg` are what `srcset` wants, `full` the largest one, `colour` its mean. Sizes in px."""

    id: str
    caption: str
    stage: str
    width: int = 4
    height: int = 3
    webp: str = ""
    jpeg: str = ""
    small: str = ""
    full: str = ""
    colour: str = ""


@dataclass(frozen=True, slots=True)
class Paper:
    """A document to download, with a picture of its first page; `bytes` is its size."""

    id: str
    caption: str
    stage: str
    pages: int = 0
    bytes: int = 0
    href: str = ""
    picture: str | None = None


@dataclass(frozen=True, slots=True)
class Shown:
    """Everything to show, each kind in the technician's order."""

    films: list[Film]
    photos: list[Photo]
    papers: list[Paper]

    @property
    def is_growing(self) -> bool:
        """Whether looking again later will show more; of an empty page one hopes so."""
        every = (*self.films, *self.photos, *self.papers)
        return not every or any(item.stage != "ready" for item in every)

    @property
    def is_awaited(self) -> bool:
        """Whether a page without scripts looks again by itself: never where that would stop a film somebody watches."""
        return self.is_growing and all(film.stage == "waiting" for film in self.films)


def view(intervention: Intervention, link_id: str | None) -> Shown:
    """The intervention's media, under paths bound to the link, or without one to the signed-in person."""
    items = [item for item in intervention.items if _is_shown(item.asset)]
    made = shelf.headlines([item.asset for item in items])
    films: list[Film] = []
    photos: list[Photo] = []
    papers: list[Paper] = []
    for item in items:
        prefix, outputs = sign.path(item.asset_id, link_id), made[item.asset_id]
        match item.asset.kind or item.kind:
            case "film":
                films.append(_film(item, prefix, outputs))
            case "photo":
                photos.append(_photo(item, prefix, outputs))
            case _:
                papers.append(_paper(item, prefix, outputs))
    return Shown(films, photos, papers)


def _is_shown(asset: Asset) -> bool:
    """A file that was refused, or that we failed at, is the workshop's business and not the customer's."""
    match asset.state:
        case State.REJECTED:
            return False
        case State.FAILED:  # perhaps at its storyboard: the film itself can still be whole
            return asset.kind == "film" and shelf.is_whole(asset, shelf.outputs(asset))
        case State.RECEIVING:
            return time.time() - asset.touched_at < PATIENCE_S
    return True


def opening(first: Sequence[Output]) -> str:
    """What a player can ask for at once: of the versions that every player knows, the best whose first segment is
    light, or the lightest; as its playlist, its init and that segment, named as beside the multivariant playlist.
    `first` is what there is of the first chunk.
    """
    made = [(row, version) for row in first for version in row.facts["renditions"]]
    known = [(row, version) for row, version in made if version["codecs"].startswith("avc1")]
    versions = sorted(known or made, key=lambda one: one[1]["width"], reverse=True)
    light = (one for one in versions if one[1]["segments"][0]["bytes"] <= OPENING_BYTES)
    row, version = next(light, versions[-1])
    pieces = (keys.file(f"{row.id}/", path) for path in (version["init"], version["segments"][0]["path"]))
    return " ".join((f"{version['name']}.m3u8", *pieces))


def _film(item: Item, prefix: str, outputs: Mapping[str, Output]) -> Film:
    poster, board = outputs.get("poster"), outputs.get("storyboard")
    first, is_partial = shelf.first(item.asset, outputs)
    source = item.asset.source or {}
    # The shape as it will be shown, so that nothing moves when the picture comes.
    made = [version for row in first for version in row.facts["renditions"]]
    shape = max(made, key=lambda version: version["height"]) if made else source.get("film") or {}
    stage = "ready" if item.asset.state in (State.READY, State.FAILED) else "playable" if first else "waiting"
    progress = assets.progress(session(), item.asset) if stage == "waiting" else None
    return Film(
        id=item.id,
        caption=item.caption,
        stage=stage,
        width=shape.get("width", 16),
        height=shape.get("height", 9),
        duration=source.get("duration"),
        playlist=f"{prefix}index.m3u8",
        opening=opening(first) if first else "",
        is_partial=is_partial,
        poster=_at(prefix, poster, "poster.webp" if shelf.file(poster, "poster.webp") else "poster.jpg")
        if poster
        else None,
        storyboard=_at(prefix, board, "storyboard.vtt") if board else None,
        percent=progress.percent if progress else 0,
        sentence=waiting.sentence(progress) if progress else "",
        is_growing=stage == "playable" and not shelf.is_whole(item.asset, shelf.outputs(item.asset)),
    )


def _photo(item: Item, prefix: str, outputs: Mapping[str, Output]) -> Photo:
    made = outputs.get("sizes")
    if made is None:
        return Photo(item.id, item.caption, "waiting")
    sizes = sorted(made.facts["sizes"], key=lambda size: size["width"])

    def candidates(format: str) -> list[tuple[str, int]]:
        return [(_at(prefix, made, size["path"]), size["width"]) for size in sizes if size["format"] == format]

    jpeg = candidates("jpeg")
    return Photo(
        id=item.id,
        caption=item.caption,
        stage="ready",
        width=made.facts["width"],
        height=made.facts["height"],
        webp=_srcset(candidates("webp")),
        jpeg=_srcset(jpeg),
        small=jpeg[0][0],
        full=jpeg[-1][0],
        colour=made.facts.get("colour", ""),
    )


def _paper(item: Item, prefix: str, outputs: Mapping[str, Output]) -> Paper:
    made = outputs.get("document")
    if made is None:
        return Paper(item.id, item.caption, "waiting")
    return Paper(
        id=item.id,
        caption=item.caption,
        stage="ready",
        pages=made.facts["pages"],
        bytes=next(entry["bytes"] for entry in made.files if entry["path"] == "document.pdf"),
        href=_at(prefix, made, "document.pdf"),
        picture=_at(prefix, made, "page.jpg") if shelf.file(made, "page.jpg") else None,
    )


def _at(prefix: str, output: Output, path: str) -> str:
    return prefix + keys.file(f"{output.id}/", path)


def _srcset(candidates: list[tuple[str, int]]) -> str:
    return ", ".join(f"{url} {width}w" for url, width in candidates)
