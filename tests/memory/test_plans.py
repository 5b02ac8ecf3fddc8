"""A film planned while it still arrives: who is woken for it, and when."""

import pytest
from early import RANGES, SIZE, arriving, planned_early, publish, rung
from filming import film, lease_of, parts
from sqlalchemy import Engine, event, select, update
from sqlalchemy.orm import Session

from pipeline.catalog import assets, reconcile
from pipeline.catalog.models import Asset, Claim, State
from pipeline.catalog.plans import EARLY_BYTES, MOST_RANGES
from pipeline.errors import EngineFailed


def test_a_film_is_measured_with_its_first_bytes(session: Session) -> None:
    asset = arriving(session, EARLY_BYTES - 1)
    assert rung(session) == []

    parts(session, asset.id, EARLY_BYTES - 1, EARLY_BYTES)

    assert rung(session) == ["ingest"]
    parts(session, asset.id, EARLY_BYTES, EARLY_BYTES + 1)
    assert rung(session) == ["ingest"]


def test_what_cannot_be_measured_yet_is_measured_when_its_bytes_are_here(session: Session) -> None:
    asset = arriving(session)

    assert assets.wait(session, lease_of(session, asset.id, "ingest"), [[0, EARLY_BYTES + 10], [SIZE - 50, SIZE]])
    session.commit()
    parts(session, asset.id, EARLY_BYTES, EARLY_BYTES + 9)
    assert rung(session) == ["ingest"]
    parts(session, asset.id, EARLY_BYTES + 9, EARLY_BYTES + 10)

    assert rung(session) == ["ingest", "ingest"]
    assert lease_of(session, asset.id, "ingest").attempt == 1


def test_what_only_the_whole_file_tells_waits_for_it(session: Session) -> None:
    asset = arriving(session)

    assert assets.wait(session, lease_of(session, asset.id, "ingest"), None)
    session.commit()
    parts(session, asset.id, EARLY_BYTES, SIZE - 1)
    assert rung(session) == ["ingest"]
    parts(session, asset.id, SIZE - 1, SIZE)

    assert rung(session) == ["ingest", "ingest"]


def test_a_chunk_is_called_for_with_the_part_that_holds_its_last_byte(session: Session) -> None:
    asset = planned_early(session)
    assert rung(session) == ["ingest", "make chunk/0000"]

    parts(session, asset.id, EARLY_BYTES, EARLY_BYTES + 499)
    assert rung(session)[2:] == []
    parts(session, asset.id, EARLY_BYTES + 499, EARLY_BYTES + 500)
    assert rung(session)[2:] == ["make chunk/0001"]
    parts(session, asset.id, EARLY_BYTES + 500, SIZE - 100)
    assert rung(session)[3:] == ["make chunk/0002"]

    assert asset.state is State.RECEIVING


def test_the_window_holds_while_a_film_arrives(session: Session) -> None:
    asset = arriving(session)
    everything_is_here = film(6, [[[0, 100]]] * 6)
    assets.plan(session, lease_of(session, asset.id, "ingest"), everything_is_here, window=2)
    session.commit()
    assets.add_part(session, asset.id, offset=EARLY_BYTES, length=1, key="k/2", window=2)
    session.commit()

    assert rung(session) == ["ingest", "make chunk/0000", "make chunk/0001"]


def test_a_part_costs_few_statements_and_reads_no_plan(engine: Engine, session: Session) -> None:
    asset = planned_early(session)
    asset_id = asset.id
    said: list[str] = []
    event.listen(engine, "before_cursor_execute", lambda *args: said.append(args[2]))

    for at in range(EARLY_BYTES, EARLY_BYTES + 100, 10):
        session.expunge_all()
        parts(session, asset_id, at, at + 10)

    statements = [one for one in said if one.startswith(("SELECT", "UPDATE", "INSERT"))]
    assert len(statements) == 10 * 4
    assert not any("asset.plan" in one or "asset.source" in one for one in statements)


def test_an_early_plan_may_be_recorded_again_by_whoever_did_not_hear_the_answer(session: Session) -> None:
    asset = arriving(session)
    measuring = lease_of(session, asset.id, "ingest")

    assert assets.plan(session, measuring, film(3, RANGES))
    session.commit()
    working = lease_of(session, asset.id, "chunk/0000")
    assert assets.plan(session, measuring, film(3, RANGES))
    session.commit()

    assert publish(session, asset, "chunk/0000", working)
    assert rung(session).count("make chunk/0000") == 1


@pytest.mark.parametrize("step", [16, 0])
def test_a_file_that_is_asked_for_bit_by_bit_is_measured_when_it_is_whole(session: Session, step: int) -> None:
    asset = arriving(session)
    looks = 0
    while assets.claim(session, asset.id, "ingest", worker="w") and (looks := looks + 1) <= 40:
        session.rollback()
        asked = [[EARLY_BYTES - looks * step - 16, EARLY_BYTES - looks * step]]
        assert assets.wait(session, lease_of(session, asset.id, "ingest"), asked)
        session.commit()
        if not session.scalar(select(Claim.queued_at).where(Claim.name == "ingest")):
            break

    assert looks <= MOST_RANGES
    assert rung(session) == ["ingest"] * looks
    parts(session, asset.id, EARLY_BYTES, SIZE - 1)
    assert rung(session) == ["ingest"] * looks
    parts(session, asset.id, SIZE - 1, SIZE)
    assert rung(session) == ["ingest"] * (looks + 1)


def test_who_asks_for_no_bytes_at_all_waits_for_the_whole_file(session: Session) -> None:
    asset = arriving(session)

    assert assets.wait(session, lease_of(session, asset.id, "ingest"), [])
    session.commit()

    assert rung(session) == ["ingest"]


def test_who_was_given_the_whole_file_may_ask_for_no_more(session: Session) -> None:
    asset = arriving(session, SIZE)
    lease = lease_of(session, asset.id, "ingest")

    for asked in ([[0, 9]], None):
        with pytest.raises(EngineFailed):
            assets.wait(session, lease, asked)
        session.rollback()

    assert assets.stumble(session, lease, reason="engine-failed", detail="x")
    session.commit()
    assert rung(session)[-1] == "ingest"


def test_the_sweep_does_not_look_closer_at_what_waits_for_its_bytes(engine: Engine, session: Session) -> None:
    asset = planned_early(session)
    publish(session, asset, "chunk/0000")
    said: list[str] = []
    event.listen(engine, "before_cursor_execute", lambda *args: said.append(args[2]))

    assert reconcile.dispatch_again(session) == 0
    assert len(said) == 1
    session.execute(update(Asset).values(received=EARLY_BYTES + 500))

    assert reconcile.dispatch_again(session) == 1
    assert rung(session)[-1] == "make chunk/0001"
