"""Both databases, one behaviour: readers wait for nobody, writers wait for each other, the clock is the database's."""

import threading
import time

import pytest
from sqlalchemy import Engine, select, text, update
from sqlalchemy.exc import DBAPIError, IntegrityError, InternalError, OperationalError
from sqlalchemy.orm import Session

from pipeline.catalog import assets
from pipeline.catalog.engine import BUSY_S, now
from pipeline.catalog.models import Asset, Part

pytestmark = pytest.mark.xdist_group("servers")


@pytest.fixture
def asset_id(engine: Engine) -> str:
    with Session(engine) as session, session.begin():
        return assets.create(session, owner="dealer", preset="workshop", size=10).id


def test_the_clock_counts_seconds_and_goes_on_within_a_transaction(session: Session) -> None:
    first = session.scalars(select(now())).one()
    time.sleep(0.02)
    second = session.scalars(select(now())).one()

    assert abs(first - time.time()) < 5
    assert 0.01 < second - first < 5


def test_a_reader_sees_what_is_committed_and_waits_for_nobody(engine: Engine, asset_id: str) -> None:
    with Session(engine) as writer, Session(engine) as reader:
        writer.execute(update(Asset).values(received=5))

        began = time.monotonic()
        assert reader.scalar(select(Asset.received)) == 0
        assert time.monotonic() - began < BUSY_S / 2

        writer.commit()
        assert reader.scalar(select(Asset.received)) == 5


def test_who_reads_first_may_still_write_after_somebody_else_did(engine: Engine, asset_id: str) -> None:
    with Session(engine) as first, Session(engine) as second:
        assert first.scalar(select(Asset.received)) == 0
        second.execute(update(Asset).values(received=5))
        second.commit()

        first.execute(update(Asset).values(received=Asset.received + 1))
        first.commit()

        assert first.scalar(select(Asset.received)) == 6


@pytest.mark.parametrize("lock", ["get", "select"])
def test_a_locked_row_is_read_by_one_at_a_time(engine: Engine, asset_id: str, lock: str) -> None:
    def add_one() -> None:
        with Session(engine) as session, session.begin():
            if lock == "get":
                asset = session.get_one(Asset, asset_id, with_for_update=True)
            else:
                asset = session.scalars(select(Asset).with_for_update()).one()
            time.sleep(0.01)
            asset.received = asset.received + 1

    threads = [threading.Thread(target=add_one) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    with Session(engine) as session:
        assert session.scalar(select(Asset.received)) == 8


def test_what_is_rolled_back_was_never_there(session: Session, asset_id: str) -> None:
    session.execute(update(Asset).values(received=5))
    session.rollback()

    assert session.scalar(select(Asset.received)) == 0


def test_a_savepoint_can_be_given_up_alone(session: Session, asset_id: str) -> None:
    session.execute(update(Asset).values(received=1))
    given_up = session.begin_nested()
    session.execute(update(Asset).values(received=2))
    given_up.rollback()
    session.commit()

    assert session.scalar(select(Asset.received)) == 1


def test_rows_may_not_refer_to_what_is_not_there(session: Session) -> None:
    session.add(Part(asset_id="none", offset=0, length=1, key="k"))

    with pytest.raises(IntegrityError):
        session.commit()


def test_statements_written_by_hand_are_kept_too(engine: Engine, asset_id: str) -> None:
    with engine.begin() as connection:
        connection.execute(text("UPDATE asset SET received = 7"))
    with engine.connect() as connection:
        assert connection.execute(text("SELECT received FROM asset")).scalar() == 7


def test_an_error_of_the_database_never_says_what_was_asked_for(session: Session) -> None:
    canary = "plate AB-123-CD"
    asset = assets.create(session, owner="dealer", preset="workshop", size=10)

    with pytest.raises(DBAPIError) as caught:
        session.execute(update(Asset).where(Asset.id == asset.id).values(size=None, detail=canary))

    assert "UPDATE asset" in str(caught.value)
    assert canary not in str(caught.value)


def test_a_server_that_became_a_stand_by_is_away_and_its_connection_is_given_up(postgresql: Engine) -> None:
    with Session(postgresql) as session:
        stand_by = session.scalar(text("SELECT pg_backend_pid()"))
        session.execute(text("SET TRANSACTION READ ONLY"))
        with pytest.raises(OperationalError, match="read-only transaction") as caught:
            assets.create(session, owner="plate AB-123-CD", preset="workshop", size=10)
        session.rollback()
        assert session.scalar(text("SELECT pg_backend_pid()")) != stand_by
    assert "AB-123" not in str(caught.value)


def test_other_internal_errors_of_the_server_are_faults(postgresql: Engine) -> None:
    with Session(postgresql) as session:
        with pytest.raises(DBAPIError):
            session.execute(text("SELECT 1 / 0"))
        with pytest.raises(InternalError, match="aborted"):
            session.execute(text("SELECT 1"))
