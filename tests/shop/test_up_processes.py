"""`walkaround up`: everything from an empty folder, stopped within seconds, and all of it found again."""

import json
import urllib.request
from pathlib import Path
from typing import Any

import pytest
from running import run
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


@pytest.mark.xdist_group("up")  # two cores do not start everything twice at once
@pytest.mark.timeout(600)
def test_everything_runs_from_an_empty_folder_stops_within_seconds_and_is_found_again(product: Product) -> None:
    environment = product.environment
    kept = interventions(environment, {"reference": "RO-2047", "plate": "GB-123-LM"})
    second = run(environment, "up")
    assert second.returncode == 1
    assert "WEB_PORT" in second.stderr
    for name in ("valkey", "express", "film.1", "later", "relay", "schedule"):
        assert f"{name:<10}│" in product.log.read_text()
    assert Path(environment["DATA_DIR"], "walkaround.sqlite").exists()

    product.stop()
    product.start()

    (found,) = (one for one in interventions(environment)["items"] if one["reference"] == "RO-2047")
    assert (found["id"], found["plate"]) == (kept["id"], "GB-123-LM")
