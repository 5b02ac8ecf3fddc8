"""The technician's page: what it starts with, what it tells, and to whom."""

import json
import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from finished import Finisher
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import update

from pipeline.catalog.models import Asset, State
from webapp.accounts.models import User
from webapp.database import session
from webapp.interventions import reasons
from webapp.interventions.capture import CHIPS
from webapp.languages import catalog
from webapp.uploads import tokens
from workers.settings import Settings

FRONTEND = Path(__file__).parents[2] / "frontend"


def block(page: str, name: str) -> dict[str, object]:
    """The JSON the page carries under an id."""
    found = re.search(rf'<script type="application/json" id="{name}">(.*?)</script>', page, re.DOTALL)
    assert found
    return json.loads(found[1])


def test_the_page_starts_with_a_key_for_this_intervention_only(
    bob: FlaskClient, settings: Settings, intervention: str
) -> None:
    page = bob.get(f"/interventions/{intervention}/capture")
    start = block(page.text, "start")
    _, opens = tokens.read(settings.effective_secret_key, start["token"])
    assert opens == intervention == start["intervention"]
    assert start["endpoint"] == f"{settings.effective_upload_url}/files"
    assert settings.effective_upload_url in page.headers["Content-Security-Policy"]
    assert "script-src 'self';" in page.headers["Content-Security-Policy"]
    assert page.headers["Cache-Control"] == "no-store"


def test_every_sentence_the_page_uses_is_there(bob: FlaskClient, intervention: str) -> None:
    words = block(bob.get(f"/interventions/{intervention}/capture").text, "words")
    source = "".join(path.read_text() for path in (FRONTEND / "src" / "capture").iterdir())
    used = set(re.findall(r"\bt\(\"([a-z-]+)\"", source)) | set(re.findall(r"key: \"([a-z-]+)\"", source))
    used |= {"caption-file", "caption-hint"}
    used |= {"sending-one", "sending", "remove", "remove-sure", "film", "photo", "document", "library", "file"}
    assert used <= set(words)
    assert all(words.values())


def test_quick_words_are_read_by_the_technician_and_written_for_the_customer(
    shop: Flask, bob: FlaskClient, add_intervention: Callable[..., str]
) -> None:
    with shop.app_context():
        session.execute(update(User).values(language="fr"))
        session.commit()
    start = block(bob.get(f"/interventions/{add_intervention(customer_language='de')}/capture").text, "start")
    assert (start["language"], start["written"]) == ("fr", "de")
    assert start["chips"]["film"][:2] == [["Freins", "Bremsen"], ["Pneus", "Reifen"]]
    assert start["chips"]["document"] == [["Devis", "Angebot"], ["Rapport", "Bericht"], ["Facture", "Rechnung"]]


@pytest.mark.parametrize("language", ["fr", "de"])
def test_every_quick_word_is_translated(language: str) -> None:
    for words in CHIPS.values():
        theirs = catalog(language).gettext(words)
        assert theirs.count("|") == words.count("|")
        assert theirs != words


@pytest.mark.parametrize("language", ["fr", "de"])
def test_the_page_and_every_refusal_are_translated(language: str) -> None:
    template = (FRONTEND.parent / "webapp/interventions/templates/interventions/capture.html").read_text()
    sentences = set(re.findall(r"_\([\"'](.+?)[\"']\)", template)) | set(reasons._ADVICE.values())
    spoken = catalog(language)
    same = {"Film", "Photo"}  # the same word in another language
    assert {sentence for sentence in sentences - same if spoken.gettext(sentence) == sentence} == set()
    for sentence in sentences:
        assert set(re.findall(r"{\w+}", sentence)) == set(re.findall(r"{\w+}", spoken.gettext(sentence)))


def test_the_page_belongs_to_its_dealership(
    client: FlaskClient, charlie: FlaskClient, bob: FlaskClient, intervention: str
) -> None:
    for path in ("capture", "media.json", "upload-token"):
        assert bob.get(f"/interventions/{intervention}/{path}").status_code == 200
        assert charlie.get(f"/interventions/{intervention}/{path}").status_code == 404
        stranger = client.get(f"/interventions/{intervention}/{path}", headers={"Accept": "application/json"})
        assert stranger.status_code in (302, 401)


def test_the_list_tells_how_far_every_item_is(bob: FlaskClient, finisher: Finisher, intervention: str) -> None:
    finisher.film(intervention, caption="Brakes")
    finisher.photo(intervention)
    finisher.document(intervention)
    film, photo, document = bob.get(f"/interventions/{intervention}/media.json").json["items"]
    assert (film["state"], film["percent"], film["caption"], film["playable"]) == ("ready", 100, "Brakes", True)
    assert [item["kind"] for item in (film, photo, document)] == ["film", "photo", "document"]
    assert film["preview"].endswith("/index.m3u8")
    for item in (film, photo, document):
        assert bob.get(item["thumbnail"]).status_code == 200
        assert bob.get(item["preview"]).status_code == 200


def test_a_preview_is_worth_nothing_to_somebody_else(
    charlie: FlaskClient, bob: FlaskClient, finisher: Finisher, intervention: str
) -> None:
    finisher.film(intervention)
    item = bob.get(f"/interventions/{intervention}/media.json").json["items"][0]
    assert charlie.get(item["preview"]).status_code == 404
    assert charlie.get(item["thumbnail"]).status_code == 404


def test_a_refused_file_comes_with_a_plain_sentence(
    shop: Flask, bob: FlaskClient, finisher: Finisher, intervention: str
) -> None:
    asset = finisher.film(intervention)
    with shop.app_context():
        session.execute(update(Asset).where(Asset.id == asset).values(state=State.REJECTED, reason="no-picture"))
        session.commit()
    item = bob.get(f"/interventions/{intervention}/media.json").json["items"][0]
    assert (item["state"], item["reason"]) == ("rejected", "no-picture")
    assert item["message"] == "There is only sound in this file. Send a film with a picture."


def test_a_new_key_is_given_to_whoever_is_still_signed_in(
    bob: FlaskClient, settings: Settings, add_intervention: Callable[..., str]
) -> None:
    intervention = add_intervention("RO-7")
    text = bob.get(f"/interventions/{intervention}/upload-token").json["token"]
    assert tokens.read(settings.effective_secret_key, text)[1] == intervention


def test_the_pages_own_arithmetic_holds() -> None:
    ran = subprocess.run(["node", "test.mjs"], cwd=FRONTEND, capture_output=True, text=True, timeout=170)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    passed = int(re.search(r"^# pass (\d+)|^ℹ pass (\d+)", ran.stdout, re.MULTILINE).expand(r"\1\2"))
    assert passed >= 12
