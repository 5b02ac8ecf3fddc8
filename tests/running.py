"""`walkaround up` as a test starts it: an empty folder, free ports, and nothing left of it afterwards."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import servers

WALKAROUND = [sys.executable, "-m", "webapp.command"]


def free_ports(count: int) -> list[int]:
    held = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [one.getsockname()[1] for one in held]
    for one in held:
        one.close()
    return ports


@contextmanager
def environment(**more: str) -> Iterator[dict[str, str]]:
    """Settings for a run of its own."""
    web, upload = free_ports(2)
    with servers.folder() as home:
        yield os.environ | {
            "DATA_DIR": str(home / "data"), "WEB_PORT": str(web), "UPLOAD_PORT": str(upload), "WORKER_UNITS": "1",
            "METRICS_PORT": "0", "LOG_FORMAT": "json", "COOKIE_SECURE": "false", **more,
        }  # fmt: skip


@contextmanager
def up(environment: dict[str, str]) -> Iterator[Path]:
    """Running from the first line of readiness; afterwards Ctrl-C, and everything must be gone."""
    log = Path(environment["DATA_DIR"] + ".log")
    with log.open("w") as file:
        process = subprocess.Popen([*WALKAROUND, "up"], env=environment, stdout=file, stderr=subprocess.STDOUT)
        try:
            wait_for(lambda: "Walkaround is up" in log.read_text() or process.poll() is not None, 240)
            assert process.poll() is None, log.read_text()
            yield log
            process.send_signal(signal.SIGINT)
            process.wait(60)
        finally:
            process.kill()
            process.wait()
    assert stopped_in(log) < 15, log.read_text()
    wait_for(lambda: not of_this_run(environment["DATA_DIR"]), 60)


def stopped_in(log: Path) -> float:
    """Seconds the last stop took by its own clock: tests beside this one may keep the interpreters from ending."""
    return float(re.findall(r"stopped in ([\d.]+) s", log.read_text())[-1])


def of_this_run(folder: str) -> list[str]:
    """Processes that were started for this folder and still run."""
    found = []
    for path in Path("/proc").glob("[0-9]*/environ"):
        try:
            if f"DATA_DIR={folder}\0".encode() in path.read_bytes():
                found.append((path.parent / "cmdline").read_text().replace("\0", " "))
        except OSError:
            continue
    return found


def wait_for(true: Callable[[], object], seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, f"not within {seconds} s"
        time.sleep(0.15)  # a look into a browser costs a few hundredths of a second of a core


def ready(environment: dict[str, str]) -> dict[str, object]:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{environment['WEB_PORT']}/readyz", timeout=10) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as error:
        return json.load(error)


def run(environment: dict[str, str], *args: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*WALKAROUND, *args], env=environment, capture_output=True, text=True, check=False)
