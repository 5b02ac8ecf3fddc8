"""Built front-end files: `asset_url("capture.js")` in a template gives the hashed file of this build."""

import json
import re
from functools import cache
from pathlib import Path
from typing import cast

from flask import Flask
from whitenoise import WhiteNoise

STATIC = Path(__file__).parent / "static"
DIST = STATIC / "dist"

_HASHED = re.compile(r"-[0-9A-Z]{8}\.\w+$")


@cache
def _manifest() -> dict[str, str]:
    try:
        return cast(dict[str, str], json.loads((DIST / "manifest.json").read_text()))
    except FileNotFoundError:
        raise RuntimeError("The front end is not built. Run ./dev setup.") from None


def asset_url(name: str) -> str:
    """The URL of a built file, safe to cache for ever."""
    return f"/static/dist/{_manifest()[name]}"


@cache
def font_url() -> str:
    """The letters of every page of the staff: fetched beside the style, so that no page is drawn twice."""
    style = (DIST / asset_url("desk.css").rpartition("/")[2]).read_text()
    return re.findall(r'url\("?([^")]+\.woff2)', style)[0]


def init_app(app: Flask) -> None:
    """Serve `webapp/static`, and give templates `asset_url` and `font_url`."""
    app.jinja_env.globals.update(asset_url=asset_url, font_url=font_url)
    served = WhiteNoise(
        app.wsgi_app,
        root=str(STATIC),
        prefix="static/",
        max_age=3600,
        immutable_file_test=lambda _path, url: bool(_HASHED.search(url)),
        add_headers_function=lambda headers, _path, _url: headers.add_header("X-Content-Type-Options", "nosniff"),
    )
    app.wsgi_app = served  # type: ignore[method-assign]
