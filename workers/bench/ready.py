"""How soon a film plays: clips sent as fast as the line takes them, and films sent at their own bit rate.

A real `walkaround up` with two worker units, a phone that sends as the technician's page does, and a customer who looks
at the signed link. Times are counted from the phone's last byte, or from the last byte that the first chunk needs.
"""

import statistics
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from workers import process as craft
from workers.bench import house, tus_client
from workers.bench.customer import Customer, Gone
from workers.bench.phone import Phone, index
from workers.bench.section import Context, Report, Section, Table

_PATIENCE_S = 300.0
_REST_S = 3.5  # a worker whose film was erased notices within two, rests, and its next child needs a second to start


@dataclass(frozen=True, slots=True)
class Plan:
    """Seconds of a clip and how many of them; seconds of each film that is sent at its own rate (None: all)."""

    clip_s: float = 10
    clips: int = 20
    films: tuple[tuple[str, float | None], ...] = (("hevc", None), ("h264", 10))


QUICK = Plan(clip_s=1, clips=2, films=(("h264", 2),))


@dataclass(frozen=True, slots=True)
class Clip:
    """A clip sent as fast as possible: seconds from its last byte to its first playable second."""

    film: str
    megabytes: float
    sending_s: float
    index_taken: bool | None
    playable_s: float


@dataclass(frozen=True, slots=True)
class Whole:
    """A film sent at its own rate. Seconds: the upload; from its beginning, the first chunk's bytes and the first
    playable second; from its last byte, everything made."""

    film: str
    megabytes: float
    duration_s: float
    sending_s: float
    index_taken: bool | None
    chunk_bytes_s: float
    playable_s: float
    ready_s: float


def run(context: Context) -> Report:
    plan = QUICK if context.quick else Plan()
    with house.everything(WORKER_UNITS="2") as shop:
        clips = []
        for number in range(plan.clips):
            name = ("hevc", "h264")[number % 2]
            clips.append(_clip(shop, name, context.films(name, plan.clip_s)))
            context.say(f"  clip {number + 1}/{plan.clips}, {name}: {clips[-1].playable_s:.2f} s")
        wholes = []
        for name, seconds in plan.films:
            wholes.append(_whole(shop, name, context.films(name, seconds), context.order))
            context.say(f"  {name} at its own rate: {wholes[-1].playable_s:.1f} s, ready {wholes[-1].ready_s:.1f} s")
    return _report(plan, clips, wholes)


def _clip(shop: house.House, name: str, film: Path) -> Clip:
    phone, customer, intervention = _meet(shop, film, None)
    began = time.monotonic()
    phone.start()
    try:
        playable = customer.first_second(_PATIENCE_S, _trouble(shop, phone, intervention))
    finally:
        phone.join(60)
        customer.close()
    ended = _ended(phone)
    tus_client.ask(endpoint(shop, intervention), "DELETE", phone.url)
    time.sleep(_REST_S)
    return Clip(name, phone.size / 1e6, ended - began, phone.index_taken, playable - ended)


def _whole(shop: house.House, name: str, film: Path, order: craft.Order) -> Whole:
    measured = craft.measure(film, order)["result"]
    duration = float(measured["source"]["duration"])
    needed = _first_bytes(measured["plan"]["outputs"], film)
    phone, customer, intervention = _meet(shop, film, film.stat().st_size / duration)
    began = time.monotonic()
    phone.start()
    try:
        playable = customer.first_second(duration + _PATIENCE_S, _trouble(shop, phone, intervention))
    finally:
        customer.close()
    ready = all_made(shop, intervention, phone)
    phone.join(60)
    ended, chunk = _ended(phone), phone.at(needed) or began
    return Whole(
        name,
        phone.size / 1e6,
        duration,
        ended - began,
        phone.index_taken,
        chunk - began,
        playable - began,
        ready - ended,
    )


def _meet(shop: house.House, film: Path, bytes_s: float | None) -> tuple[Phone, Customer, str]:
    """A phone about to send, and a customer who has already opened the link."""
    intervention = shop.intervention()
    customer = Customer(shop.link(intervention))
    return Phone(endpoint(shop, intervention), film, bytes_s), customer, intervention


def endpoint(shop: house.House, intervention: str) -> tus_client.Server:
    """Where films of this intervention are sent, as what."""
    metadata = {"intervention": intervention, "kind": "film"}
    return tus_client.Server(shop.upload, {"Authorization": f"Bearer {shop.token}"}, metadata)


def _first_bytes(outputs: list[dict[str, Any]], film: Path) -> int:
    """The end of what the first chunk needs in bytes; a film's index behind its media is sent ahead."""
    size, ahead = film.stat().st_size, index(film)
    ranges = next(entry["ranges"] for entry in outputs if entry["name"] == "chunk/0000") or [[0, size]]
    return max(int(end) for start, end in ranges if ahead is None or start < ahead[0])


def _trouble(shop: house.House, phone: Phone | None, intervention: str) -> Callable[[], str | None]:
    """Why waiting has no sense any more; asked of the API seldom, so that it does not matter."""
    asked = [time.monotonic()]

    def why() -> str | None:
        if phone is not None and phone.error is not None:
            return f"the upload ended: {phone.error}"
        if time.monotonic() - asked[0] > 5:
            asked[0] = time.monotonic()
            for asset in shop.assets(intervention):
                if asset["state"] in ("rejected", "failed"):
                    return f"the film is {asset['state']}: {asset['reason']}"
        return None

    return why


def all_made(shop: house.House, intervention: str, phone: Phone | None = None) -> float:
    """When everything was made (s, monotonic). Raises: Gone."""
    why, deadline = _trouble(shop, phone, intervention), time.monotonic() + _PATIENCE_S
    while shop.assets(intervention)[0]["state"] != "ready":
        if (told := why()) or time.monotonic() > deadline:
            raise Gone(told or f"not everything was made within {_PATIENCE_S:.0f} s")
        time.sleep(0.2)
    return time.monotonic()


def _ended(phone: Phone) -> float:
    if phone.error is not None:
        raise phone.error
    if phone.ended is None:
        raise Gone("the upload did not end")
    return phone.ended


def _report(plan: Plan, clips: list[Clip], wholes: list[Whole]) -> Report:
    waits = [clip.playable_s for clip in clips]
    measured = {
        "ready-fast-median": statistics.median(waits),
        "ready-fast-worst": max(waits),
        "ready-early": min(whole.sending_s - whole.playable_s for whole in wholes),
        "ready-chunk": max(whole.playable_s - whole.chunk_bytes_s for whole in wholes),
        "ready-all": max(whole.ready_s for whole in wholes),
    }
    rows = []
    for name in dict.fromkeys(clip.film for clip in clips):
        of = [clip for clip in clips if clip.film == name]
        times = [clip.playable_s for clip in of]
        rows.append(
            (
                name, str(len(of)), f"{of[0].megabytes:.1f}", _yes(of[0].index_taken),
                f"{statistics.median(clip.sending_s for clip in of):.2f}", f"{statistics.median(times):.2f}",
                f"{max(times):.2f}",
            )
        )  # fmt: skip
    fast = Table(
        f"First playable second, clips of {plan.clip_s:g} s sent as fast as possible",
        ("film", "clips", "MB", "index ahead", "upload, s", "from the last byte: median, s", "worst, s"),
        rows,
        "The customer's page is looked at every 0.2 s; playable is when the first segment has been fetched.",
    )
    own = Table(
        "Films sent at their own bit rate, 2 worker units",
        ("film", "MB", "film, s", "index ahead", "upload, s", "first chunk's bytes there, s", "playable, s",
         "before the upload's end, s", "everything ready after it, s"),
        [
            (
                whole.film, f"{whole.megabytes:.1f}", f"{whole.duration_s:.1f}", _yes(whole.index_taken),
                f"{whole.sending_s:.1f}", f"{whole.chunk_bytes_s:.1f}", f"{whole.playable_s:.1f}",
                f"{whole.sending_s - whole.playable_s:+.1f}", f"{whole.ready_s:.1f}",
            )
            for whole in wholes
        ],
    )  # fmt: skip
    data = {"clips": [asdict(clip) for clip in clips], "films": [asdict(whole) for whole in wholes]}
    return Report([fast, own], measured, data=data)


def _yes(taken: bool | None) -> str:
    return {None: "in front", True: "yes", False: "not taken"}[taken]


SECTION = Section("ready", "How soon a film plays", order=30, run=run, takes_s=170)
