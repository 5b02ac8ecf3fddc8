"""A plan that grows while the film arrives: what it names stays, and workers are called for what is added."""

from typing import Any

import pytest
from early import RANGES, SIZE, arriving, rung
from filming import film, lease_of, parts
from sqlalchemy import select
from sqlalchemy.orm import Session

from pipeline.catalog import assets
from pipeline.catalog.models import Asset, Claim, State
from pipeline.catalog.plans import EARLY_BYTES

MORE = {"ranges": [[0, 10], [500, SIZE - 5]], "needs": EARLY_BYTES + 100}


def plan(chunks: int, *, whole: bool = False, reads: str = "all of it") -> dict[str, Any]:
    """What measuring says of a film of which so many chunks are known."""
    said = film(chunks, [*RANGES, *RANGES][:chunks])
    outputs = said["plan"]["outputs"]
    for output in outputs:
        output["reads"] = reads if output["queue"] != "later" else None
    outputs[0]["ranges"] = RANGES[0]
    if not whole:
        del outputs[-2:]
        said["more"] = MORE
    return said


def decide(session: Session, asset: Asset, said: dict[str, Any]) -> None:
    assert assets.plan(session, lease_of(session, asset.id, "ingest"), said)
    session.commit()


def claims(session: Session, asset: Asset) -> list[str]:
    rows = session.scalars(select(Claim).where(Claim.asset_id == asset.id).order_by(Claim.position))
    return [row.name for row in rows.all()][1:]


def names(said: dict[str, Any]) -> list[str]:
    return [output["name"] for output in said["plan"]["outputs"]]


def test_a_plan_that_grows_keeps_what_is_made_and_who_is_at_work(session: Session) -> None:
    asset = arriving(session)
    decide(session, asset, plan(1))
    made, working = lease_of(session, asset.id, "poster"), lease_of(session, asset.id, "chunk/0000")
    assert assets.publish(session, made, prefix="p/", files=[], facts={})
    session.commit()

    parts(session, asset.id, EARLY_BYTES, EARLY_BYTES + 99)
    assert rung(session).count("ingest") == 1
    parts(session, asset.id, EARLY_BYTES + 99, EARLY_BYTES + 100)
    assert rung(session).count("ingest") == 2
    decide(session, asset, plan(2))

    assert claims(session, asset) == names(plan(2))
    assert assets.publish(session, working, prefix="c/", files=[], facts={})
    session.commit()
    parts(session, asset.id, EARLY_BYTES + 100, SIZE)
    decide(session, asset, plan(3, whole=True))
    assert {row.name for row in assets.outputs(session, asset.id)} == {"poster", "chunk/0000"}
    assert claims(session, asset) == names(plan(3, whole=True))
    assert (asset.state, asset.plan) == (State.PROCESSING, plan(3, whole=True)["plan"])


@pytest.mark.parametrize("other", [plan(2, reads="another"), plan(1), {**plan(2), "recipe": "another"}])
def test_an_early_plan_that_says_other_things_changes_nothing_before_the_last_byte(
    session: Session, other: dict[str, Any]
) -> None:
    asset = arriving(session)
    decide(session, asset, plan(1))
    working = lease_of(session, asset.id, "chunk/0000")
    parts(session, asset.id, EARLY_BYTES, EARLY_BYTES + 100)

    decide(session, asset, other)

    assert claims(session, asset) == names(plan(1))
    assert asset.plan == plan(1)["plan"]
    assert assets.publish(session, working, prefix="c/", files=[], facts={})


def test_the_whole_film_that_says_other_things_is_made_anew(session: Session) -> None:
    asset = arriving(session)
    decide(session, asset, plan(2))
    made, working = lease_of(session, asset.id, "poster"), lease_of(session, asset.id, "chunk/0000")
    assert assets.publish(session, made, prefix="p/", files=[], facts={})
    session.commit()
    parts(session, asset.id, EARLY_BYTES, SIZE)

    decide(session, asset, plan(2, whole=True, reads="another"))

    assert assets.outputs(session, asset.id) == []
    assert not assets.publish(session, working, prefix="c/", files=[], facts={})


def test_the_next_measurement_is_given_what_it_asked_for_and_stands_for_what_is_not_planned(session: Session) -> None:
    asset = arriving(session)

    decide(session, asset, plan(1))

    ingest = session.scalars(select(Claim).where(Claim.asset_id == asset.id, Claim.name == "ingest")).one()
    assert (ingest.ranges, ingest.needs, ingest.done) == (MORE["ranges"], MORE["needs"], False)
    assert ingest.queue == "film"
    assert ingest.weight == max(0.0, SIZE / 2e6 - 5.0)
