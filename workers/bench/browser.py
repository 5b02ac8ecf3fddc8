"""Chromium on a phone's screen and line: what a page weighs there, and when a film on it shows its first frame."""

import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Page

LINE = "9 Mbit/s, 85 ms"
_4G = {"offline": False, "latency": 85, "downloadThroughput": 9e6 / 8, "uploadThroughput": 9e6 / 8}  # ms, bytes/s
_PHONE: dict[str, Any] = {
    "viewport": {"width": 390, "height": 844}, "device_scale_factor": 3, "is_mobile": True, "has_touch": True,
}  # fmt: skip
_ARGUMENTS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--autoplay-policy=no-user-gesture-required",
]  # fmt: skip
# Presses play when the page's own script has run (a module runs before this event), and notes the first frame.
_HURRY = """(() => {
  const play = HTMLMediaElement.prototype.play;
  const seen = (window.seen = { pressed: 0, frame: 0 });
  HTMLMediaElement.prototype.play = function () {
    this.requestVideoFrameCallback(() => (seen.frame ||= performance.now()));
    return play.call(this);
  };
  addEventListener("DOMContentLoaded", () => {
    seen.pressed = performance.now();
    document.querySelector(".start")?.click();
  });
})()"""
_TELL = """() => ({ ...window.seen, document: performance.getEntriesByType("navigation")[0].responseEnd,
  fetched: performance.getEntriesByType("resource").map(
    (one) => [one.name, one.startTime, one.responseEnd, one.transferSize]) })"""
_SHOWN = """() => { const film = document.querySelector("video");
  return [film.currentTime, Math.min(film.videoWidth, film.videoHeight)] }"""
_FRAME_S = 60.0


class NoBrowser(Exception):
    """There is no browser to measure with, or no picture came; the text says which."""


@dataclass(frozen=True, slots=True)
class Fetched:
    name: str  # the last part of the address
    start_s: float
    end_s: float
    bytes: int


@dataclass(frozen=True, slots=True)
class Start:
    """One cold start, in seconds from the touch of the link."""

    document_s: float
    pressed_s: float
    frame_s: float
    fetched: list[Fetched]


@dataclass(frozen=True, slots=True)
class Watched:
    """What somebody who goes on watching sees: short edges of the picture, px, and how long it stood still, s."""

    first: int
    later: int
    stood_s: float


class Chromium:
    def __init__(self, browser: "Browser") -> None:
        self._browser = browser

    def weigh(self, link: str) -> dict[str, int]:
        """Bytes over the line by kind, until nothing more comes and nothing has been touched."""
        context = self._browser.new_context(**_PHONE)
        page, weights = context.new_page(), dict[str, int]()
        kinds: dict[str, str] = {}
        wire = context.new_cdp_session(page)

        def asked(event: dict[str, Any]) -> None:
            kinds[event["requestId"]] = event.get("type", "Other")
            if "redirectResponse" in event:
                _add(weights, "Redirect", event["redirectResponse"]["encodedDataLength"])

        def came(event: dict[str, Any]) -> None:
            _add(weights, kinds.get(event["requestId"], "Other"), event["encodedDataLength"])

        wire.on("Network.requestWillBeSent", asked)
        wire.on("Network.loadingFinished", came)
        wire.send("Network.enable")
        page.goto(link, wait_until="networkidle")
        context.close()
        return weights

    def start(self, link: str) -> Start:
        """Open the link on the slow line with an empty cache, press play at once. Raises: NoBrowser without a frame."""
        context = self._browser.new_context(**_PHONE)
        try:
            _, told = self._started(context, link)
        finally:
            context.close()
        fetched = [
            Fetched(urlsplit(name).path.rpartition("/")[2], start / 1000, end / 1000, int(size))
            for name, start, end, size in told["fetched"]
            if start < told["frame"]
        ]
        return Start(told["document"] / 1000, told["pressed"] / 1000, told["frame"] / 1000, fetched)

    def watch(self, link: str, seconds: float) -> Watched:
        """Start as `start` does, and go on watching. Raises: NoBrowser without a frame."""
        context = self._browser.new_context(**_PHONE)
        try:
            page, _ = self._started(context, link)
            began = time.monotonic()
            place, first = page.evaluate(_SHOWN)
            page.wait_for_timeout(seconds * 1000)
            now, later = page.evaluate(_SHOWN)
            return Watched(first, later, max(0.0, time.monotonic() - began - (now - place)))
        finally:
            context.close()

    @staticmethod
    def _started(context: "BrowserContext", link: str) -> tuple["Page", dict[str, Any]]:
        """The page with its first frame, and what it tells then."""
        page = context.new_page()
        page.add_init_script(_HURRY)
        wire = context.new_cdp_session(page)
        wire.send("Network.enable")
        wire.send("Network.emulateNetworkConditions", _4G)
        page.goto(link, wait_until="commit")
        deadline = time.monotonic() + _FRAME_S
        while not (told := page.evaluate(_TELL))["frame"]:
            if time.monotonic() > deadline:
                raise NoBrowser(f"no frame within {_FRAME_S:.0f} s; the page says: {page.inner_text('body')[:200]}")
            page.wait_for_timeout(50)
        return page, told


@contextmanager
def running() -> Iterator[Chromium]:
    """Raises: NoBrowser."""
    try:
        from playwright.sync_api import sync_playwright  # a development package: the product needs no browser
    except ImportError as error:
        raise NoBrowser("the page is measured with playwright: ./dev setup") from error
    path = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if path is None:
        raise NoBrowser("the page is measured in Chromium, which is not here")
    with sync_playwright() as drama:
        browser = drama.chromium.launch(executable_path=path, args=_ARGUMENTS)
        try:
            yield Chromium(browser)
        finally:
            browser.close()


def _add(weights: dict[str, int], kind: str, size: float) -> None:
    name = {"Image": "poster, logo, photos", "Stylesheet": "style"}.get(kind, kind.lower())
    weights[name] = weights.get(name, 0) + int(size)
