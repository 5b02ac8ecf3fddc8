"""An index sent ahead of its film: when it is taken, what another one costs, and how long it is kept."""

import pytest
from early import RANGES, SIZE, arriving, planned_early, publish, rung
from filming import film, lease_of, parts
from sqlalchemy import select
from sqlalchemy.orm import Session

from pipeline.catalog import assets, keys, reconcile
from pipeline.catalog.models import Output, State
from pipeline.catalog.plans import EARLY_BYTES


def test_another_hint_begins_from_nothing(session: Session) -> None:
    asset = planned_early(session)
    publish(session, asset, "chunk/0000")
    working = lease_of(session, asset.id, "chunk/0001")

    assert assets.hint(session, asset.id, offset=SIZE - 200, length=200, key="k/other/1") == "k/hint/1"
    session.commit()

    assert (asset.recipe, asset.plan, session.scalars(select(Output)).all()) == (None, None, [])
    assert rung(session)[-1] == "ingest"
    assert not publish(session, asset, "chunk/0001", working)
    assert assets.claim(session, asset.id, "chunk/0000", worker="w") is None
    assert assets.hint(session, asset.id, offset=SIZE - 200, length=200, key="k/other/1") is None


def test_a_name_that_comes_back_meets_no_worker_from_before(session: Session) -> None:
    asset = planned_early(session)
    parts(session, asset.id, EARLY_BYTES, SIZE - 1)
    for _ in range(3):  # often taken: its fence is the highest
        asleep = lease_of(session, asset.id, "chunk/0002", lease_s=-1)
    assets.hint(session, asset.id, offset=SIZE - 200, length=200, key="k/other/1")
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


def test_a_hint_is_kept_as_long_as_its_row_names_it(session: Session) -> None:
    asset = arriving(session, SIZE)
    assert asset.hint_key == "k/hint/1"
    for _ in range(3):
        assets.stumble(session, lease_of(session, asset.id, "ingest"), reason="engine-failed", detail="x")
        session.commit()
    assert asset.state is State.FAILED
    assert asset.finished_at is not None

    named = reconcile.named_keys(session, asset.id, asset.finished_at)

    assert named is not None
    assert "k/hint/1" in named[0]


def test_an_index_sent_again_removes_nothing_that_its_row_names(session: Session) -> None:
    asset = arriving(session, hinted=False)
    first, again, last = (keys.hint(asset.id, SIZE - 100, "a", nonce) for nonce in ("n1", "n2", "n3"))
    other = keys.hint(asset.id, SIZE - 100, "b", "n1")
    place = {"offset": SIZE - 100, "length": 100}

    assert [assets.hint(session, asset.id, key=key, **place) for key in (first, again)] == [None, again]
    assert asset.hint_key == first
    # A, B, A: each request removes what nobody names from then on.
    assert [assets.hint(session, asset.id, key=key, **place) for key in (other, last)] == [first, other]
    assert asset.hint_key == last
