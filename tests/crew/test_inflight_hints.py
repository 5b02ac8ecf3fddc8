"""An index sent ahead that lies, is replaced, or is gone: in the end all is as after a plain upload."""

import arriving
import inflight
import pytest
from arriving import Arrival, Film
from crewroom import Crew
from inflight import MOST, finish
from sqlalchemy import update
from structlog.testing import capture_logs

from pipeline.catalog.models import Asset, Claim, State
from workers import connections, sweep

pytestmark = pytest.mark.xdist_group("inflight")  # the same film in all of them

crew, film, other, plain = inflight.crew, inflight.film, inflight.other, inflight.plain


@pytest.mark.parametrize("lie", ["ahead", "behind", "backwards", "nowhere", "another film's", "no index"])
def test_an_index_that_lies_costs_nothing_but_itself(
    crew: Crew, film: Film, other: Film, plain: dict[str, str], lie: str
) -> None:
    index = {
        "ahead": lambda: arriving.with_offsets(film.index, lambda offset: offset + 4321),
        "behind": lambda: arriving.with_offsets(film.index, lambda offset: max(36, offset - 20_000)),
        "backwards": lambda: arriving.with_offsets(film.index, lambda offset: film.at - min(film.at, offset)),
        "nowhere": lambda: arriving.with_offsets(film.index, lambda offset: 2**31 + offset),
        "another film's": lambda: other.index,
        "no index": lambda: (len(film.index)).to_bytes(4, "big") + b"moov" + bytes(len(film.index) - 8),
    }[lie]()
    arrival = Arrival(crew, len(film.body))
    arrival.hint(film.at, index)
    for until in (film.until(2), film.until(4), film.until(MOST), film.at):
        arrival.send(film.body, until)
        crew.work()
        assert crew.asset(arrival.asset_id).state is State.RECEIVING

    finish(crew, arrival, film)

    assert arrival.digests() == plain


def test_the_index_of_a_film_that_was_sent_before_is_of_no_use(
    crew: Crew, film: Film, other: Film, plain: dict[str, str]
) -> None:
    arrival = Arrival(crew, len(film.body))
    arrival.hint(film.at, film.index)
    arrival.send(other.body, other.until(4))  # what comes is another file than was announced
    crew.work()
    arrival.send(other.body + film.body[len(other.body) :])
    crew.work()

    whole = Arrival(crew, len(film.body))
    whole.send(other.body + film.body[len(other.body) :])
    crew.work()

    asset, plainly = crew.asset(arrival.asset_id), crew.asset(whole.asset_id)
    assert (asset.state, asset.reason) == (plainly.state, plainly.reason)
    assert arrival.digests() == whole.digests()


def test_a_better_index_replaces_the_first_and_all_that_was_made_from_it(
    crew: Crew, film: Film, plain: dict[str, str]
) -> None:
    arrival = Arrival(crew, len(film.body))
    arrival.hint(film.at, arriving.with_offsets(film.index, lambda offset: offset + 40))
    arrival.send(film.body, film.until(4))
    crew.work()
    with connections.reading() as session:
        before = {row.id: row.fence for row in session.query(Claim).filter_by(asset_id=arrival.asset_id)}

    arrival.hint(film.at, film.index)

    assert arrival.outputs() == {}
    assert crew.asset(arrival.asset_id).recipe is None
    with connections.reading() as session:
        after = {row.id: row.fence for row in session.query(Claim).filter_by(asset_id=arrival.asset_id)}
    assert all(after[row] > fence for row, fence in before.items())
    crew.work()
    assert "chunk/0000" in arrival.outputs()
    finish(crew, arrival, film)
    assert arrival.digests() == plain


def test_the_hint_goes_when_the_film_is_ready(crew: Crew, film: Film) -> None:
    arrival = Arrival(crew, len(film.body))
    arrival.hint(film.at, arriving.with_offsets(film.index, lambda offset: offset + 40))
    arrival.send(film.body, film.until(4))
    crew.work()
    finish(crew, arrival, film)
    with connections.transaction() as session:
        session.execute(update(Asset).values(finished_at=Asset.finished_at - 60))

    sweep.tidy()

    named = [key for key in arrival.objects() if "/parts/" not in key]
    assert len(named) == len(arrival.digests())
    assert not any("/hints/" in key for key in named)


def test_a_hint_that_is_no_longer_stored_is_no_hint(crew: Crew, film: Film, plain: dict[str, str]) -> None:
    arrival = Arrival(crew, len(film.body))
    arrival.hint(film.at, film.index)
    arrival.send(film.body, film.until(4))
    crew.work()
    connections.objects().delete(str(crew.asset(arrival.asset_id).hint_key))

    finish(crew, arrival, film)

    assert arrival.digests() == plain


@pytest.mark.parametrize("when", ["measured", "made"])
def test_an_index_that_is_gone_before_it_was_read_makes_nobody_fail(
    crew: Crew, film: Film, plain: dict[str, str], when: str
) -> None:
    arrival = Arrival(crew, len(film.body))
    arrival.hint(film.at, film.index)
    if when == "made":
        arrival.send(film.body, film.until(2))
        crew.work()
    else:
        arrival.send(film.body, film.until(4))
    connections.objects().delete(str(crew.asset(arrival.asset_id).hint_key))
    arrival.send(film.body, film.until(MOST))

    with capture_logs() as said:
        assert len(crew.work()) < 5

    assert not [line for line in said if line["event"] == "attempt.failed"]
    finish(crew, arrival, film)
    assert arrival.digests() == plain
