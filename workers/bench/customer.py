"""A customer who looks at the page, and at the film as a player does, until something is there; and a crowd of them."""

import re
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection
from urllib.parse import urljoin, urlsplit

_PLAYLIST = re.compile(r'data-playlist="([^"]+)"')
_LOOK_S = 0.2  # how often; the page itself looks every few seconds, and a player as often as the segments are long


class Gone(Exception):
    """The page does not answer as it should; the text says how."""


class Customer:
    """One opened link."""

    def __init__(self, link: str) -> None:
        """Raises: Gone."""
        parts = urlsplit(link)
        self._line = HTTPConnection(parts.netloc, timeout=30)
        self._line.request("GET", parts.path)
        answer = self._line.getresponse()
        answer.read()
        where, cookie = answer.headers.get("Location"), answer.headers.get("Set-Cookie", "")
        if answer.status != 303 or not where:
            raise Gone(f"the link answers {answer.status}")
        self.page = urlsplit(urljoin(link, where)).path
        self.cookie = cookie.partition(";")[0]

    def get(self, path: str) -> bytes:
        """The body at a path. Raises: Gone."""
        self._line.request("GET", path, headers={"Cookie": self.cookie})
        answer = self._line.getresponse()
        body = answer.read()
        if answer.status != 200:
            raise Gone(f"{answer.status} for a page, playlist or segment")
        return body

    def first_second(self, within_s: float, given_up: Callable[[], str | None] = lambda: None) -> float:
        """When the first segment of a film had been fetched (s, monotonic): page, playlists, init and segment.

        `given_up` says why waiting has no sense any more. Raises: Gone.
        """
        deadline = time.monotonic() + within_s
        while not (found := _PLAYLIST.search(self.get(self.page).decode())):
            if (why := given_up()) or time.monotonic() > deadline:
                raise Gone(why or f"no film within {within_s:.0f} s")
            time.sleep(_LOOK_S)
        playlist = found.group(1)
        variant = urljoin(playlist, _uris(self.get(playlist).decode())[0])
        media = self.get(variant).decode()
        (start,) = re.findall(r'#EXT-X-MAP:URI="([^"]+)"', media)[:1]
        self.get(urljoin(variant, start))
        self.get(urljoin(variant, _uris(media)[0]))
        return time.monotonic()

    def close(self) -> None:
        self._line.close()


def _uris(playlist: str) -> list[str]:
    return [line for line in playlist.splitlines() if line and not line.startswith("#")]


def crowd(url: str, cookie: str, rate: int, seconds: float) -> tuple[list[float], int]:
    """Ask for a page `rate` times a second: seconds each answer took since it was due, and how many were not 200."""
    began, own, waits, refused = time.monotonic() + 0.2, threading.local(), [], []
    parts = urlsplit(url)

    def ask(due: float) -> None:
        time.sleep(max(0.0, due - time.monotonic()))
        if not hasattr(own, "line"):
            own.line = HTTPConnection(parts.netloc, timeout=30)
        own.line.request("GET", parts.path, headers={"Cookie": cookie, "Accept-Encoding": "gzip"})
        answer = own.line.getresponse()
        answer.read()
        waits.append(time.monotonic() - due)
        if answer.status != 200:
            refused.append(answer.status)

    with ThreadPoolExecutor(32) as people:
        list(people.map(ask, (began + number / rate for number in range(int(rate * seconds)))))
    return waits, len(refused)
