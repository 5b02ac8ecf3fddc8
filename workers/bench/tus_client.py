"""A lean tus client: one file in a single request out of the kernel's own pages, or many at once, each at its own pace.

Lean, so that what is measured is the server. The bytes lie in memory (memfd) and go to the socket by `sendfile`.
"""

import asyncio
import base64
import json
import os
import socket
import time
from dataclasses import dataclass, field
from urllib.parse import urljoin, urlsplit

_TICK_S = 0.1  # how often a paced upload sends: on a real line bytes come in small pieces
_HEAD = 1 << 16  # bytes an answer's head may have


@dataclass(frozen=True, slots=True)
class Server:
    """A tus endpoint: its address, and the headers and metadata it wants."""

    url: str
    headers: dict[str, str] = field(default_factory=dict)
    metadata: dict[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class Ride:
    """How one paced upload fared, in seconds: each wait for an answer after a request's last byte, and the longest time
    that bytes were due and the line took none."""

    answers: list[float] = field(default_factory=list)
    stall_s: float = 0.0
    sent: int = 0


class Refused(Exception):
    """The server did not take it; the text says what it answered."""


def pages(size: int) -> int:
    """A descriptor of `size` bytes of noise in memory, repeated every MiB."""
    block = os.urandom(1 << 20)
    handle = os.memfd_create("bench")
    for at in range(0, size, len(block)):
        os.write(handle, block[: size - at])
    return handle


def create(server: Server, size: int, **metadata: str) -> str:
    """The address of a new upload. Raises: Refused."""
    pairs = {**server.metadata, **metadata}
    encoded = ",".join(f"{name} {base64.b64encode(value.encode()).decode()}" for name, value in pairs.items())
    announced = {"Upload-Length": str(size), **({"Upload-Metadata": encoded} if encoded else {})}
    with _line(server.url) as line:
        line.sendall(_head(server, "POST", server.url, 0, announced))
        headers = _read(line, 201)
    return urljoin(server.url, headers["location"])


def ask(server: Server, method: str, url: str, body: bytes = b"", **headers: str) -> int:
    """The status of one small request, whatever it is."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    with _line(url) as line:
        line.sendall(_head(server, method, url, len(body), named) + body)
        return _parse(_receive(line))[0]


def send(server: Server, url: str, handle: int, size: int) -> float:
    """All `size` bytes in one PATCH; seconds from its first byte to its answer. Raises: Refused."""
    with _line(url) as line:
        began = time.perf_counter()
        line.sendall(_head(server, "PATCH", url, size, _patch(0)))
        with open(handle, "rb", closefd=False) as file:
            line.sendfile(file, 0, size)
        _read(line, 204)
        return time.perf_counter() - began


async def ride(server: Server, url: str, handle: int, size: int, rate: float, request: int, later_s: float) -> Ride:
    """Send `size` bytes at `rate` bytes/s in requests of `request` bytes, on one line, beginning in `later_s` seconds.

    Raises: Refused, OSError.
    """
    loop, found = asyncio.get_running_loop(), Ride()
    await asyncio.sleep(later_s)
    with await asyncio.to_thread(_line, url) as line:
        line.setblocking(False)
        while found.sent < size:
            length = min(request, size - found.sent)
            await loop.sock_sendall(line, _head(server, "PATCH", url, length, _patch(found.sent)))
            await _paced(loop, line, handle, found, length, rate)
            last = time.monotonic()
            answer = b""
            while b"\r\n\r\n" not in answer:
                got = await loop.sock_recv(line, _HEAD)
                if not got:
                    raise Refused("the line was closed")
                answer += got
            _expect(answer, 204)
            found.answers.append(time.monotonic() - last)
    return found


async def _paced(
    loop: asyncio.AbstractEventLoop, line: socket.socket, handle: int, found: Ride, length: int, rate: float
) -> None:
    began, at = time.monotonic(), 0
    while at < length:
        due = min(length, int((time.monotonic() - began + _TICK_S) * rate))
        if due > at:
            before = time.monotonic()
            await loop.sock_sendall(line, os.pread(handle, due - at, found.sent + at))
            found.stall_s = max(found.stall_s, time.monotonic() - before)
            at = due
        if at < length:
            await asyncio.sleep(_TICK_S)
    found.sent += length


def _patch(offset: int) -> dict[str, str]:
    return {"Upload-Offset": str(offset), "Content-Type": "application/offset+octet-stream"}


def _head(server: Server, method: str, url: str, length: int, more: dict[str, str]) -> bytes:
    parts = urlsplit(url)
    named = {"Host": parts.netloc, "Tus-Resumable": "1.0.0", "Content-Length": str(length), **server.headers, **more}
    lines = [f"{method} {parts.path} HTTP/1.1", *(f"{name}: {value}" for name, value in named.items())]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def _line(url: str) -> socket.socket:
    parts = urlsplit(url)
    line = socket.create_connection((parts.hostname, parts.port), timeout=120)
    line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return line


def _receive(line: socket.socket) -> bytes:
    answer = b""
    while b"\r\n\r\n" not in answer and (got := line.recv(_HEAD)):
        answer += got
    return answer


def _read(line: socket.socket, status: int) -> dict[str, str]:
    return _expect(_receive(line), status)


def _expect(answer: bytes, status: int) -> dict[str, str]:
    found, headers = _parse(answer)
    if found != status:
        raise Refused(f"{found} instead of {status}: {json.dumps(answer[-300:].decode(errors='replace'))}")
    return headers


def _parse(answer: bytes) -> tuple[int, dict[str, str]]:
    first, *lines = answer.split(b"\r\n\r\n")[0].decode("latin-1").split("\r\n")
    words = first.split(" ")
    if len(words) < 2:
        raise Refused("the line was closed without an answer")
    return int(words[1]), {
        name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)
    }
