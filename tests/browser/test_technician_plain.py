"""The technician's page over plain HTTP, in the workshop's own network: browsers give such a page less."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from browsing import chromium
from handset import MIB, Hand
from landing import Garage, free_port
from playwright.sync_api import Browser, expect
from premiere import serving

pytestmark = pytest.mark.browser
HOST = "workshop.example"


@pytest.fixture(scope="module")
def garage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Garage]:
    """Under a name of its own: browsers trust a page of this very machine as one over HTTPS."""
    web, upload = free_port(), free_port()
    addresses = {"PUBLIC_URL": f"http://{HOST}:{web}", "UPLOAD_URL": f"http://{HOST}:{upload}"}
    ports = {"WEB_PORT": str(web), "UPLOAD_PORT": str(upload)}
    opened = Garage(tmp_path_factory.mktemp("garage"), PART_BYTES=str(MIB), **addresses, **ports)
    with serving(opened.app, opened.web.port):
        yield opened
    opened.close()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium(f"--host-resolver-rules=MAP {HOST} 127.0.0.1") as running:
        yield running


def test_films_are_sent_over_plain_http(hand: Hand, film: Path) -> None:
    assert hand.page.evaluate("[isSecureContext, typeof crypto.randomUUID]") == [False, "undefined"]
    hand.pick("library", film)
    hand.wait(lambda: hand.says("sent-making") or hand.says("sent"))
    assert hand.all_arrived()
    assert [asset.size for asset in hand.stored()] == [film.stat().st_size]


def test_a_file_that_cannot_be_taken_up_is_told_of(hand: Hand, film: Path) -> None:
    hand.page.evaluate("() => { Crypto.prototype.getRandomValues = () => { throw new Error('no luck') } }")
    hand.pick("library", film)
    expect(hand.page.get_by_role("alert")).to_have_text(
        "A file could not be taken up. Reload this page, and choose it again."
    )
