"""The life of an asset, on both databases: what a crash, a second worker or a late one may and may not change."""

import threading

import pytest
from filming import PHOTO, film, lease_of, parts, planned, received
from sqlalchemy import Engine, select, update
from sqlalchemy.orm import Session

from pipeline.catalog import assets, reconcile
from pipeline.catalog.models import Claim, Erasure, Outbox, Output, Part, State

pytestmark = pytest.mark.xdist_group("servers")


def rung(session: Session) -> list[str]:
    """What was called for, oldest first: `queue actor name`."""
    return [
        " ".join(filter(None, (row.queue, row.actor, row.args.get("name"))))
        for row in session.scalars(select(Outbox).order_by(Outbox.id))
    ]


def test_bytes_are_counted_and_the_last_part_starts_the_processing(session: Session) -> None:
    asset = assets.create(session, owner="dealer", preset="workshop", size=10)
    assert assets.add_part(session, asset.id, offset=0, length=4, key="k/1") == 4
    session.commit()
    assert assets.progress(session, asset).percent == 40
    assert rung(session) == []

    assert assets.add_part(session, asset.id, offset=4, length=6, key="k/2") == 10
    session.commit()

    assert asset.state is State.PROCESSING
    assert asset.completed_at is not None
    assert [part.key for part in asset.parts] == ["k/1", "k/2"]
    assert rung(session) == ["express ingest"]


@pytest.mark.parametrize(("offset", "length"), [(0, 4), (3, 1), (5, 1), (4, 7)])
def test_a_part_that_does_not_fit_changes_nothing(session: Session, offset: int, length: int) -> None:
    asset = assets.create(session, owner="dealer", preset="workshop", size=10)
    assets.add_part(session, asset.id, offset=0, length=4, key="k/1")
    session.commit()

    with pytest.raises(assets.OffsetConflict):
        assets.add_part(session, asset.id, offset=offset, length=length, key="k/2")
    session.rollback()

    assert session.get_one(type(asset), asset.id).received == 4
    assert [part.key for part in session.scalars(select(Part))] == ["k/1"]


def test_a_finished_upload_takes_no_more(session: Session) -> None:
    asset = received(session, size=10)

    with pytest.raises(assets.OffsetConflict):
        assets.add_part(session, asset.id, offset=10, length=0, key="k/late")


def test_two_requests_with_the_same_offset_store_one_part(engine: Engine) -> None:
    with Session(engine) as session:
        asset_id = assets.create(session, owner="dealer", preset="workshop", size=10).id
        session.commit()
    won: list[str] = []
    start = threading.Barrier(4)

    def send(key: str) -> None:
        start.wait()
        with Session(engine) as session:
            try:
                assets.add_part(session, asset_id, offset=0, length=10, key=key)
                session.commit()
                won.append(key)
            except assets.OffsetConflict:
                session.rollback()

    threads = [threading.Thread(target=send, args=(f"k/{number}",)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    with Session(engine) as session:
        assert [part.key for part in session.scalars(select(Part))] == won
        assert rung(session) == ["express ingest"]


def test_an_empty_file_is_rejected_at_once(session: Session) -> None:
    asset = assets.create(session, owner="dealer", preset="workshop", size=0)
    session.commit()

    assert (asset.state, asset.reason) == (State.REJECTED, "empty")


def test_a_name_is_claimed_by_one_of_many(engine: Engine) -> None:
    with Session(engine) as session:
        asset_id = received(session).id
    won = []
    start = threading.Barrier(6)

    def work(number: int) -> None:
        start.wait()
        with Session(engine) as session:
            if lease := assets.claim(session, asset_id, "ingest", worker=f"w{number}"):
                won.append(lease)
            session.commit()

    threads = [threading.Thread(target=work, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert [(lease.fence, lease.attempt) for lease in won] == [(1, 1)]


def test_a_lease_that_ran_out_is_taken_over_with_a_higher_fence(session: Session) -> None:
    asset = received(session)
    first = lease_of(session, asset.id, "ingest", lease_s=-1)

    second = lease_of(session, asset.id, "ingest")

    assert (second.fence, second.attempt) == (2, 2)
    assert not assets.renew(session, first)
    assert assets.renew(session, second)
    assert not assets.plan(session, first, film(1))
    assert not assets.reject(session, first, reason="damaged", detail="late")
    assert not assets.fail(session, first, reason="engine-failed", detail="late")
    assert not assets.stumble(session, first, reason="engine-failed", detail="late")
    assert not assets.release(session, first)
    session.commit()
    assert asset.state is State.PROCESSING


def test_nobody_claims_more_often_than_the_limit(session: Session) -> None:
    asset = received(session)
    for _ in range(3):
        lease_of(session, asset.id, "ingest", lease_s=-1)

    assert assets.claim(session, asset.id, "ingest", worker="w", max_attempts=3) is None


def test_planning_wakes_the_most_urgent_outputs_only(session: Session) -> None:
    planned(session, film(6), window=3)

    assert rung(session) == ["express ingest", "express make poster", "express make chunk/0000", "film make chunk/0001"]


def test_recording_one_wakes_the_next(session: Session) -> None:
    asset = planned(session, film(6), window=2)
    lease = lease_of(session, asset.id, "poster")

    assert publish(session, lease)

    assert rung(session)[-1] == "film make chunk/0001"
    assert len(rung(session)) == 4


def test_an_asset_is_ready_when_nothing_is_missing(session: Session) -> None:
    asset = planned(session, film(1))
    names = ["poster", "chunk/0000", "storyboard", "preview"]
    assert assets.missing(session, asset) == set(names)

    for name in names:
        assert asset.state is State.PROCESSING
        assert publish(session, lease_of(session, asset.id, name))

    assert asset.state is State.READY
    assert asset.finished_at is not None
    assert assets.progress(session, asset) == assets.Progress(State.READY, 100, None, True, None)
    assert [row.name for row in assets.outputs(session, asset.id)] == sorted(names)


def test_a_loser_publishes_nothing(session: Session) -> None:
    asset = planned(session, film(1))
    slow = lease_of(session, asset.id, "poster", lease_s=-1)
    quick = lease_of(session, asset.id, "poster")

    assert publish(session, quick)
    assert not publish(session, slow)

    assert [row.prefix for row in session.scalars(select(Output))] == ["p/2/"]


def test_what_is_done_is_not_claimed_again(session: Session) -> None:
    asset = planned(session, film(1))
    publish(session, lease_of(session, asset.id, "poster"))

    assert assets.claim(session, asset.id, "poster", worker="w") is None


def test_a_file_at_fault_is_rejected_and_shows_nothing(session: Session) -> None:
    asset = planned(session, film(2))
    publish(session, lease_of(session, asset.id, "poster"))
    lease = lease_of(session, asset.id, "chunk/0000")

    assert assets.reject(session, lease, reason="damaged", detail="71 of 90 frames")
    session.commit()

    assert assets.progress(session, asset) == assets.Progress(State.REJECTED, 0, None, False, "damaged")
    assert assets.outputs(session, asset.id) == []
    assert assets.claim(session, asset.id, "chunk/0001", worker="w") is None


@pytest.mark.parametrize("name", ["poster", "ingest"])
def test_nothing_is_recorded_on_a_file_that_another_refused(session: Session, name: str) -> None:
    asset = planned(session, film(2))
    if name == "ingest":
        session.execute(update(Claim).where(Claim.name == "ingest").values(done=False, attempts=0))
    late = lease_of(session, asset.id, name)
    assert assets.reject(session, lease_of(session, asset.id, "chunk/0000"), reason="damaged", detail="71 of 90 frames")
    session.commit()
    before = len(rung(session))

    assert not (publish(session, late) if name == "poster" else assets.plan(session, late, film(3)))
    session.commit()

    assert assets.progress(session, asset) == assets.Progress(State.REJECTED, 0, None, False, "damaged")
    assert session.scalars(select(Output)).all() == []
    assert len(rung(session)) == before


def test_a_bad_attempt_rings_for_the_next_and_the_last_fails_the_asset(session: Session) -> None:
    asset = planned(session, film(1))
    for attempt in (1, 2):
        lease = lease_of(session, asset.id, "poster")
        assert lease.attempt == attempt
        assert assets.stumble(session, lease, reason="engine-failed", detail="poster: no frame")
        session.commit()
        assert rung(session)[-1] == "express make poster"
        assert asset.state is State.PROCESSING

    assets.stumble(session, lease_of(session, asset.id, "poster"), reason="engine-failed", detail="poster: no frame")
    session.commit()

    assert (asset.state, asset.reason, asset.detail) == (State.FAILED, "engine-failed", "poster: no frame")


def give_up(session: Session, asset_id: str, name: str) -> None:
    for _ in range(3):
        lease = lease_of(session, asset_id, name)
        assert assets.stumble(session, lease, reason="engine-failed", detail=f"{name}: no frame")
        session.commit()


def test_an_extra_that_cannot_be_made_is_given_up_and_the_film_is_ready_without_it(session: Session) -> None:
    asset = planned(session, film(1))
    give_up(session, asset.id, "preview")
    assert asset.state is State.PROCESSING
    assert assets.claim(session, asset.id, "preview", worker="w") is None

    for name in ("poster", "chunk/0000", "storyboard"):
        assert publish(session, lease_of(session, asset.id, name))

    assert assets.progress(session, asset) == assets.Progress(State.READY, 100, None, True, None)
    given_up = [(row.name, row.reason, row.last_error) for row in assets.given_up(session, [asset.id])]
    assert given_up == [("preview", "engine-failed", "preview: no frame")]
    assert [row.name for row in assets.outputs(session, asset.id)] == ["chunk/0000", "poster", "storyboard"]


def test_giving_up_the_last_thing_missing_ends_the_work(session: Session) -> None:
    asset = planned(session, film(1))
    stumbled = lease_of(session, asset.id, "poster")
    assets.stumble(session, stumbled, reason="engine-failed", detail="once")
    for name in ("poster", "chunk/0000", "storyboard"):
        publish(session, lease_of(session, asset.id, name))

    give_up(session, asset.id, "preview")

    assert asset.state is State.READY
    assert [row.name for row in assets.given_up(session, [asset.id])] == ["preview"]


def test_what_was_given_up_is_tried_again_with_a_failed_asset(session: Session) -> None:
    asset = planned(session, film(1))
    give_up(session, asset.id, "preview")
    assets.fail(session, lease_of(session, asset.id, "poster"), reason="engine-failed", detail="x")
    session.commit()

    assets.retry(session, asset.id)
    session.commit()

    assert assets.given_up(session, [asset.id]) == []
    assert lease_of(session, asset.id, "preview").attempt == 1


def test_a_worker_from_before_all_began_again_writes_nothing(session: Session) -> None:
    asset = planned(session, film(1))
    asleep = lease_of(session, asset.id, "chunk/0000")
    assets.fail(session, lease_of(session, asset.id, "poster"), reason="engine-failed", detail="x")
    session.commit()
    assets.retry(session, asset.id)
    session.commit()

    assert not publish(session, asleep)

    asleep = lease_of(session, asset.id, "chunk/0000")
    session.execute(update(Claim).where(Claim.name == "ingest").values(done=False, attempts=0))
    assert assets.plan(session, lease_of(session, asset.id, "ingest"), film(1) | {"recipe": "workshop-2"})
    session.commit()

    assert not publish(session, asleep)


def test_what_was_recorded_may_be_recorded_again_by_whoever_did_not_hear_the_answer(session: Session) -> None:
    asset = received(session)
    measuring = lease_of(session, asset.id, "ingest")
    assert assets.plan(session, measuring, film(1))
    assert assets.plan(session, measuring, film(1))
    session.commit()
    making = lease_of(session, asset.id, "poster")

    assert publish(session, making)
    assert publish(session, making)

    assert [row.name for row in session.scalars(select(Output))] == ["poster"]
    assert rung(session).count("express make poster") == 1


def test_work_is_given_back_once_even_if_said_twice(session: Session) -> None:
    asset = planned(session, film(1))
    lease_of(session, asset.id, "poster", lease_s=-1)
    lease = lease_of(session, asset.id, "poster")

    assert assets.release(session, lease)
    assert not assets.release(session, lease)
    session.commit()

    assert lease_of(session, asset.id, "poster").attempt == 2


def test_a_bad_attempt_may_rest_before_the_next(session: Session) -> None:
    asset = planned(session, film(1))
    lease = lease_of(session, asset.id, "poster")
    before = len(rung(session))

    assert assets.stumble(session, lease, reason="unexpected", detail="disk full", after_s=60)
    session.commit()

    assert assets.claim(session, asset.id, "poster", worker="w") is None
    assert len(rung(session)) == before
    session.execute(update(Claim).values(lease_until=Claim.lease_until - 100, queued_at=Claim.queued_at - 100))
    assert reconcile.ring_again(session) == 1
    assert lease_of(session, asset.id, "poster").attempt == 2


def test_work_given_back_is_not_counted(session: Session) -> None:
    asset = planned(session, film(1))
    for _ in range(5):
        lease = lease_of(session, asset.id, "poster")
        assert lease.attempt == 1
        assert assets.release(session, lease)
        session.commit()

    assert rung(session)[-1] == "express make poster"


def test_work_given_back_for_a_while_rests(session: Session) -> None:
    asset = planned(session, film(1))
    before = len(rung(session))

    assert assets.release(session, lease_of(session, asset.id, "poster"), after_s=60)
    session.commit()

    assert assets.claim(session, asset.id, "poster", worker="w") is None
    assert len(rung(session)) == before


def test_a_failed_asset_tried_again_keeps_what_it_has(session: Session) -> None:
    asset = planned(session, film(1))
    publish(session, lease_of(session, asset.id, "poster"))
    assets.fail(session, lease_of(session, asset.id, "chunk/0000"), reason="engine-failed", detail="x")
    session.commit()

    assets.retry(session, asset.id)
    session.commit()

    assert asset.state is State.PROCESSING
    assert "poster" not in assets.missing(session, asset)
    assert lease_of(session, asset.id, "chunk/0000").attempt == 1


def test_a_new_recipe_wants_everything_anew(session: Session) -> None:
    asset = planned(session, film(1))
    publish(session, lease_of(session, asset.id, "poster"))
    session.execute(update(Claim).where(Claim.name == "ingest").values(done=False, attempts=0))
    again = film(1) | {"recipe": "workshop-2"}

    assert assets.plan(session, lease_of(session, asset.id, "ingest"), again)
    session.commit()

    assert assets.missing(session, asset) == {"poster", "chunk/0000", "storyboard", "preview"}
    assert lease_of(session, asset.id, "poster").fence == 3


def test_percent_and_time_left_come_from_the_work_done(session: Session) -> None:
    asset = planned(session, film(4))
    assert assets.progress(session, asset) == assets.Progress(State.PROCESSING, 0, None, False, None)
    session.execute(update(Claim).where(Claim.name == "poster").values(started_at=Claim.queued_at - 6))

    lease = lease_of(session, asset.id, "chunk/0000")
    session.execute(update(Claim).where(Claim.name == "chunk/0000").values(started_at=Claim.queued_at - 10))
    assets.renew(session, lease, progress=0.5)
    session.commit()
    halfway = assets.progress(session, asset)
    publish(session, lease)
    done = assets.progress(session, asset)

    # 2 of 20 s of film took 10 s: 90 s are left; then 4 of 20: 40 s.
    assert (halfway.percent, halfway.playable) == (10, False)
    assert halfway.eta_s == pytest.approx(90, rel=0.1)
    assert (done.percent, done.playable) == (20, True)
    assert done.eta_s == pytest.approx(40, rel=0.1)


def test_a_photo_is_playable_when_its_sizes_are_there(session: Session) -> None:
    asset = planned(session, PHOTO)
    publish(session, lease_of(session, asset.id, "sizes"))

    assert assets.progress(session, asset).playable


def test_only_outputs_whose_bytes_arrived_are_called_for(session: Session) -> None:
    asset = assets.create(session, owner="dealer", preset="workshop", size=1000)
    parts(session, asset.id, 0, 500)
    session.add(Claim(asset_id=asset.id, name="ingest", queue="express"))
    session.commit()

    assets.plan(session, lease_of(session, asset.id, "ingest"), film(2, ranges=[[[0, 400]], [[400, 900]]]))
    session.commit()

    assert [row.args["name"] for row in session.scalars(select(Outbox))] == ["chunk/0000"]
    assert asset.state is State.RECEIVING


def test_erasing_leaves_no_row_but_the_note_to_remove_the_bytes(session: Session) -> None:
    asset = planned(session, film(1))
    publish(session, lease_of(session, asset.id, "poster"))
    working = lease_of(session, asset.id, "chunk/0000")

    assets.erase(session, asset.id)
    session.commit()

    for table in (type(asset), Part, Output, Claim):
        assert session.scalars(select(table)).all() == []
    assert [row.asset_id for row in session.scalars(select(Erasure))] == [working.asset_id]
    assert not assets.renew(session, working)
    assert not publish(session, working)


def publish(session: Session, lease: assets.Lease) -> bool:
    done = assets.publish(session, lease, prefix=f"p/{lease.fence}/", files=[], facts={}, window=2)
    session.commit()
    return done
