"""The customer's page: what it weighs before the film is touched, its cost to the server, and how soon a picture moves.

The page is that of a real `walkaround up` with a film that is ready, opened by the link in the message.
"""

import statistics
from dataclasses import asdict, dataclass
from pathlib import Path

from workers.bench import browser, customer, house, tus_client
from workers.bench.ready import all_made, endpoint
from workers.bench.section import Context, Report, Section, Table


@dataclass(frozen=True, slots=True)
class Plan:
    """Seconds of the film; requests a second and for how many seconds; how many cold starts in the browser, and for how
    long one more goes on watching."""

    film_s: float = 12
    rate: int = 50
    seconds: float = 10
    starts: int = 7
    watch_s: float = 7  # past the second piece, which is chosen by how the first one came


QUICK = Plan(film_s=1, rate=5, seconds=1, starts=1, watch_s=0.5)


def run(context: Context) -> Report:
    plan = QUICK if context.quick else Plan()
    with house.everything() as shop:
        link = _shown(shop, context.films("h264" if context.quick else "hevc", plan.film_s))
        visitor = customer.Customer(link)
        waits, refused = customer.crowd(shop.web + visitor.page, visitor.cookie, plan.rate, plan.seconds)
        visitor.close()
        with browser.running() as chromium:
            weights = chromium.weigh(link)
            starts = [chromium.start(link) for _ in range(plan.starts)]
            for one in starts:
                context.say(f"  first frame after {one.frame_s:.2f} s")
            watched = chromium.watch(link, plan.watch_s)
    return _report(plan, waits, refused, weights, starts, watched)


def _shown(shop: house.House, film: Path) -> str:
    """The link to a page with this film, once everything of it is made."""
    intervention = shop.intervention()
    server = endpoint(shop, intervention)
    with film.open("rb") as file:
        size = film.stat().st_size
        tus_client.send(server, tus_client.create(server, size, filename=film.name), file.fileno(), size)
    all_made(shop, intervention)
    return shop.link(intervention)


def _report(
    plan: Plan,
    waits: list[float],
    refused: int,
    weights: dict[str, int],
    starts: list[browser.Start],
    watched: browser.Watched,
) -> Report:
    total, ordered = sum(weights.values()), sorted(waits)
    middle = sorted(starts, key=lambda one: one.frame_s)[len(starts) // 2]
    measured = {"page-bytes": total / 1000, "page-frame": statistics.median(one.frame_s for one in starts)}
    heavy = Table(
        "The customer's page before play, as it comes over the line",
        ("what", "KB"),
        [*((kind, f"{weight / 1000:.1f}") for kind, weight in weights.items()), ("**all**", f"**{total / 1000:.1f}**")],
        "Compressed, with its answers' headers, nothing in the browser's cache.",
    )
    server = Table(
        f"Server time of the page at {plan.rate} requests/s over {plan.seconds:.0f} s",
        ("p50", "p95", "slowest", "not answered with 200"),
        [(*(f"{_at(ordered, share) * 1000:.0f} ms" for share in (0.5, 0.95, 1.0)), str(refused))],
        "From the moment a request was due, so that waiting for its turn counts; the film's workers rest.",
    )
    soon = Table(
        f"First frame in Chromium on an emulated 4G line ({browser.LINE}), median of {len(starts)}",
        ("from the touch of the link to", "s"),
        [
            ("the page's bytes", f"{statistics.median(one.document_s for one in starts):.2f}"),
            ("play pressed, as soon as it can be", f"{statistics.median(one.pressed_s for one in starts):.2f}"),
            ("the first frame presented", f"{measured['page-frame']:.2f}"),
            ("the same, slowest", f"{max(one.frame_s for one in starts):.2f}"),
        ],
        f"It begins in {watched.first}p; {plan.watch_s:g} s later it shows {watched.later}p, and has stood still for "
        f"{watched.stood_s:.1f} s.",
    )
    fetched = Table(
        "What the browser fetched until then, in the median run",
        ("what", "from, s", "to, s", "KB"),
        [(one.name, f"{one.start_s:.2f}", f"{one.end_s:.2f}", f"{one.bytes / 1000:.1f}") for one in middle.fetched],
    )
    data = {
        "weights": weights, "server": {"p50_s": _at(ordered, 0.5), "p95_s": _at(ordered, 0.95), "refused": refused},
        "starts": [asdict(one) for one in starts], "watched": asdict(watched),
    }  # fmt: skip
    return Report([heavy, server, soon, fetched], measured, data=data)


def _at(ordered: list[float], share: float) -> float:
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


SECTION = Section("page", "The customer's page", order=50, run=run)
