"""Time left while a film arrives: of its line, or of the work, whichever is slower."""

from dataclasses import astuple

import pytest
from early import SIZE, arriving, planned_early, publish
from filming import parts
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from pipeline.catalog import assets
from pipeline.catalog.engine import now
from pipeline.catalog.models import Asset, Claim, State
from pipeline.catalog.plans import EARLY_BYTES
from pipeline.catalog.storage import Piece


def test_time_left_while_a_film_arrives_comes_from_its_line(session: Session) -> None:
    asset = arriving(session, 100_000)
    session.execute(update(Asset).values(speed=1000.0))
    session.commit()
    asset = session.get_one(Asset, asset.id, populate_existing=True)

    progress = assets.progress(session, asset)

    assert (progress.state, progress.percent) == (State.RECEIVING, 100 * 100_000 // SIZE)
    assert progress.eta_s == pytest.approx((SIZE - 100_000) / 1000)


def test_time_left_is_that_of_the_work_where_it_is_slower_than_the_line(session: Session) -> None:
    asset = planned_early(session)
    publish(session, asset, "chunk/0000")
    parts(session, asset.id, EARLY_BYTES, SIZE - 100)
    session.execute(update(Asset).values(speed=1e9))
    session.execute(update(Claim).where(Claim.name == "chunk/0000").values(started_at=Claim.started_at - 40))
    session.commit()
    asset = session.get_one(Asset, asset.id, populate_existing=True)

    progress = assets.progress(session, asset)

    # 4 s of film took 40 s, and 8 s of it are here to be made.
    assert progress.playable
    assert progress.eta_s == pytest.approx(80, rel=0.1)


def test_the_speed_of_a_line_is_that_of_its_last_parts_and_a_pause_is_none(session: Session) -> None:
    asset = assets.create(session, owner="dealer", preset="workshop", size=SIZE)
    session.commit()

    def after(seconds: float, start: int, end: int) -> float | None:
        session.execute(update(Asset).values(touched_at=Asset.touched_at - seconds))
        parts(session, asset.id, start, end)
        return session.scalar(select(Asset.speed))

    assert after(10, 0, 10_000) == pytest.approx(1000, rel=0.1)
    assert after(1000, 10_000, 20_000) == pytest.approx(1000, rel=0.1)
    assert after(5, 20_000, 30_000) == pytest.approx(1300, rel=0.1)


def test_parts_told_together_are_measured_together(session: Session) -> None:
    asset = assets.create(session, owner="dealer", preset="workshop", size=SIZE)
    session.execute(update(Asset).values(touched_at=Asset.touched_at - 10))
    pieces = [Piece(offset, 10_000, f"k/{offset}") for offset in (0, 10_000)]

    assert assets.add_parts(session, asset.id, pieces) == 20_000
    session.commit()

    assert [(part.offset, part.length, part.key) for part in asset.parts] == [astuple(piece) for piece in pieces]

    assert session.scalar(select(Asset.speed)) == pytest.approx(2000, rel=0.1)


def test_a_part_that_took_no_time_says_nothing_about_the_line(session: Session) -> None:
    asset = assets.create(session, owner="dealer", preset="workshop", size=SIZE)
    session.execute(update(Asset).values(speed=1000.0, touched_at=now() + 1))
    parts(session, asset.id, 0, 10_000)

    assert session.scalar(select(Asset.speed)) == 1000
