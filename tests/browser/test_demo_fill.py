"""`walkaround demo` as the README's first command runs it: drawn, sent, made, and there to be looked at."""

import re

import pytest
from browsing import PHONE
from playwright.sync_api import Browser
from running import run, wait_for
from shopfloor import Product

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("up"), pytest.mark.timeout(600)]

FILM = "document.querySelector('media-controller video')"


def test_the_demo_ends_with_the_address_of_a_page_that_has_everything(product: Product, browser: Browser) -> None:
    done = run(product.environment, "demo")
    assert done.returncode == 0, done.stdout + done.stderr
    address = re.fullmatch(r"customer page: (http\S+)", done.stdout.splitlines()[-1])[1]

    page = browser.new_context(**PHONE).new_page()
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("response", lambda got: got.status > 399 and faults.append(f"{got.status} {got.url}"))
    page.goto(address)
    assert page.locator(".film[data-stage=ready]").count() == 1
    assert page.locator(".photo[data-stage=ready]").count() == 2
    assert page.locator(".paper[data-stage=ready]").count() == 1
    assert "brakes, tyres" in page.inner_text(".films")
    assert page.evaluate("document.querySelector('img.logo').naturalWidth") > 0
    page.tap(".start")
    wait_for(lambda: page.evaluate(f"{FILM}?.currentTime > 1"), 30)
    assert page.evaluate(f"{FILM}.videoWidth < {FILM}.videoHeight")
    assert faults == []
