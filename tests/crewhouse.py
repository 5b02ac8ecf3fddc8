"""A crew of real processes on a real Valkey: units and a relay, started again when they end."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import servers

from workers.queues import QUEUES

TESTS = Path(__file__).parent
BIN = Path(sys.executable).parent
RELAY = "from workers.relay import relay; relay()"  # what `walkaround relay` runs, without the shop's imports


class House:
    """`units` are dramatiq masters with one worker process each, for these queues; `relay` is the relay."""

    def __init__(
        self,
        folder: Path,
        valkey: servers.Valkey,
        units: Sequence[Sequence[str]],
        actors: str = "crew_actors",
        **settings: object,
    ) -> None:
        self.valkey = valkey
        self._actors = actors
        self._queues = units
        self.log = folder / "log"
        self._environment = {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(TESTS),
            "DATA_DIR": str(folder),
            "REDIS_URL": valkey.url,
            "METRICS_PORT": "0",
            "SANDBOX": "none",
            **{name.upper(): str(value) for name, value in settings.items()},
        }
        self._stopping = threading.Event()
        self._changed = threading.Lock()
        self.units = [self._unit(number) for number in range(len(units))]
        self.relay = self._start(sys.executable, "-c", RELAY)
        self._keeper = threading.Thread(target=self._keep)
        self._keeper.start()

    def worker(self, unit: int) -> int:
        """The process id of a unit's worker process, once there is one."""
        found: list[int] = []

        def there_is_one() -> bool:
            master = self.units[unit].pid
            try:
                children = Path(f"/proc/{master}/task/{master}/children").read_text().split()
                found[:] = [int(pid) for pid in children if b"dramatiq" in Path(f"/proc/{pid}/cmdline").read_bytes()]
            except OSError:  # one of them has just ended
                return False
            return bool(found)

        # A master whose worker is killed while it starts notices after 30 s: dramatiq's worker-fork-timeout.
        servers.wait_for(there_is_one, within_s=60)
        return found[0]

    def signal_worker(self, unit: int, number: int) -> int:
        """Send a unit's worker process a signal; its process id. One that ends before it arrives has a successor."""
        while True:
            worker = self.worker(unit)
            with suppress(ProcessLookupError):
                os.kill(worker, number)
                return worker

    def stop(self) -> None:
        self._stopping.set()
        self._keeper.join()
        for process in (*self.units, self.relay):
            _end(process, signal.SIGTERM)

    def _keep(self) -> None:
        """Start again whatever ended."""
        while not self._stopping.wait(0.1):
            for number, unit in enumerate(self.units):
                if unit.poll() is not None:
                    self.units[number] = self._unit(number)
            if self.relay.poll() is not None:
                self.relay = self._start(sys.executable, "-c", RELAY)

    def _unit(self, number: int) -> "subprocess.Popen[bytes]":
        return self._start(
            *(str(BIN / "dramatiq"), self._actors, "--processes", "1", "--threads", "1"),
            *("--queues", *self._queues[number]),
        )

    def _start(self, *command: str) -> "subprocess.Popen[bytes]":
        with self.log.open("ab") as log:
            return subprocess.Popen(command, env=self._environment, stdout=log, stderr=log, cwd=TESTS.parent)


def _end(process: "subprocess.Popen[bytes]", number: int) -> None:
    process.send_signal(number)
    try:
        process.wait(60)  # on a busy machine; alone, 5 s
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


@contextmanager
def house(folder: Path, units: int | Sequence[Sequence[str]] = 2, **settings: object) -> Iterator[House]:
    """Processes that work on the data in `folder`: so many units for every queue, or one for each of these lists."""
    lists = [QUEUES] * units if isinstance(units, int) else units
    with servers.valkey() as valkey:
        house = House(folder, valkey, lists, **settings)
        try:
            yield house
        finally:
            house.stop()
