"""Keeps a handful of processes alive under one parent, shows their lines with their names, and stops all of them.

Every process leads its own group, so that whatever it starts is stopped with it, and dies with the parent even when the
parent is killed. It knows nothing of what the processes do.
"""

import ctypes
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

LAST_WORDS_S = 0.5  # seconds for what ended processes had still to say
STOP_S = 3.0  # seconds between asking and killing; with the last ones' second, Ctrl-C is over within 5 s
RESTART_S = 1.0  # seconds before a process that ended is started again
COLOURS = (36, 33, 32, 35, 34, 96, 93, 92, 95, 94)
_PR_SET_PDEATHSIG = 1  # Source: prctl(2)
_libc = ctypes.CDLL(None, use_errno=True)


@dataclass
class Unit:
    """One process to keep alive. `last` ones are stopped after all others; a `once` one is not started again."""

    name: str
    args: Sequence[str]
    last: bool = False
    once: bool = False
    process: subprocess.Popen[str] | None = None
    restart_at: float = 0.0
    thread: threading.Thread | None = field(default=None, repr=False)


def _die_with_parent() -> None:
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


class Supervisor:
    """Start units with `start`, then `run` until a signal. Everything happens in the thread that calls it.

    That matters: the kernel ties a child's life to the thread that started it.
    """

    def __init__(self, write: Callable[[str], object] = sys.stdout.write) -> None:
        self.units: list[Unit] = []
        self.stopping = False
        self._write = write
        self._lock = threading.Lock()
        self._colours = sys.stdout.isatty()

    def start(self, unit: Unit) -> None:
        """Start one unit and keep it running."""
        self.units.append(unit)
        self._spawn(unit)

    def _spawn(self, unit: Unit) -> None:
        unit.process = subprocess.Popen(
            unit.args,
            stdin=subprocess.DEVNULL,
            stdout=None if unit.once else subprocess.PIPE,
            stderr=None if unit.once else subprocess.STDOUT,
            text=True,
            errors="replace",
            bufsize=1,
            start_new_session=True,
            preexec_fn=_die_with_parent,
        )
        if not unit.once:
            unit.thread = threading.Thread(target=self._follow, args=(unit, unit.process), daemon=True)
            unit.thread.start()

    def _follow(self, unit: Unit, process: subprocess.Popen[str]) -> None:
        assert process.stdout is not None
        with process.stdout as lines:
            for line in lines:
                self.say(unit.name, line.rstrip("\n"))

    def say(self, name: str, line: str) -> None:
        """One line of output under a name."""
        label = f"{name:<10}│ "
        if self._colours:
            number = next((i for i, unit in enumerate(self.units) if unit.name == name), 0)
            label = f"\033[{COLOURS[number % len(COLOURS)]}m{label}\033[0m"
        with self._lock:
            self._write(label + line + "\n")
            sys.stdout.flush()

    def listen(self) -> None:
        """From now on Ctrl-C, SIGTERM and a closed terminal end `run`."""

        def stop(*_: object) -> None:
            self.stopping = True

        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, stop)

    def run(self, until: Callable[[], bool] = lambda: False) -> None:
        """Keep every unit running until `until()` or a signal. Returns with the units still running."""
        while not self.stopping and not until():
            self._tend()
            time.sleep(0.1)

    def _tend(self) -> None:
        now = time.monotonic()
        for unit in self.units:
            code = unit.process.poll() if unit.process else None
            if code is None and unit.process:
                continue
            if unit.once:
                continue
            if unit.process:
                self.say(unit.name, f"ended with code {code}; starting it again")
                self._signal(unit, signal.SIGKILL)  # what it left behind
                unit.process, unit.restart_at = None, now + RESTART_S
            elif now >= unit.restart_at:
                self._spawn(unit)

    def stop(self) -> None:
        """Stop everything: first the ordinary ones, then the `last` ones; nothing survives."""
        self.stopping = True
        for batch, seconds in ((False, STOP_S), (True, 1.0)):
            units = [unit for unit in self.units if unit.last is batch and unit.process]
            for unit in units:
                self._signal(unit, signal.SIGTERM)
            deadline = time.monotonic() + seconds
            while time.monotonic() < deadline and any(unit.process and unit.process.poll() is None for unit in units):
                time.sleep(0.02)
            for unit in units:
                self._signal(unit, signal.SIGKILL)
                if unit.process:
                    unit.process.wait()
            told_by = time.monotonic() + LAST_WORDS_S  # all of them together: a line held open by nobody of ours
            for unit in units:
                if unit.thread:
                    unit.thread.join(timeout=max(0.0, told_by - time.monotonic()))

    @staticmethod
    def _signal(unit: Unit, number: signal.Signals) -> None:
        try:
            if unit.process:
                os.killpg(unit.process.pid, number)
        except ProcessLookupError:
            pass  # the whole group is gone, which is what was wanted
