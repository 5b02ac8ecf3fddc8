"""The bench's customer and browser, on a page with a true film."""

import re
import time
from collections.abc import Iterator

import pytest
from visiting import House, opened

from webapp.assets import DIST
from workers.bench import browser, customer


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with opened(tmp_path_factory.mktemp("house")) as running:
        yield running


def test_the_first_second_is_there_when_its_segment_was_fetched(house: House) -> None:
    intervention = house.intervention()
    visitor = customer.Customer(house.url(intervention))
    with pytest.raises(customer.Gone, match="no film within"):
        visitor.first_second(0)
    house.premiere.screening(intervention, chunks=1)
    began = time.monotonic()

    assert began < visitor.first_second(20) < began + 20
    visitor.close()


def test_waiting_ends_when_it_has_no_sense_any_more(house: House) -> None:
    visitor = customer.Customer(house.url(house.intervention()))
    with pytest.raises(customer.Gone, match="the film is rejected"):
        visitor.first_second(60, lambda: "the film is rejected")
    visitor.close()


def test_an_unknown_link_is_told(house: House) -> None:
    with pytest.raises(customer.Gone, match="404"):
        customer.Customer(f"{house.address}/v/nobody")


def test_a_crowd_is_timed_from_when_each_was_due(house: House) -> None:
    intervention = house.intervention()
    visitor = customer.Customer(house.url(intervention))

    waits, refused = customer.crowd(house.address + visitor.page, visitor.cookie, 10, 1.0)
    _, strangers = customer.crowd(house.address + visitor.page, "", 5, 1.0)

    assert (len(waits), refused, strangers) == (10, 0, 5)
    assert min(waits) > 0
    visitor.close()


def test_small_files_behind_the_pages_script_are_asked_for_with_it(house: House) -> None:
    visitor = customer.Customer(house.url(house.intervention()))
    page = visitor.get(visitor.page).decode()
    visitor.close()
    asked = re.findall(r'<link rel="modulepreload" href="/static/dist/([^"]+)">', page)
    (script,) = re.findall(r'src="/static/dist/(watch-[^"]+)"', page)

    imported = re.findall(r'(?:from|import)"/static/dist/(chunk-[^"]+)"', (DIST / script).read_text())
    assert imported
    assert set(imported) <= set(asked)
    assert all((DIST / name).stat().st_size <= 4096 for name in asked)


@pytest.mark.browser
def test_a_page_is_weighed_untouched_and_its_film_begins_by_itself(house: House) -> None:
    intervention = house.intervention()
    house.premiere.screening(intervention)
    link = house.url(intervention)

    with browser.running() as chromium:
        weights = chromium.weigh(link)
        start = chromium.start(link)
        watched = chromium.watch(link, 0.5)

    assert {"document", "script", "font", "poster, logo, photos"} <= set(weights)
    assert sum(weights.values()) < 200_000
    assert 0 < start.document_s <= start.pressed_s < start.frame_s
    assert start.document_s >= 0.17  # the link and the page: two ways over the slow line
    assert "index.m3u8" in {one.name for one in start.fetched}
    assert watched.first in (180, 270)
    assert watched.later >= watched.first
