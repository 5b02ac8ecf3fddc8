"""Headless Chromium for tests: Debian's package, quiet, and never beyond this machine."""

from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, expect, sync_playwright

FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--autoplay-policy=user-gesture-required",
]

expect.set_options(timeout=30_000)  # ms, on a busy machine; alone, what is waited for here takes 2 s at most

# A phone on which nothing moves that need not: without a graphics card a breathing dot keeps a core busy.
PHONE = {"viewport": {"width": 390, "height": 844}, "is_mobile": True, "has_touch": True, "reduced_motion": "reduce"}


@contextmanager
def chromium(*flags: str) -> Iterator[Browser]:
    """A browser with a new profile."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=[*FLAGS, *flags])
        try:
            yield browser
        finally:
            browser.close()
