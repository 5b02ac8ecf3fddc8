"""A film on the customer's page in a real browser: it plays, seeks, grows and keeps its shape."""

from collections.abc import Callable
from pathlib import Path

import pytest
from painting import paint
from playwright.sync_api import Route
from visiting import BUFFERED, FILM, House, Visit

pytestmark = pytest.mark.browser


def test_a_tap_plays_the_film_with_sound_to_its_end(house: House, visit: Callable[..., Visit]) -> None:
    intervention = house.intervention()
    house.premiere.screening(intervention)
    seen = visit(house.url(intervention))

    seen.page.tap(".start")
    seen.until(f"{FILM}?.currentTime > 0.5")
    assert seen.page.evaluate(f"{FILM}.muted") is False
    assert seen.page.evaluate(f"{FILM}.videoWidth < {FILM}.videoHeight")
    seen.until(f"{FILM}.ended")

    # What it opens with is asked for at the touch, and once; then it becomes as sharp as the line and the screen allow.
    asked = [url.rsplit("/", 1)[1] for url in seen.requests if url.endswith((".m3u8", ".mp4", ".m4s"))]
    assert asked[:4] == ["index.m3u8", "180p.m3u8", "180p-init.mp4", "180p-000.m4s"]
    assert len(set(asked)) == len(asked)
    assert seen.page.evaluate(f"{FILM}.videoWidth") == 270
    count, start, end = seen.page.evaluate(BUFFERED)
    assert count == 1
    assert start == pytest.approx(0, abs=0.1)
    assert end == pytest.approx(6, abs=0.1)
    assert seen.page.evaluate(f"{FILM}.error") is None
    assert seen.faults == []
    assert {url.split("/", 3)[2] for url in seen.requests if url.startswith("http")} == {house.address[7:]}


def test_chunks_made_apart_join_without_a_seam(house: House, visit: Callable[..., Visit], tmp_path: Path) -> None:
    phone = paint(tmp_path / "film.mov", seconds=7, size=(320, 240), rotation=90)
    intervention = house.intervention()
    house.premiere.craft(intervention, phone, tmp_path)
    seen = visit(house.url(intervention))

    shape = seen.page.locator(".screen").bounding_box()
    assert shape["width"] / shape["height"] == pytest.approx(240 / 320, rel=0.02)
    seen.page.tap(".start")
    seen.until(f"{FILM}?.currentTime > 2.5")  # over the first seam
    seen.until(f"{FILM}.ended")

    count, start, end = seen.page.evaluate(BUFFERED)
    assert count == 1
    assert start < 0.1  # pictures in decoding order have up to two frames to wait, and players jump 100 ms
    assert end - start == pytest.approx(7, abs=0.1)
    assert seen.page.evaluate(f"[{FILM}.videoWidth, {FILM}.videoHeight]") == [240, 320]
    quality = seen.page.evaluate(
        f"(q => [q.totalVideoFrames, q.corruptedVideoFrames])({FILM}.getVideoPlaybackQuality())"
    )
    # A busy machine shows a few less; a chunk that is missing would be 120.
    assert quality == [pytest.approx(210, abs=20), 0]
    assert seen.faults == []


def test_seeking_lands_where_it_was_asked_and_previews_the_storyboard(
    house: House, visit: Callable[..., Visit]
) -> None:
    intervention = house.intervention()
    house.premiere.screening(intervention)
    seen = visit(house.url(intervention), viewport={"width": 1280, "height": 900}, is_mobile=False, has_touch=False)

    seen.page.click(".start")
    seen.until(f"{FILM}?.currentTime > 0.2")
    seen.page.evaluate(f"{FILM}.pause(), {FILM}.currentTime = 4.5")
    seen.until(f"!{FILM}.seeking && {FILM}.readyState > 2")

    assert seen.page.evaluate(f"{FILM}.currentTime") == pytest.approx(4.5, abs=0.01)
    bar = seen.page.locator("media-time-range").bounding_box()
    seen.page.mouse.move(bar["x"] + bar["width"] * 0.5, bar["y"] + bar["height"] * 0.5)
    seen.until("document.querySelector('media-controller').hasAttribute('mediapreviewimage')")
    assert seen.faults == []


def test_an_upright_film_keeps_its_shape_from_the_first_paint_on(house: House, visit: Callable[..., Visit]) -> None:
    intervention = house.intervention()
    house.premiere.screening(intervention)
    seen = visit("about:blank")
    seen.page.add_init_script(
        "window.moved = 0; new PerformanceObserver(list => { for (const e of list.getEntries()) moved += e.value })"
        ".observe({ type: 'layout-shift', buffered: true })"
    )
    late: list[Route] = []
    seen.page.route("**/*.woff2", lambda route: late.append(route))
    seen.page.goto(house.url(intervention), wait_until="domcontentloaded")
    seen.until("performance.getEntriesByType('paint').length")

    before = seen.page.locator(".screen").bounding_box()
    seen.page.wait_for_timeout(200)  # text is drawn in another font by now
    for font in late:
        font.continue_()
    seen.until("document.fonts.check('16px Figtree')")
    seen.page.tap(".start")
    seen.until(f"{FILM}?.currentTime > 0.2")

    assert before["width"] == 390
    assert before["width"] / before["height"] == pytest.approx(270 / 480, rel=0.01)
    after = seen.page.locator(".screen").bounding_box()
    assert (after["width"], after["height"]) == (before["width"], before["height"])
    assert seen.page.evaluate("moved") < 0.01


def test_a_film_that_plays_is_seen_whole_on_a_phone(house: House, visit: Callable[..., Visit]) -> None:
    intervention = house.intervention()
    house.premiere.screening(intervention)
    seen = visit(house.url(intervention))
    box = "document.querySelector('.screen').getBoundingClientRect()"

    assert seen.page.evaluate(f"{box}.bottom > innerHeight")
    seen.page.tap(".start")
    seen.until(f"{FILM}?.currentTime > 0.2")
    seen.until(f"{box}.top > -1 && {box}.bottom <= innerHeight")


OVER = """document.querySelectorAll(".screen, .photo a").forEach(element => {
  for (const { name, value } of [...element.attributes])
    if (value.startsWith("/m/")) element.setAttribute(name, value.replaceAll(/\\/m\\/[^/]+/g, "/m/1.over"));
})"""
LATER = "Date.now = (now => () => now() + 2 * 3600_000)(Date.now)"


@pytest.mark.parametrize("old", [True, False], ids=["an old page", "a page that does not know"])
def test_a_film_plays_on_a_page_whose_addresses_are_over(house: House, visit: Callable[..., Visit], old: bool) -> None:
    intervention = house.intervention()
    house.premiere.screening(intervention)
    house.premiere.print(intervention, caption="Front left")
    seen = visit(house.url(intervention))
    large = seen.page.get_attribute(".photo a", "href")

    seen.page.evaluate(OVER)
    assert "1.over" in seen.page.get_attribute(".photo a", "href")
    if old:
        seen.page.evaluate(LATER)
    seen.page.tap(".start")
    seen.until(f"{FILM}?.currentTime > 0.5")

    assert seen.page.get_attribute(".photo a", "href") == large
    assert any("1.over" in url for url in seen.requests) is not old
    assert (seen.faults == []) is old


def test_a_growing_film_is_played_to_the_end_that_it_did_not_have_yet(
    house: House, visit: Callable[..., Visit]
) -> None:
    intervention = house.intervention()
    film = house.premiere.screening(intervention, chunks=1)
    seen = visit(house.url(intervention))

    seen.page.tap(".start")
    seen.until(f"{FILM}?.currentTime > 0.5")
    assert seen.page.evaluate(f"{FILM}.currentTime") < 2.5
    house.premiere.finish(film)
    seen.until(f"{FILM}.ended", 40)

    assert seen.page.evaluate(f"{FILM}.currentTime") == pytest.approx(6, abs=0.1)
    seen.until("document.querySelector('.film').dataset.stage === 'ready'")
    assert seen.page.evaluate("performance.getEntriesByType('navigation').length") == 1
    assert seen.faults == []


def test_a_film_still_being_made_appears_by_itself(house: House, visit: Callable[..., Visit]) -> None:
    intervention = house.intervention()
    seen = visit(house.url(intervention))
    assert "nothing to see yet" in seen.page.inner_text("#nothing")
    assert seen.page.inner_text(".greeting") == "Hello Camille Durand,"

    film = house.premiere.screening(intervention, chunks=0, poster=False)
    seen.page.wait_for_selector(".screen", timeout=30_000)
    assert "being prepared" in seen.page.inner_text(".screen")
    assert not seen.page.locator("#nothing").is_visible()
    assert seen.page.inner_text(".greeting") == "Hello Camille Durand, this is what we saw on your vehicle."
    assert seen.page.locator(".start").count() == 0
    shape = seen.page.locator(".screen").bounding_box()
    house.premiere.finish(film)
    seen.page.wait_for_selector(".start", timeout=30_000)

    assert seen.page.locator(".screen").bounding_box() == shape
    seen.page.tap(".start")
    seen.until(f"{FILM}?.currentTime > 0.2")
    assert seen.faults == []


def test_a_revoked_link_is_said_plainly_instead_of_a_dead_player(house: House, visit: Callable[..., Visit]) -> None:
    intervention = house.intervention()
    house.premiere.screening(intervention)
    seen = visit(house.url(intervention))

    house.revoke(intervention)
    seen.page.tap(".start")
    seen.page.wait_for_selector(".broken", timeout=30000)

    assert "could not be played" in seen.page.inner_text(".broken")
    assert seen.page.inner_text(".loading") == ""
    seen.until("!document.querySelector('media-controller')")


def test_a_film_that_slows_at_a_seam_is_whole_in_the_player(
    house: House, visit: Callable[..., Visit], tmp_path: Path
) -> None:
    """Its second chunk is decoded from the very moment at which the first one's last picture was."""
    slows = "select='if(lt(n,60),not(mod(n,2)),not(mod(n,3)))'"
    phone = paint(tmp_path / "film.mov", seconds=5, size=(320, 240), rate=60, gop=30, video_filter=slows)
    intervention = house.intervention()
    house.premiere.craft(intervention, phone, tmp_path)
    seen = visit(house.url(intervention))

    seen.page.tap(".start")
    seen.until(f"{FILM}.ended")

    count, start, end = seen.page.evaluate(BUFFERED)
    assert count == 1
    assert start < 0.1
    assert end - start == pytest.approx(5, abs=0.1)
    shown, broken = seen.page.evaluate(
        f"(q => [q.totalVideoFrames, q.corruptedVideoFrames])({FILM}.getVideoPlaybackQuality())"
    )
    assert broken == 0
    assert shown == pytest.approx(110, abs=12)  # of a group that is not decoded, 20 or 30 would be missing
    assert seen.faults == []
