"""`walkaround up`: everything from an empty folder, stopped within seconds, and all of it found again."""

import json
import re
import signal
import socket
import subprocess
import urllib.request
from pathlib import Path
from typing import Any

import pytest
from running import WALKAROUND, environment, run, stopped_in
from shopfloor import Product


def interventions(environment: dict[str, str], new: dict[str, str] | None = None) -> Any:
    """What the API answers with a token of its own: all of them, or the `new` one."""
    token = run(environment, "token", "--dealership", "Garage Lumière", "--name", "test")
    assert token.stdout.startswith("wa_")
    request = urllib.request.Request(
        f"http://127.0.0.1:{environment['WEB_PORT']}/api/v1/interventions",
        data=json.dumps(new).encode() if new else None,
        headers={"Authorization": f"Bearer {token.stdout.strip()}", "Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=20) as answer:
        return json.load(answer)


def test_ctrl_c_is_heard_while_a_broker_that_says_nothing_is_waited_for() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        silent.settimeout(60)
        with environment(REDIS_URL=f"redis://127.0.0.1:{silent.getsockname()[1]}/0") as settings:
            starting = subprocess.Popen(
                [*WALKAROUND, "up"], env=settings, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
            )
            try:
                asked, _ = silent.accept()
                with asked:
                    starting.send_signal(signal.SIGINT)
                    said, _ = starting.communicate(timeout=60)  # alone within 2 s; without an end it waits for ever
            finally:
                starting.kill()
                starting.wait()
            assert re.fullmatch(r"stopped in [\d.]+ s\n", said), "nothing was started"
            assert not Path(settings["DATA_DIR"], "walkaround.sqlite").exists()
    assert starting.returncode == 0


@pytest.mark.xdist_group("up")  # two cores do not start everything twice at once
@pytest.mark.timeout(600)
def test_everything_runs_from_an_empty_folder_stops_within_seconds_and_is_found_again(product: Product) -> None:
    settings = product.environment
    kept = interventions(settings, {"reference": "RO-1812", "plate": "GB-123-LM"})
    second = run(settings, "up")
    assert second.returncode == 1
    assert "WEB_PORT" in second.stderr
    for name in ("valkey", "express", "film.1", "later", "relay", "schedule"):
        assert f"{name:<10}│" in product.log.read_text()
    assert Path(settings["DATA_DIR"], "walkaround.sqlite").exists()

    product.stop()
    assert stopped_in(product.log) < 5.5, product.log.read_text()  # what the supervisor gives itself, and half a second
    product.start()

    (found,) = (one for one in interventions(settings)["items"] if one["reference"] == "RO-1812")
    assert (found["id"], found["plate"]) == (kept["id"], "GB-123-LM")
