"""From the outbox to a worker: what is sent, in which order, and what happens when the broker forgets."""

import json
import os
import threading

import pytest
import servers
import structlog
import tiny_child
from crewroom import Crew
from dramatiq import Message
from sqlalchemy import select, update

from pipeline.catalog import assets, keys, outbox
from pipeline.catalog.engine import now
from pipeline.catalog.models import Asset, Claim, Erasure, Outbox, State
from workers import actors, broker, connections, relay, sweep
from workers.queues import UNITS
from workers.unit import Unit

pytestmark = pytest.mark.xdist_group("valkey")


def waiting(queue: str) -> list[Message]:
    """The messages in a queue, oldest first."""
    ids = connections.valkey().lrange(f"dramatiq:{queue}", 0, -1)
    return [Message.decode(connections.valkey().hget(f"dramatiq:{queue}.msgs", message_id)) for message_id in ids]


def unsent() -> int:
    with connections.reading() as session:
        return len(session.scalars(select(Outbox.id).where(Outbox.sent_at.is_(None))).all())


def test_a_message_holds_ids_and_the_request_that_began_it(crew: Crew) -> None:
    with structlog.contextvars.bound_contextvars(request_id="req-7"):
        asset_id = crew.send(tiny_child.film())

    assert relay.forward(broker.connect()) == 1

    (message,) = waiting("express")
    assert (message.actor_name, message.args, message.kwargs) == ("ingest", (), {"asset_id": asset_id})
    assert message.options["request_id"] == "req-7"
    assert unsent() == 0
    assert relay.forward(broker.connect()) == 0


def test_the_request_id_is_in_the_log_lines_of_a_worker(crew: Crew) -> None:
    trace = broker.Trace()

    trace.before_process_message(None, broker.message("express", "ingest", {}, request_id="req-7"))
    assert structlog.contextvars.get_contextvars() == {"request_id": "req-7"}
    trace.before_process_message(None, broker.message("express", "ingest", {}))
    assert structlog.contextvars.get_contextvars() == {}


def test_what_could_not_be_sent_is_sent_when_the_broker_is_back(crew: Crew, valkey: servers.Valkey) -> None:
    valkey.kill()
    stop = threading.Event()
    running = threading.Thread(target=relay.run, args=(stop,))
    try:
        crew.send(tiny_child.film())
        running.start()
        stop.wait(0.5)
        assert unsent() == 1
        assert running.is_alive()
    finally:
        valkey.start()
    try:
        servers.wait_for(lambda: not unsent())
        assert len(waiting("express")) >= 1
    finally:
        stop.set()
        running.join()


def test_a_row_of_an_unknown_queue_is_told_and_holds_nothing_up(crew: Crew) -> None:
    with connections.transaction() as session:
        outbox.ring(session, "yesterday", "make", {"asset_id": "a"})
    crew.send(tiny_child.film())

    with structlog.testing.capture_logs() as lines:
        assert relay.forward(broker.connect()) == 2

    assert [(line["event"], line["queue"]) for line in lines] == [("relay.unknown_queue", "yesterday")]
    assert len(waiting("express")) == 1
    assert not waiting("yesterday")
    assert unsent() == 0


def test_a_long_film_does_not_hold_up_a_short_one(crew: Crew) -> None:
    long = crew.send(tiny_child.film(chunks=12))
    short = crew.send(tiny_child.film(chunks=1))

    calls = crew.work()

    with connections.reading() as session:
        finished = {asset.id: asset.finished_at for asset in session.scalars(select(Asset))}
    assert finished[short] < finished[long]
    # Two ingests, and then both films in turn, two outputs of each at a time.
    assert calls.index("make chunk/0005") > 2 + 3 * 2


def test_what_is_left_behind_is_swept_up(crew: Crew) -> None:
    whole = crew.send(tiny_child.film(chunks=1))
    crew.work()
    erased, unfinished = crew.send(tiny_child.film()), crew.send(tiny_child.film())
    with connections.transaction() as session:
        assets.erase(session, erased)
        session.execute(update(Asset).where(Asset.id == unfinished).values(state=State.RECEIVING, touched_at=1.0))
        session.execute(update(Asset).where(Asset.id == whole).values(finished_at=now() - 1000))
    lost = keys.file(keys.output_prefix(whole, "tiny-1", 9, "poster"), "made.vtt")
    connections.objects().put(lost, b"of an attempt that lost")
    kept = {found.key for found in connections.objects().list(keys.asset(whole))} - {lost}

    sweep.tidy()
    sweep.tidy()

    assert {found.key for found in connections.objects().list("")} == kept
    with connections.reading() as session:
        assert session.scalars(select(Asset.id)).all() == [whole]
        assert set(session.scalars(select(Erasure.asset_id))) == {erased, unfinished}
        assert session.scalars(select(Claim.asset_id).distinct()).all() == [whole]


def test_an_erasure_wakes_whoever_removes_the_bytes(crew: Crew) -> None:
    asset_id = crew.send(tiny_child.film(chunks=1))
    crew.work()
    with connections.transaction() as session:
        assets.erase(session, asset_id)

    relay.forward(broker.connect())
    assert [message.actor_name for message in waiting("later")][-1] == "sweep"
    actors.sweep.fn()

    assert list(connections.objects().list("")) == []


def test_a_message_for_every_queue_reaches_a_unit(crew: Crew) -> None:
    with connections.transaction() as session:
        for queue in ("express", "film", "later", "post"):
            outbox.ring(session, queue, "sweep", {})

    relay.forward(broker.connect())

    listened = {queue for queues in UNITS.values() for queue in queues}
    assert {queue for queue in listened if waiting(queue)} == {"express", "film", "later", "post"}


def test_of_a_refused_file_nothing_stays_but_the_reason(crew: Crew) -> None:
    refused = crew.send(tiny_child.film(rejected="damaged"))
    crew.work()
    with connections.transaction() as session:
        session.execute(update(Asset).values(finished_at=now() - 100))

    sweep.tidy()

    assert list(connections.objects().list("")) == []
    assert crew.asset(refused).reason == "damaged"


def test_a_unit_removes_after_every_message_what_a_dead_one_beside_it_left(crew: Crew) -> None:
    left = connections.settings().work_dir / "attempt-of-a-dead-one"
    left.mkdir(parents=True)
    os.utime(left, (1, 1))

    Unit().after_process_message(None, broker.message("express", "ingest", {}), result=None, exception=None)

    assert not left.exists()


def test_messages_can_be_built_without_the_actors(crew: Crew) -> None:
    broker.connect().enqueue(broker.message("later", "make", {}, request_id="req-7"))

    (message,) = waiting("later")
    assert json.loads(message.encode())["actor_name"] == "make"
    assert message.options["request_id"] == "req-7"
