"""Built front-end files: `asset_url("capture.js")` in a template gives the hashed file of the present build.

Another build may take its place while we run (`./dev setup`): the manifest is looked at with every request, and what
was read of the build before is forgotten then.
"""

import json
import re
import threading
import time
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from typing import Any, cast

from flask import Flask
from markupsafe import Markup
from whitenoise import WhiteNoise

STATIC = Path(__file__).parent / "static"
DIST = STATIC / "dist"

_HASHED = re.compile(r"-[0-9A-Z]{8}\.\w+$")
Stamp = tuple[int, int]


def _stamp() -> Stamp | None:
    """Tells one build from another; None where there is none."""
    try:
        found = (DIST / "manifest.json").stat()
    except FileNotFoundError:
        return None
    return found.st_ino, found.st_mtime_ns


def _manifest() -> dict[str, str]:
    for _ in range(20):  # a build is away for microseconds while another takes its place
        with suppress(FileNotFoundError):
            return _read(_stamp())
        time.sleep(0.005)
    raise RuntimeError("The front end is not built. Run ./dev setup.")


@lru_cache(maxsize=1)
def _read(_: Stamp | None) -> dict[str, str]:
    return cast(dict[str, str], json.loads((DIST / "manifest.json").read_text()))


def asset_url(name: str) -> str:
    """The URL of a built file, safe to cache for ever."""
    return f"/static/dist/{_manifest()[name]}"


def preloads(name: str) -> list[str]:
    """The URLs of the small files behind a script, for a page that cannot wait to find them one after the other."""
    return [f"/static/dist/{file}" for file in _manifest().get(f"{name}+", "").split()]


def style(name: str) -> Markup:
    """The text of a built style, to be printed into a page whose first paint waits for nothing else."""
    return _style(asset_url(name).rpartition("/")[2])


def font_url(name: str = "desk.css") -> str:
    """The first font which a style asks for: fetched beside it, so that no page is drawn twice."""
    return re.findall(r'url\("?([^")]+\.woff2)', style(name))[0]


@lru_cache(maxsize=8)
def _style(file: str) -> Markup:
    return Markup((DIST / file).read_text())  # our own build's text


class Served:
    """The build's files in front of an application, whichever build it is by now."""

    def __init__(self, application: Any) -> None:
        self._application = application
        self._turn = threading.Lock()
        self._stamp = _stamp()
        self._files = self._look()

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Any:
        if (stamp := _stamp()) not in (None, self._stamp):
            with self._turn:
                if stamp != self._stamp:
                    self._files, self._stamp = self._look(), stamp
        return self._files(environ, start_response)

    def _look(self) -> WhiteNoise:
        return WhiteNoise(
            self._application,
            root=str(DIST) if DIST.is_dir() else None,
            prefix="static/dist/",
            max_age=3600,
            immutable_file_test=lambda _path, url: bool(_HASHED.search(url)),
            add_headers_function=lambda headers, _path, _url: headers.add_header("X-Content-Type-Options", "nosniff"),
        )


def init_app(app: Flask) -> None:
    """Serve the build, and give templates `asset_url` and `font_url`."""
    app.jinja_env.globals.update(asset_url=asset_url, font_url=font_url, preloads=preloads)
    app.wsgi_app = Served(app.wsgi_app)  # type: ignore[method-assign]
