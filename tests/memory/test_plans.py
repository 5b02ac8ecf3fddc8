"""A plan made while the film still arrives: who is woken when, and what becomes of it at the last byte."""

from typing import Any

import pytest
from early import RANGES, SIZE, arriving, planned_early, publish, rung
from filming import film, lease_of, parts
from sqlalchemy import Engine, event, select, update
from sqlalchemy.orm import Session

from pipeline.catalog import assets, reconcile
from pipeline.catalog.models import Asset, Claim, Output, State
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


def test_a_worker_that_measured_early_is_too_late_after_the_last_byte(session: Session) -> None:
    asset = arriving(session)
    early = lease_of(session, asset.id, "ingest")
    parts(session, asset.id, EARLY_BYTES, SIZE)

    assert not assets.plan(session, early, film(3, RANGES))
    assert not assets.wait(session, early, None)
    assert not assets.reject(session, early, reason="damaged", detail="x")
    assert not assets.stumble(session, early, reason="damaged", detail="x")
    session.commit()

    assert asset.state is State.PROCESSING
    assert asset.recipe is None


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
