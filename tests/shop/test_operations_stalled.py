"""Clients that stop in the middle, against the real `web` process: they lose their connection, nobody else waits."""

import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress

import pytest
from landing import Garage, ask

from webapp.operations.clients import Impatient

STALLS = {
    "headers": b"GET /login HTTP/1.1\r\nHost: walkaround.example\r\nX-Half: ",
    "body": b"POST /login HTTP/1.1\r\nHost: walkaround.example\r\nContent-Type: application/x-www-form-urlencoded\r\n"
    b"Content-Length: 1000\r\n\r\nemail=",
    "reading": b"GET /login HTTP/1.1\r\nHost: walkaround.example\r\n\r\n" * 2000,
    "silence": b"",
    "hanging on": b"GET /healthz HTTP/1.0\r\n\r\n",
}


@pytest.fixture(scope="module")
def garage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Garage]:
    garage = Garage(tmp_path_factory.mktemp("garage"), CLIENT_TIMEOUT_S="2", WEB_THREADS="8")
    garage.web.start()
    yield garage
    garage.close()


def begin(line: socket.socket, port: int, sent: bytes) -> None:
    line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    line.settimeout(0.2)
    line.connect(("127.0.0.1", port))
    with suppress(TimeoutError):  # nobody takes more requests of a client that reads no answer
        line.sendall(sent)


@pytest.mark.parametrize("how", STALLS)
def test_eight_clients_that_stall_do_not_stop_the_site(garage: Garage, how: str) -> None:
    with ExitStack() as stalled:
        for _ in range(8):
            begin(stalled.enter_context(socket.socket()), garage.web.port, STALLS[how])
        began = time.monotonic()
        for _ in range(2):
            assert ask(garage.web.port, "GET", "/healthz").status == 200
        # Half of a body has 8 s, and after an answer a line lingers for 2 s; without an end this would wait for ever.
        assert time.monotonic() - began < 30
    assert "Traceback" not in garage.web.log.read_text()


def test_a_client_that_sends_a_byte_now_and_then_has_no_more_time_for_its_headers(garage: Garage) -> None:
    with socket.create_connection(("127.0.0.1", garage.web.port), timeout=10) as slow:
        began = time.monotonic()
        with suppress(OSError):
            while time.monotonic() - began < 60:
                slow.sendall(b"G")
                time.sleep(0.1)
        assert time.monotonic() - began < 30


def test_a_slow_reader_that_goes_on_reading_is_waited_for() -> None:
    ours, theirs = socket.socketpair()
    with Impatient(fileno=ours.detach()) as ours, theirs:
        ours.settimeout(3)
        theirs.settimeout(60)
        sent = bytes(1_500_000)

        def read() -> int:
            came = 0
            while came < len(sent):
                time.sleep(0.4)
                came += len(theirs.recv(100_000))
            return came

        with ThreadPoolExecutor(1) as pool:
            reading = pool.submit(read)
            ours.sendall(sent)
            assert reading.result() == len(sent)
        with pytest.raises(ConnectionResetError):
            ours.sendall(sent)
