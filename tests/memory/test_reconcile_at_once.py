"""The sweeper looks while somebody else changes the same rows."""

import threading

import pytest
from sqlalchemy import Engine, event, select, update
from sqlalchemy.orm import Session

from pipeline.catalog import assets, reconcile
from pipeline.catalog.engine import now
from pipeline.catalog.models import Asset

pytestmark = pytest.mark.xdist_group("servers")


def test_an_upload_that_goes_on_at_the_last_moment_is_not_erased(engine: Engine, session: Session) -> None:
    asset = assets.create(session, owner="dealer", preset="workshop", size=10)
    session.execute(update(Asset).values(touched_at=now() - 100))
    session.commit()
    asset_id = asset.id
    expired: list[list[str]] = []
    asked = threading.Event()

    def look() -> None:
        with Session(engine) as sweeper, sweeper.begin():
            event.listen(sweeper.connection(), "before_cursor_execute", lambda *_: asked.set())
            expired.append(reconcile.expire(sweeper, expiry_s=60))

    session.get(Asset, asset_id, with_for_update=True, populate_existing=True)
    assets.add_part(session, asset_id, offset=0, length=4, key="k/0")
    session.flush()
    looking = threading.Thread(target=look)
    looking.start()
    assert asked.wait(60)
    looking.join(0.5)  # it waits for us, or has looked already
    session.commit()
    looking.join()

    assert expired == [[]]
    assert session.scalars(select(Asset.id)).all() == [asset_id]
