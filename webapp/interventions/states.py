"""Where an intervention stands, derived from its items and links: nothing to keep in step, nothing to forget."""

import time
from enum import StrEnum
from typing import Any

from flask_babel import lazy_gettext as _
from sqlalchemy import ColumnElement, case, exists, select

from pipeline.catalog.models import Asset, State
from webapp.customers.models import Link
from webapp.database import session
from webapp.interventions.models import Intervention, Item


class Stage(StrEnum):
    """In the order of asking: the first that is true is shown."""

    ATTENTION = "attention"  # a file was refused, or we failed
    WORKING = "working"  # files arrive or are being made
    OPENED = "opened"  # the customer has seen the page
    SENT = "sent"  # the address of a living link was copied, shared, or given to a program
    LINKED = "linked"  # a link lives, and its address never left the desk
    EMPTY = "empty"  # nothing filmed yet
    READY = "ready"  # everything is made, nobody has been told


NAMES = {
    Stage.ATTENTION: _("Needs attention"),
    Stage.WORKING: _("In the works"),
    Stage.EMPTY: _("To film"),
    Stage.READY: _("Ready to send"),
    Stage.LINKED: _("Link ready"),
    Stage.SENT: _("Shared"),
    Stage.OPENED: _("Opened"),
}


def stage(now: float) -> ColumnElement[str]:
    """The stage as an SQL expression over `Intervention`; `now` in seconds since 1970 decides which links live."""

    def has_item(*states: State) -> ColumnElement[bool]:
        joined = exists().where(Item.intervention_id == Intervention.id, Asset.id == Item.asset_id)
        return joined.where(Asset.state.in_(states)) if states else joined

    def has_link(*more: ColumnElement[bool]) -> ColumnElement[bool]:
        return exists().where(
            Link.intervention_id == Intervention.id, Link.revoked_at.is_(None), Link.expires_at > now, *more
        )

    return case(
        (has_item(State.REJECTED, State.FAILED), Stage.ATTENTION),
        (has_item(State.RECEIVING, State.PROCESSING), Stage.WORKING),
        (has_link(Link.opened_at.is_not(None)), Stage.OPENED),
        (has_link(Link.shared_at.is_not(None)), Stage.SENT),
        (has_link(), Stage.LINKED),
        (~has_item(), Stage.EMPTY),
        else_=Stage.READY,
    )


def standing(intervention: Intervention) -> dict[str, Any]:
    """The stage of one intervention, and every stage's name, as templates want them."""
    found = session.scalar(select(stage(time.time())).where(Intervention.id == intervention.id))
    return {"stage": Stage(found), "names": NAMES}
