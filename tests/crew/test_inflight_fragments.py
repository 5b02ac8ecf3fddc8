"""Films in fragments, planned and made while they arrive, piece by piece. In the end all is as after a plain upload."""

import arriving
import inflight
import pytest
from arriving import Arrival, Film
from crewroom import Crew
from inflight import finish

from pipeline.catalog.models import State

crew, plain = inflight.crew, inflight.plain


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Film:
    return arriving.in_fragments(tmp_path_factory.mktemp("film") / "film.mp4", 12)


@pytest.fixture(scope="module")
def short(tmp_path_factory: pytest.TempPathFactory) -> Film:
    return arriving.in_fragments(tmp_path_factory.mktemp("short") / "film.mp4", 6)


def test_a_film_in_fragments_is_made_while_it_arrives_and_its_plan_grows(
    crew: Crew, film: Film, plain: dict[str, str]
) -> None:
    arrival = Arrival(crew, len(film.body))
    arrival.send(film.body, film.until(4))
    assert crew.work()[-2:] == ["make chunk/0000", "make poster"]
    early = arrival.outputs()
    assert (crew.asset(arrival.asset_id).state, early.keys()) == (State.RECEIVING, {"chunk/0000", "poster"})

    arrival.send(film.body, film.until(11))
    called = crew.work()

    assert called == ["ingest", "make chunk/0001", "make chunk/0002"]
    grown = arrival.outputs()
    assert grown.items() > early.items()
    assert finish(crew, arrival, film) == ["ingest", "make chunk/0003", "make storyboard", "make preview"]
    assert arrival.outputs().items() > grown.items()
    assert arrival.digests() == plain


@pytest.mark.parametrize("late", ["a fragment without a time", "a place", "an end that is missing"])
def test_what_the_end_of_the_film_contradicts_is_made_again(crew: Crew, short: Film, late: str) -> None:
    body = short.body
    if late == "a fragment without a time":
        at = body.rfind(b"tfdt")
        body = body[:at] + b"free" + body[at + 4 :]
    elif late == "a place":
        said = b"Garage Aubrac, 12 rue de la Paix"
        body = body + (8 + len(said)).to_bytes(4, "big") + b"uuid" + said
    else:
        body = body[: short.until(5.4)]
    plainly, arrival = Arrival(crew, len(body)), Arrival(crew, len(body))
    plainly.send(body, piece=len(body))
    crew.work()
    arrival.send(body, short.until(5))
    crew.work()
    early = arrival.outputs()
    arrival.send(body)
    crew.work()

    assert early.keys() == {"chunk/0000", "poster"}
    assert crew.asset(plainly.asset_id).state is crew.asset(arrival.asset_id).state is State.READY
    assert arrival.digests() == plainly.digests()
    assert bool(early.items() & arrival.outputs().items()) is (late == "an end that is missing")
