"""The customer's page while more arrives: it takes over what is new and leaves alone what is being watched."""

from collections.abc import Callable

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import APIResponse, Route
from sqlalchemy import delete, update
from visiting import FILM, House, Visit

from pipeline.catalog import assets
from pipeline.catalog.models import Asset, Output, State
from pipeline.names import FIRST, REST
from webapp.database import session

pytestmark = pytest.mark.browser

# From now on: every sign of a film that was taken away, put back or moved to another place.
WATCH = f"""(() => {{
  const film = {FILM};
  film.mark = "the same";
  window.broken = [];
  for (const sign of ["emptied", "loadstart", "pause", "seeking", "abort", "error"])
    film.addEventListener(sign, () => sign === "pause" && film.ended || broken.push(sign));
}})()"""


def receiving(house: House, asset: str, received: int = 400) -> None:
    """As if the rest of the film's 1,000 bytes were still to come."""
    with house.app.app_context():
        values = {"state": State.RECEIVING, "received": received}
        session.execute(update(Asset).where(Asset.id == asset).values(**values))
        session.commit()


def test_a_film_that_is_watched_is_left_alone_by_everything_that_arrives(
    house: House, visit: Callable[..., Visit]
) -> None:
    intervention = house.intervention()
    film = house.premiere.screening(intervention, chunks=2)
    receiving(house, film)
    seen = visit(house.url(intervention))
    seen.page.tap(".start")
    seen.until(f"{FILM}?.currentTime > 0.5")
    seen.page.evaluate(WATCH)

    house.premiere.print(intervention, caption="Front left")
    house.premiere.screening(intervention, caption="And from below")
    seen.until("document.querySelectorAll('.photo, .film').length === 3")
    house.premiere.finish(film)
    seen.until("document.querySelector('.film').dataset.stage === 'ready'")
    seen.until(f"{FILM}.ended")

    assert seen.page.evaluate(f"{FILM}.mark") == "the same"
    assert seen.page.evaluate("broken") == []
    assert seen.page.evaluate(f"{FILM}.currentTime") == pytest.approx(6, abs=0.1)
    assert seen.page.evaluate("performance.getEntriesByType('navigation').length") == 1
    assert seen.faults == []


def test_a_film_that_begins_in_one_version_is_handed_the_others_while_it_is_watched(
    house: House, visit: Callable[..., Visit]
) -> None:
    intervention = house.intervention()
    film = house.premiere.screening(intervention, chunks=0.5)
    seen = visit(house.url(intervention))
    seen.page.tap(".start")
    seen.until(f"{FILM}?.currentTime > 0.5")

    house.premiere.finish(film)
    seen.until(f"{FILM}.ended")

    asked = seen.page.evaluate("performance.getEntriesByType('resource').map(({ name }) => name.split('/').pop())")
    assert "270p.m3u8" in asked[asked.index("180p.m3u8") :]
    assert any(name.startswith("270p-0") for name in asked)
    assert seen.page.evaluate(f"{FILM}.currentTime") == pytest.approx(6, abs=0.3)
    assert seen.page.evaluate("performance.getEntriesByType('navigation').length") == 1
    assert seen.faults == []


def test_a_short_film_that_was_seen_to_its_end_keeps_its_picture_when_the_other_versions_come(
    house: House, visit: Callable[..., Visit]
) -> None:
    intervention = house.intervention()
    film = house.premiere.screening(intervention, chunks=0.5)
    with house.app.app_context():
        asset = session.get_one(Asset, film)
        asset.plan = {"outputs": [entry for entry in asset.plan["outputs"] if entry["name"] in (FIRST, REST)]}
        session.commit()
    seen = visit(house.url(intervention))
    lists: list[APIResponse] = []

    def as_it_was(route: Route) -> None:
        lists.extend([] if lists else [route.fetch()])
        route.fulfill(response=lists[0])

    # The player hears of the end after the page has heard of the other versions, and not before.
    seen.page.route("**/180p.m3u8", as_it_was)
    seen.page.tap(".start")
    seen.until(f"{FILM}?.currentTime > 1.8 && {FILM}.readyState < 3")  # it waits for more

    house.premiere.finish(film, until="chunk/0001")
    seen.until("!document.querySelector('.film[data-partial]')")
    seen.page.unroute("**/180p.m3u8")
    seen.until(f"{FILM}.ended")

    green = f"""(() => {{
        const page = new OffscreenCanvas(1, 1).getContext("2d");
        page.drawImage({FILM}, 0, 0, 1, 1);
        return page.getImageData(0, 0, 1, 1).data[1];
    }})()"""
    seen.until(f"{green} > 30")  # of 255, anywhere in the painted picture
    assert seen.faults == []


def test_a_film_that_is_watched_stays_to_its_end_when_the_workshop_erases_it(
    house: House, visit: Callable[..., Visit]
) -> None:
    intervention = house.intervention()
    film = house.premiere.screening(intervention)
    house.premiere.screening(intervention, chunks=0, caption="Another, to come")
    seen = visit(house.url(intervention))
    seen.page.tap(".start")
    seen.until(f"{FILM}?.buffered.length && {FILM}.buffered.end(0) > 5.9 && {FILM}.currentTime > 0.2")
    seen.page.evaluate(WATCH)
    with house.app.app_context():
        assets.erase(session(), film)
        session.commit()
    with seen.page.expect_response(lambda answer: "/w/" in answer.url, timeout=30_000):
        pass
    seen.until(f"{FILM}.ended")
    assert seen.page.evaluate(f"{FILM}.mark") == "the same"


def test_a_growing_film_says_so_until_it_is_whole(house: House, visit: Callable[..., Visit]) -> None:
    intervention = house.intervention()
    film = house.premiere.screening(intervention, chunks=1)
    receiving(house, film)
    seen = visit(house.url(intervention))
    sign = seen.page.locator(".growing")
    assert sign.inner_text() == "The rest is on its way"
    assert Axe().run(seen.page).violations_count == 0
    assert "0:06" in seen.page.inner_text(".start")  # as long as it will be, not as long as it is

    seen.page.tap(".start")
    seen.until(f"{FILM}?.currentTime > 0.5")
    assert sign.is_visible()
    assert seen.page.locator(".film").get_attribute("data-storyboard") is None
    house.premiere.finish(film)
    sign.wait_for(state="detached", timeout=30_000)
    seen.until(f"!!{FILM}.querySelector('track[label=thumbnails]')")
    seen.until(f"{FILM}.ended", 30)
    assert seen.page.evaluate(f"{FILM}.duration") == pytest.approx(6, abs=0.1)
    assert seen.faults == []


def test_how_far_a_film_is_moves_without_a_reload_and_it_takes_its_shape_as_soon_as_that_is_known(
    house: House, visit: Callable[..., Visit]
) -> None:
    intervention = house.intervention()
    film = house.premiere.screening(intervention, chunks=0, poster=False)
    with house.app.app_context():
        shape = session.get_one(Asset, film).source
        session.execute(update(Asset).where(Asset.id == film).values(source=None))
        session.commit()
    receiving(house, film, 200)
    seen = visit(house.url(intervention))
    box = seen.page.locator(".screen").bounding_box()
    assert box["width"] > box["height"]
    assert seen.page.inner_text(".making") == "The film is on its way: 20\N{NO-BREAK SPACE}%."
    assert Axe().run(seen.page).violations_count == 0

    receiving(house, film, 600)
    seen.until("document.querySelector('.making').innerText.includes('60\\u00a0%')")
    assert seen.page.evaluate("document.querySelector('progress').value") == 60
    with house.app.app_context():
        session.execute(update(Asset).where(Asset.id == film).values(source=shape))
        session.commit()
    seen.until("document.querySelector('.film').classList.contains('tall')")
    said = seen.page.locator(".making .words").bounding_box()
    assert said["y"] + said["height"] < 844, "what is said about the film is seen without scrolling"
    box = seen.page.locator(".screen").bounding_box()
    assert box["width"] / box["height"] == pytest.approx(270 / 480, rel=0.01)


@pytest.mark.parametrize("chunks", [1, 0.5])
def test_a_film_made_anew_under_its_viewer_goes_on_where_it_was(
    house: House, visit: Callable[..., Visit], chunks: float
) -> None:
    """As when an index sent ahead had lied: what was listed is gone, and comes again under other addresses."""
    intervention = house.intervention()
    film = house.premiere.screening(intervention, chunks=chunks)
    receiving(house, film)
    seen = visit(house.url(intervention))
    seen.page.tap(".start")
    seen.until(f"{FILM}?.currentTime > 0.5")
    seen.page.evaluate(WATCH)
    with house.app.app_context():
        session.execute(delete(Output).where(Output.asset_id == film))
        session.commit()

    with seen.page.expect_response(lambda answer: answer.status == 404 and ".m3u8" in answer.url, timeout=30_000):
        pass
    seen.until("document.querySelector('.film').dataset.stage === 'waiting'")
    seen.page.wait_for_timeout(1000)
    assert seen.page.evaluate(f"{FILM}.currentTime") == pytest.approx(2, abs=0.2), "what had come is still there"
    assert [sign for sign in seen.page.evaluate("broken") if sign != "seeking"] == []
    assert seen.page.locator(".growing").is_visible()
    assert seen.page.locator(".broken").count() == 0

    seen.page.evaluate(
        f"window.lowest = 99; {FILM}.ontimeupdate = () => lowest = Math.min(lowest, {FILM}.currentTime || 99)"
    )
    house.premiere.finish(film)
    seen.until(f"{FILM}.ended", 30)
    assert seen.page.evaluate("lowest") > 1.7
    assert seen.page.evaluate(f"{FILM}.currentTime") == pytest.approx(6, abs=0.1)
    assert seen.page.evaluate(f"{FILM}.mark") == "the same"
    assert seen.page.locator(".broken").count() == 0
