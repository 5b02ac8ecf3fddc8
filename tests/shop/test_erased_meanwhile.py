"""What somebody erases between our look at it and our change of it is not there: that is no fault of ours."""

import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from finished import Finisher, items
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import event
from sqlalchemy.orm import Session
from unloading import Headers

from pipeline.catalog import assets

Meanwhile = Callable[[Callable[[], object]], None]


@pytest.fixture
def meanwhile() -> Iterator[Meanwhile]:
    """`meanwhile(act)`: act on another thread, with the next change already decided and not yet written."""
    listeners = []

    def arrange(act: Callable[[], object]) -> None:
        here, done = threading.current_thread(), []

        def interrupt(*_: object) -> None:
            if threading.current_thread() is here and not done:
                done.append(True)
                other = threading.Thread(target=act)
                other.start()
                other.join()

        listeners.append(interrupt)
        event.listen(Session, "before_flush", interrupt)

    yield arrange
    for listener in listeners:
        event.remove(Session, "before_flush", listener)


@pytest.fixture
def film(intervention: str, finisher: Finisher) -> str:
    finisher.photo(intervention)
    return finisher.film(intervention)


@pytest.mark.parametrize("what", ["caption", "move/up"])
@pytest.mark.parametrize("erased", ["items/{item}/delete", "the intervention"])
def test_a_change_of_an_item_that_is_erased_meanwhile_is_a_404(
    shop: Flask, bob: FlaskClient, alice: FlaskClient, mine: Headers, intervention: str, film: str,
    meanwhile: Meanwhile, what: str, erased: str,
) -> None:  # fmt: skip
    item = items(shop, intervention)[1]
    if erased == "the intervention":
        meanwhile(lambda: shop.test_client().delete(f"/api/v1/interventions/{intervention}", headers=mine))
    else:
        meanwhile(lambda: alice.post(f"/interventions/items/{item}/delete"))
    answer = bob.post(f"/interventions/items/{item}/{what}", data={"caption": "Brakes"}, headers={"HX-Request": "true"})
    assert answer.status_code == 404
    assert bob.get("/interventions").status_code == 200


def test_a_link_to_what_is_erased_meanwhile_is_a_404(
    shop: Flask, bob: FlaskClient, mine: Headers, intervention: str, meanwhile: Meanwhile
) -> None:
    meanwhile(lambda: shop.test_client().delete(f"/api/v1/interventions/{intervention}", headers=mine))
    answer = bob.post(f"/interventions/{intervention}/links", headers={"HX-Request": "true"})
    assert answer.status_code == 404
    assert bob.get("/interventions").status_code == 200


def test_what_is_erased_meanwhile_is_not_tried_again(
    shop: Flask, bob: FlaskClient, alice: FlaskClient, intervention: str, film: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    item, honest = items(shop, intervention)[1], assets.retry

    def later(*asked: Any) -> None:
        other = threading.Thread(target=lambda: alice.post(f"/interventions/items/{item}/delete"))
        other.start()
        other.join()
        honest(*asked)

    monkeypatch.setattr(assets, "retry", later)
    assert bob.post(f"/interventions/items/{item}/retry", headers={"HX-Request": "true"}).status_code == 404


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("PATCH", "/assets/{film}", {"caption": "Brakes"}),
        ("PATCH", "/interventions/{intervention}", {"mileage": 7}),
        ("POST", "/interventions/{intervention}/links", {}),
    ],
)
def test_a_program_that_changes_what_is_erased_meanwhile_gets_a_404(
    shop: Flask, client: FlaskClient, mine: Headers, intervention: str, film: str, meanwhile: Meanwhile,
    method: str, path: str, body: dict[str, object],
) -> None:  # fmt: skip
    meanwhile(lambda: shop.test_client().delete(f"/api/v1/interventions/{intervention}", headers=mine))
    where = "/api/v1" + path.format(film=film, intervention=intervention)
    answer = client.open(where, method=method, json=body, headers={"Authorization": mine["Authorization"]})
    assert (answer.status_code, answer.content_type) == (404, "application/problem+json")
