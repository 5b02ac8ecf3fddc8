"""Whether the holder of a signed path may still see an asset: one indexed query a request."""

import time

from flask_security import current_user
from sqlalchemy import select

from pipeline.catalog.models import Asset
from webapp.accounts.models import Dealership
from webapp.customers.models import Link
from webapp.database import session
from webapp.interventions.models import Intervention, Item
from webapp.media import sign


def asset(signature: str, binding: str, asset_id: str) -> Asset | None:
    """The asset, or None: a false or old signature, a revoked or expired link, somebody else's item."""
    if not sign.holds(signature, binding, asset_id):
        return None
    query = select(Asset).join(Item, Item.asset_id == Asset.id).where(Asset.id == asset_id)
    if link_id := _link(binding):
        query = query.join(Link, Link.intervention_id == Item.intervention_id).where(*_alive(link_id))
    elif _is_signed_in(binding):
        query = query.join(Intervention).where(Intervention.dealership_id == current_user.dealership_id)
    else:
        return None
    return session.scalar(query)


def dealership(signature: str, binding: str) -> Dealership | None:
    """The dealership whose logo the path names, under the same conditions as an asset."""
    if not sign.holds(signature, binding, sign.LOGO):
        return None
    if link_id := _link(binding):
        return session.scalar(select(Dealership).join(Intervention).join(Link).where(*_alive(link_id)))
    return current_user.dealership if _is_signed_in(binding) else None


def _link(binding: str) -> str:
    return binding[2:] if binding.startswith("l-") else ""


def _alive(link_id: str) -> tuple:
    return Link.id == link_id, Link.revoked_at.is_(None), Link.expires_at > time.time()


def _is_signed_in(binding: str) -> bool:
    """A staff path opens in that person's own session only: it is worth nothing when copied."""
    return bool(current_user.is_authenticated and current_user.active and binding == f"u-{current_user.id}")
