"""Claims, on both databases: what a second worker, a late one, or one told twice may and may not change."""

import threading
from collections.abc import Callable

import pytest
from filming import film, lease_of, planned, publish, received, rung
from sqlalchemy import Engine, select, update
from sqlalchemy.orm import Session

from pipeline.catalog import assets
from pipeline.catalog.models import Claim, Output, State

pytestmark = pytest.mark.xdist_group("servers")


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

    assert [lease.attempt for lease in won] == [1]


def test_a_lease_that_ran_out_is_taken_over_with_a_higher_fence(session: Session) -> None:
    asset = received(session)
    first = lease_of(session, asset.id, "ingest", lease_s=-1)

    second = lease_of(session, asset.id, "ingest")

    assert (second.fence, second.attempt) == (first.fence + 1, 2)
    assert not assets.renew(session, first)
    assert assets.renew(session, second)
    assert not assets.plan(session, first, film(1))
    assert not assets.reject(session, first, reason="damaged", detail="late")
    assert not assets.fail(session, first, reason="engine-failed", detail="late")
    assert not assets.stumble(session, first, reason="engine-failed", detail="late")
    assert not assets.release(session, first)
    session.commit()
    assert asset.state is State.PROCESSING


@pytest.mark.parametrize("end", [assets.release, lambda *of: assets.stumble(*of, reason="engine-failed", detail="")])
def test_a_renewal_that_comes_after_the_end_of_its_attempt_keeps_nobody_waiting(
    session: Session, end: Callable[[Session, assets.Lease], bool]
) -> None:
    asset = received(session)
    lease = lease_of(session, asset.id, "ingest")
    assert end(session, lease)

    assert not assets.renew(session, lease)

    assert lease_of(session, asset.id, "ingest").fence == lease.fence + 1


def test_nobody_claims_more_often_than_the_limit(session: Session) -> None:
    asset = received(session)
    for _ in range(3):
        lease_of(session, asset.id, "ingest", lease_s=-1)

    assert assets.claim(session, asset.id, "ingest", worker="w", max_attempts=3) is None


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
