"""Lines that stall, against the real upload process with little patience: bodies in chunks, with a checksum, with which
an upload is created."""

import base64
import hashlib
import os
import re
import socket
import time
from collections.abc import Callable, Iterator

import pytest
import servers
from landing import BYTES, Garage, Phone, pairs

from webapp.database import session
from webapp.uploads.models import Upload

PATIENCE_S = 4
TAKEN_OVER = pytest.mark.parametrize("garage", [15], indirect=True, ids=["patient"])  # not ended before it is asked
FILM = os.urandom(300_000)
PROMISED = {"Upload_Checksum": "sha256 " + base64.b64encode(hashlib.sha256(FILM).digest()).decode()}


@pytest.fixture(scope="module")
def garage(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Garage]:
    """The upload process with parts larger than the film, and little patience."""
    patience_s = getattr(request, "param", PATIENCE_S)
    opened = Garage(tmp_path_factory.mktemp("garage"), UPLOAD_READ_TIMEOUT_S=str(patience_s), UPLOAD_THREADS="8")
    opened.upload.start()
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def phone(garage: Garage) -> Phone:
    return garage.phone()


@pytest.fixture(scope="module")
def intervention(garage: Garage) -> str:
    return garage.intervention("RO-1")


@pytest.fixture
def path(phone: Phone, intervention: str) -> str:
    """A new upload for twice the film."""
    return phone.create(2 * len(FILM), intervention=intervention, kind="film")


@pytest.fixture
def begin(phone: Phone) -> Iterator[Callable[..., socket.socket]]:
    """`begin(path, sent, **headers)` → the line of a PATCH in chunks; more may follow on it."""
    lines: list[socket.socket] = []

    def begin(path: str, sent: bytes, **more: str) -> socket.socket:
        lines.append(socket.create_connection(("127.0.0.1", phone.port), timeout=30))
        headers = {**BYTES, **phone.headers(Upload_Offset="0", Transfer_Encoding="chunked", Host="upload", **more)}
        head = f"PATCH {path} HTTP/1.1\r\n" + "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        lines[-1].sendall(head.encode() + b"\r\n" + sent)
        return lines[-1]

    yield begin
    for line in lines:
        line.close()


def chunks(data: bytes, size: int = 10_000) -> bytes:
    return b"".join(
        b"%x\r\n%s\r\n" % (len(data[at : at + size]), data[at : at + size]) for at in range(0, len(data), size)
    )


@pytest.fixture
def stall(phone: Phone, begin: Callable[..., socket.socket]) -> Callable[..., socket.socket]:
    """`stall(path, framed)` → the line of a PATCH with a checksum, of whose body only the beginning comes."""

    def stall(path: str, framed: str) -> socket.socket:
        if framed == "chunks":
            return begin(path, chunks(FILM[:1000]), **PROMISED)
        return phone.begin(path, 0, len(FILM), FILM[:1000], **PROMISED)

    return stall


def wait_for_its_turn(garage: Garage, path: str) -> None:
    """Until the first PATCH of an upload has taken its place there; then a moment in which it reads what there is."""

    def fence() -> int:
        with garage.app.app_context():
            return session.get_one(Upload, path.rsplit("/", 1)[1]).fence

    servers.wait_for(fence)
    time.sleep(0.5)


@TAKEN_OVER
@pytest.mark.parametrize("last", [b"", b"2710\r\nhalf a chunk"], ids=["between chunks", "within a chunk"])
def test_a_question_takes_over_from_a_stalled_body_in_chunks_without_losing_its_bytes(
    phone: Phone, path: str, garage: Garage, begin: Callable[..., socket.socket], last: bytes
) -> None:
    sent = FILM + last[6:]
    stalled = begin(path, chunks(FILM) + last)
    wait_for_its_turn(garage, path)
    assert phone.offset(path) == len(sent)
    assert b" 423 " in stalled.recv(4096)
    assert garage.received(path) == sent
    assert phone.send(path, len(sent), FILM[len(sent) - len(FILM) :]).status == 204


@TAKEN_OVER
@pytest.mark.parametrize("framed", ["Content-Length", "chunks"])
def test_a_body_with_a_checksum_that_is_taken_over_says_so_and_leaves_nothing(
    phone: Phone, path: str, garage: Garage, stall: Callable[..., socket.socket], framed: str
) -> None:
    with stall(path, framed) as taken_over:
        wait_for_its_turn(garage, path)
        assert phone.offset(path) == 0
        assert b" 423 " in taken_over.recv(4096)
    assert garage.received(path) == b""
    assert phone.send(path, 0, FILM, **PROMISED).status == 204


def test_a_body_in_chunks_that_stays_silent_is_ended_and_its_bytes_are_kept(
    path: str, garage: Garage, begin: Callable[..., socket.socket]
) -> None:
    answer = begin(path, chunks(FILM)).recv(4096)
    assert b" 408 " in answer
    assert f"Upload-Offset: {len(FILM)}\r\n".encode() in answer
    assert garage.received(path) == FILM


def test_a_body_in_chunks_that_is_cut_is_kept(
    phone: Phone, path: str, garage: Garage, begin: Callable[..., socket.socket]
) -> None:
    begin(path, chunks(FILM) + b"2710\r\n").close()
    deadline = time.monotonic() + 30
    while not garage.received(path) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert phone.offset(path) == len(FILM)
    assert garage.received(path) == FILM


def test_a_question_right_behind_a_body_in_chunks_is_answered(
    phone: Phone, path: str, begin: Callable[..., socket.socket]
) -> None:
    headers = "".join(f"{name}: {value}\r\n" for name, value in phone.headers(Host="upload").items())
    line = begin(path, chunks(FILM) + f"0\r\n\r\nHEAD {path} HTTP/1.1\r\n{headers}\r\n".encode())
    answers = b""
    while answers.count(b"HTTP/1.1 ") < 2:
        came = line.recv(4096)
        assert came, answers
        answers += came
    assert answers.startswith(b"HTTP/1.1 204 ")
    assert b"HTTP/1.1 200 " in answers
    assert answers.count(f"Upload-Offset: {len(FILM)}\r\n".encode()) == 2


def test_what_is_no_chunk_ends_the_line_and_keeps_what_came_before(
    phone: Phone, path: str, garage: Garage, begin: Callable[..., socket.socket]
) -> None:
    line = begin(path, chunks(FILM) + b"no size\r\nGET / HTTP/1.1\r\n\r\n")
    answers = b""
    while came := line.recv(4096):
        answers += came
    assert answers.count(b"HTTP/1.1 ") == 1, "what followed was no request"
    assert garage.received(path) == FILM


@pytest.mark.parametrize("framed", ["Content-Length", "chunks"])
def test_a_body_with_a_checksum_that_stalls_says_so_and_leaves_nothing(
    phone: Phone, path: str, garage: Garage, stall: Callable[..., socket.socket], framed: str
) -> None:
    with stall(path, framed) as silent:
        answer = silent.recv(4096)
    assert b" 408 " in answer
    assert b"Upload-Offset: 0\r\n" in answer
    assert garage.received(path) == b""
    assert phone.send(path, 0, FILM, **PROMISED).status == 204


@pytest.mark.parametrize("key", ["", "7a0c"], ids=["without a key", "with a key"])
def test_an_upload_whose_first_bytes_stall_is_told_of_and_goes_on(
    phone: Phone, garage: Garage, intervention: str, key: str
) -> None:
    named = pairs(intervention=intervention, kind="film", **({"key": key} if key else {}))
    creation = {"Upload_Length": str(len(FILM)), "Upload_Metadata": named, "Content_Length": str(len(FILM))}
    with socket.create_connection(("127.0.0.1", phone.port), timeout=30) as line:
        headers = BYTES | phone.headers(Host="upload", **creation)
        head = "POST /files HTTP/1.1\r\n" + "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        line.sendall(head.encode() + b"\r\n" + FILM[:1000])
        answer = line.recv(4096).decode()
    assert answer.startswith("HTTP/1.1 201 ")
    assert "\r\nUpload-Offset: 1000\r\n" in answer
    path = re.search("\r\nLocation: .*(/files/.*)\r\n", answer)[1]
    assert phone.send(path, 1000, FILM[1000:]).status == 204
    assert garage.received(path) == FILM
