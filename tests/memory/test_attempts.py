"""What bad attempts lead to, on both databases: another one, an extra given up, an asset failed and tried again."""

import pytest
from filming import film, lease_of, planned, publish, rung
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from pipeline.catalog import assets, reconcile
from pipeline.catalog.models import Asset, Claim, Output, State

pytestmark = pytest.mark.xdist_group("servers")


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


def test_a_ready_asset_gets_another_try_at_its_extras_and_is_ready_again_with_or_without_them(session: Session) -> None:
    asset = planned(session, film(1))
    for name in ("poster", "chunk/0000", "storyboard"):
        publish(session, lease_of(session, asset.id, name))
    give_up(session, asset.id, "preview")

    assets.retry(session, asset.id)
    session.commit()

    assert (asset.state, asset.finished_at) == (State.PROCESSING, None)
    assert assets.missing(session, asset) == {"preview"}
    assert rung(session)[-1] == "later make preview"
    give_up(session, asset.id, "preview")
    assert asset.state is State.READY
    assets.retry(session, asset.id)
    assert publish(session, lease_of(session, asset.id, "preview"))
    assert (asset.state, assets.given_up(session, [asset.id])) == (State.READY, [])


def test_a_ready_asset_that_lacks_nothing_stays_ready(session: Session) -> None:
    asset = planned(session, film(1))
    for name in ("poster", "chunk/0000", "storyboard", "preview"):
        publish(session, lease_of(session, asset.id, name))
    before = len(rung(session))

    assets.retry(session, asset.id)
    session.commit()

    assert asset.state is State.READY
    assert len(rung(session)) == before


def failed(session: Session) -> Asset:
    """A film with its poster, whose first chunk could not be made."""
    asset = planned(session, film(2))
    publish(session, lease_of(session, asset.id, "poster"))
    assets.fail(session, lease_of(session, asset.id, "chunk/0000"), reason="engine-failed", detail="x")
    session.commit()
    return asset


def test_a_failed_asset_tried_again_is_measured_again_and_keeps_what_it_has(session: Session) -> None:
    asset = failed(session)
    before = len(rung(session))

    assets.retry(session, asset.id)
    session.commit()

    assert asset.state is State.PROCESSING
    assert rung(session)[before:] == ["express ingest"]
    assert assets.plan(session, lease_of(session, asset.id, "ingest"), film(2))
    session.commit()
    assert "poster" not in assets.missing(session, asset)
    assert lease_of(session, asset.id, "chunk/0000").attempt == 1
    woken = ["chunk/0000", "chunk/0001", "storyboard", "preview"]
    assert [words.split()[-1] for words in rung(session)[before + 1 :]] == woken


def test_a_failed_asset_tried_again_after_an_upgrade_is_decided_anew(session: Session) -> None:
    asset = failed(session)
    assets.retry(session, asset.id)
    session.commit()

    assert assets.plan(session, lease_of(session, asset.id, "ingest"), film(1) | {"recipe": "workshop-2"})
    session.commit()

    assert assets.missing(session, asset) == {"poster", "chunk/0000", "storyboard", "preview"}
    for name in ("chunk/0000", "poster", "storyboard", "preview"):
        assert publish(session, lease_of(session, asset.id, name))
    assert asset.state is State.READY
    assert {row.recipe for row in session.scalars(select(Output))} == {"workshop-2"}


def test_a_plan_that_other_code_wrote_is_replaced_in_the_middle_of_a_film(session: Session) -> None:
    asset = planned(session, film(2))
    publish(session, lease_of(session, asset.id, "poster"))
    old, other = (lease_of(session, asset.id, name) for name in ("chunk/0000", "chunk/0001"))
    before = len(rung(session))

    assert assets.outdated(session, old, detail="required field missing @ $.film.speed")
    session.commit()

    assert rung(session)[before:] == ["express ingest"]
    assert not publish(session, other)
    assert not assets.outdated(session, other, detail="required field missing @ $.film.speed")
    assert assets.plan(session, lease_of(session, asset.id, "ingest"), film(1) | {"recipe": "workshop-2"})
    session.commit()
    assert lease_of(session, asset.id, "chunk/0000").attempt == 1


def test_code_that_cannot_read_its_own_plan_comes_to_an_end(session: Session) -> None:
    asset = planned(session, film(1))
    for _ in range(3):
        assert asset.state is State.PROCESSING
        assert assets.outdated(session, lease_of(session, asset.id, "chunk/0000"), detail="x")
        session.commit()
        if asset.state is State.PROCESSING:
            assert assets.plan(session, lease_of(session, asset.id, "ingest"), film(1))
            session.commit()

    assert (asset.state, asset.reason) == (State.FAILED, "plan-outdated")


def test_an_extra_of_other_code_is_given_up_and_the_film_stays_shown(session: Session) -> None:
    asset = planned(session, film(1))
    for name in ("poster", "chunk/0000", "storyboard"):
        publish(session, lease_of(session, asset.id, name))

    for _ in range(3):
        assert assets.outdated(session, lease_of(session, asset.id, "preview"), detail="x")
        session.commit()

    assert asset.state is State.READY
    assert [row.reason for row in assets.given_up(session, [asset.id])] == ["plan-outdated"]
