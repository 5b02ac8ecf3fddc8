"""Where uploads land in the tests: a garage with the real `web` and `upload` processes, and a plain tus client."""

import base64
import http.client
import os
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

import blank
import uuid_utils
from cast import add_dealership, add_person
from sqlalchemy import select

from pipeline.catalog.models import Part
from webapp.accounts.access import issue_token
from webapp.accounts.models import Dealership, RoleName, User
from webapp.app import create_app
from webapp.database import session, storage
from webapp.interventions.models import Intervention
from webapp.uploads.models import Upload
from workers.settings import Settings

TUS = {"Tus-Resumable": "1.0.0"}
BYTES = {"Content-Type": "application/offset+octet-stream"}


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def pairs(**values: str) -> str:
    """An `Upload-Metadata` header."""
    return ",".join(f"{key} {base64.b64encode(value.encode()).decode()}" for key, value in values.items())


@dataclass
class Process:
    """One of our processes under gunicorn, killed and started again at will."""

    role: str
    port: int
    environment: dict[str, str]
    log: Path
    _running: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    def start(self) -> "Process":
        command = ["-m", "gunicorn", "-c", f"python:webapp.operations.serve_{self.role}", f"webapp.app:{self.role}()"]
        with self.log.open("ab") as log:
            self._running = subprocess.Popen(
                [sys.executable, *command],
                env={**os.environ, **self.environment},
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            try:
                if ask(self.port, "GET", "/healthz").status == 200:
                    return self
            except OSError:
                time.sleep(0.05)
        raise AssertionError(f"{self.role} did not start: {self.log.read_text()[-2000:]}")

    def stop(self, number: int = signal.SIGTERM) -> None:
        """End the process and its workers; SIGKILL is the power cut."""
        if self._running is not None:
            os.killpg(self._running.pid, number)
            try:
                self._running.wait(60)
            except subprocess.TimeoutExpired:
                os.killpg(self._running.pid, signal.SIGKILL)
                self._running.wait(60)
            self._running = None


class Garage:
    """A dealership, its technician Bob and its data in `folder`, with both processes ready to be started."""

    def __init__(self, folder: Path, **environment: str) -> None:
        web, upload = (int(environment.get(name) or free_port()) for name in ("WEB_PORT", "UPLOAD_PORT"))
        self.environment = {
            "DATA_DIR": str(folder / "data"),
            "SECRET_KEY": "for tests only, 32 characters long",
            "COOKIE_SECURE": "false",
            "WEB_PORT": str(web),
            "UPLOAD_PORT": str(upload),
            **environment,
        }
        self.settings = Settings(**{name.lower(): value for name, value in self.environment.items()})
        self.app = create_app(self.settings, "web")
        self.web = Process("web", web, self.environment, folder / "web.log")
        self.upload = Process("upload", upload, self.environment, folder / "upload.log")
        blank.lay_out(self.app.extensions["engine"])
        with self.app.app_context():
            add_person(add_dealership("Garage Lumière"), "Bob", RoleName.TECHNICIAN)

    def close(self) -> None:
        for process in (self.web, self.upload):
            process.stop(signal.SIGKILL)
        self.app.extensions["engine"].dispose()

    def intervention(self, reference: str) -> str:
        """The id of a new intervention."""
        with self.app.app_context():
            row = Intervention(
                id=str(uuid_utils.uuid7()),
                dealership_id=session.scalars(select(Dealership.id)).one(),
                reference=reference,
                make="Renault",
                model="Mégane",
                plate="GB-123-LM",
                created_at=time.time(),
                updated_at=time.time(),
            )
            session.add(row)
            session.commit()
            return row.id

    def phone(self) -> "Phone":
        """A program of the dealership."""
        with self.app.app_context():
            _, text = issue_token(session.scalars(select(Dealership)).one(), "test")
            session.commit()
        return Phone(self.upload.port, text)

    def cookie(self, name: str = "Bob") -> dict[str, str]:
        """A person's session, for a browser."""
        with self.app.app_context():
            unique = session.scalars(select(User.fs_uniquifier).where(User.name == name)).one()
        signer = self.app.session_interface.get_signing_serializer(self.app)
        value = signer.dumps({"_user_id": unique, "_fresh": True, "fs_cc": "set", "fs_paa": time.time()})
        return {
            "name": self.app.config["SESSION_COOKIE_NAME"],
            "value": value,
            "url": self.settings.effective_public_url,
        }

    def received(self, path: str) -> bytes:
        """What counts as received of an upload: its parts, one after the other."""
        with self.app.app_context():
            asset_id = session.get_one(Upload, path.rsplit("/", 1)[1]).asset_id
        return self.original(asset_id)

    def original(self, asset_id: str) -> bytes:
        """The bytes of an asset as they arrived."""
        with self.app.app_context():
            keys = session.scalars(select(Part.key).where(Part.asset_id == asset_id).order_by(Part.offset)).all()
            session.rollback()
            return b"".join(storage().get(key) for key in keys)


@dataclass(frozen=True)
class Answer:
    status: int
    headers: http.client.HTTPMessage
    body: bytes


def ask(port: int, method: str, path: str, headers: dict[str, str] | None = None, body: bytes | None = None) -> Answer:
    """One request on a connection of its own."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request(method, path, body, headers or {})
        response = connection.getresponse()
        return Answer(response.status, response.headers, response.read())
    finally:
        connection.close()


@dataclass(frozen=True)
class Phone:
    """A tus client that does only what it is told, so that a test can do the wrong thing."""

    port: int
    token: str

    def headers(self, **more: str) -> dict[str, str]:
        named = {name.replace("_", "-"): value for name, value in more.items()}
        return {**TUS, "Authorization": f"Bearer {self.token}", **named}

    def create(self, size: int, **metadata: str) -> str:
        """The path of a new upload."""
        headers = self.headers(Upload_Length=str(size), Upload_Metadata=pairs(**metadata))
        answer = ask(self.port, "POST", "/files", headers)
        assert answer.status == 201, answer.body
        return "/files/" + answer.headers["Location"].rsplit("/", 1)[1]

    def offset(self, path: str) -> int:
        answer = ask(self.port, "HEAD", path, self.headers())
        assert answer.status == 200, answer.status
        return int(answer.headers["Upload-Offset"])

    def send(self, path: str, offset: int, data: bytes, **more: str) -> Answer:
        return ask(self.port, "PATCH", path, {**BYTES, **self.headers(Upload_Offset=str(offset), **more)}, data)

    def begin(self, path: str, offset: int, length: int, first: bytes, **more: str) -> socket.socket:
        """A PATCH that has announced `length` bytes and sent only the `first`; the caller holds the line."""
        line = socket.create_connection(("127.0.0.1", self.port), timeout=30)
        headers = {
            **BYTES,
            **self.headers(Upload_Offset=str(offset), Content_Length=str(length), Host="upload", **more),
        }
        head = f"PATCH {path} HTTP/1.1\r\n" + "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        line.sendall(head.encode() + b"\r\n" + first)
        return line
