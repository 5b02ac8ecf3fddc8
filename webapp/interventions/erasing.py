"""Forgetting: rows go at once, the catalog's sweeper takes the bytes within seconds. Callers commit."""

from sqlalchemy import delete, select

from pipeline.catalog import assets
from webapp.database import session
from webapp.interventions import sharing
from webapp.interventions.models import Intervention, Item
from webapp.uploads.models import Upload


def intervention(row: Intervention) -> None:
    """Forget an intervention with its links and everything made of its files.

    An upload that is being created for it comes first, and its file goes too; the next one finds no intervention.
    """
    held = select(Intervention.id).where(Intervention.id == row.id).with_for_update()
    if session.scalar(held) is None:
        return
    session.expire(row)
    for one in list(row.items):
        item(one)
    for link in sharing.links_of(row):
        session.delete(link)
    session.flush()
    session.expire(row)
    session.delete(row)


def item(row: Item) -> None:
    """Forget an item and everything made of it."""
    item_id, asset_id = row.id, row.asset_id
    # The upload's row first, as all do that change both it and the asset's. Who sends may have given it up meanwhile.
    session.execute(delete(Upload).where(Upload.asset_id == asset_id))
    session.execute(delete(Item).where(Item.id == item_id))
    assets.erase(session, asset_id)
