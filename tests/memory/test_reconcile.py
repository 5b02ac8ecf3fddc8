"""What the sweeper finds: lost workers, lost messages, uploads nobody goes on with, and what they left behind."""

import pytest
from filming import film, lease_of, planned, received
from sqlalchemy import Engine, select, text, update
from sqlalchemy.orm import Session

from pipeline.catalog import assets, keys, reconcile
from pipeline.catalog.engine import now
from pipeline.catalog.models import Asset, Claim, Erasure, Outbox, Part, State
from pipeline.catalog.storage import Storage

pytestmark = pytest.mark.xdist_group("servers")


def sent(session: Session) -> int:
    """How many messages wait in the outbox; they are taken away."""
    count = len(session.scalars(select(Outbox)).all())
    for row in session.scalars(select(Outbox)):
        session.delete(row)
    session.commit()
    return count


def age(session: Session, seconds: float) -> None:
    """Let every claim have been woken that much earlier."""
    session.execute(update(Claim).values(queued_at=Claim.queued_at - seconds, lease_until=Claim.lease_until - seconds))
    session.commit()


def test_a_lost_worker_is_rung_for_once(session: Session) -> None:
    asset = planned(session, film(1), window=1)
    lease_of(session, asset.id, "poster")
    sent(session)
    assert reconcile.ring_again(session) == 0

    age(session, 31)

    assert reconcile.ring_again(session) == 1
    session.commit()
    assert reconcile.ring_again(session) == 0
    assert [row.args["name"] for row in session.scalars(select(Outbox))] == ["poster"]


@pytest.mark.parametrize(
    ("waited", "idle", "forgot", "rung"),
    [
        (0, ["express"], False, 0),
        (11, ["express"], False, 1),
        (11, ["film"], False, 0),
        (599, [], False, 0),
        (601, [], False, 1),
        (0, [], True, 1),
    ],
)
def test_a_message_is_taken_to_be_lost(
    session: Session, waited: float, idle: list[str], forgot: bool, rung: int
) -> None:
    planned(session, film(1), window=1)
    age(session, waited)

    assert reconcile.ring_again(session, idle_queues=idle, all_queues=forgot) == rung


def test_who_is_working_is_left_alone(session: Session) -> None:
    asset = planned(session, film(1), window=1)
    lease_of(session, asset.id, "poster", lease_s=3600)
    age(session, 1000)

    assert reconcile.ring_again(session, idle_queues=["express"], all_queues=True) == 0


def test_the_last_worker_lost_fails_the_asset(session: Session) -> None:
    asset = planned(session, film(1))
    for _ in range(3):
        assert reconcile.give_up(session) == []
        lease_of(session, asset.id, "chunk/0000", lease_s=-1)

    assert reconcile.give_up(session) == [asset.id]
    session.commit()

    assert (asset.state, asset.reason) == (State.FAILED, "worker-lost")
    assert asset.detail == "chunk/0000: 3 attempts, limit 3; before: no word"
    assert reconcile.give_up(session) == []


def test_an_extra_whose_last_worker_is_lost_is_given_up_alone(session: Session) -> None:
    asset = planned(session, film(1))
    for _ in range(3):
        lease_of(session, asset.id, "preview", lease_s=-1)

    assert reconcile.give_up(session) == []
    session.commit()

    assert asset.state is State.PROCESSING
    (given_up,) = assets.given_up(session, [asset.id])
    assert (given_up.name, given_up.reason) == ("preview", "worker-lost")
    assert given_up.last_error == "preview: 3 attempts, limit 3; before: no word"
    assert reconcile.ring_again(session, all_queues=True) == 3


def test_the_last_attempt_is_given_its_time(session: Session) -> None:
    asset = planned(session, film(1))
    for lease_s in (-1, -1, 30):
        lease_of(session, asset.id, "poster", lease_s=lease_s)

    assert reconcile.give_up(session) == []


def test_an_asset_nobody_was_called_for_is_called_for(session: Session) -> None:
    asset = planned(session, film(3))
    sent(session)
    session.execute(update(Claim).values(queued_at=None))
    session.commit()

    assert reconcile.dispatch_again(session, window=2) == 2
    session.commit()
    assert reconcile.dispatch_again(session, window=2) == 0
    assert len(assets.missing(session, asset)) == 6


def test_an_upload_nobody_goes_on_with_is_erased(session: Session) -> None:
    old = assets.create(session, owner="dealer", preset="workshop", size=10)
    assets.add_part(session, old.id, offset=0, length=4, key="k/old")
    young = assets.create(session, owner="dealer", preset="workshop", size=10)
    whole = received(session)
    old_id, young_id, whole_id = old.id, young.id, whole.id
    session.execute(update(Asset).where(Asset.id != young_id).values(touched_at=now() - 100))
    session.commit()

    assert reconcile.expire(session, expiry_s=60) == [old_id]
    session.commit()

    assert set(session.scalars(select(Asset.id))) == {young_id, whole_id}
    assert session.scalars(select(Part.key)).all() == ["k/0"]
    assert reconcile.erased(session) == [old_id]


def test_what_was_erased_is_looked_at_three_times_and_then_forgotten(session: Session) -> None:
    asset_id = received(session).id
    assets.erase(session, asset_id)
    looks = []

    for second in range(0, reconcile.KEEP_S + 60, 30):
        for found in reconcile.erased(session):
            looks.append(second)
            reconcile.looked_at(session, found)
        session.execute(update(Erasure).values(erased_at=Erasure.erased_at - 30, looked_at=Erasure.looked_at - 30))

    assert looks == pytest.approx([0, reconcile.SECOND_LOOK_S, reconcile.KEEP_S], abs=31)
    assert session.scalars(select(Erasure)).all() == []


def test_sent_messages_are_forgotten_after_a_while(session: Session) -> None:
    planned(session, film(3))
    session.execute(update(Outbox).where(Outbox.actor == "ingest").values(sent_at=now() - reconcile.KEEP_S - 1))
    session.execute(update(Outbox).where(Outbox.actor == "make").values(sent_at=now()))

    reconcile.forget_sent(session)
    session.commit()

    assert {row.actor for row in session.scalars(select(Outbox))} == {"make"}


def test_what_no_row_names_is_removed_from_the_storage(session: Session, storage: Storage) -> None:
    asset = planned(
        session, {"kind": "film", "recipe": "r-1", "source": {}, "plan": {"outputs": film(1)["plan"]["outputs"][:1]}}
    )
    for part in asset.parts:
        part.key = keys.part(asset.id, part.offset, "kept")
        storage.put(part.key, b"bytes")
    storage.put(keys.part(asset.id, 0, "never-acknowledged"), b"bytes")
    lease_of(session, asset.id, "poster", lease_s=-1)
    winner = lease_of(session, asset.id, "poster")
    lost, won = (keys.output_prefix(asset.id, "r-1", fence, "poster") for fence in (1, 2))
    for prefix in (lost, won):
        storage.put(keys.file(prefix, "poster.jpg"), b"jpeg")
    assert assets.publish(session, winner, prefix=won, files=[], facts={})
    session.commit()
    assert reconcile.untidy(session, after_s=60) == []
    ((asset_id, finished_at),) = reconcile.untidy(session, after_s=-1)

    stored = [found.key for found in storage.list(keys.asset(asset_id))]
    named = reconcile.named_keys(session, asset_id, finished_at)
    assert named is not None
    removed = reconcile.remove_unnamed(storage, stored, *named)
    reconcile.tidied(session, asset.id, finished_at)
    session.commit()

    assert removed == 2
    assert {found.key for found in storage.list("")} == {
        keys.part(asset.id, 0, "kept"),
        keys.file(won, "poster.jpg"),
    }
    assert reconcile.untidy(session, after_s=-1) == []


def test_an_asset_tried_again_is_not_tidied_before_its_next_end(session: Session) -> None:
    asset = planned(session, film(1))
    assets.fail(session, lease_of(session, asset.id, "poster"), reason="engine-failed", detail="x")
    session.commit()
    ((asset_id, finished_at),) = reconcile.untidy(session, after_s=-1)
    reconcile.tidied(session, asset_id, finished_at)
    session.commit()

    assets.retry(session, asset_id)
    session.commit()

    assert reconcile.named_keys(session, asset_id, finished_at) is None
    reconcile.tidied(session, asset_id, finished_at)
    session.commit()
    assert session.get_one(Asset, asset_id, populate_existing=True).tidied_at is None


def test_the_original_of_a_refused_file_is_given_up_after_a_while(session: Session) -> None:
    kept = planned(session, film(1))
    refused = received(session)
    assert assets.plan(session, lease_of(session, refused.id, "ingest"), film(1) | {"source": {"private": ["+48-4"]}})
    assets.reject(session, lease_of(session, refused.id, "poster"), reason="damaged", detail="71 of 90 frames")
    session.commit()
    ((_, finished_at),) = reconcile.untidy(session, after_s=-1)
    reconcile.tidied(session, refused.id, finished_at)

    assert reconcile.forget_originals(session, expiry_s=60) == []
    session.execute(update(Asset).values(finished_at=Asset.finished_at - 61))
    session.commit()
    assert reconcile.forget_originals(session, expiry_s=60) == [refused.id]
    session.commit()

    session.refresh(refused, ["source", "state", "reason", "detail"])
    assert (refused.state, refused.reason, refused.detail) == (State.REJECTED, "damaged", "71 of 90 frames")
    assert refused.source is None
    assert set(session.scalars(select(Part.asset_id))) == {kept.id}
    assert [row[0] for row in reconcile.untidy(session, after_s=0)] == [refused.id]
    assert reconcile.forget_originals(session, expiry_s=60) == []


def test_the_sweep_waits_for_nobody_who_changes_the_claims(engine: Engine, session: Session) -> None:
    if engine.dialect.name != "postgresql":
        pytest.skip("SQLite has one writer at a time")
    asset = planned(session, film(3))
    with Session(engine) as other:
        other.execute(update(Claim).where(Claim.name == "chunk/0001").values(fence=Claim.fence + 1))
        session.execute(text("SET LOCAL lock_timeout = '2s'"))

        assert reconcile.ring_again(session, all_queues=True) == 3
        session.commit()

    assert reconcile.ring_again(session, all_queues=True) == 4
    assert asset.state is State.PROCESSING
