"""The customer's page in a real browser: it keeps its shape and its secrets, and works without scripts."""

import time
from collections.abc import Callable

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect
from visiting import FILM, House, Visit

pytestmark = pytest.mark.browser


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [320, 1440])
def test_axe_finds_nothing(house: House, visit: Callable[..., Visit], width: int, scheme: str) -> None:
    intervention = house.intervention(asked="A noise when braking.")
    house.premiere.screening(intervention, caption="The left brake pad is down to 2 mm.")
    for caption in ("Front left", "", "Rear right"):
        house.premiere.print(intervention, caption=caption)
    house.premiere.document(intervention, caption="Report")
    size = {"width": width, "height": 800}
    seen = visit(house.url(intervention), viewport=size, color_scheme=scheme, is_mobile=False, has_touch=False)

    assert Axe().run(seen.page).violations_count == 0, Axe().run(seen.page).generate_report()
    assert seen.page.evaluate("document.documentElement.scrollWidth") == width
    seen.page.click(".start")
    seen.until(f"{FILM}?.currentTime > 0.1")
    playing = Axe().run(seen.page)
    assert playing.violations_count == 0, playing.generate_report()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_where_a_link_is_over(house: House, visit: Callable[..., Visit], scheme: str) -> None:
    intervention = house.intervention()
    url = house.url(intervention)
    house.revoke(intervention)
    seen = visit(url, viewport={"width": 320, "height": 800}, color_scheme=scheme)

    assert seen.page.inner_text("h1") == "This page is not available"
    found = Axe().run(seen.page)
    assert found.violations_count == 0, found.generate_report()
    assert seen.page.evaluate("document.documentElement.scrollWidth") == 320


GROUND = "getComputedStyle(document.body).backgroundColor"


@pytest.mark.parametrize(("scheme", "ground"), [("light", "rgb(244, 242, 238)"), ("dark", "rgb(17, 19, 23)")])
def test_the_page_is_light_or_dark_as_its_reader_likes_it(
    house: House, visit: Callable[..., Visit], scheme: str, ground: str
) -> None:
    assert visit(house.url(house.intervention()), color_scheme=scheme).page.evaluate(GROUND) == ground


def test_photos_open_large_and_close_where_they_were(house: House, visit: Callable[..., Visit]) -> None:
    intervention = house.intervention()
    for caption in ("Front left", "Rear right"):
        house.premiere.print(intervention, caption=caption)
    seen = visit(house.url(intervention), viewport={"width": 1000, "height": 800}, is_mobile=False, has_touch=False)

    seen.page.click(".photo:first-child a")
    expect(seen.page.locator("dialog .about")).to_have_text("Front left")
    expect(seen.page.locator("dialog .nth")).to_have_text("1 / 2")
    seen.page.keyboard.press("ArrowRight")
    expect(seen.page.locator("dialog .about")).to_have_text("Rear right")
    expect(seen.page.locator("dialog .nth")).to_have_text("2 / 2")
    seen.until("document.querySelector('dialog img').currentSrc.endsWith('/800.jpg')")
    assert Axe().run(seen.page).violations_count == 0
    seen.page.keyboard.press("Escape")

    expect(seen.page.locator("dialog")).to_be_hidden()
    seen.until("document.activeElement.closest('.photo')?.innerText.trim() === 'Rear right'")
    assert seen.faults == []


def test_two_photos_are_shown_whole_and_fill_the_column(house: House, visit: Callable[..., Visit]) -> None:
    intervention = house.intervention()
    for caption in ("Front left", "Rear right"):
        house.premiere.print(intervention, caption=caption)
    seen = visit(house.url(intervention), viewport={"width": 1440, "height": 900}, is_mobile=False, has_touch=False)

    assert seen.page.evaluate("getComputedStyle(document.querySelector('.photo img')).objectFit") == "contain"
    assert seen.page.locator(".photo .enlarge").count() == 2
    last, card = seen.page.locator(".photo").last.bounding_box(), seen.page.locator(".reach").bounding_box()
    assert last["x"] + last["width"] == pytest.approx(card["x"] + card["width"], abs=1)


@pytest.mark.parametrize("size", [(1440, 900), (1440, 700), (390, 844), (844, 390)])
def test_a_pair_of_photos_has_no_bars_beside_them(
    house: House, visit: Callable[..., Visit], size: tuple[int, int]
) -> None:
    intervention = house.intervention()
    for _ in range(2):
        house.premiere.print(intervention, size=(600, 800))
    seen = visit(house.url(intervention), viewport={"width": size[0], "height": size[1]})

    for tile in seen.page.locator(".photo a").all():
        box = tile.bounding_box()
        assert box["width"] / box["height"] == pytest.approx(600 / 800, rel=0.01)
        assert box["height"] <= size[1] * 0.75


@pytest.mark.parametrize("shape", [(600, 800), (800, 600)])
def test_a_photo_on_a_phone_is_large_and_the_next_one_looks_in(
    house: House, visit: Callable[..., Visit], shape: tuple[int, int]
) -> None:
    intervention = house.intervention()
    for _ in range(2):
        house.premiere.print(intervention, size=shape)
    seen = visit(house.url(intervention))

    first, second = (tile.bounding_box() for tile in seen.page.locator(".photo a").all())
    assert first["width"] == pytest.approx(0.78 * 390, abs=1)
    assert 30 < 390 - second["x"] < 80


def test_a_document_is_saved_under_the_name_that_the_page_shows(house: House, visit: Callable[..., Visit]) -> None:
    intervention = house.intervention(customer_language="de")
    for caption in ("", "Angebot: Bremsen.", ""):
        house.premiere.document(intervention, caption=caption)
    seen = visit(house.url(intervention))

    saved = []
    for paper in seen.page.locator(".paper a").all():
        with seen.page.expect_download() as got:
            paper.click()
        saved.append(got.value.suggested_filename)
        assert paper.get_attribute("download") == saved[-1]
    assert saved == ["Dokument 1.pdf", "Angebot Bremsen.pdf", "Dokument 3.pdf"]


def test_without_scripts_everything_can_be_read_and_the_film_has_the_browsers_own_player(
    house: House, visit: Callable[..., Visit]
) -> None:
    intervention = house.intervention()
    house.premiere.screening(intervention, caption="The left brake pad is down to 2 mm.")
    house.premiere.print(intervention, caption="Front left")
    house.premiere.document(intervention, caption="Report")
    seen = visit(house.url(intervention), java_script_enabled=False)

    assert "The left brake pad" in seen.page.inner_text("main")
    assert "JavaScript" in seen.page.inner_text(".films > noscript")
    assert seen.page.locator("noscript video[controls][poster]").get_attribute("src").endswith("/index.m3u8")
    photo = seen.page.locator(".photo img")
    photo.scroll_into_view_if_needed()
    assert photo.is_visible()
    assert seen.page.locator(".paper a[download]").get_attribute("href").endswith("/document.pdf")
    assert seen.page.locator("a[href^='tel:']").first.is_visible()


def test_that_the_page_was_opened_is_said_by_the_page_and_not_by_a_scanner(
    house: House, visit: Callable[..., Visit]
) -> None:
    intervention = house.intervention()
    url = house.url(intervention)
    visit(url, java_script_enabled=False)
    with house.app.app_context():
        assert house.link(intervention).opened_at is None

    before = time.time()
    with (seen := visit("about:blank")).page.expect_response("**/opened") as answer:
        seen.page.goto(url)

    assert answer.value.status == 204
    with house.app.app_context():
        assert house.link(intervention).opened_at == pytest.approx(before, abs=10)


def test_two_links_live_side_by_side_on_one_phone(house: House, visit: Callable[..., Visit]) -> None:
    first, second = house.intervention(model="Mégane"), house.intervention(model="Clio")
    seen = visit(house.url(first))
    clean = seen.page.url
    seen.page.goto(house.url(second))
    assert "Clio" in seen.page.inner_text("h1")

    seen.page.goto(clean)
    assert "Mégane" in seen.page.inner_text("h1")
    cookies = seen.page.context.cookies()
    assert len(cookies) == 2
    assert all(cookie["name"].startswith("__Host-") and cookie["secure"] and cookie["httpOnly"] for cookie in cookies)


def test_the_page_costs_at_most_sixty_kilobytes_before_play(house: House, visit: Callable[..., Visit]) -> None:
    intervention = house.intervention()
    house.premiere.screening(intervention)
    seen = visit("about:blank")
    network = seen.page.context.new_cdp_session(seen.page)
    kinds, sizes = {}, {}
    network.on("Network.responseReceived", lambda event: kinds.update({event["requestId"]: event["type"]}))
    network.on("Network.loadingFinished", lambda e: sizes.update({e["requestId"]: e["encodedDataLength"]}))
    network.send("Network.enable")
    seen.page.goto(house.url(intervention), wait_until="networkidle")

    spent = dict.fromkeys(kinds.values(), 0)
    for id, kind in kinds.items():
        spent[kind] += sizes.get(id, 0)
    assert spent["Document"] > 1000
    assert spent["Script"] > 1000
    assert sum(size for kind, size in spent.items() if kind != "Image") <= 60_000
