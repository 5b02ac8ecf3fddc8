"""Films made while they arrive, by the real craft. Whatever was sent ahead, in the end all is as after a plain upload,
byte for byte, or refused as a plain upload is."""

from pathlib import Path
from typing import Any

import arriving
import inflight
import pytest
from arriving import Arrival, Film
from crewroom import Crew
from inflight import MOST, finish
from painting import ffmpeg
from sqlalchemy import update

from pipeline.catalog import assets, reconcile
from pipeline.catalog.models import INGEST, Asset, Claim, Output, State
from workers import child, connections, sweep

pytestmark = pytest.mark.xdist_group("inflight")  # the same film in all of them

crew, film, other, plain = inflight.crew, inflight.film, inflight.other, inflight.plain


def test_a_film_is_made_while_it_arrives_and_stays_what_it_is(crew: Crew, film: Film, plain: dict[str, str]) -> None:
    arrival = Arrival(crew, len(film.body))
    arrival.hint(film.at, film.index)
    assert crew.work() == []

    arrival.send(film.body, film.until(MOST))
    called = crew.work()

    assert called[-3:] == ["make chunk/0000", "make poster", "make chunk/0001"]
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


@pytest.mark.parametrize("by", [0, 40])
def test_a_film_that_comes_faster_than_its_beginning_is_measured_is_begun_with_that(
    crew: Crew, film: Film, plain: dict[str, str], monkeypatch: pytest.MonkeyPatch, by: int
) -> None:
    arrival, run, first = Arrival(crew, len(film.body)), child.run, []

    def overtaken(job: dict[str, Any], **how: Any) -> dict[str, Any]:
        if job["verb"] == "measure" and job["present"] is None:
            first.append(set(arrival.outputs()))
        answer = run(job, **how)
        arrival.send(film.body)
        return answer

    monkeypatch.setattr(child, "run", overtaken)
    arrival.hint(film.at, arriving.with_offsets(film.index, lambda offset: offset + by) if by else film.index)
    arrival.send(film.body, film.until(2.6))

    crew.work()

    assert first == [set() if by else {"chunk/0000"}]
    assert arrival.digests() == plain


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
    arrival.send(film.body, film.until(2.6))  # in the middle of the second chunk
    assert set(crew.work()) == {"ingest", "make chunk/0000"}
    sweep_rings_again(arrival.asset_id)
    assert crew.work() == []
    assert arrival.outputs().keys() == {"chunk/0000"}

    finish(crew, arrival, film)

    assert arrival.digests() == plain


def test_what_an_early_worker_that_was_left_behind_says_wrongly_leaves_no_trace(
    crew: Crew, film: Film, plain: dict[str, str]
) -> None:
    arrival = Arrival(crew, len(film.body))
    arrival.hint(film.at, film.index)
    arrival.send(film.body, film.until(2.5))
    with connections.transaction() as session:
        asleep = assets.claim(session, arrival.asset_id, INGEST, worker="asleep")
    arrival.send(film.body)

    with connections.transaction() as session:
        assert asleep
        assert not assets.wait(session, asleep, None)
        assert assets.plan(session, asleep, {"kind": "film", "recipe": "r", "source": {}, "plan": {"outputs": []}})
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


def sweep_rings_again(asset_id: str) -> None:
    with connections.transaction() as session:
        session.execute(update(Claim).where(Claim.asset_id == asset_id).values(queued_at=Claim.queued_at - 10_000))
        reconcile.ring_again(session, all_queues=True)
        reconcile.dispatch_again(session)


def arriving_in_front(film: Path, to: Path) -> None:
    ffmpeg("-i", film, "-c", "copy", "-map", "0", "-movflags", "faststart+use_metadata_tags", to)
