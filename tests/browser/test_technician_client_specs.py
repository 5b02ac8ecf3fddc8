"""The upload client's own browser specs, unmodified, against our upload process behind TLS."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from browsing import FLAGS
from demohost import HOST
from landing import Garage, free_port
from playwright.sync_api import sync_playwright

pytestmark = pytest.mark.browser

CERTIFICATE = [
    "openssl",
    "req",
    "-x509",
    "-newkey",
    "ec",
    "-pkeyopt",
    "ec_paramgen_curve:P-256",
    "-nodes",
    "-days",
    "2",
]


@pytest.fixture
def demo_host(tmp_path: Path) -> Iterator[int]:
    """The port of our upload process, dressed as the public demo server."""
    garage, port = Garage(tmp_path, UPLOAD_URL=f"https://{HOST}", TUS_GET="true"), free_port()
    key, certificate = str(tmp_path / "key.pem"), str(tmp_path / "cert.pem")
    subprocess.run(
        [*CERTIFICATE, "-subj", f"/CN={HOST}", "-keyout", key, "-out", certificate], check=True, capture_output=True
    )
    environment = garage.environment | {"TOKEN": garage.phone().token, "INTERVENTION": garage.intervention("RO-1")}
    command = [
        sys.executable, "-m", "gunicorn", "-c", "python:webapp.operations.serve_upload", "-b", f"127.0.0.1:{port}",
        "--keyfile", key, "--certfile", certificate, "--pythonpath", str(Path(__file__).parents[1]), "demohost:app()",
    ]  # fmt: skip
    with (tmp_path / "demo.log").open("wb") as log:
        running = subprocess.Popen(command, env=os.environ | environment, stdout=log, stderr=log)
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        with socket.socket() as line:
            if line.connect_ex(("127.0.0.1", port)) == 0:
                break
        time.sleep(0.1)
    yield port
    running.terminate()
    running.wait(60)
    garage.close()


def test_every_spec_of_the_client_passes(demo_host: int) -> None:
    rules = f"--host-resolver-rules=MAP {HOST} 127.0.0.1:{demo_host}, MAP * ~NOTFOUND"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=[*FLAGS, rules])
        page = browser.new_context(ignore_https_errors=True).new_page()
        deadline = time.monotonic() + 180
        faults: list[str] = []
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.goto(f"https://{HOST}/")
        assert faults == []
        page.evaluate("void jasmine.getEnv().execute()")
        while not page.evaluate("results.over") and time.monotonic() < deadline:
            time.sleep(0.2)
        results = page.evaluate("results")
        assert faults == []
        browser.close()
    assert results["failed"] == []
    assert results["passed"] >= 61
    assert results["over"]
