"""Pictures of a film that plays on its customer's page while the phone still sends it.

    python tests/growing.py FILM [FOLDER]

Starts the whole product, sends FILM through the technician's page at the film's own bit rate (the upload takes as long
as the film), and keeps both pages side by side, at four moments, as FOLDER/growing-1.jpg … growing-4.jpg. Prints when
each was taken and how much had been acknowledged by then.
"""

import io
import sys
import time
from pathlib import Path

import av
from browsing import PHONE, chromium
from PIL import Image
from playwright.sync_api import Page
from running import wait_for
from shopfloor import acknowledged, begin, make_link, shop, states, throttle

FILM = "document.querySelector('media-controller video')"


def keep(path: Path, *pages: Page) -> None:
    """The pages as they are now, beside one another."""
    shots = [Image.open(io.BytesIO(page.screenshot())).convert("RGB").reduce(2) for page in pages]
    wide, high = shots[0].size
    whole = Image.new("RGB", (wide * len(shots) + 20 * (len(shots) - 1), high), "white")
    for place, shot in enumerate(shots):
        whole.paste(shot, (place * (wide + 20), 0))
    whole.save(path, quality=82, optimize=True)


def record(film: Path, folder: Path) -> None:
    """The four moments. Raises: AssertionError if the film did not play before its upload had ended."""
    size = film.stat().st_size
    with av.open(str(film)) as opened:
        seconds = opened.duration / av.time_base
    with shop() as address, chromium() as browser:
        phone = browser.new_context(**PHONE, device_scale_factor=2, color_scheme="light")
        sending, desk = phone.new_page(), phone.new_page()
        begin(sending, address, language="en")
        desk.goto(sending.url.removesuffix("/capture"))
        link = make_link(desk)
        desk.close()
        seen = browser.new_context(**PHONE, device_scale_factor=2, color_scheme="light").new_page()
        throttle(sending, size / seconds)
        began = time.monotonic()
        sending.locator("input[name=film]").set_input_files(str(film))

        def moment(number: int, what: str) -> None:
            at, sent = time.monotonic() - began, acknowledged(sending) / size
            sys.stdout.write(f"{number}  {at:5.1f} s  {sent:4.0%} sent  {what}\n")
            keep(folder / f"growing-{number}.jpg", sending, seen)

        wait_for(lambda: acknowledged(sending) > 0, 60)
        seen.goto(link)
        moment(1, "the customer has the link")
        seen.locator(".start").wait_for(timeout=300_000)
        moment(2, "it can be played")
        seen.tap(".start")
        wait_for(lambda: seen.evaluate(f"{FILM}?.currentTime > 3"), 120)
        moment(3, "it plays")
        assert acknowledged(sending) < size, "it plays only now that the upload has ended"
        wait_for(lambda: states(sending) == ["ready"], 600)
        wait_for(lambda: seen.locator(".growing").count() == 0, 30)
        moment(4, "it is finished")
        assert seen.evaluate("performance.getEntriesByType('navigation').length") == 1


if __name__ == "__main__":
    record(Path(sys.argv[1]), Path(sys.argv[2] if len(sys.argv) > 2 else "docs/pictures"))
