"""The main job, as its users do it: a phone's film through a lost network to a page on which it plays upright.

Everything is real: `walkaround up` with all its processes, a browser as the technician's phone, one as the customer's.
"""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import running
from browsing import chromium
from playwright.sync_api import Browser, Page
from running import ready, run, up, wait_for

pytestmark = pytest.mark.browser

PHONE = {"viewport": {"width": 390, "height": 844}, "is_mobile": True, "has_touch": True, "device_scale_factor": 2}
SLOW = {"offline": False, "latency": 20, "downloadThroughput": 4e6, "uploadThroughput": 5e5}  # bytes/s
EMAIL, PASSWORD = "claire@example.org", "correct horse battery"


@pytest.fixture
def address() -> Iterator[str]:
    """The running product, with one manager who can sign in."""
    with running.environment(WORKER_UNITS="2") as environment, up(environment):
        wait_for(lambda: ready(environment)["ok"], 90)
        run(
            environment, "init", "--dealership", "Garage Lumière", "--country", "FR", "--name", "Claire",
            "--email", EMAIL, "--language", "en", "--password", PASSWORD,
        )  # fmt: skip
        yield f"http://127.0.0.1:{environment['WEB_PORT']}"


@pytest.fixture
def browser() -> Iterator[Browser]:
    with chromium() as one:
        yield one


def begin(page: Page, address: str) -> None:
    """Sign in, write an intervention down, open the technician's page."""
    page.goto(f"{address}/login")
    page.fill("input[name=email]", EMAIL)
    page.fill("input[name=password]", PASSWORD)
    page.click("button[type=submit]")
    page.wait_for_url("**/interventions**")
    page.goto(f"{address}/interventions/new")
    page.fill("input[name=reference]", "RO-4711")
    for part in page.locator("details.part > summary").all():  # folded on a phone
        part.click()
    page.fill("input[name=make]", "Renault")
    page.fill("input[name=model]", "Mégane")
    page.fill("input[name=customer_name]", "Camille Durand")
    page.click("main form button[type=submit]")
    page.wait_for_url(lambda url: not url.endswith("/new"))
    page.goto(page.url.split("?")[0].removesuffix("/capture") + "/capture")


def states(page: Page) -> list[str | None]:
    return [card.get_attribute("data-state") for card in page.locator(".entry").all()]


@pytest.mark.xdist_group("up")
@pytest.mark.timeout(600)
def test_a_film_from_an_iphone_reaches_its_customer_through_a_lost_network(
    address: str, browser: Browser, media: Path, tmp_path: Path
) -> None:
    phone = browser.new_context(**PHONE)
    page = phone.new_page()
    begin(page, address)
    phone.new_cdp_session(page).send("Network.emulateNetworkConditions", SLOW)

    film = media / "video-iphone" / "media__sample_edit_list_no_sync_frame_before_edit.mp4"
    page.locator("input[name=film]").set_input_files(str(film))
    wait_for(lambda: int(page.locator(".entry").first.get_attribute("data-acknowledged") or 0) > 0, 60)
    phone.set_offline(True)
    page.locator(".status[data-key=no-network]").wait_for(timeout=30_000)
    page.screenshot(path=tmp_path / "technician-offline.png")
    assert int(page.locator(".entry").first.get_attribute("data-acknowledged") or 0) < film.stat().st_size
    phone.set_offline(False)
    page.locator("input[name=photo]").set_input_files(str(media / "photo-orient" / "sharp__Landscape_6.jpg"))
    page.locator("input[name=file]").set_input_files(str(media / "synthetic" / "s26_html_named.mp4"))
    wait_for(lambda: sorted(map(str, states(page))) == ["ready", "ready", "rejected"], 240)
    page.screenshot(path=tmp_path / "technician.png", full_page=True)
    assert "cannot be shown to a customer" in page.locator(".entry[data-state=rejected]").inner_text()

    page.goto(page.url.removesuffix("/capture"))
    page.locator("#links button.primary").click()
    link = page.locator("#fresh-link").input_value(timeout=20_000)

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
    look = (
        "() => { const v = document.querySelector('video'); return v && [v.currentTime, v.videoWidth, v.videoHeight] }"
    )
    wait_for(lambda: (customer.evaluate(look) or [0])[0] > 1, 30)
    _, width, height = customer.evaluate(look)
    assert width < height, "portrait stays portrait"
    time.sleep(0.3)
    customer.screenshot(path=tmp_path / "customer-playing.png")
    assert foreign == []
