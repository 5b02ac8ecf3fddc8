"""The front end is built again under a running shop: the next page shows the new build, and nothing is a 500."""

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from cast import open_page
from flask import Flask
from flask.testing import FlaskClient

from webapp import assets


def lay(dist: Path, number: int) -> None:
    """A build as frontend/build.mjs leaves it: made beside the old one, then put in its place."""
    made = dist.with_name("made")
    made.mkdir()
    font, hashed = f"face-{number:08}.woff2", f"-{number:08}"
    (made / font).write_bytes(b"font")
    names = {}
    for name in ("desk.css", "watch.css", "capture.css", "desk.js", "watch.js", "capture.js"):
        stem, _, kind = name.partition(".")
        names[name] = f"{stem}{hashed}.{kind}"
        text = f"@font-face{{src:url(/static/dist/{font})}} /* {number} */" if kind == "css" else f"// {number}"
        (made / names[name]).write_text(text)
    (made / "manifest.json").write_text(json.dumps(names))
    if dist.exists():
        dist.rename(dist.with_name("old"))
    made.rename(dist)
    shutil.rmtree(dist.with_name("old"), ignore_errors=True)


@pytest.fixture
def dist(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A front end of the test's own, built once."""
    folder = tmp_path / "static" / "dist"
    folder.parent.mkdir()
    monkeypatch.setattr(assets, "DIST", folder)
    assets._read.cache_clear()
    lay(folder, 1)
    return folder


@pytest.fixture
def built_again(dist: Path, shop: Flask, client: FlaskClient) -> Path:
    """A shop that has shown a page of the first build when the second one comes."""
    assert "desk-00000001.css" in client.get("/login").text
    with client.get("/static/dist/desk-00000001.js") as answer:
        assert answer.data == b"// 1"
    lay(dist, 2)
    return dist


def test_the_next_page_names_the_new_files_and_they_are_served(built_again: Path, client: FlaskClient) -> None:
    page = client.get("/login")

    assert page.status_code == 200
    assert "desk-00000002.css" in page.text
    assert "face-00000002.woff2" in page.text
    for name in ("desk-00000002.css", "desk-00000002.js", "face-00000002.woff2"):
        with client.get(f"/static/dist/{name}") as answer:
            assert answer.status_code == 200
            assert "immutable" in answer.headers["Cache-Control"]


def test_a_file_of_the_build_before_is_gone_and_not_an_error(built_again: Path, client: FlaskClient) -> None:
    assert client.get("/static/dist/desk-00000001.js").status_code == 404


def test_the_customers_page_prints_the_new_style(
    built_again: Path, client: FlaskClient, intervention: str, issue: Callable[..., str]
) -> None:
    token = issue(intervention)
    assert "/* 2 */" in (page := open_page(client, token))
    assert "face-00000002.woff2" in page
    lay(built_again, 3)
    assert "/* 3 */" in open_page(client, token)


def test_no_style_needs_a_browser_younger_than_those_the_front_end_is_built_for() -> None:
    """light-dark() came in 2024, and the bundler leaves it as it is: colours would be lost without a word."""
    root = Path(assets.__file__).parent
    styles = [*(root.parent / "frontend" / "styles").glob("*.css"), *root.rglob("*.html")]
    assert len(styles) > 20
    for path in styles:
        text = re.sub(r"/\*.*?\*/", "", path.read_text(), flags=re.DOTALL)
        assert "light-dark(" not in text, path.name


def test_a_front_end_that_was_never_built_is_said_in_one_line(dist: Path, client: FlaskClient) -> None:
    shutil.rmtree(dist)
    assets._read.cache_clear()
    with pytest.raises(RuntimeError, match=r"Run \./dev setup"):
        assets.asset_url("desk.css")
