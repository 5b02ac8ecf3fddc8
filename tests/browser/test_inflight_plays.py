"""A film plays on its customer's page while the technician's phone still sends it, and becomes the finished one there.

Everything is real: `walkaround up`, a phone on a slow line, and the customer's own browser.
"""

import re
import struct
from collections.abc import Iterator
from pathlib import Path

import pytest
from arriving import in_fragments
from browsing import PHONE
from painting import paint
from playwright.sync_api import Browser, BrowserContext, Error, Page, Route
from running import wait_for
from sameness import made_whole, pieces
from shopfloor import acknowledged, begin, make_link, states, throttle

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("up"), pytest.mark.timeout(600)]

FILM = "document.querySelector('media-controller video')"
SECONDS = 12
LINE = 100_000  # bytes/s: no request takes more than four seconds of it
HALF = 950_000  # bytes: six of the film's seconds, so that two of its chunks can be made
PATIENCE_MS = 90_000  # on a machine that does other things as well
# What must not happen to a film while it is watched, and where it has been.
WATCH = f"""(() => {{
  const film = {FILM};
  window.broken = []; window.furthest = 0; window.back = 0;
  for (const sign of ["emptied", "loadstart", "pause", "seeking", "error"])
    film.addEventListener(sign, () => sign === "pause" && film.ended || broken.push(sign));
  film.addEventListener("timeupdate", () => {{
    back = Math.max(back, furthest - film.currentTime);
    furthest = Math.max(furthest, film.currentTime);
  }});
}})()"""


def film(path: Path, seconds: float) -> Path:
    """As a phone writes it, upright and with its index at the end; about 150 kB a second."""
    rate = ["-b:v", "1200k", "-maxrate", "1200k", "-bufsize", "600k"]
    return paint(path, seconds=seconds, rotation=90, video_filter="noise=alls=20:allf=t", extra=rate)


@pytest.fixture
def phone(browser: Browser) -> Iterator[BrowserContext]:
    context = browser.new_context(**PHONE)
    context.set_default_timeout(PATIENCE_MS)
    yield context
    context.close()


@pytest.fixture
def customer(browser: Browser) -> Iterator[Page]:
    context = browser.new_context(**PHONE)
    context.set_default_timeout(PATIENCE_MS)
    yield context.new_page()
    context.close()


class Line:
    """A phone's line that carries as much of a film as it is told to, and keeps the rest, however long that is."""

    def __init__(self, phone: BrowserContext) -> None:
        self.kept: list[Route] = []
        self.upto = 0.0
        phone.route("**/files/*", self._pass)

    def _pass(self, route: Route) -> None:
        if int(route.request.headers.get("upload-offset", -1)) < self.upto:
            route.continue_()
        else:
            self.kept.append(route)

    def carry(self, upto: float) -> None:
        """Whatever begins before byte `upto`."""
        self.upto, kept = upto, self.kept
        self.kept = []
        for route in kept:
            try:
                self._pass(route)
            except Error:  # the page gave this one up and has asked again
                continue


def send(phone: BrowserContext, address: str, film: Path, reference: str, seen: Page) -> Page:
    """The technician's page with the film on its way over a slow line, and its customer's page, opened at once."""
    page, desk = phone.new_page(), phone.new_page()
    begin(page, address, reference)
    desk.goto(page.url.removesuffix("/capture"))
    link = make_link(desk)
    desk.close()
    throttle(page, LINE)
    with page.expect_response(lambda answer: answer.request.method == "POST" and answer.url.endswith("/files")):
        page.locator("input[name=film]").set_input_files(str(film))
    seen.goto(link)
    return page


def finished(page: Page) -> dict[str, object]:
    """What the customer's page has when nothing is missing: its playlist, and how long it plays."""
    script = """async () => {
      const film = document.querySelector('.film'), list = film.querySelector('.screen').dataset.playlist;
      const index = await (await fetch(list)).text();
      const name = index.split('\\n').find(line => /^[^#].*m3u8/.test(line));
      const text = await (await fetch(new URL(name, new URL(list, location)))).text();
      const lengths = [...text.matchAll(/#EXTINF:([\\d.]+)/g)].map(([, length]) => +length);
      return {
        stage: film.dataset.stage, storyboard: !!film.dataset.storyboard,
        kind: /PLAYLIST-TYPE:(\\w+)/.exec(text)[1], ended: text.includes('#EXT-X-ENDLIST'),
        seconds: lengths.reduce((sum, length) => sum + length, 0),
      };
    }"""
    return page.evaluate(script)


def as_it_should_be(page: Page, seconds: float) -> None:
    made = finished(page)
    assert made.pop("seconds") == pytest.approx(seconds, abs=0.1)
    assert made == {"stage": "ready", "storyboard": True, "kind": "VOD", "ended": True}


def test_it_plays_before_the_upload_has_ended_and_is_finished_without_a_reload(
    address: str, phone: BrowserContext, customer: Page, tmp_path: Path
) -> None:
    filmed, line, seen = film(tmp_path / "IMG_0042.MOV", SECONDS), Line(phone), customer
    sending = send(phone, address, filmed, "RO-early", seen)
    assert seen.locator(".making").inner_text().startswith("Le film est ")

    line.carry(HALF)
    seen.locator(".start").wait_for()
    seen.tap(".start")
    wait_for(lambda: seen.evaluate(f"{FILM}?.currentTime > 1"), 90)
    seen.evaluate(WATCH)
    assert 0 < acknowledged(sending) < filmed.stat().st_size, "it plays while it is sent"
    assert seen.locator(".growing").inner_text() == "La suite arrive"
    assert finished(seen)["kind"] == "EVENT"
    assert not finished(seen)["ended"]
    wait_for(lambda: "plays already" in sending.locator(".entry-state").inner_text(), 30)

    # The technician sees it grow too. Whoever goes beyond what is there waits for it, and is not taken back.
    sending.locator(".entry .thumb:not([disabled])").click()
    video = "document.querySelector('dialog.preview video')"
    sending.evaluate(f"{video}.muted = true, {video}.play()")
    wait_for(lambda: sending.evaluate(f"{video}.currentTime > 1"), 90)
    assert sending.locator("dialog .growing").is_visible()
    place = sending.evaluate(f"{video}.currentTime = {video}.duration")
    assert place < SECONDS - 3
    watch = f"() => window.least = Math.min(window.least ?? 99, {video}.currentTime || 99)"
    sending.evaluate(f"{video}.addEventListener('timeupdate', {watch})")

    wait_for(lambda: line.kept, 90)
    assert states(sending) == ["sending"]
    assert acknowledged(sending) < filmed.stat().st_size
    throttle(sending, 10 * LINE)
    line.carry(filmed.stat().st_size)
    wait_for(lambda: states(sending) == ["ready"], 240)
    wait_for(lambda: seen.locator(".film").get_attribute("data-stage") == "ready", 60)
    wait_for(lambda: seen.evaluate(f"{FILM}.ended"), 60)
    as_it_should_be(seen, SECONDS)
    assert seen.evaluate("broken") == []
    assert seen.evaluate("back") < 0.1
    assert seen.evaluate(f"{FILM}.currentTime") == pytest.approx(SECONDS, abs=0.2)
    assert seen.evaluate(f"{FILM}.videoWidth < {FILM}.videoHeight"), "upright from its first second on"
    assert seen.locator(".growing").count() == 0
    assert seen.evaluate("performance.getEntriesByType('navigation').length") == 1

    sending.locator("dialog .growing").wait_for(state="detached")
    wait_for(lambda: sending.evaluate(f"{video}.ended"), 60)
    assert sending.evaluate("least") >= place - 0.2  # handed over, it begins just before
    assert sending.evaluate(f"{video}.duration") == pytest.approx(SECONDS, abs=0.2)


def lie(film: bytes) -> bytes:
    """The film's index, with every place in the file 5,000 bytes beside the true one."""
    index = bytearray(film[film.rindex(b"moov") - 4 :])
    for found in re.finditer(b"stco", bytes(index)):
        (count,) = struct.unpack_from(">I", index, found.end() + 4)
        for place in range(found.end() + 8, found.end() + 8 + 4 * count, 4):
            struct.pack_into(">I", index, place, struct.unpack_from(">I", index, place)[0] + 5000)
    return bytes(index)


def test_a_film_in_fragments_plays_while_it_is_sent_and_is_the_same_in_the_end(
    address: str, phone: BrowserContext, customer: Page, tmp_path: Path
) -> None:
    filmed = tmp_path / "film.mp4"
    size, line = filmed.write_bytes(in_fragments(filmed, SECONDS).body), Line(phone)
    sending = send(phone, address, filmed, "RO-fragments", customer)
    line.carry(size / 2)
    customer.locator(".start").wait_for()
    assert 0 < acknowledged(sending) < size
    assert finished(customer)["kind"] == "EVENT"

    throttle(sending, 10 * LINE)
    line.carry(size)
    wait_for(lambda: states(sending) == ["ready"], 240)

    wait_for(lambda: customer.locator(".film").get_attribute("data-stage") == "ready", 60)
    as_it_should_be(customer, SECONDS)
    assert pieces(customer) == made_whole(filmed, tmp_path)


@pytest.mark.parametrize("hint", ["lost", "lying"])
def test_without_a_true_hint_the_film_is_the_same_in_the_end(
    address: str, phone: BrowserContext, customer: Page, tmp_path: Path, hint: str
) -> None:
    seconds = 6
    filmed, seen = film(tmp_path / "IMG_0042.MOV", seconds), customer
    asked: list[str] = []

    def change(route: Route) -> None:
        asked.append(route.request.url)
        if hint == "lost":
            route.abort()
        else:
            route.continue_(post_data=lie(filmed.read_bytes()))

    phone.route("**/files/*/index?*", change)
    sending = send(phone, address, filmed, f"RO-{hint}", seen)
    wait_for(lambda: states(sending) == ["ready"], 240)
    assert len(asked) == 1
    wait_for(lambda: seen.locator(".film").get_attribute("data-stage") == "ready", 60)
    as_it_should_be(seen, seconds)
    seen.tap(".start")
    wait_for(lambda: seen.evaluate(f"{FILM}?.currentTime > 1"), 60)
    seen.evaluate(f"{FILM}.currentTime = {seconds - 2}")
    wait_for(lambda: seen.evaluate(f"{FILM}.ended"), 60)
    assert seen.evaluate(f"{FILM}.currentTime") == pytest.approx(seconds, abs=0.2)
    assert seen.evaluate(f"{FILM}.videoWidth < {FILM}.videoHeight")
