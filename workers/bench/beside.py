"""Files beside the input that nobody may open, watched by the kernel; and a port that nobody may call."""

import ctypes
import os
import secrets
import select
import socket
import struct
from pathlib import Path

# The names and the port that the hostile files of the collection ask for.
_BESIDE = ("victim.mp4", "GOD.txt", "input.txt", "input.mp4", "passwd")
_PORT = 18099
_IN_ACCESS, _IN_OPEN = 0x01, 0x20


class Trap:
    """A folder for one input, with baits in it. Between start and end, `opened` says which of them was touched."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.canary = f"CANARY-{secrets.token_hex(12)}"
        self._libc = ctypes.CDLL(None, use_errno=True)
        self._watched: dict[int, str] = {}
        self._port: socket.socket | None = None

    def __enter__(self) -> "Trap":
        self.folder.mkdir(parents=True)
        self._inotify = self._libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
        if self._inotify < 0:
            raise OSError(ctypes.get_errno(), "inotify")
        for name in _BESIDE:
            bait = self.folder / name
            bait.write_text(self.canary)
            watch = self._libc.inotify_add_watch(self._inotify, os.fsencode(bait), _IN_OPEN | _IN_ACCESS)
            if watch < 0:
                raise OSError(ctypes.get_errno(), f"inotify {name}")
            self._watched[watch] = name
        self._port = socket.socket()
        self._port.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            self._port.bind(("127.0.0.1", _PORT))
            self._port.listen()
            self._port.setblocking(False)
        except OSError:
            self._port.close()
            self._port = None  # another bench on this machine watches it
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._inotify)
        if self._port is not None:
            self._port.close()

    def opened(self) -> list[str]:
        """Baits that were opened since the start, and the network if it was called."""
        found = []
        while select.select([self._inotify], [], [], 0)[0]:
            events, at = os.read(self._inotify, 1 << 16), 0
            while at < len(events):
                watch, _, _, length = struct.unpack_from("iIII", events, at)
                found.append(f"opened {self._watched[watch]}")
                at += 16 + length
        if self._port is not None:
            try:
                self._port.accept()[0].close()
                found.append(f"called port {_PORT}")
            except BlockingIOError:
                pass
        return sorted(set(found))

    def found_in(self, out: Path) -> list[str]:
        """Outputs that hold a bait's text or the machine's accounts."""
        needles = (self.canary.encode(), b"root:x:0:0:")
        return [
            f"found in {path.name}"
            for path in sorted(out.rglob("*"))
            if path.is_file() and any(needle in path.read_bytes() for needle in needles)
        ]

    def found_in_text(self, text: str) -> list[str]:
        return ["found in the message"] if self.canary in text or "root:x:0:0:" in text else []
