"""Every sentence of the desk is translated, and pages come in their reader's language."""

import re
from pathlib import Path

import pytest
from babel.messages.extract import extract_from_dir
from flask.testing import FlaskClient

from webapp import languages

WEBAPP = Path(languages.__file__).parent
ROOMS = ("accounts", "interventions", "operations", "templates", "api", "customers", "media")
KEYWORDS = {"_": None, "gettext": None, "lazy_gettext": None}


def sentences() -> set[str]:
    found: set[str] = set()
    for room in ROOMS:
        for _, _, message, _, _ in extract_from_dir(
            str(WEBAPP / room), [("**.py", "python"), ("**.html", "jinja2")], keywords=KEYWORDS
        ):
            found.add(message)
    return found


@pytest.mark.parametrize("language", ["fr", "de"])
def test_every_sentence_has_its_translation_with_the_same_values(language: str) -> None:
    catalog = languages.catalog(language)
    missing = [text for text in sentences() if (text, None) not in catalog._catalog and text not in catalog._catalog]
    assert missing == []
    for text, said in catalog._catalog.items():
        if isinstance(text, str) and text:
            assert set(re.findall(r"%\(\w+\)[ds]", text)) == set(re.findall(r"%\(\w+\)[ds]", said)), text


@pytest.mark.parametrize(("asked", "lang", "words"), [("fr-CA", "fr", "Se connecter"), ("de", "de", "Anmelden")])
def test_a_stranger_reads_the_browsers_language(client: FlaskClient, asked: str, lang: str, words: str) -> None:
    page = client.get("/login", headers={"Accept-Language": asked}).text
    assert f'<html lang="{lang}">' in page
    assert words in page


def test_a_language_we_do_not_speak_becomes_english(client: FlaskClient) -> None:
    assert "Sign in" in client.get("/login", headers={"Accept-Language": "ja"}).text
