"""The life of an asset, on both databases: from its first byte to ready, refused or erased."""

import threading

import pytest
from filming import PHOTO, film, lease_of, parts, planned, publish, received, rung
from sqlalchemy import Engine, select, update
from sqlalchemy.orm import Session

from pipeline.catalog import assets
from pipeline.catalog.models import Claim, Erasure, Outbox, Output, Part, State

pytestmark = pytest.mark.xdist_group("servers")


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


def test_a_file_at_fault_is_rejected_and_shows_nothing(session: Session) -> None:
    asset = planned(session, film(2))
    publish(session, lease_of(session, asset.id, "poster"))
    lease = lease_of(session, asset.id, "chunk/0000")

    assert assets.reject(session, lease, reason="damaged", detail="71 of 90 frames")
    session.commit()

    assert assets.progress(session, asset) == assets.Progress(State.REJECTED, 0, None, False, "damaged")
    assert assets.outputs(session, asset.id) == []
    assert assets.claim(session, asset.id, "chunk/0001", worker="w") is None


def test_nothing_is_recorded_on_a_file_that_another_refused(session: Session) -> None:
    asset = planned(session, film(2))
    late = lease_of(session, asset.id, "poster")
    assert assets.reject(session, lease_of(session, asset.id, "chunk/0000"), reason="damaged", detail="71 of 90 frames")
    session.commit()
    before = len(rung(session))

    assert not publish(session, late)
    session.commit()

    assert assets.progress(session, asset) == assets.Progress(State.REJECTED, 0, None, False, "damaged")
    assert session.scalars(select(Output)).all() == []
    assert len(rung(session)) == before


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
    session.execute(update(Claim).where(Claim.name == "poster").values(started_at=Claim.queued_at - 600))

    lease = lease_of(session, asset.id, "chunk/0000")
    session.execute(update(Claim).where(Claim.name == "chunk/0000").values(started_at=Claim.queued_at - 1000))
    assets.renew(session, lease, progress=0.5)
    session.commit()
    halfway = assets.progress(session, asset)
    publish(session, lease)
    done = assets.progress(session, asset)

    # 2 of 20 s of film took 1000 s: 9000 s are left; then 4 of 20: 4000 s.
    assert (halfway.percent, halfway.playable) == (10, False)
    assert halfway.eta_s == pytest.approx(9000, rel=0.1)
    assert (done.percent, done.playable) == (20, True)
    assert done.eta_s == pytest.approx(4000, rel=0.1)


def test_a_photo_is_playable_when_its_sizes_are_there(session: Session) -> None:
    asset = planned(session, PHOTO)
    publish(session, lease_of(session, asset.id, "sizes"))

    assert assets.progress(session, asset).playable


def test_only_outputs_whose_bytes_arrived_are_called_for(session: Session) -> None:
    asset = assets.create(session, owner="dealer", preset="workshop", size=1000)
    parts(session, asset.id, 0, 500)

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
