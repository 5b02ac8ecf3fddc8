"""Films that are planned while they arrive: four times the first bytes long, in three chunks, the index behind them."""

from filming import film, lease_of, parts
from sqlalchemy import select
from sqlalchemy.orm import Session

from pipeline.catalog import assets
from pipeline.catalog.models import Asset, Outbox
from pipeline.catalog.plans import EARLY_BYTES

SIZE = 4 * EARLY_BYTES
RANGES = [[[0, 900], [SIZE - 100, SIZE]], [[900, EARLY_BYTES + 500], [SIZE - 100, SIZE]], [[EARLY_BYTES, SIZE]]]


def arriving(session: Session, received: int = EARLY_BYTES, *, hinted: bool = True) -> Asset:
    asset = assets.create(session, owner="dealer", preset="workshop", size=SIZE)
    if hinted:
        assets.hint(session, asset.id, offset=SIZE - 100, length=100, key="k/hint/1")
    parts(session, asset.id, 0, received)
    return asset


def planned_early(session: Session, received: int = EARLY_BYTES) -> Asset:
    asset = arriving(session, received)
    assert assets.plan(session, lease_of(session, asset.id, "ingest"), film(3, RANGES), window=9)
    session.commit()
    return asset


def rung(session: Session) -> list[str]:
    rows = session.scalars(select(Outbox).order_by(Outbox.id))
    return [f"{row.actor} {row.args['name']}" if row.actor == "make" else row.actor for row in rows]


def publish(session: Session, asset: Asset, name: str, lease: assets.Lease | None = None) -> bool:
    lease = lease or lease_of(session, asset.id, name)
    done = assets.publish(session, lease, prefix=f"{name}/{lease.fence}/", files=[], facts={}, window=9)
    session.commit()
    return done
