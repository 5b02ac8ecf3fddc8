"""Films made while they arrive, by the real craft. Whatever was sent ahead, in the end all is as after a plain upload,
byte for byte, or refused as a plain upload is."""

from collections.abc import Iterator
from pathlib import Path

import arriving
import crewroom
import pytest
from arriving import Arrival, Film
from crewroom import Crew
from painting import ffmpeg
from sqlalchemy import update

from pipeline.catalog import assets, reconcile
from pipeline.catalog.models import INGEST, Asset, Claim, Output, State
from workers import child, connections, sweep

MOST = 8.0  # s of the film that arrive early: enough for the second chunk


@pytest.fixture
def crew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Crew]:
    with crewroom.crew(tmp_path, monkeypatch, lease_s=5) as crew:
        monkeypatch.setattr(child, "run", arriving.run)
        yield crew


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Film:
    return arriving.film(tmp_path_factory.mktemp("film") / "film.mov", metadata={"location": "+48.8584+002.2945/"})


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory) -> Film:
    """Another film, with fewer pictures."""
    return arriving.film(tmp_path_factory.mktemp("other") / "other.mov", seconds=5, gop=10)


@pytest.fixture(scope="module")
def plain(film: Film, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The digests of all that a plain upload of the film makes."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        with crewroom.crew(tmp_path_factory.mktemp("plain"), monkeypatch) as crew:
            monkeypatch.setattr(child, "run", arriving.run)
            arrival = Arrival(crew, len(film.body))
            arrival.send(film.body, piece=len(film.body))
            crew.work()
            assert crew.asset(arrival.asset_id).state is State.READY
            assert {name.split("/")[0] for name in arrival.digests()} == {"poster", "chunk", "storyboard", "preview"}
            return arrival.digests()


def finish(crew: Crew, arrival: Arrival, film: Film) -> list[str]:
    arrival.send(film.body)
    called = crew.work()
    assert crew.asset(arrival.asset_id).state is State.READY
    return called


def test_a_film_is_made_while_it_arrives_and_stays_what_it_is(crew: Crew, film: Film, plain: dict[str, str]) -> None:
    arrival = Arrival(crew, len(film.body))
    arrival.hint(film.at, film.index)
    assert crew.work() == []

    arrival.send(film.body, film.until(MOST))
    called = crew.work()

    assert called[-3:] == ["make poster", "make chunk/0000", "make chunk/0001"]
    assert set(called[:-3]) == {"ingest"}
    early = arrival.outputs()
    assert early.keys() == {"poster", "chunk/0000", "chunk/0001"}
    asset = crew.asset(arrival.asset_id)
    assert (asset.state, asset.kind) == (State.RECEIVING, "film")

    called = finish(crew, arrival, film)

    assert called == ["ingest", "make chunk/0002", "make storyboard", "make preview"]
    assert arrival.digests() == plain
    assert arrival.outputs().items() >= early.items()
    assert crew.asset(arrival.asset_id).hint_key is None


def test_a_film_with_its_index_in_front_needs_no_hint(crew: Crew, film: Film, tmp_path: Path) -> None:
    front = tmp_path / "front.mov"
    (tmp_path / "film.mov").write_bytes(film.body)
    arriving_in_front(tmp_path / "film.mov", front)
    body = front.read_bytes()
    arrival = Arrival(crew, len(body))

    arrival.send(body, film.until(MOST))
    crew.work()
    assert arrival.outputs().keys() == {"poster", "chunk/0000", "chunk/0001"}
    early = arrival.digests()
    arrival.send(body)
    crew.work()

    assert crew.asset(arrival.asset_id).state is State.READY
    assert arrival.digests().items() > early.items()


def test_a_film_with_its_index_behind_and_no_hint_waits_for_its_last_byte(
    crew: Crew, film: Film, plain: dict[str, str]
) -> None:
    arrival = Arrival(crew, len(film.body))
    for until in range(300_000, len(film.body), 600_000):
        arrival.send(film.body, until)
        assert crew.work() == ([] if until > 300_000 else ["ingest"])

    finish(crew, arrival, film)

    assert arrival.digests() == plain


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


def test_a_file_that_is_refused_is_refused_only_with_its_last_byte(crew: Crew, film: Film) -> None:
    arrival = Arrival(crew, len(film.body))
    arrival.hint(film.at, film.index)
    arrival.send(film.body, film.until(MOST))
    crew.work()
    assert "chunk/0000" in arrival.outputs()

    arrival.send(film.body[: film.at] + bytes(len(film.index)))  # the index never comes
    crew.work()

    asset = crew.asset(arrival.asset_id)
    assert (asset.state, asset.reason) == (State.REJECTED, "truncated")
    assert arrival.digests() == {}


def test_pictures_that_cannot_be_decoded_get_the_file_refused_when_all_of_it_is_here(crew: Crew, film: Film) -> None:
    noise = film.body[: film.until(2)] + bytes(film.until(5) - film.until(2)) + film.body[film.until(5) :]
    arrival, whole = Arrival(crew, len(noise)), Arrival(crew, len(noise))
    arrival.hint(film.at, film.index)
    arrival.send(noise, film.at)
    crew.work()
    assert crew.asset(arrival.asset_id).state is State.RECEIVING
    arrival.send(noise)
    crew.work()
    whole.send(noise)
    crew.work()

    asset, plainly = crew.asset(arrival.asset_id), crew.asset(whole.asset_id)
    assert (asset.state, asset.reason) == (plainly.state, plainly.reason) == (State.REJECTED, "damaged")
    assert arrival.digests() == {}


def test_a_line_that_stalls_in_a_chunk_makes_nobody_work_on_what_is_not_here(
    crew: Crew, film: Film, plain: dict[str, str]
) -> None:
    arrival = Arrival(crew, len(film.body))
    arrival.hint(film.at, film.index)
    arrival.send(film.body, film.until(2.6))  # in the middle of the first chunk
    assert set(crew.work()) == {"ingest"}
    sweep_rings_again(arrival.asset_id)
    assert crew.work() == []
    assert arrival.outputs() == {}

    finish(crew, arrival, film)

    assert arrival.digests() == plain


def test_an_early_worker_that_was_left_behind_records_nothing(crew: Crew, film: Film, plain: dict[str, str]) -> None:
    arrival = Arrival(crew, len(film.body))
    arrival.hint(film.at, film.index)
    arrival.send(film.body, film.until(2.5))
    with connections.transaction() as session:
        asleep = assets.claim(session, arrival.asset_id, INGEST, worker="asleep")
    arrival.send(film.body)

    with connections.transaction() as session:
        assert asleep
        assert not assets.wait(session, asleep, None)
        assert not assets.plan(session, asleep, {"kind": "film", "recipe": "r", "source": {}, "plan": {"outputs": []}})
    crew.work()
    assert arrival.digests() == plain


def test_an_upload_left_half_way_takes_its_chunks_its_parts_and_its_hint_with_it(crew: Crew, film: Film) -> None:
    arrival = Arrival(crew, len(film.body))
    arrival.hint(film.at, film.index)
    arrival.send(film.body, film.until(MOST))
    crew.work()
    assert {key.split("/")[2] for key in arrival.objects()} == {"parts", "hints", "made"}

    with connections.transaction() as session:
        session.execute(update(Asset).values(touched_at=Asset.touched_at - connections.settings().upload_expiry_s - 1))
    sweep.tidy()

    assert arrival.objects() == []
    with connections.reading() as session:
        assert [session.query(table).count() for table in (Asset, Claim, Output)] == [0, 0, 0]


def test_a_new_upload_after_one_that_was_given_up_is_made_as_if_there_had_been_none(
    crew: Crew, film: Film, plain: dict[str, str]
) -> None:
    given_up, again = Arrival(crew, len(film.body)), Arrival(crew, len(film.body))
    given_up.hint(film.at, film.index)
    given_up.send(film.body, film.until(MOST))
    with connections.transaction() as session:
        assets.erase(session, given_up.asset_id)
    again.hint(film.at, film.index)

    finish(crew, again, film)
    sweep.tidy()

    assert again.digests() == plain
    assert given_up.objects() == []


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


def sweep_rings_again(asset_id: str) -> None:
    with connections.transaction() as session:
        session.execute(update(Claim).where(Claim.asset_id == asset_id).values(queued_at=Claim.queued_at - 10_000))
        reconcile.ring_again(session, all_queues=True)
        reconcile.dispatch_again(session)


def arriving_in_front(film: Path, to: Path) -> None:
    ffmpeg("-i", film, "-c", "copy", "-map", "0", "-movflags", "faststart+use_metadata_tags", to)
