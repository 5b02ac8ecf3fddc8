"""gunicorn's threaded worker, with an end to its patience: a client that stalls loses its connection, not our thread.

Without this a few connections stop a process for as long as they like: gunicorn waits for a request's headers and body,
and for a reader, without any limit, and lingers for a client that does not hang up where it should accept the next.
It is no defence against somebody who opens new connections all the time; a proxy is (docs/operations.md).
"""

import errno
import math
import socket
import ssl
import time
from functools import partial
from selectors import EVENT_READ

from gunicorn.workers.gthread import TConn, ThreadWorker

from workers.settings import settings

BODY = 4  # times as long as the headers may the small bodies of the web process take: 2 MB in 60 s


class Impatient(socket.socket):
    """A socket that waits for each byte as long as it may, and for all of what is read until `ends_at`, no longer.

    What is late is a reset connection to gunicorn and to werkzeug, which both know what that is.
    """

    ends_at = math.inf  # on the monotonic clock, s

    def setblocking(self, flag: bool) -> None:
        """gunicorn calls this before it waits; by then the connection may be closed."""
        if self.fileno() >= 0:
            self.settimeout(settings().client_timeout_s if flag else 0.0)

    def recv(self, size: int, flags: int = 0) -> bytes:
        wait_s = self.gettimeout()
        if wait_s == 0:
            return super().recv(size, flags)
        left_s = self.ends_at - time.monotonic()
        try:
            if left_s <= 0:
                raise TimeoutError
            self.settimeout(left_s if wait_s is None or left_s < wait_s else wait_s)
            return super().recv(size, flags)
        except TimeoutError:
            raise ConnectionResetError(errno.ECONNRESET, "the client was too slow to send") from None
        finally:
            self.settimeout(wait_s)

    def sendall(self, data: bytes, flags: int = 0) -> None:
        """As long as the client takes something now and then; a film on a slow line takes its time."""
        rest = memoryview(data).cast("B")
        try:
            while rest:
                rest = rest[self.send(rest, flags) :]
        except TimeoutError:
            raise ConnectionResetError(errno.ECONNRESET, "the client was too slow to read") from None


class Worker(ThreadWorker):
    """The upload process's. It watches over bodies itself, by `UPLOAD_READ_TIMEOUT_S`."""

    body_s = math.inf

    def enqueue_req(self, conn: TConn) -> None:
        """A new connection takes no thread before its first byte, as a kept one does not."""
        if isinstance(conn.sock, Impatient | ssl.SSLSocket):  # the latter is a kept one, wrapped since
            super().enqueue_req(conn)
        else:
            conn.sock = Impatient(fileno=conn.sock.detach())
            conn.timeout = time.monotonic() + self.cfg.keepalive
            self.pending_conns.append(conn)
            self.poller.register(conn.sock, EVENT_READ, partial(self.on_pending_socket_readable, conn))

    def handle(self, conn: TConn) -> bool:
        conn.sock.ends_at = time.monotonic() + settings().client_timeout_s
        kept = bool(super().handle(conn))
        if not kept:
            conn.close(graceful=True)  # it lingers: here, not in the one thread that accepts
        return kept

    def handle_request(self, req: object, conn: TConn) -> bool:
        conn.sock.ends_at = time.monotonic() + self.body_s
        return bool(super().handle_request(req, conn))


class WebWorker(Worker):
    """The web process's, which reads small bodies only."""

    body_s = BODY * settings().client_timeout_s
