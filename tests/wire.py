"""A phone's line that can break in the middle of a request: a SOCKS proxy (RFC 1928) for one browser context.

Chromium's own emulation lets an upload that has begun go on to its end, however offline it says it is.
"""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

TICK_S = 0.05


class Wire:
    """Carries what is connected through it, upwards at `rate` bytes/s together, until it is cut; mended, it is fast."""

    def __init__(self, rate: int) -> None:
        self.rate: int | None = rate
        self.carried = 0  # bytes, upwards
        self._listening = socket.create_server(("127.0.0.1", 0))
        self._open: set[socket.socket] = set()
        self._turn = threading.Lock()
        self._is_cut = False
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def proxy(self) -> dict[str, str]:
        """For `browser.new_context(proxy=…)`; else Chromium goes past it to this machine."""
        return {"server": f"socks5://127.0.0.1:{self._listening.getsockname()[1]}", "bypass": "<-loopback>"}

    def cut(self) -> None:
        """Every connection is lost, and no other is made."""
        self._is_cut = True
        for line in list(self._open):
            with suppress(OSError):
                line.shutdown(socket.SHUT_RDWR)

    def mend(self) -> None:
        self._is_cut, self.rate = False, None

    def close(self) -> None:
        self.cut()
        self._listening.close()

    def _accept(self) -> None:
        with suppress(OSError):  # closed: the test is over
            while True:
                line, _ = self._listening.accept()
                threading.Thread(target=self._carry, args=(line,), daemon=True).start()

    def _carry(self, phone: socket.socket) -> None:
        with phone, suppress(OSError):
            if self._is_cut:
                return
            phone.recv(262)  # its methods; ours: none needed
            phone.sendall(b"\5\0")
            asked = phone.recv(262)
            host = asked[5:-2].decode() if asked[3] == 3 else socket.inet_ntoa(asked[4:8])
            with socket.create_connection((host, int.from_bytes(asked[-2:], "big"))) as server:
                phone.sendall(b"\5\0\0\1" + bytes(6))
                pair = {phone, server}
                self._open |= pair
                down = threading.Thread(target=self._pour, args=(server, phone, False), daemon=True)
                down.start()
                self._pour(phone, server, True)
                down.join()
                self._open -= pair

    def _pour(self, source: socket.socket, goal: socket.socket, is_up: bool) -> None:
        with suppress(OSError):
            while True:
                if is_up and self.rate:
                    with self._turn:  # one line, however many requests
                        data = source.recv(int(self.rate * TICK_S), socket.MSG_DONTWAIT) if _has_some(source) else None
                        time.sleep(TICK_S if data else 0)
                    if data is None:
                        time.sleep(TICK_S)
                        continue
                else:
                    data = source.recv(1 << 16)
                if not data:
                    break
                goal.sendall(data)
                self.carried += len(data) if is_up else 0
        for line in (source, goal):
            with suppress(OSError):
                line.shutdown(socket.SHUT_RDWR)


def _has_some(source: socket.socket) -> bool:
    try:
        source.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT)
    except BlockingIOError:
        return False
    return True


@contextmanager
def wire(rate: int) -> Iterator[Wire]:
    """A line for the length of the block."""
    made = Wire(rate)
    try:
        yield made
    finally:
        made.close()
