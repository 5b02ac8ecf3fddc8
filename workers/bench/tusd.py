"""The tus server from npm, `@tus/server` with its file store, started as its documentation does it."""

import json
import select
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

FRONTEND = Path(__file__).parents[2] / "frontend"  # of a checkout; its development packages hold the server
_SCRIPT = Path(__file__).with_name("tus") / "server.mjs"
_START_S = 30.0


class NotInstalled(Exception):
    """This machine cannot start it; the text says what is missing."""


@dataclass(frozen=True, slots=True)
class Peer:
    url: str
    pid: int
    version: str
    node: str


@contextmanager
def running(folder: Path, frontend: Path = FRONTEND) -> Iterator[Peer]:
    """The server on a free port, keeping its files in `folder`. Raises: NotInstalled."""
    package = frontend / "node_modules/@tus/server/package.json"
    node = shutil.which("node")
    if node is None or not package.exists():
        raise NotInstalled("@tus/server is not here: it needs a checkout, Node and ./dev setup")
    version = json.loads(package.read_text())["version"]
    folder.mkdir(parents=True, exist_ok=True)
    with _SCRIPT.open() as script, (folder.parent / "tusd.log").open("w") as log:
        process = subprocess.Popen(
            # From its standard input, so that it finds its packages from the working directory.
            [node, "--input-type=module", "-", str(folder)], cwd=frontend, stdin=script, stdout=subprocess.PIPE,
            stderr=log, text=True,
        )  # fmt: skip
        try:
            assert process.stdout is not None
            ready = select.select([process.stdout], [], [], _START_S)[0]
            port = process.stdout.readline().strip() if ready else ""
            if not port.isdecimal():
                raise NotInstalled(f"@tus/server did not start: {(folder.parent / 'tusd.log').read_text()[-500:]}")
            run = subprocess.run([node, "--version"], capture_output=True, text=True, check=True)
            yield Peer(f"http://127.0.0.1:{port}/files", process.pid, version, run.stdout.strip())
        finally:
            process.kill()
            process.wait()
            if process.stdout is not None:
                process.stdout.close()
