"""A broker that was restarted or emptied: what it forgot is rung for again, whatever else goes wrong meanwhile."""

import pytest
import redis
import servers
import structlog
import tiny_child
from crewroom import Crew
from sqlalchemy.exc import OperationalError

from pipeline.catalog import reconcile
from pipeline.catalog.storage import StorageDown
from workers import broker, connections, logs, relay, sweep

pytestmark = pytest.mark.xdist_group("valkey")


def gone(*_: object, **__: object) -> int:
    raise OperationalError("SELECT 1", {}, Exception("the server went away"))


def test_a_restarted_or_emptied_broker_is_noticed_once(crew: Crew, valkey: servers.Valkey) -> None:
    bell = sweep.Doorbell()

    def noticed() -> bool:
        forgot = bell.forgot()
        bell.rung(forgot)
        return forgot

    assert noticed()  # nothing is known about what it was before
    assert not noticed()

    valkey.flush()
    assert noticed()
    assert not noticed()

    valkey.kill()
    valkey.start()
    assert noticed()
    assert not noticed()


def test_messages_lost_with_the_broker_are_sent_again(crew: Crew, valkey: servers.Valkey) -> None:
    bell = sweep.Doorbell()
    sweep.reconcile(bell)
    crew.send(tiny_child.film())
    relay.forward(broker.connect())
    valkey.flush()

    sweep.reconcile(bell)
    relay.forward(broker.connect())

    assert connections.valkey().llen("dramatiq:express") == 1


def test_what_the_broker_forgot_is_rung_for_when_the_database_is_back(
    crew: Crew, valkey: servers.Valkey, monkeypatch: pytest.MonkeyPatch
) -> None:
    bell = sweep.Doorbell()
    sweep.reconcile(bell)
    crew.send(tiny_child.film())
    relay.forward(broker.connect())
    valkey.flush()
    with monkeypatch.context() as away:
        away.setattr(reconcile, "ring_again", gone)
        with pytest.raises(OperationalError):
            sweep.reconcile(bell)

    sweep.reconcile(bell)
    relay.forward(broker.connect())

    assert connections.valkey().llen("dramatiq:express") == 1


def test_what_was_given_up_is_said_though_the_broker_goes_meanwhile(
    crew: Crew, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Going(sweep.Doorbell):
        def rung(self, forgot: bool) -> None:
            raise redis.ConnectionError("the broker went away")

    monkeypatch.setattr(reconcile, "give_up", lambda *_, **__: ["0197-film"])
    with structlog.testing.capture_logs() as lines, pytest.raises(redis.ConnectionError):
        sweep.reconcile(Going())

    assert [line["asset_id"] for line in lines if line["event"] == "asset.failed"] == ["0197-film"]


@pytest.mark.parametrize(
    ("error", "line"),
    [(StorageDown(), "StorageDown()"), (StorageDown("no route\nSELECT"), "no route"), (OSError(), "OSError()")],
)
def test_an_error_is_told_in_its_first_line_or_by_its_name(error: Exception, line: str) -> None:
    assert logs.first_line(error) == line
