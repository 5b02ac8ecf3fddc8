"""The probes and the manager's overview."""

import re
import time

import pytest
from finished import Finisher
from flask import Flask
from flask.testing import FlaskClient

from pipeline.catalog.models import Asset, State
from webapp.database import session
from webapp.operations import health
from workers.queues import QUEUES


def test_a_process_that_answers_is_healthy(client: FlaskClient) -> None:
    assert client.get("/healthz").json == {"status": "ok"}


def test_readiness_names_every_part_and_that_one_is_missing(client: FlaskClient) -> None:
    answer = client.get("/readyz")
    assert answer.json["ok"] is False
    parts = answer.json["parts"]
    assert parts.keys() == {"database", "migrations", "broker", "storage", "sandbox", "workers"}
    assert parts["database"]["ok"] is True
    assert parts["storage"]["ok"] is True
    assert parts["broker"]["ok"] is False, "no broker runs in this test"


def test_numbers_count_requests_by_rule_and_assets_by_state(
    client: FlaskClient, intervention: str, finisher: Finisher
) -> None:
    finisher.film(intervention)
    client.get(f"/interventions/{intervention}")
    text = client.get("/metrics").text
    assert 'walkaround_assets{state="ready"} 1.0' in text
    assert 'route="/interventions/<intervention_id>"' in text
    assert intervention not in text


def test_visitors_through_a_proxy_get_no_numbers(client: FlaskClient) -> None:
    assert client.get("/metrics", headers={"X-Forwarded-For": "203.0.113.9"}).status_code == 404
    assert client.get("/metrics", environ_base={"REMOTE_ADDR": "203.0.113.9"}).status_code == 404


def test_the_manager_sees_failures_with_their_reasons(
    alice: FlaskClient, shop: Flask, intervention: str, finisher: Finisher
) -> None:
    film = finisher.film(intervention, state=State.FAILED)
    with shop.app_context():
        asset = session.get_one(Asset, film)
        asset.reason, asset.detail = "limit-exceeded", "no progress for 120 s"
        session.commit()
    page = alice.get("/operations").text
    assert "limit-exceeded" in page
    assert "no progress for 120 s" in page


@pytest.mark.parametrize(("language", "words"), [("en", "3 min"), ("fr", "3 min"), ("de", "3 Min.")])
def test_the_page_says_how_long_the_first_file_has_waited(
    alice: FlaskClient, shop: Flask, intervention: str, finisher: Finisher, language: str, words: str
) -> None:
    film = finisher.film(intervention, state=State.PROCESSING)
    with shop.app_context():
        session.get_one(Asset, film).completed_at = time.time() - 185
        session.commit()
    alice.post("/me", data={"language": language})
    answer = alice.get("/operations")
    assert answer.status_code == 200
    assert words in answer.text.replace("\xa0", " ").replace("\u202f", " ")


def test_every_queue_and_part_is_explained_in_a_sentence(
    shop: Flask, alice: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(health, "depths", lambda: dict.fromkeys(QUEUES, 0))
    page = alice.get("/operations").text
    with shop.app_context():
        names = (*QUEUES, *health.parts())
    for name in names:
        assert re.search(rf"<code>{name}</code><small>\S[^<]{{20,}}</small>", page), name


def test_a_technician_has_no_operations_page(bob: FlaskClient, client: FlaskClient) -> None:
    assert bob.get("/operations").status_code == 403
    assert client.get("/operations").status_code == 302


def test_charlie_sees_none_of_alices_failures(charlie: FlaskClient, intervention: str, finisher: Finisher) -> None:
    finisher.film(intervention, state=State.REJECTED)
    assert "RO-1001" not in charlie.get("/operations").text


@pytest.mark.parametrize(("given", "kept"), [("abcdef-0123456789", True), ("x", False), ("a b c d e f g h", False)])
def test_a_request_id_is_taken_over_only_if_it_is_sane(client: FlaskClient, given: str, kept: bool) -> None:
    answered = client.get("/healthz", headers={"X-Request-ID": given}).headers["X-Request-ID"]
    assert (answered == given) is kept
    assert len(answered) >= 8
