"""The main job, as its users do it: a phone's film through a lost network to a page on which it plays upright.

Everything is real: `walkaround up` with all its processes, a browser as the technician's phone, one as the customer's.
"""

from pathlib import Path

import pytest
from browsing import PHONE
from playwright.sync_api import Browser, Route
from running import wait_for
from shopfloor import acknowledged, begin, make_link, states

pytestmark = pytest.mark.browser


@pytest.mark.xdist_group("up")
@pytest.mark.timeout(600)
def test_a_film_from_an_iphone_reaches_its_customer_through_a_lost_network(
    address: str, browser: Browser, media: Path, tmp_path: Path
) -> None:
    phone = browser.new_context(**PHONE)
    page = phone.new_page()
    begin(page, address)
    kept: list[Route] = []  # what the line no longer carries

    def carry(route: Route) -> None:
        kept.append(route) if int(route.request.headers.get("upload-offset", 0)) else route.continue_()

    phone.route("**/files/*", carry)
    film = media / "video-iphone" / "streamio-ffmpeg__ios9.mov"
    page.locator("input[name=film]").set_input_files(str(film))
    wait_for(lambda: acknowledged(page) > 0 and kept, 60)
    phone.set_offline(True)
    page.locator(".status[data-key=no-network]").wait_for(timeout=30_000)
    page.screenshot(path=tmp_path / "technician-offline.png")
    assert acknowledged(page) < film.stat().st_size
    phone.unroute("**/files/*")
    phone.set_offline(False)
    page.locator("input[name=photo]").set_input_files(str(media / "photo-orient" / "sharp__Landscape_6.jpg"))
    page.locator("input[name=file]").set_input_files(str(media / "synthetic" / "s26_html_named.mp4"))
    wait_for(lambda: sorted(map(str, states(page))) == ["ready", "ready", "rejected"], 420)
    page.screenshot(path=tmp_path / "technician.png", full_page=True)
    assert "cannot be shown to a customer" in page.locator(".entry[data-state=rejected]").inner_text()

    page.goto(page.url.removesuffix("/capture"))
    link = make_link(page)

    customer = browser.new_context(**PHONE).new_page()
    foreign: list[str] = []
    customer.on(
        "request", lambda one: None if one.url.startswith((address, "blob:", "data:")) else foreign.append(one.url)
    )
    customer.goto(link)
    assert customer.locator(".films .film").count() == 1
    assert customer.locator(".gallery img").count() == 1
    customer.screenshot(path=tmp_path / "customer.png")
    customer.locator(".films button").first.click()
    look = "(v => v && [v.currentTime, v.videoWidth, v.videoHeight, v.ended])(document.querySelector('video'))"
    wait_for(lambda: (customer.evaluate(look) or [0])[0] > 0.1, 30)
    customer.screenshot(path=tmp_path / "customer-playing.png")
    wait_for(lambda: customer.evaluate(look)[-1], 30)
    seconds, width, height, _ = customer.evaluate(look)
    assert seconds == pytest.approx(0.47, abs=0.1)
    assert width < height, "portrait stays portrait"
    assert foreign == []
