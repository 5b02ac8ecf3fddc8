"""A Walkaround of the bench's own: the real processes in an empty folder, on free ports, gone afterwards."""

import ctypes
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

_WALKAROUND = [sys.executable, "-m", "webapp.command"]  # by name: this floor imports nothing of the one above
_SERVERS = {
    role: [sys.executable, "-m", "gunicorn", "-c", f"python:webapp.operations.serve_{role}", f"webapp.app:{role}()"]
    for role in ("web", "upload")
}
START_S = 240.0  # seconds everything may take to start on a busy machine
_DEALERSHIP = "Bench Garage"
_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None)


class House:
    """Its addresses, a token of its dealership, and its processes by name: `up`, or `web` and `upload` alone."""

    def __init__(self, folder: Path, environment: dict[str, str]) -> None:
        web, upload = _free_ports(2)
        self.folder = folder
        environment = {
            "DATA_DIR": str(folder / "data"), "WEB_PORT": str(web), "UPLOAD_PORT": str(upload), "METRICS_PORT": "0",
            "LOG_LEVEL": "warning", "PUBLIC_URL": "", "UPLOAD_URL": "", **environment,
        }  # fmt: skip
        # `env`, because only settings.py may look at the environment.
        self.within = ["env", *(f"{name}={value}" for name, value in environment.items())]
        self.web = f"http://127.0.0.1:{web}"
        self.upload = f"http://127.0.0.1:{upload}/files"
        self.processes: dict[str, subprocess.Popen[bytes]] = {}
        self.token = ""

    def run(self, *args: str, given: str | None = None) -> str:
        """What a command of the product prints. Raises: RuntimeError with its last words."""
        command = [*self.within, *_WALKAROUND, *args]
        done = subprocess.run(command, input=given, capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(f"walkaround {args[0]} ended with {done.returncode}: {done.stderr[-800:]}")
        return done.stdout

    def start(self, name: str, command: list[str]) -> None:
        with (self.folder / f"{name}.log").open("ab") as log:
            self.processes[name] = subprocess.Popen(
                [*self.within, *command], stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
                preexec_fn=end_with_parent,
            )  # fmt: skip

    def wait(self) -> None:
        """Until both servers answer. Raises: RuntimeError."""
        deadline = time.monotonic() + START_S
        for url in (self.web, self.upload.removesuffix("/files")):
            while not _answers(f"{url}/healthz"):
                dead = [name for name, process in self.processes.items() if process.poll() is not None]
                if dead or time.monotonic() > deadline:
                    raise RuntimeError("Walkaround did not start")
                time.sleep(0.05)

    def stop(self) -> None:
        for number, seconds in ((signal.SIGINT, 6.0), (signal.SIGKILL, 6.0)):
            for process in self.processes.values():
                if process.poll() is None:
                    with suppress(ProcessLookupError):
                        os.killpg(process.pid, number)
            for process in self.processes.values():
                with suppress(subprocess.TimeoutExpired):
                    process.wait(seconds)

    def last_words(self) -> str:
        """What its processes wrote last."""
        return "".join(path.read_text(errors="replace")[-2000:] for path in self.folder.glob("*.log"))

    def settle(self) -> None:
        """A dealership and its token, once the servers run."""
        words = ["--dealership", _DEALERSHIP, "--country", "FR", "--name", "Bench", "--language", "en"]
        password = uuid.uuid4().hex
        self.run("init", *words, "--email", "bench@example.org", "--password", password)
        self.token = self.run("token", "--dealership", _DEALERSHIP, "--name", "bench").strip()

    def api(self, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        """One request of a program. Raises: urllib.error.HTTPError."""
        request = urllib.request.Request(
            f"{self.web}/api/v1{path}",
            None if body is None else json.dumps(body).encode(),
            {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"},
            method=method,
        )
        with urllib.request.urlopen(request, timeout=30) as answer:
            found: dict[str, Any] = json.load(answer)
            return found

    def intervention(self) -> str:
        """The id of a new intervention."""
        made = self.api("POST", "/interventions", {"reference": uuid.uuid4().hex[:12], "make": "Renault"})
        return str(made["id"])

    def link(self, intervention: str) -> str:
        """The address of a new customer's link."""
        made = self.api("POST", f"/interventions/{intervention}/links", {"recipient": "camille@example.org"})
        return str(made["url"])

    def assets(self, intervention: str) -> list[dict[str, Any]]:
        """The intervention's assets as the API shows them."""
        found: list[dict[str, Any]] = self.api("GET", f"/interventions/{intervention}/assets")["items"]
        return found


@contextmanager
def servers(**environment: str) -> Iterator[House]:
    """The web and upload processes alone: what arrives is kept, and nobody works on it."""
    with _folder() as folder:
        house = House(folder, environment)
        house.run("migrate")
        yield from _open(house, _SERVERS)


@contextmanager
def everything(**environment: str) -> Iterator[House]:
    """All of `walkaround up`."""
    with _folder() as folder:
        yield from _open(House(folder, environment), {"up": [*_WALKAROUND, "up"]})


def _open(house: House, commands: dict[str, list[str]]) -> Iterator[House]:
    try:
        for name, command in commands.items():
            house.start(name, command)
        house.wait()
        house.settle()
        yield house
    except Exception as error:
        error.add_note(f"What Walkaround wrote last:\n{house.last_words()}")
        raise
    finally:
        house.stop()


@contextmanager
def _folder() -> Iterator[Path]:
    with TemporaryDirectory(prefix="wa-bench-", ignore_cleanup_errors=True) as folder:
        yield Path(folder)


def end_with_parent() -> None:
    """A bench that is killed leaves nothing running. Source: prctl(2)."""
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


def _free_ports(count: int) -> list[int]:
    held = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [one.getsockname()[1] for one in held]
    for one in held:
        one.close()
    return ports


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, ConnectionError, TimeoutError):
        return False
