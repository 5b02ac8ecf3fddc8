"""What has been made of an asset so far, as the pages need it: rows in, addresses and playlist text out."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import or_, select

from pipeline import playlist
from pipeline.catalog.models import INGEST, Asset, Claim, Output, State
from pipeline.names import FIRST, REST
from webapp.database import session
from webapp.texts import is_id


def outputs(asset: Asset) -> dict[str, Output]:
    """The outputs of the asset's present recipe, by name."""
    rows = session.scalars(select(Output).where(Output.asset_id == asset.id, Output.recipe == asset.recipe))
    return {row.name: row for row in rows}


def headlines(assets: Sequence[Asset]) -> dict[str, dict[str, Output]]:
    """The outputs of several assets by asset and name, in one query; of a film's chunks those of the first alone."""
    found: dict[str, dict[str, Output]] = {asset.id: {} for asset in assets}
    recipes = {asset.id: asset.recipe for asset in assets}
    few = or_(Output.name.not_like("chunk/%"), Output.name.in_((FIRST, REST)))
    for row in session.scalars(select(Output).where(Output.asset_id.in_(found), few)):
        if row.recipe == recipes[row.asset_id]:
            found[row.asset_id][row.name] = row
    return found


def output(asset: Asset, output_id: str) -> Output | None:
    """One output of the asset by id; an older recipe's still counts, since a player may be reading it."""
    wanted = select(Output).where(Output.id == output_id, Output.asset_id == asset.id)
    return session.scalar(wanted) if is_id(output_id) else None


def file(row: Output, path: str) -> dict[str, Any] | None:
    """A file of an output as it was recorded: `{"path", "bytes", "content_type"}`."""
    return next((entry for entry in row.files if entry["path"] == path), None)


def is_playable(made: dict[str, Output]) -> bool:
    """Whether a film can begin: its first chunk is recorded."""
    return FIRST in made


def first(asset: Asset, made: dict[str, Output]) -> tuple[list[Output], bool]:
    """What can be played of a film's first chunk, and whether some of its renditions are still to come."""
    if not is_playable(made):
        return [], False
    here = [made[name] for name in (FIRST, REST) if name in made]
    if len(here) == 2 or asset.state in (State.READY, State.FAILED):
        return here, False
    return here, any(entry["name"] == REST for entry in (asset.plan or {}).get("outputs", ()))


def is_whole(asset: Asset, made: dict[str, Output]) -> bool:
    """Whether every chunk is recorded, of a plan that rests on all of the file: an early one may still be replaced.

    A film that failed at its first chunk's other renditions is whole without them, in the one that it begins with.
    """
    wanted = [entry["name"] for entry in (asset.plan or {}).get("outputs", ()) if entry["name"].startswith("chunk/")]
    if asset.state is State.FAILED:
        wanted = [name for name in wanted if name != REST]
    if not wanted or not all(name in made for name in wanted):
        return False
    undecided = select(Claim.id).where(Claim.asset_id == asset.id, Claim.name == INGEST, Claim.done.is_(False))
    return session.scalar(undecided) is None


def playlists(asset: Asset) -> dict[str, str]:
    """The film's playlists as of now, by file name; segments are named by output id and path only."""
    made = outputs(asset)
    if not is_playable(made):
        return {}
    chunks = [row for name, row in made.items() if name.startswith("chunk/")]
    at = {(row.facts["chunk"], entry["path"]): row.id for row in chunks for entry in row.files}
    return playlist.film(
        [row.facts for row in chunks],
        is_whole(asset, made),
        lambda number, path: f"{at[number, path]}/{path}",
    )
