"""Which layer holds on this machine: each is tried by a child that behaves as badly as it can."""

import contextlib
import json
import os
import secrets
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pipeline
from pipeline.errors import SandboxUnavailable
from workers.sandbox import bytecode, ground
from workers.sandbox.bubblewrap import Bubblewrap
from workers.sandbox.landlock import Landlock, Unguarded
from workers.sandbox.layer import Cell, Layer, Limits

_LAYERS: dict[str, Callable[[], Layer]] = {"bubblewrap": Bubblewrap, "landlock": Landlock, "none": Unguarded}
_AUTO = ("bubblewrap", "landlock")
# Few processes, so that the fork bomb is over in a moment; the interpreter alone needs 100 MB of addresses.
_TRIAL = Limits(timeout_s=20, memory_bytes=2**30, processes=32)
_TRIED: dict[str, str | None] = {}
_CHOSEN: dict[str, Layer] = {}
_REFUSED: dict[str, tuple[float, str]] = {}
_REFUSED_S = 60  # seconds a refusal is remembered
_CHOOSING = threading.Lock()


def choose(setting: str = "auto") -> Layer:
    """The strongest layer that passes its trial, or the one asked for by name. Tried once in a process; where nothing
    holds, once a minute: whoever asks `/readyz` must not start trials.

    Raises: SandboxUnavailable, with what failed in each layer tried, in one line.
    """
    with _CHOOSING:
        if setting not in _CHOSEN:
            until, why = _REFUSED.get(setting, (0.0, ""))
            if time.monotonic() < until:
                raise SandboxUnavailable(why)
            try:
                _CHOSEN[setting] = _strongest(_AUTO if setting == "auto" else (setting,))
            except SandboxUnavailable as error:
                _REFUSED[setting] = time.monotonic() + _REFUSED_S, str(error)
                raise
        return _CHOSEN[setting]


def forget() -> None:
    """Try again when next asked."""
    _CHOSEN.clear()
    _REFUSED.clear()


def _strongest(names: tuple[str, ...]) -> Layer:
    for name in names:
        try:
            bytecode.ensure()
            layer = _LAYERS[name]()
            if name != "none":
                escapes = attempt(layer)
                if escapes:
                    raise SandboxUnavailable("; ".join(f"{what}: {how}" for what, how in escapes.items()))
        except Exception as error:  # a layer that surprises us does not hold
            why = str(error) if isinstance(error, SandboxUnavailable) else f"{type(error).__name__}: {error}"
            _TRIED[name] = " ".join(why.split())
        else:
            _TRIED[name] = None
            return layer
    tried = " / ".join(f"{name}: {_TRIED[name]}" for name in names)
    raise SandboxUnavailable(f"no sandbox works here ({tried}); SANDBOX=none goes without, at your own risk")


def status(setting: str = "auto") -> dict[str, object]:
    """What `/readyz` shows: the layer in force, and why a stronger one is not. Cheap after the first call."""
    try:
        layer = choose(setting).name
    except SandboxUnavailable as error:
        return {"ok": False, "layer": None, "reason": str(error)}
    return {"ok": True, "layer": layer, "refused": {name: why for name, why in _TRIED.items() if why}}


def attempt(layer: Layer, limits: Limits = _TRIAL) -> dict[str, str]:
    """What a hostile child got away with under `layer`: empty when every wall held.

    Raises: SandboxUnavailable when the child could not be started at all.
    """
    with tempfile.TemporaryDirectory(prefix="walkaround-trial-") as name, _listeners(Path(name)) as port:
        folder = Path(name)
        victim, out, scratch = folder / "victim", folder / "out", folder / "scratch"
        given = victim / "given"
        for made in (victim, given, out, scratch):
            made.mkdir()
        given.chmod(0o755)  # as a room's is, whatever the umask
        (victim / "secret").write_bytes(secret := secrets.token_bytes(16))
        (victim / "secret").chmod(0o644)
        (victim / "input").write_bytes(b"input")
        text = Path(__file__).with_name("trial.py").read_text()
        cell = layer.prepare(("-c", text), {"input": victim / "input", "given": given}, out, scratch, limits)
        job = {
            "input": cell.names["input"],
            "given": cell.names["given"],
            "out": cell.out,
            "secret": str(victim / "secret"),
            "unix": str(folder / "socket"),
            "port": str(port),
            "code": str(Path(pipeline.__path__[0]) / "__init__.py"),
            "parent": str(os.getpid()),
            "pids": str(Path("/proc/self/ns/pid").readlink()),
            "memory": str(limits.memory_bytes),
            "processes": str(limits.processes),
            "environment": " ".join([*ground.ENVIRONMENT, "PWD", "LC_CTYPE"]),
        }

        def fill() -> None:
            (given / "late").write_bytes(b"late")
            (given / "late").chmod(0o644)

        found = _answer(cell, out, scratch, job, fill)
        if (victim / "planted").exists() or (victim / "input").read_bytes() != b"input":
            found["write beside the input"] = "was allowed"
        if (victim / "secret").read_bytes() != secret:
            found["write to what lies beside the input"] = "was allowed"
        if [path.read_bytes() for path in given.iterdir()] != [b"late"]:
            found["write to what came later"] = "was allowed"
    return {what: how for what, how in found.items() if how is not None}


def _answer(
    cell: Cell, out: Path, scratch: Path, job: dict[str, str | None], before: Callable[[], object]
) -> dict[str, str | None]:
    """What the child says to its job, which it is given after it has started, as one that waits for work; and `before`
    is done in between.
    """
    if cell.uid is not None:
        os.chown(out, cell.uid, cell.uid)
    try:
        with subprocess.Popen(
            cell.argv,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=cell.environment,
            cwd=scratch,
            pass_fds=cell.fds,
            start_new_session=True,
        ) as process:
            alarm = threading.Timer(_TRIAL.timeout_s, process.kill)
            alarm.start()
            try:
                assert process.stdout is not None
                process.stdout.readline()
                before()
                said, errors = process.communicate(json.dumps(job))
            finally:
                alarm.cancel()
    except OSError as error:
        raise SandboxUnavailable(f"the trial did not run: {error}") from error
    finally:
        for fd in (*cell.fds, cell.lifeline):
            os.close(fd)
    if process.returncode != 0:
        last = (errors.strip().splitlines() or ["no message"])[-1]
        raise SandboxUnavailable(f"the trial did not run: exit {process.returncode}: {last}")
    found: dict[str, str | None] = json.loads(said)
    return found


@contextlib.contextmanager
def _listeners(folder: Path):  # type: ignore[no-untyped-def]
    """A TCP port and a unix socket that would accept the child if it could reach them."""
    with socket.socket() as tcp, socket.socket(socket.AF_UNIX) as unix:
        tcp.bind(("127.0.0.1", 0))
        tcp.listen()
        unix.bind(str(folder / "socket"))
        (folder / "socket").chmod(0o777)
        folder.chmod(0o711)
        unix.listen()
        yield tcp.getsockname()[1]
