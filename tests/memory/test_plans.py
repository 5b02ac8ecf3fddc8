"""A plan made while the film still arrives: who is woken when, and what becomes of it at the last byte."""

from typing import Any

import pytest
from filming import film, lease_of, parts
from sqlalchemy import Engine, event, select, update
from sqlalchemy.orm import Session

from pipeline.catalog import assets, reconcile
from pipeline.catalog.models import Asset, Claim, Outbox, Output, State
from pipeline.catalog.plans import EARLY_BYTES

SIZE = 4 * EARLY_BYTES
RANGES = [[[0, 900], [SIZE - 100, SIZE]], [[900, EARLY_BYTES + 500], [SIZE - 100, SIZE]], [[EARLY_BYTES, SIZE]]]


def arriving(session: Session, received: int = EARLY_BYTES, *, hinted: bool = True) -> Asset:
    asset = assets.create(session, owner="dealer", preset="workshop", size=SIZE)
    if hinted:
        assets.hint(session, asset.id, offset=SIZE - 100, length=100, key="k/hint")
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
    assert asset.hint_key == "k/hint"
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


def test_another_hint_begins_from_nothing(session: Session) -> None:
    asset = planned_early(session)
    publish(session, asset, "chunk/0000")
    working = lease_of(session, asset.id, "chunk/0001")

    assert assets.hint(session, asset.id, offset=SIZE - 200, length=200, key="k/other") == "k/hint"
    session.commit()

    assert (asset.recipe, asset.plan, session.scalars(select(Output)).all()) == (None, None, [])
    assert rung(session)[-1] == "ingest"
    assert not publish(session, asset, "chunk/0001", working)
    assert assets.claim(session, asset.id, "chunk/0000", worker="w") is None
    assert assets.hint(session, asset.id, offset=SIZE - 200, length=200, key="k/other") is None


def test_a_name_that_comes_back_meets_no_worker_from_before(session: Session) -> None:
    asset = planned_early(session)
    parts(session, asset.id, EARLY_BYTES, SIZE - 1)
    for _ in range(3):  # often taken: its fence is the highest
        asleep = lease_of(session, asset.id, "chunk/0002", lease_s=-1)
    assets.hint(session, asset.id, offset=SIZE - 200, length=200, key="k/other")
    assets.plan(session, lease_of(session, asset.id, "ingest"), film(1, RANGES))
    session.commit()
    parts(session, asset.id, SIZE - 1, SIZE)
    assets.plan(session, lease_of(session, asset.id, "ingest"), film(3, RANGES), window=9)
    session.commit()

    for _ in range(3):
        awake = lease_of(session, asset.id, "chunk/0002", lease_s=-1)
        assert awake.fence > asleep.fence


@pytest.mark.parametrize("place", [(SIZE - 99, 100), (SIZE, 1)])
def test_a_hint_lies_inside_its_file(session: Session, place: tuple[int, int]) -> None:
    asset = arriving(session, hinted=False)
    with pytest.raises(assets.NotReceiving):
        assets.hint(session, asset.id, offset=place[0], length=place[1], key="k")


def test_a_hint_is_for_a_file_that_is_still_arriving(session: Session) -> None:
    asset = arriving(session, SIZE, hinted=False)
    with pytest.raises(assets.NotReceiving):
        assets.hint(session, asset.id, offset=0, length=9, key="k")
    with pytest.raises(assets.NotReceiving):
        assets.hint(session, "0199d1f2-0000-7000-8000-000000000000", offset=0, length=9, key="k")


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


def test_a_hint_is_kept_as_long_as_its_row_names_it(session: Session) -> None:
    asset = arriving(session, SIZE)
    assert asset.hint_key == "k/hint"
    for _ in range(3):
        assets.stumble(session, lease_of(session, asset.id, "ingest"), reason="engine-failed", detail="x")
        session.commit()
    assert asset.state is State.FAILED
    assert asset.finished_at is not None

    named = reconcile.named_keys(session, asset.id, asset.finished_at)

    assert named is not None
    assert "k/hint" in named[0]
