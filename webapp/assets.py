"""Names of built front-end files: `asset_url("capture.js")` in a template gives the hashed file of this build."""

import json
from functools import cache
from pathlib import Path

from flask import Flask, url_for

DIST = Path(__file__).parent / "static" / "dist"


@cache
def _manifest() -> dict[str, str]:
    try:
        return json.loads((DIST / "manifest.json").read_text())
    except FileNotFoundError:
        raise RuntimeError("The front end is not built. Run ./dev setup.") from None


def asset_url(name: str) -> str:
    """The URL of a built file, safe to cache for ever."""
    return url_for("static", filename=f"dist/{_manifest()[name]}")


def init_app(app: Flask) -> None:
    """Give templates `asset_url`."""
    app.jinja_env.globals["asset_url"] = asset_url
