"""Uploads against the real upload process: lines that are cut, lines that stall, and a process that is killed."""

import os
import socket
import struct
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from landing import Garage, Phone, Process, free_port
from tusclient.client import TusClient

from pipeline.catalog.models import State
from webapp.database import session
from webapp.uploads.models import Upload

PART = 1 << 18  # bytes of a stored part here, so that small films have several
FILM = os.urandom(5 * PART + 12345)


@pytest.fixture(scope="module")
def garage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Garage]:
    """The upload process running with small parts and little patience."""
    limits = {"PART_BYTES": str(PART), "UPLOAD_READ_TIMEOUT_S": "20", "UPLOAD_THREADS": "8"}
    opened = Garage(tmp_path_factory.mktemp("garage"), **limits)
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
    """A new upload for `FILM`."""
    return phone.create(len(FILM), intervention=intervention, kind="film", filename="IMG_0001.MOV")


def wait_for(fact: Callable[[], bool], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not fact():
        assert time.monotonic() < deadline, "it did not come about"
        time.sleep(0.05)


def test_what_arrived_before_a_cut_is_kept(phone: Phone, path: str, garage: Garage) -> None:
    arrived = 2 * PART + 777
    phone.begin(path, 0, len(FILM), FILM[:arrived]).close()
    # Asked of the rows: a HEAD would take over, and leave unread what still lies in the socket.
    wait_for(lambda: len(garage.received(path)) == arrived)
    assert phone.offset(path) == arrived
    assert garage.received(path) == FILM[:arrived]
    assert phone.send(path, arrived, FILM[arrived:]).status == 204
    assert garage.received(path) == FILM


def test_a_line_that_is_reset_keeps_what_was_stored(phone: Phone, path: str, garage: Garage) -> None:
    line = phone.begin(path, 0, len(FILM), FILM[: 2 * PART])
    wait_for(lambda: len(garage.received(path)) >= PART)
    line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    line.close()  # RST, not FIN
    offset = phone.offset(path)
    assert PART <= offset <= 2 * PART
    assert phone.send(path, offset, FILM[offset:]).status == 204
    assert garage.received(path) == FILM


def test_a_new_question_takes_over_from_a_stalled_request_without_losing_its_bytes(
    phone: Phone, path: str, garage: Garage
) -> None:
    stalled = phone.begin(path, 0, len(FILM), FILM[: PART + 99])
    wait_for(lambda: len(garage.received(path)) >= PART)
    began = time.monotonic()
    assert phone.offset(path) == PART + 99
    assert time.monotonic() - began < 15
    stalled.sendall(FILM[PART + 99 : 2 * PART])  # wakes up too late: these are dropped
    assert phone.send(path, PART + 99, FILM[PART + 99 :]).status == 204
    assert b" 423 " in stalled.recv(4096)
    stalled.close()
    assert garage.received(path) == FILM


def test_a_new_patch_takes_over_by_itself(phone: Phone, path: str, garage: Garage) -> None:
    stalled = phone.begin(path, 0, len(FILM), FILM[:PART])
    wait_for(lambda: len(garage.received(path)) >= PART)
    assert phone.send(path, PART, FILM[PART:]).headers["Upload-Offset"] == str(len(FILM))
    stalled.close()
    assert garage.received(path) == FILM


def test_a_request_whose_place_was_taken_by_another_process_stores_nothing_more(
    phone: Phone, path: str, garage: Garage, tmp_path: Path
) -> None:
    port = free_port()
    other = Process("upload", port, {**garage.environment, "UPLOAD_PORT": str(port)}, tmp_path / "other.log").start()
    there = Phone(port, phone.token)
    try:
        stalled = phone.begin(path, 0, len(FILM), FILM[:PART])
        wait_for(lambda: len(garage.received(path)) >= PART)
        stalled.sendall(FILM[PART : PART + 5])
        assert there.offset(path) == PART  # the other process cannot be asked gently: the fence decides
        stalled.sendall(FILM[PART + 5 : 3 * PART])
        assert b" 423 " in stalled.recv(4096)
        stalled.close()
        assert phone.offset(path) == PART
        assert there.send(path, PART, FILM[PART:]).status == 204
        assert garage.received(path) == FILM
    finally:
        other.stop(9)


def test_a_request_that_stays_silent_is_ended_and_its_bytes_are_kept(phone: Phone, path: str, garage: Garage) -> None:
    line = phone.begin(path, 0, len(FILM), FILM[:4321])
    assert b" 408 " in line.recv(4096)
    line.close()
    assert garage.received(path) == FILM[:4321]


def test_a_killed_process_loses_nothing_it_acknowledged(phone: Phone, path: str, garage: Garage) -> None:
    line = phone.begin(path, 0, len(FILM), FILM[: 3 * PART + 10])
    wait_for(lambda: len(garage.received(path)) >= 3 * PART)
    garage.upload.stop(9)
    line.close()
    garage.upload.start()
    offset = phone.offset(path)
    assert 3 * PART <= offset == len(garage.received(path))
    assert phone.send(path, offset, FILM[offset:]).status == 204
    assert garage.received(path) == FILM


def test_on_a_slow_line_progress_is_counted_before_a_part_is_full(
    phone: Phone, intervention: str, garage: Garage
) -> None:
    path = phone.create(PART, intervention=intervention)
    line = phone.begin(path, 0, PART, b"")
    try:
        for second in range(60):
            line.sendall(bytes([second]))
            if garage.received(path):
                break
            time.sleep(0.25)
        assert 0 < len(garage.received(path)) < 60
    finally:
        line.close()


def test_a_short_question_behind_a_long_body_is_answered_at_once(phone: Phone, path: str) -> None:
    with phone.begin(path, 0, len(FILM), FILM[: 2 * PART]) as line:
        line.settimeout(15)
        time.sleep(0.5)  # all of it was read by now, and the rest is waited for
        line.sendall(FILM[2 * PART :])
        assert b" 204 " in line.recv(4096)
        headers = "".join(f"{name}: {value}\r\n" for name, value in phone.headers(Host="upload").items())
        line.sendall(f"HEAD {path} HTTP/1.1\r\n{headers}\r\n".encode())
        assert f"Upload-Offset: {len(FILM)}\r\n".encode() in line.recv(4096)


def test_a_body_longer_than_the_file_is_refused_and_the_file_stays_good(
    phone: Phone, path: str, garage: Garage
) -> None:
    assert phone.send(path, 0, FILM[:PART]).status == 204
    assert phone.send(path, PART, FILM[PART:] + b"!").status == 413
    line = phone.begin(path, PART, 0, b"")  # an empty body is no progress and no harm
    assert b" 204 " in line.recv(4096)
    line.close()
    assert phone.send(path, PART, FILM[PART:]).status == 204
    assert garage.received(path) == FILM


def test_a_chunked_body_is_understood_and_may_not_be_too_long(phone: Phone, intervention: str, garage: Garage) -> None:
    path = phone.create(10, intervention=intervention)
    for chunks, status in (
        (b"4\r\nabcd\r\n", b" 204 "),
        (b"3\r\nefg\r\n5\r\nhijkl\r\n", b" 413 "),
        (b"6\r\nefghij\r\n", b" 204 "),
    ):
        with socket.create_connection(("127.0.0.1", phone.port), timeout=30) as line:
            headers = phone.headers(Upload_Offset="0" if b"abcd" in chunks else "4", Host="upload")
            headers |= {"Content-Type": "application/offset+octet-stream", "Transfer-Encoding": "chunked"}
            head = f"PATCH {path} HTTP/1.1\r\n" + "".join(f"{name}: {value}\r\n" for name, value in headers.items())
            line.sendall(head.encode() + b"\r\n" + chunks + b"0\r\n\r\n")
            assert status in line.recv(4096)
    assert garage.received(path) == b"abcdefghij"


def test_another_peoples_client_uploads_a_whole_file(
    phone: Phone, garage: Garage, intervention: str, tmp_path: Path
) -> None:
    (tmp_path / "film.mp4").write_bytes(FILM)
    client = TusClient(f"http://127.0.0.1:{phone.port}/files/", headers={"Authorization": f"Bearer {phone.token}"})
    metadata = {"intervention": intervention, "filename": "film.mp4", "filetype": "video/mp4"}
    with (tmp_path / "film.mp4").open("rb") as film:
        uploader = client.uploader(file_stream=film, chunk_size=200_000, metadata=metadata, upload_checksum=True)
        uploader.upload()
    assert garage.received(uploader.url) == FILM
    with garage.app.app_context():
        asset = session.get_one(Upload, uploader.url.rsplit("/", 1)[1]).asset
        assert asset.state is State.PROCESSING
