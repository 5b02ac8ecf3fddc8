"""Whatever the server says, the phone keeps its copy of a file until the file has arrived or a person removes it."""

import os
import re
from pathlib import Path

import pytest
from handset import MIB, Hand
from playwright.sync_api import Route
from sqlalchemy import select

from pipeline.catalog import assets
from webapp.database import session
from webapp.interventions.models import Item

pytestmark = pytest.mark.browser

SLICES = """() => new Promise((resolve, reject) => {
  const opened = indexedDB.open("walkaround-capture", 1);
  opened.onerror = reject;
  opened.onsuccess = () => {
    const all = opened.result.transaction("slices").objectStore("slices").getAll();
    all.onsuccess = () => resolve(all.result.reduce((sum, slice) => sum + slice.byteLength, 0));
  };
})"""


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    path = tmp_path / "IMG_0043.JPG"
    path.write_bytes(os.urandom(4321))
    return path


def kept(hand: Hand) -> int:
    """The bytes of files in the phone's own memory."""
    return hand.page.evaluate(SLICES)


def said(hand: Hand) -> str:
    return hand.page.locator(".entry-state").first.inner_text()


def test_a_server_that_forgot_the_upload_gets_the_whole_film_again(hand: Hand, film: Path) -> None:
    hand.slow_down()
    hand.pick("film", film)
    hand.wait(lambda: hand.shown() >= MIB and kept(hand) == film.stat().st_size)
    hand.context.set_offline(True)
    hand.wait(lambda: hand.says("no-network"))
    with hand.garage.app.app_context():
        assets.erase(session(), hand.stored()[0].id)
        session.commit()
    film_bytes = film.read_bytes()
    film.unlink()  # the picker's file is gone: what the phone keeps is the only copy
    hand.context.set_offline(False)
    hand.page.reload()
    hand.page.locator(".status[data-key=some-unsent]").wait_for(timeout=30_000)
    assert said(hand) == "The server no longer has this file. It is still on this phone."
    assert kept(hand) == len(film_bytes)

    hand.page.get_by_role("button", name="Send again").click()
    hand.page.locator(".status[data-key=sent-making]").wait_for(timeout=30_000)
    assert [hand.garage.original(asset.id) for asset in hand.stored()] == [film_bytes]
    hand.wait(lambda: kept(hand) == 0)


@pytest.mark.parametrize("status", [400, 403, 413])
def test_a_proxys_refusal_deletes_nothing_and_remove_does(hand: Hand, film: Path, status: int) -> None:
    allowed = {"Access-Control-Allow-Origin": hand.garage.settings.effective_public_url}

    def refuse(route: Route) -> None:
        route.fulfill(status=status, headers=allowed, body="<h1>Request blocked</h1>")

    hand.page.route("**/files", refuse)
    hand.pick("film", film)
    hand.wait(lambda: hand.says("some-unsent") and kept(hand) == film.stat().st_size)
    assert "blocked" not in said(hand)
    assert hand.stored() == []
    hand.page.get_by_role("button", name="Remove").click()
    hand.wait(lambda: kept(hand) == 0 and hand.cards.count() == 0)


def test_a_file_that_is_too_large_is_told_what_to_do_instead_and_never_sent(hand: Hand, film: Path) -> None:
    def lower(route: Route) -> None:
        answer = route.fetch()
        route.fulfill(response=answer, body=re.sub(r'"max": ?\d+', f'"max": {MIB}', answer.text()))

    hand.page.route("**/capture", lower)
    hand.page.reload()
    asked: list[str] = []
    hand.page.on("request", lambda request: asked.append(request.url))
    hand.pick("film", film)
    hand.wait(lambda: hand.says("some-unsent"))

    assert said(hand) == "The file is too large. Film in 1080p instead of 4K, or send two shorter films."
    tools = hand.page.locator(".entry-tools button")
    assert [tools.nth(number).inner_text() for number in range(tools.count())] == ["Remove"]
    assert hand.stored() == []
    assert [url for url in asked if "/files" in url] == []
    tools.click()
    hand.wait(lambda: hand.cards.count() == 0)


def test_a_server_that_asks_for_patience_gets_it(hand: Hand, film: Path) -> None:
    allowed = {
        "Access-Control-Allow-Origin": hand.garage.settings.effective_public_url,
        "Access-Control-Expose-Headers": "Retry-After",
        "Retry-After": "3",
    }
    hand.page.route("**/files", lambda route: route.fulfill(status=429, headers=allowed), times=1)
    hand.pick("film", film)
    hand.wait(lambda: hand.says("held"))
    assert "busy" in said(hand)
    hand.wait(lambda: hand.says("sent-making"))
    assert hand.garage.original(hand.stored()[0].id) == film.read_bytes()


def caption(hand: Hand) -> str:
    with hand.garage.app.app_context():
        return session.scalar(select(Item.caption).where(Item.intervention_id == hand.intervention)) or ""


def write(hand: Hand, text: str) -> None:
    hand.page.get_by_role("button", name="Caption and order").click()
    hand.page.get_by_label("Caption", exact=True).fill(text)
    hand.page.get_by_role("button", name="Caption and order").click()
    hand.wait(lambda: hand.page.locator(".entry-name").inner_text() == text)


def test_a_caption_written_without_a_network_outlives_a_reload(hand: Hand, photo: Path) -> None:
    hand.pick("library", photo)
    hand.wait(lambda: hand.says("sent-making"))
    hand.page.reload()  # what was sent is known from the server alone
    hand.context.set_offline(True)
    write(hand, "Left front tyre: 1.6 mm")
    hand.page.wait_for_timeout(300)
    hand.page.route("**/caption", lambda route: route.abort())  # and the line is not what it seems
    hand.context.set_offline(False)
    hand.page.reload()
    hand.wait(lambda: hand.page.locator(".entry-name").inner_text() == "Left front tyre: 1.6 mm")
    assert caption(hand) == ""
    hand.page.unroute("**/caption")
    hand.wait(lambda: caption(hand) == "Left front tyre: 1.6 mm")


def test_a_caption_written_after_the_sign_in_ended_arrives_after_the_next_one(hand: Hand, photo: Path) -> None:
    hand.pick("library", photo)
    hand.wait(lambda: hand.says("sent-making"))
    hand.context.clear_cookies()
    write(hand, "Left front tyre: 1.6 mm")
    hand.wait(lambda: hand.says("signed-out"))
    assert hand.page.get_by_role("link", name="Sign in").is_visible()
    assert caption(hand) == ""
    hand.context.add_cookies([hand.garage.cookie()])  # as in another tab: this page's own tokens are of the old session
    hand.wait(lambda: caption(hand) == "Left front tyre: 1.6 mm" and not hand.says("signed-out"))
