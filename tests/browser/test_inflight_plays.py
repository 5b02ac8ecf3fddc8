"""A film plays on its customer's page while the technician's phone still sends it, and becomes the finished one there.

Everything is real: `walkaround up`, a phone on a slow line, and the customer's own browser.
"""

import re
import struct
from collections.abc import Iterator
from pathlib import Path

import pytest
from browsing import chromium
from painting import paint
from playwright.sync_api import Browser, BrowserContext, Page, Route
from running import wait_for
from shopfloor import PHONE, acknowledged, begin, make_link, shop, states, throttle

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("up"), pytest.mark.timeout(600)]

FILM = "document.querySelector('media-controller video')"
SECONDS = 16
LINE = 70_000  # bytes/s: the film is on its way for longer than it lasts
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


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with shop() as running:
        yield running


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as one:
        yield one


@pytest.fixture(scope="module")
def filmed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """As a phone writes it, upright and with its index at the end; about 2.5 MB."""
    path = tmp_path_factory.mktemp("filmed") / "IMG_0042.MOV"
    rate = ["-b:v", "1200k", "-maxrate", "1200k", "-bufsize", "600k"]
    return paint(path, seconds=SECONDS, rotation=90, video_filter="noise=alls=20:allf=t", extra=rate)


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


def send(phone: BrowserContext, address: str, film: Path, reference: str, line: float = LINE) -> tuple[Page, str]:
    """The technician's page with the film on its way over a slow line, and the link made at once."""
    page, desk = phone.new_page(), phone.new_page()
    begin(page, address, reference)
    desk.goto(page.url.removesuffix("/capture"))
    throttle(page, line)
    page.locator("input[name=film]").set_input_files(str(film))
    return page, make_link(desk)


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


def as_it_should_be(page: Page) -> None:
    made = finished(page)
    assert made.pop("seconds") == pytest.approx(SECONDS, abs=0.1)
    assert made == {"stage": "ready", "storyboard": True, "kind": "VOD", "ended": True}


def test_it_plays_before_the_upload_has_ended_and_is_finished_without_a_reload(
    address: str, phone: BrowserContext, customer: Page, filmed: Path
) -> None:
    sending, link = send(phone, address, filmed, "RO-early")
    seen = customer
    seen.goto(link)
    assert seen.locator(".making").inner_text().startswith("Le film est ")

    seen.locator(".start").wait_for()
    seen.tap(".start")
    wait_for(lambda: seen.evaluate(f"{FILM}?.currentTime > 1"), 60)
    seen.evaluate(WATCH)
    assert 0 < acknowledged(sending) < filmed.stat().st_size, "it plays while it is sent"
    assert states(sending) == ["sending"]
    assert seen.locator(".growing").inner_text() == "La suite arrive"
    assert finished(seen)["kind"] == "EVENT"
    assert not finished(seen)["ended"]
    wait_for(lambda: "plays already" in sending.locator(".entry-state").inner_text(), 30)

    wait_for(lambda: states(sending) == ["ready"], 120)
    wait_for(lambda: seen.locator(".film").get_attribute("data-stage") == "ready", 60)
    wait_for(lambda: seen.evaluate(f"{FILM}.ended"), 60)
    as_it_should_be(seen)
    assert seen.evaluate("broken") == []
    assert seen.evaluate("back") < 0.1
    assert seen.evaluate(f"{FILM}.currentTime") == pytest.approx(SECONDS, abs=0.2)
    assert seen.evaluate(f"{FILM}.videoWidth < {FILM}.videoHeight"), "upright from its first second on"
    assert seen.locator(".growing").count() == 0
    assert seen.evaluate("performance.getEntriesByType('navigation').length") == 1


def test_the_technician_sees_it_grow_too(address: str, phone: BrowserContext, filmed: Path) -> None:
    sending, _ = send(phone, address, filmed, "RO-preview")
    button = sending.locator(".entry .thumb:not([disabled])")
    button.wait_for()
    button.click()
    video = "document.querySelector('dialog.preview video')"
    sending.evaluate(f"{video}.muted = true, {video}.play()")
    wait_for(lambda: sending.evaluate(f"{video}.currentTime > 1"), 60)
    assert acknowledged(sending) < filmed.stat().st_size
    assert sending.locator("dialog .growing").is_visible()

    # Whoever goes beyond what is there waits for it, and is not taken back.
    place = sending.evaluate(f"{video}.currentTime = {video}.duration")
    assert place < SECONDS - 3
    watch = f"() => window.least = Math.min(window.least ?? 99, {video}.currentTime)"
    sending.evaluate(f"{video}.addEventListener('timeupdate', {watch})")
    sending.locator("dialog .growing").wait_for(state="detached")
    wait_for(lambda: sending.evaluate(f"{video}.ended"), 60)
    assert sending.evaluate("least") >= place - 0.1
    assert sending.evaluate(f"{video}.duration") == pytest.approx(SECONDS, abs=0.2)


def lie(film: bytes) -> bytes:
    """The film's index, with every place in the file 5,000 bytes beside the true one."""
    index = bytearray(film[film.rindex(b"moov") - 4 :])
    for found in re.finditer(b"stco", bytes(index)):
        (count,) = struct.unpack_from(">I", index, found.end() + 4)
        for place in range(found.end() + 8, found.end() + 8 + 4 * count, 4):
            struct.pack_into(">I", index, place, struct.unpack_from(">I", index, place)[0] + 5000)
    return bytes(index)


@pytest.mark.parametrize("hint", ["lost", "lying"])
def test_without_a_true_hint_the_film_is_the_same_in_the_end(
    address: str, phone: BrowserContext, customer: Page, filmed: Path, hint: str
) -> None:
    film = filmed.read_bytes()
    asked: list[str] = []

    def change(route: Route) -> None:
        asked.append(route.request.url)
        if hint == "lost":
            route.abort()
        else:
            route.continue_(post_data=lie(film))

    phone.route("**/files/*/index?*", change)
    sending, link = send(phone, address, filmed, f"RO-{hint}", 3 * LINE)
    seen = customer
    seen.goto(link)
    wait_for(lambda: states(sending) == ["ready"], 180)
    assert len(asked) == 1
    wait_for(lambda: seen.locator(".film").get_attribute("data-stage") == "ready", 60)
    as_it_should_be(seen)
    seen.tap(".start")
    wait_for(lambda: seen.evaluate(f"{FILM}?.currentTime > 1"), 60)
    seen.evaluate(f"{FILM}.currentTime = {SECONDS - 2}")
    wait_for(lambda: seen.evaluate(f"{FILM}.ended"), 60)
    assert seen.evaluate(f"{FILM}.currentTime") == pytest.approx(SECONDS, abs=0.2)
    assert seen.evaluate(f"{FILM}.videoWidth < {FILM}.videoHeight")
