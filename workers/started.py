"""A child that has been started: it waits on its stdin, where jobs come, all of one film."""

import contextlib
import os
import signal
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import IO

from workers.sandbox import Cell, Layer, Limits
from workers.sandbox.layer import Program

_NICE = ("/usr/bin/nice", "-n")
_TICKS = os.sysconf("SC_CLK_TCK")


class Started:
    """A process in its cell. `close` always: it kills what is left."""

    def __init__(
        self,
        layer: Layer,
        program: Program,
        inputs: Mapping[str, Path],
        out: Path | None,
        scratch: Path,
        limits: Limits,
    ) -> None:
        """`scratch` is an empty folder that lives as long as the child.

        Raises: SandboxUnavailable; OSError.
        """
        self.limits, self.scratch, self.out = limits, scratch, out
        self.is_idle = True
        """Whether it waits for a job: its first, or another after one that went well."""
        self.peak_bytes = 0
        """The largest of its processes, as the kernel saw it; known at its end."""
        self._used_s = 0.0
        self.cell: Cell = layer.prepare(program, inputs, out, scratch, limits)
        self._open = True
        try:
            if out is not None and self.cell.uid is not None:
                os.chown(out, self.cell.uid, self.cell.uid)
            # A session of its own: its process group is what we kill.
            self.process = subprocess.Popen(
                [*_NICE, str(limits.nice), *self.cell.argv],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env=self.cell.environment,
                cwd=scratch,
                pass_fds=self.cell.fds,
                start_new_session=True,
            )
        except BaseException:
            os.close(self.cell.lifeline)
            raise
        finally:
            for fd in self.cell.fds:
                os.close(fd)

    def writable(self) -> list[Path]:
        """The folders on our disk that it may fill. In its scratch folder that is `tmp`, where it is not a file system
        of its own with a size.
        """
        return [self.scratch / "tmp", *([self.out] if self.out else [])]

    def fits(self, limits: Limits) -> bool:
        """Whether it may do a job with these limits: it can be told to stand further back, but not to come forward."""
        return self.limits.nice <= limits.nice and replace(self.limits, nice=limits.nice) == limits

    def stand_back(self, nice: int) -> None:
        """Stand behind others as far as `limits` of a job say that it `fits`."""
        # The program first: of many who write there, the kernel hears one in a tenth of a second.
        for pid in reversed(list(below(self.process.pid))) if nice > self.limits.nice else ():
            with contextlib.suppress(OSError):  # it ended, or the kernel shares cores in another way
                for thread in Path(f"/proc/{pid}/task").iterdir():
                    os.setpriority(os.PRIO_PROCESS, int(thread.name), os.nice(0) + nice)
                # Where the kernel shares cores among sessions it counts what is written here (sched(7), autogroup).
                Path(f"/proc/{pid}/autogroup").write_text(str(os.nice(0) + nice))
        self.limits = replace(self.limits, nice=nice)

    def used_s(self, *, kill: bool) -> float:
        """Seconds of CPU since this was asked before, of it and all below it; `kill` them."""
        total = self._reap() if kill else sum(map(_cpu_s, below(self.process.pid)))
        since, self._used_s = max(0.0, total - self._used_s), total
        return since

    def bring(self, here: Path) -> None:
        """Move what it made out of its reach. Raises: OSError."""
        assert self.out is not None
        for made in self.out.iterdir():
            made.rename(here / made.name)
        if self.cell.uid is not None:
            _take_back(here)

    def close(self) -> None:
        """Kill it if it was not reaped, and let go of its lifeline. What it wrote becomes ours. Twice is harmless."""
        if not self._open:
            return
        self._open = self.is_idle = False
        if self.process.returncode is None:
            self._reap()
        os.close(self.cell.lifeline)
        if self.out is not None and self.cell.uid is not None:
            _take_back(self.out)

    def _reap(self) -> float:
        """Kill what is left of its process group; the CPU seconds it used."""
        for pipe in pipes(self.process):
            pipe.close()
        with contextlib.suppress(ProcessLookupError):
            # The child is not reaped yet, so its number cannot belong to anybody else.
            os.killpg(self.process.pid, signal.SIGKILL)
        _, status, used = os.wait4(self.process.pid, 0)
        self.process.returncode = os.waitstatus_to_exitcode(status)
        self.peak_bytes = used.ru_maxrss * 1024
        return used.ru_utime + used.ru_stime


def pipes(process: subprocess.Popen[bytes]) -> list[IO[bytes]]:
    """Those that are ours: its stdin, stdout and stderr."""
    return [pipe for pipe in (process.stdin, process.stdout, process.stderr) if pipe is not None]


def has_ended(process: subprocess.Popen[bytes]) -> bool:
    """Whether a child has ended; it is not reaped by asking."""
    return os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None


def below(pid: int) -> Iterator[int]:
    """A process and all below it; those that end meanwhile may be missing."""
    yield pid
    with contextlib.suppress(OSError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            for child in (task / "children").read_text().split():
                yield from below(int(child))


def _cpu_s(pid: int) -> float:
    """Of a process and of those it has reaped. Source: proc(5), fields 14 to 17 of stat."""
    try:
        words = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return sum(map(int, words[11:15])) / _TICKS
    except (OSError, ValueError):
        return 0.0


def _take_back(out: Path) -> None:
    """Make what the child wrote ours again, never following what it may have planted."""
    ours = (os.geteuid(), os.getegid())
    os.chown(out, *ours)
    for folder, folders, files in os.walk(out, followlinks=False):
        for name in (*folders, *files):
            os.chown(Path(folder, name), *ours, follow_symlinks=False)
