"""The upload process beside `@tus/server`: one fast upload, what it costs, and a workshop full of slow phones.

Both stand on this machine, are asked by the same client and take turns. Ours is the process that `walkaround up` starts
with SQLite and a folder; it syncs every part before it counts it. The peer's file store leaves its bytes to the kernel,
so its disk is given the same chance: everything is written out before each turn, and how long that took after the
answer is told as well.
"""

import asyncio
import os
import statistics
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from threading import Event, Thread

from workers.bench import house, tree, tus_client, tusd
from workers.bench.section import Context, Report, Section, Table

_PHONE_BYTES_S = 2_000_000 / 8  # a phone's line in a workshop: 2 Mbit/s
_REQUEST_BYTES = 1_000_000  # what the technician's page sends at once on such a line: four seconds of it


@dataclass(frozen=True, slots=True)
class Plan:
    """How much is sent: MB of the fast upload and how often, how many phones for how many seconds."""

    megabytes: int = 500
    rounds: int = 3
    phones: int = 50
    seconds: float = 12.0


QUICK = Plan(megabytes=20, rounds=1, phones=4, seconds=2.0)


@dataclass(frozen=True, slots=True)
class Fast:
    """One upload of one file: MB/s until the answer, MB/s until the disk holds it, CPU seconds of the server per GB."""

    speed: float
    durable: float
    cpu_s_per_gb: float


@dataclass(frozen=True, slots=True)
class Crowd:
    """Many at once. Seconds: the median and slowest wait for an answer after a request's last byte, and the longest
    time that a line took no bytes. `lines` that ended early, memory at rest and at its peak in bytes, CPU seconds."""

    phones: int
    lines_lost: int
    answers: int
    answer_s: float
    slowest_s: float
    stall_s: float
    rest_bytes: int
    peak_bytes: int
    cpu_s_per_gb: float


@dataclass(frozen=True, slots=True)
class Contender:
    name: str
    server: tus_client.Server
    pid: int


def run(context: Context) -> Report:
    plan = QUICK if context.quick else Plan()
    with house.servers() as ours, tusd.running(context.folder / "tusd") as peer:
        headers = {"Authorization": f"Bearer {ours.token}"}
        metadata = {"intervention": ours.intervention(), "kind": "film", "filename": "film.mov"}
        contenders = (
            Contender("walkaround", tus_client.Server(ours.upload, headers, metadata), ours.processes["upload"].pid),
            Contender(f"@tus/server {peer.version}", tus_client.Server(peer.url), peer.pid),
        )
        fast: dict[str, list[Fast]] = {contender.name: [] for contender in contenders}
        handle = tus_client.pages(plan.megabytes * 10**6)
        try:
            for _ in range(plan.rounds):
                for contender in contenders:
                    fast[contender.name].append(_fast(contender, handle, plan.megabytes * 10**6))
                    context.say(f"  {contender.name}: {fast[contender.name][-1].speed:.0f} MB/s")
            crowds = {contender.name: asyncio.run(_crowd(contender, handle, plan)) for contender in contenders}
        finally:
            os.close(handle)
    return _report(plan, fast, crowds, peer.node)


def _fast(contender: Contender, handle: int, size: int) -> Fast:
    url = tus_client.create(contender.server, size)
    os.sync()  # nobody pays for what the one before left to the kernel
    before = tree.cpu_s(contender.pid)
    wall = tus_client.send(contender.server, url, handle, size)
    cpu = tree.cpu_s(contender.pid) - before
    answered = time.perf_counter()
    os.sync()
    written = time.perf_counter() - answered
    tus_client.ask(contender.server, "DELETE", url)
    return Fast(size / 1e6 / wall, size / 1e6 / (wall + written), cpu / (size / 1e9))


async def _crowd(contender: Contender, handle: int, plan: Plan) -> Crowd:
    size = int(_PHONE_BYTES_S * plan.seconds)
    urls = [tus_client.create(contender.server, size) for _ in range(plan.phones)]
    os.sync()
    rest, before = tree.memory_bytes(contender.pid), tree.cpu_s(contender.pid)
    request = min(_REQUEST_BYTES, size // 2)
    rides = (  # not all in step: their answers would queue as no real ones do
        tus_client.ride(
            contender.server, url, handle, size, _PHONE_BYTES_S, request, at * plan.seconds / plan.phones / 4
        )
        for at, url in enumerate(urls)
    )
    with _watched(contender.pid) as peak:
        done = await asyncio.gather(*rides, return_exceptions=True)
    cpu = tree.cpu_s(contender.pid) - before
    good = [ride for ride in done if isinstance(ride, tus_client.Ride)]
    answers = [answer for ride in good for answer in ride.answers] or [float("inf")]
    return Crowd(
        phones=plan.phones,
        lines_lost=len(done) - len(good),
        answers=len(answers),
        answer_s=statistics.median(answers),
        slowest_s=max(answers),
        stall_s=max((ride.stall_s for ride in good), default=float("inf")),
        rest_bytes=rest,
        peak_bytes=peak[0],
        cpu_s_per_gb=cpu / (sum(ride.sent for ride in good) / 1e9 or float("nan")),
    )


@contextmanager
def _watched(pid: int) -> Iterator[list[int]]:
    """A list whose one number becomes the highest memory of the tree in bytes."""
    peak, over = [0], Event()

    def watch() -> None:
        while not over.wait(0.25):
            peak[0] = max(peak[0], tree.memory_bytes(pid))

    thread = Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield peak
    finally:
        over.set()
        thread.join()
        peak[0] = max(peak[0], tree.memory_bytes(pid))


def _report(plan: Plan, fast: dict[str, list[Fast]], crowds: dict[str, Crowd], node: str) -> Report:
    ours, theirs = (
        {key: _median(rounds, key) for key in ("speed", "durable", "cpu_s_per_gb")} for rounds in fast.values()
    )
    measured = {
        "upload-speed": ours["speed"] / theirs["speed"],
        "upload-cpu": ours["cpu_s_per_gb"] / theirs["cpu_s_per_gb"],
    }
    rows = [
        ("MB/s until the answer", "speed", "{:.0f}"),
        ("MB/s until the disk holds it", "durable", "{:.0f}"),
        ("CPU-s per GB", "cpu_s_per_gb", "{:.2f}"),
    ]
    one = Table(
        f"One fast upload of {plan.megabytes} MB, median of {plan.rounds}",
        ("", *fast, "ratio"),
        [
            (what, form.format(ours[key]), form.format(theirs[key]), f"{ours[key] / theirs[key]:.2f}×")
            for what, key, form in rows
        ],
        f"One PATCH from memory, turn by turn, {node}. Ours syncs every part before it counts; the peer syncs nothing.",
    )
    many = Table(
        f"{plan.phones} uploads at 2 Mbit/s at once, {plan.seconds:.0f} s",
        ("", *crowds),
        [
            (
                "memory at rest → highest",
                *(f"{c.rest_bytes / 1e6:.0f} → {c.peak_bytes / 1e6:.0f} MB" for c in crowds.values()),
            ),
            ("longest stall of a line", *(f"{c.stall_s:.2f} s" for c in crowds.values())),
            ("acknowledgement, median", *(f"{c.answer_s * 1000:.0f} ms" for c in crowds.values())),
            ("acknowledgement, slowest", *(f"{c.slowest_s * 1000:.0f} ms" for c in crowds.values())),
            ("lines lost", *(str(c.lines_lost) for c in crowds.values())),
            ("CPU-s per GB", *(f"{c.cpu_s_per_gb:.1f}" for c in crowds.values())),
        ],
        f"Requests of {_REQUEST_BYTES / 1e6:.0f} MB, as the technician's page sends them on such a line.",
    )
    data = {
        "plan": asdict(plan),
        "fast": {name: [asdict(one) for one in rounds] for name, rounds in fast.items()},
        "crowd": {name: asdict(crowd) for name, crowd in crowds.items()},
    }
    return Report([one, many], measured, data=data)


def _median(rounds: list[Fast], key: str) -> float:
    return statistics.median(float(getattr(one, key)) for one in rounds)


SECTION = Section("upload", "The upload process", order=40, run=run, takes_s=45)
