"""A film planned while it still arrived: what becomes of that at the last byte."""

from typing import Any

import pytest
from early import RANGES, SIZE, arriving, planned_early, publish, rung
from filming import film, lease_of, parts
from sqlalchemy import select
from sqlalchemy.orm import Session

from pipeline.catalog import assets, reconcile
from pipeline.catalog.models import Output, State
from pipeline.catalog.plans import EARLY_BYTES


def test_the_same_answer_at_the_last_byte_keeps_what_was_made(session: Session) -> None:
    asset = planned_early(session)
    publish(session, asset, "chunk/0000")
    working = lease_of(session, asset.id, "chunk/0001")
    kept = session.scalars(select(Output.id)).all()

    parts(session, asset.id, EARLY_BYTES, SIZE)
    assert asset.state is State.PROCESSING
    assert assets.plan(session, lease_of(session, asset.id, "ingest"), film(3, RANGES), window=9)
    session.commit()

    assert session.scalars(select(Output.id)).all() == kept
    assert publish(session, asset, "chunk/0001", working)
    assert asset.hint_key is None
    for name in ("poster", "chunk/0002", "storyboard"):
        assert publish(session, asset, name)
    assert asset.state is State.PROCESSING
    assert publish(session, asset, "preview")
    assert asset.state is State.READY


@pytest.mark.parametrize("differs", ["plan", "source", "hint"])
def test_another_answer_at_the_last_byte_drops_what_was_made(session: Session, differs: str) -> None:
    asset = planned_early(session)
    publish(session, asset, "chunk/0000")
    working = lease_of(session, asset.id, "chunk/0001")
    parts(session, asset.id, EARLY_BYTES, SIZE)
    again = film(2 if differs == "plan" else 3, RANGES) | ({"source": {"a": 1}} if differs == "source" else {})

    assert assets.plan(session, lease_of(session, asset.id, "ingest"), again, hint_held=differs != "hint", window=9)
    session.commit()

    assert session.scalars(select(Output)).all() == []
    assert not publish(session, asset, "chunk/0001", working)
    assert "chunk/0000" in assets.missing(session, asset)
    assert rung(session).count("make chunk/0000") == 2


def test_who_makes_a_chunk_may_change_a_plan_but_not_confirm_it(session: Session) -> None:
    asset = planned_early(session)
    chunk = lease_of(session, asset.id, "chunk/0000")
    parts(session, asset.id, EARLY_BYTES, SIZE)

    assert assets.plan(session, chunk, film(3, RANGES) | {"recipe": "workshop-2"}, window=9)
    session.commit()

    assert asset.recipe == "workshop-2"
    assert asset.hint_key == "k/hint/1"
    assert rung(session)[-3:] == ["make chunk/0000", "make chunk/0001", "make chunk/0002"]
    assert "make storyboard" not in rung(session)


def test_a_plan_of_another_recipe_takes_away_what_was_made_before(session: Session) -> None:
    asset = planned_early(session)
    publish(session, asset, "chunk/0000")
    chunk = lease_of(session, asset.id, "chunk/0001")
    parts(session, asset.id, EARLY_BYTES, SIZE)

    # As where a graphics card turns out not to work, in the middle of a film.
    assert assets.plan(session, chunk, film(3, RANGES) | {"recipe": "workshop-2"}, window=9)
    session.commit()

    assert session.scalars(select(Output)).all() == []


def test_nothing_is_ready_before_the_whole_file_says_so(session: Session) -> None:
    asset = arriving(session)
    small: dict[str, Any] = film(1, [[[0, 100]]])
    small["plan"]["outputs"] = small["plan"]["outputs"][1:2]
    assets.plan(session, lease_of(session, asset.id, "ingest"), small)
    publish(session, asset, "chunk/0000")
    assert assets.progress(session, asset).playable
    parts(session, asset.id, EARLY_BYTES, SIZE)
    assert asset.state is State.PROCESSING

    assets.plan(session, lease_of(session, asset.id, "ingest"), small)
    session.commit()

    assert asset.state is State.READY


@pytest.mark.parametrize("end", ["rejected", "failed", "three times", "lost"])
def test_nothing_that_ends_badly_early_is_final(session: Session, end: str) -> None:
    asset = planned_early(session)
    for _ in range(3 if end in ("three times", "lost") else 1):
        lease = lease_of(session, asset.id, "chunk/0000", lease_s=-1 if end == "lost" else 30)
        match end:
            case "rejected":
                assets.reject(session, lease, reason="damaged", detail="1 of 90 frames")
            case "failed":
                assets.fail(session, lease, reason="engine-failed", detail="x")
            case "three times":
                assets.stumble(session, lease, reason="engine-failed", detail="x")
        session.commit()
    if end == "lost":
        assert reconcile.give_up(session) == []
        session.commit()
    before = len(rung(session))

    assert asset.state is State.RECEIVING
    reconcile.ring_again(session, all_queues=True)
    reconcile.dispatch_again(session)
    session.commit()
    assert "make chunk/0000" not in rung(session)[before:]
    parts(session, asset.id, EARLY_BYTES, SIZE)
    assert "make chunk/0000" not in rung(session)[before:]
    assets.plan(session, lease_of(session, asset.id, "ingest"), film(3, RANGES), window=9)
    session.commit()

    assert rung(session)[before:].count("make chunk/0000") == 1
    assert lease_of(session, asset.id, "chunk/0000").attempt == 1


def test_a_measurement_that_ends_badly_early_is_done_again_with_all_bytes(session: Session) -> None:
    asset = arriving(session)
    assets.reject(session, lease_of(session, asset.id, "ingest"), reason="damaged", detail="x")
    session.commit()
    assert asset.state is State.RECEIVING

    parts(session, asset.id, EARLY_BYTES, SIZE)
    assert rung(session) == ["ingest", "ingest"]
    assets.reject(session, lease_of(session, asset.id, "ingest"), reason="damaged", detail="x")
    session.commit()

    assert (asset.state, asset.reason) == (State.REJECTED, "damaged")


def test_a_worker_that_measured_early_can_end_nothing_after_the_last_byte(session: Session) -> None:
    asset = arriving(session)
    early = lease_of(session, asset.id, "ingest")
    parts(session, asset.id, EARLY_BYTES, SIZE)

    assert not assets.wait(session, early, None)
    assert not assets.reject(session, early, reason="damaged", detail="x")
    assert not assets.stumble(session, early, reason="damaged", detail="x")
    session.commit()

    assert asset.state is State.PROCESSING
    assert asset.recipe is None


@pytest.mark.parametrize("then", ["the same", "another"])
def test_what_was_measured_early_is_begun_with_though_the_last_byte_came_first(session: Session, then: str) -> None:
    asset = arriving(session)
    early = lease_of(session, asset.id, "ingest")
    parts(session, asset.id, EARLY_BYTES, SIZE)
    whole = lease_of(session, asset.id, "ingest")

    assert assets.renew(session, early)
    assert assets.plan(session, early, film(3, RANGES), window=9)
    assert assets.plan(session, early, film(3, RANGES), window=9)
    session.commit()
    assert rung(session)[2:] == [f"make chunk/000{number}" for number in range(3)]
    assert publish(session, asset, "chunk/0000")
    working = lease_of(session, asset.id, "chunk/0001")
    assert asset.state is State.PROCESSING
    assert asset.hint_key is not None

    assert assets.plan(session, whole, film(3 if then == "the same" else 2, RANGES), window=9)
    session.commit()

    assert publish(session, asset, "chunk/0001", working) is (then == "the same")
    assert ("chunk/0000" in assets.missing(session, asset)) is (then != "the same")


def test_what_was_measured_early_comes_too_late_when_the_whole_file_is_measured(session: Session) -> None:
    asset = arriving(session)
    early = lease_of(session, asset.id, "ingest")
    parts(session, asset.id, EARLY_BYTES, SIZE)
    assert assets.plan(session, lease_of(session, asset.id, "ingest"), film(2, RANGES), window=9)
    session.commit()

    assert not assets.renew(session, early)
    assert not assets.plan(session, early, film(3, RANGES), window=9)
    assert not assets.plan(session, early, film(2, RANGES), window=9)
    session.commit()

    assert "chunk/0002" not in assets.missing(session, asset)


def test_what_was_measured_before_another_index_came_is_of_no_use(session: Session) -> None:
    asset = arriving(session)
    early = lease_of(session, asset.id, "ingest")
    assets.hint(session, asset.id, offset=SIZE - 90, length=90, key="k/other/1")

    assert not assets.renew(session, early)
    assert not assets.plan(session, early, film(3, RANGES))
    session.commit()

    assert asset.recipe is None
