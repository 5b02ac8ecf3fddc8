"""A running child under watch: what it says, how long it is silent, what it and its children use, how it ended."""

import contextlib
import json
import os
import selectors
import signal
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from workers.sandbox import Limits
from workers.started import Started, below, has_ended, pipes

_LOOK_S = 0.2
_STDOUT_BYTES = 16 * 2**20
_STDERR_BYTES = 8 * 2**10
_FILE_BYTES = 4096  # that a file costs at the least, however little it holds
Usage = dict[str, float | int]
_PAGE = os.sysconf("SC_PAGE_SIZE")


class Watch:
    """One child from a job to its answer. `until_answer` once, then `end` always. Its limits count from now."""

    def __init__(self, child: Started, limits: Limits, job: str, *, more: bool = False) -> None:
        """`job` is one line. `more`: another may follow, and so the child is not told to end."""
        self.limits = limits
        self._child = child
        self._process = child.process
        self._job = memoryview(job.encode() + b"\n")
        self._more = more
        self._written = 0
        self._looked = 0.0
        self.exceeded: str | None = None
        self.cancelled = False
        self.begun = False
        """Whether it said that it works."""
        self._closed = False
        self._stderr = b""
        self._stdout = bytearray()
        self._received = 0
        self._peak = 0
        self._cpu_s = 0.0
        self._started = self._alive = time.monotonic()
        self._wall_s = 0.0

    def until_answer(
        self, on_progress: Callable[[float], None], cancelled: Callable[[], bool], patience_s: float | None = None
    ) -> dict[str, Any] | None:
        """The child's answer; None when it ended without one, exceeded a limit, was cancelled, or let `patience_s` pass
        without a word.
        """
        answer: dict[str, Any] | None = None
        stdin = self._process.stdin
        with selectors.DefaultSelector() as selector:
            for pipe in pipes(self._process):
                os.set_blocking(pipe.fileno(), False)
                selector.register(pipe, selectors.EVENT_WRITE if pipe is stdin else selectors.EVENT_READ)
            while selector.get_map():
                ready = selector.select(_LOOK_S)
                if not ready and has_ended(self._process):
                    break  # something it left behind still holds the pipes
                for key, _ in ready:
                    if stdin is not None and key.fileobj is stdin:
                        if self._given(key.fd):
                            selector.unregister(stdin)
                            if not self._more:
                                stdin.close()
                    elif not (data := os.read(key.fd, 1 << 16)):
                        selector.unregister(key.fileobj)
                    elif key.fileobj is self._process.stderr:
                        self._stderr = (self._stderr + data)[-_STDERR_BYTES:]
                    else:
                        for words in self._lines(data):
                            if isinstance(share := words.get("progress"), int | float):
                                self.begun, self._alive = True, time.monotonic()
                                on_progress(min(max(float(share), 0.0), 1.0))
                            elif answer is None:
                                answer = words
                self.exceeded = self._too_much()
                self.cancelled = cancelled()
                silent = patience_s is not None and not self.begun and time.monotonic() - self._started > patience_s
                if self.exceeded or self.cancelled or silent:
                    return None
                if self._more and answer is not None:
                    return answer
        self._closed = True
        return answer

    def _given(self, fd: int) -> bool:
        """Write as much of the job as the pipe takes; whether that was all, or nobody reads it."""
        try:
            self._job = self._job[os.write(fd, self._job) :]
        except BlockingIOError:
            return False
        except BrokenPipeError:
            return True
        return not self._job

    def _lines(self, data: bytes) -> list[dict[str, Any]]:
        """Whole lines that are JSON objects; anything else a child says is not for us."""
        self._received += len(data)
        if b"\n" not in data:
            self._stdout += data
            return []
        *lines, rest = (bytes(self._stdout) + data).split(b"\n")
        self._stdout = bytearray(rest)
        found = []
        for line in lines:
            try:
                words = json.loads(line)
            except (ValueError, RecursionError):
                continue
            if isinstance(words, dict):
                found.append(words)
        return found

    def _too_much(self) -> str | None:
        now = time.monotonic()
        if (
            now - self._looked >= _LOOK_S
        ):  # a look at thirty threads costs a millisecond; a child says ten words a second
            self._looked, self._written = now, _written(self._child.writable(), self.limits.out_bytes)
            self._peak = max(self._peak, _resident(self._process.pid))
        if now - self._started > self.limits.timeout_s:
            return f"{now - self._started:.0f} s, limit {self.limits.timeout_s:g} s"
        if now - self._alive > self.limits.stall_s:
            return f"no progress for {now - self._alive:.0f} s, limit {self.limits.stall_s:g} s"
        if self._peak > self.limits.memory_bytes:
            return f"{self._peak >> 20} MiB resident, limit {self.limits.memory_bytes >> 20} MiB"
        if self._written > self.limits.out_bytes:
            return f"more than {self.limits.out_bytes >> 20} MiB written"
        if self._received > _STDOUT_BYTES:
            return f"{self._received} bytes of answer, limit {_STDOUT_BYTES} bytes"
        return None

    def end(self, *, kill: bool = True) -> None:
        """Reap the child and kill what is left of its process group; or leave it for another job."""
        if kill:
            for pipe in pipes(self._process):
                pipe.close()
        if kill and self._closed:
            # It said all it has to say: let it end by itself for a moment, so that its exit code means something.
            deadline = time.monotonic() + 1
            while time.monotonic() < deadline and not has_ended(self._process):
                time.sleep(0.002)
        self._cpu_s = self._child.used_s(kill=kill)
        self._wall_s = time.monotonic() - self._started
        self._peak = max(self._peak, self._child.peak_bytes)
        self.exceeded = self.exceeded or self._killed_by_a_limit()

    def _killed_by_a_limit(self) -> str | None:
        match self._signal():
            case signal.SIGXCPU:
                return "out of CPU time"
            case signal.SIGXFSZ:
                return f"a file over {self.limits.file_bytes} bytes"
            case signal.SIGKILL if self._closed:
                return "killed from outside, as the kernel does when memory runs out"
        return None

    def _signal(self) -> signal.Signals | None:
        """What killed it. The guard in the child, and bwrap, say 128 + n for signal n."""
        code = self._process.returncode or 0
        with contextlib.suppress(ValueError):
            return signal.Signals(-code if code < 0 else code - 128)
        return None

    def how_it_ended(self) -> str:
        killed = self._signal()
        return killed.name if killed else f"exit {self._process.returncode}"

    def last_words(self) -> str:
        """The last line it wrote to stderr."""
        lines = [line.strip() for line in self._stderr.decode(errors="replace").splitlines() if line.strip()]
        return lines[-1][:500] if lines else "no message"

    def usage(self) -> Usage:
        """Seconds of CPU (all processes), seconds of wall, bytes resident at the highest moment seen.

        Of a child that did several jobs, what it used since the one before. The peak is the larger of the whole tree as
        seen five times a second, and, of a child that has ended, of its largest process as the kernel saw it.
        """
        return {
            "cpu_s": round(self._cpu_s, 3),
            "wall_s": round(self._wall_s, 3),
            "peak_rss_bytes": self._peak,
        }


def _written(folders: Sequence[Path], limit: int) -> int:
    """Bytes that folders take on the disk, counted until they pass the limit: a child may leave millions of files."""
    total, left = 0, [str(folder) for folder in folders]
    while left and total <= limit:
        try:
            with os.scandir(left.pop()) as entries:
                for entry in entries:
                    if entry.is_dir(follow_symlinks=False):
                        left.append(entry.path)
                    with contextlib.suppress(FileNotFoundError):
                        total += max(_FILE_BYTES, 512 * entry.stat(follow_symlinks=False).st_blocks)
        except FileNotFoundError:
            continue  # it went while we looked
        except PermissionError:
            return limit + 1  # what hides from us is taken for too much
    return total


def _resident(pid: int) -> int:
    """Bytes resident of a process and all below it."""
    total = 0
    for one in below(pid):
        with contextlib.suppress(OSError, IndexError):  # it ended while we looked
            total += int(Path(f"/proc/{one}/statm").read_text().split()[1]) * _PAGE
    return total
