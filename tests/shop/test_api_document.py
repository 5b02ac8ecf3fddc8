"""What the OpenAPI document says is true, by the standard's own rules and by what is answered."""

from collections.abc import Callable
from typing import Any

import pytest
from finished import Finisher
from flask.testing import FlaskClient
from openapi_spec_validator import OpenAPIV31SpecValidator
from sqlalchemy.exc import OperationalError
from unloading import Headers

from webapp.accounts import access
from webapp.guards import limiter

BODY = {"post", "patch"}


@pytest.fixture
def document(client: FlaskClient) -> Any:
    return client.get("/api/v1/openapi.json").json


@pytest.fixture
def paths(intervention: str, finisher: Finisher) -> dict[str, str]:
    """What stands for each argument of a path."""
    return {"intervention_id": intervention, "asset_id": finisher.film(intervention), "link_id": "none"}


@pytest.fixture
def refused(
    document: Any, client: FlaskClient, mine: Headers, paths: dict[str, str]
) -> Callable[..., dict[tuple[str, str], int]]:
    """`refused(**more)` → what every operation answers to a request made like that; the document must list it."""
    who = {"Authorization": mine["Authorization"]}

    def ask(methods: set[str], **more: Any) -> dict[tuple[str, str], int]:
        answers = {}
        for path, item in document["paths"].items():
            for method in item.keys() & methods:
                answer = client.open(path.format(**paths), method=method, headers=who, **more)
                answers[method, path] = answer.status_code
                assert str(answer.status_code) in item[method]["responses"], (method, path, answer.text)
                assert answer.content_type == "application/problem+json"
        assert answers
        return answers

    return ask


def test_the_document_is_openapi_3_1_by_its_own_schema(document: Any) -> None:
    assert [error.message for error in OpenAPIV31SpecValidator(document).iter_errors()] == []


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        ({"data": "{", "content_type": "application/json"}, 400),
        ({"data": b"{" + b" " * 2_000_001 + b"}", "content_type": "application/json"}, 413),
        ({"data": "reference=1", "content_type": "text/plain"}, 415),
        ({"json": {"colour": "red"}}, 422),
    ],
    ids=["no JSON", "too large", "another type", "not valid"],
)
def test_every_refusal_of_a_body_is_listed_where_there_is_one(
    refused: Callable[..., dict[tuple[str, str], int]], sent: dict[str, Any], status: int
) -> None:
    assert set(refused(BODY, **sent).values()) == {status}


def test_faults_of_what_is_sent_are_listed_where_something_is_sent(document: Any) -> None:
    listed = {
        (method, path.count("{"))
        for path, item in document["paths"].items()
        for method in item
        if "422" in item[method]["responses"]
    }
    assert listed == {("get", 0), ("post", 0), ("post", 1), ("patch", 1)}


def test_what_may_be_answered_to_anybody_is_listed_everywhere(
    refused: Callable[..., dict[tuple[str, str], int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(_: object) -> None:
        raise OperationalError("SELECT 1", {}, Exception("gone"))

    with monkeypatch.context() as patched:
        patched.setattr(access, "bearer", away)
        assert set(refused({"get", "post", "patch", "delete"}).values()) == {503}
    with monkeypatch.context() as patched:
        patched.setattr(access, "bearer", lambda _: None)
        assert set(refused({"get", "post", "patch", "delete"}).values()) == {401}


def test_too_many_requests_are_listed_everywhere(
    client: FlaskClient, refused: Callable[..., dict[tuple[str, str], int]], mine: Headers
) -> None:
    limiter.reset()
    client.get("/api/v1/interventions", headers={"Authorization": mine["Authorization"]})
    (counted,) = [key for key in limiter.storage.storage if "/1200/1/minute" in key]
    limiter.storage.incr(counted, 60, 1200)
    assert set(refused({"get", "post", "patch", "delete"}).values()) == {429}
    limiter.reset()
