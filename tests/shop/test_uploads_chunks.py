"""Bodies in chunks, and lines of TLS: what is read of them may stop anywhere and go on."""

import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from gunicorn.http.unreader import Unreader
from hypothesis import given
from hypothesis import strategies as st

from webapp.uploads.chunks import LINE_BYTES, Chunks, Malformed
from webapp.uploads.line import Line


def read(chunks: Chunks, room: int = 7) -> bytes:
    """All that can be had now, a few bytes at a time."""
    taken, buffer = b"", bytearray(room)
    while came := chunks.take_into(memoryview(buffer)):
        taken += buffer[:came]
    return taken


@given(
    st.lists(st.binary(min_size=1, max_size=40), max_size=5),
    st.sampled_from([b"", b"; name=value", b' ;a="b c"']),
    st.sampled_from([b"", b"Expires: never\r\nX-More: 1\r\n"]),
    st.binary(max_size=20),
    st.data(),
)
def test_a_body_in_chunks_is_read_whole_wherever_it_is_broken(
    pieces: list[bytes], extension: bytes, trailers: bytes, behind: bytes, data: st.DataObject
) -> None:
    sent = b"".join(b"%X%s\r\n%s\r\n" % (len(piece), extension, piece) for piece in pieces) + b"0\r\n" + trailers
    sent += b"\r\n" + behind
    cuts = sorted(data.draw(st.lists(st.integers(0, len(sent)), max_size=8)))
    chunks, taken = Chunks(), b""
    for start, end in zip([0, *cuts], [*cuts, len(sent)], strict=True):
        chunks.feed(sent[start:end])
        taken += read(chunks)
    assert taken == b"".join(pieces)
    assert chunks.ended
    assert chunks.rest == behind


@pytest.mark.parametrize(
    "sent",
    [
        b"\r\n",
        b"-1\r\n",
        b"0x4\r\nabcd\r\n",
        b"4 \r\nabcd\r\n",
        b"4;\nabcd\r\n0\r\n\r\n",
        b"1" * 16 + b"\r\n",
        b"3\r\nabcd\r\n",
        b"3\r\nabc\n\n0\r\n\r\n",
        b"1" * (LINE_BYTES + 1),
        b"0\r\nbare\nline\r\n\r\n",
        b"0\r\n" + (b"x" * 1000 + b"\r\n") * 9,
    ],
    ids=lambda sent: repr(sent[:20]),
)
def test_what_is_no_chunked_body_is_not_guessed_at(sent: bytes) -> None:
    chunks = Chunks()
    chunks.feed(sent)
    with pytest.raises(Malformed):
        read(chunks)


def test_a_body_that_is_not_at_its_end_waits_for_more() -> None:
    chunks = Chunks()
    for part in (b"", b"4", b"\r", b"\n", b"ab", b"cd", b"\r", b"\n0\r\n", b"\r"):
        chunks.feed(part)
        read(chunks)
        assert not chunks.ended
    chunks.feed(b"\n")
    assert read(chunks) == b""
    assert chunks.ended


@pytest.fixture
def secured(tmp_path: Path) -> Iterator[tuple[ssl.SSLSocket, ssl.SSLSocket]]:
    """Both ends of a line of TLS: the server's and the client's."""
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    made = [
        "openssl",
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:P-256",
        "-nodes",
        "-subj",
        "/CN=u",
    ]
    subprocess.run([*made, "-keyout", key, "-out", certificate], check=True, capture_output=True)
    serving, asking = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    serving.load_cert_chain(certificate, key)
    asking.check_hostname, asking.verify_mode = False, ssl.CERT_NONE
    here, there = socket.socketpair()
    ends = {}
    thread = threading.Thread(target=lambda: ends.update(client=asking.wrap_socket(there, server_hostname="u")))
    thread.start()
    server = serving.wrap_socket(here, server_side=True)
    thread.join()
    with server, ends["client"] as client:
        yield server, client


def test_a_line_of_tls_is_waited_for_as_long_as_asked_and_goes_on(
    secured: tuple[ssl.SSLSocket, ssl.SSLSocket],
) -> None:
    server, client = secured
    early = Unreader()
    early.unread(b"early")
    line, room = Line(server, early, 20.0), bytearray(100)
    assert line.read_into(memoryview(room)[:3], 0.1) == 3
    assert line.read_into(memoryview(room)[3:], 0.1) == 2
    assert room[:5] == b"early"
    began = time.monotonic()
    assert line.read_into(memoryview(room), 0.1) is None
    assert line.read_into(memoryview(room), 0) is None
    assert time.monotonic() - began < 10
    client.sendall(b"on time")
    assert line.read_into(memoryview(room), 20) == 7
    assert room[:7] == b"on time"
    client.close()
    assert line.read_into(memoryview(room), 20) == 0
    line.close()
    assert server.gettimeout() == 20
