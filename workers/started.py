"""A child that has been started and has no job yet: it waits on its stdin, where one job comes and no second."""

import contextlib
import os
import resource
import signal
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import IO

from workers.sandbox import Cell, Layer, Limits
from workers.sandbox.layer import Program

_NICE = ("/usr/bin/nice", "-n")


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

    def close(self) -> None:
        """Kill it if it was not reaped, and let go of its lifeline. What it wrote becomes ours. Twice is harmless."""
        if not self._open:
            return
        self._open = False
        if self.process.returncode is None:
            reap(self.process)
        os.close(self.cell.lifeline)
        if self.out is not None and self.cell.uid is not None:
            _take_back(self.out)


def pipes(process: subprocess.Popen[bytes]) -> list[IO[bytes]]:
    """Those that are ours: its stdin, stdout and stderr."""
    return [pipe for pipe in (process.stdin, process.stdout, process.stderr) if pipe is not None]


def has_ended(process: subprocess.Popen[bytes]) -> bool:
    """Whether a child has ended; it is not reaped by asking."""
    return os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None


def reap(process: subprocess.Popen[bytes]) -> resource.struct_rusage:
    """Kill what is left of its process group; what it used."""
    for pipe in pipes(process):
        pipe.close()
    with contextlib.suppress(ProcessLookupError):
        # The child is not reaped yet, so its number cannot belong to anybody else.
        os.killpg(process.pid, signal.SIGKILL)
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    return used


def _take_back(out: Path) -> None:
    """Make what the child wrote ours again, never following what it may have planted."""
    ours = (os.geteuid(), os.getegid())
    os.chown(out, *ours)
    for folder, folders, files in os.walk(out, followlinks=False):
        for name in (*folders, *files):
            os.chown(Path(folder, name), *ours, follow_symlinks=False)
