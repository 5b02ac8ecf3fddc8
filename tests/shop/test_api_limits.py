"""How often a program may ask."""

from collections.abc import Iterator

import pytest
from flask.testing import FlaskClient
from unloading import Headers

from webapp.guards import limiter


@pytest.fixture(autouse=True)
def uncounted() -> Iterator[None]:
    limiter.reset()
    yield
    limiter.reset()


def test_one_token_is_counted_once_however_its_header_is_written_and_is_told_when_to_come_again(
    client: FlaskClient, mine: Headers
) -> None:
    text = mine["Authorization"].split(" ")[1]
    assert client.get("/api/v1/interventions", headers={"Authorization": f"Bearer {text}"}).status_code == 200
    (counted,) = [key for key in limiter.storage.storage if "/1200/1/minute" in key]
    limiter.storage.incr(counted, 60, 1199)
    for spelt in (f"Bearer {text}", f"bEaReR {text}", f"BEARER    {text} "):
        answer = client.get("/api/v1/interventions", headers={"Authorization": spelt})
        assert (answer.status_code, answer.content_type) == (429, "application/problem+json"), spelt
        assert 0 < int(answer.headers["Retry-After"]) <= 61
    elsewhere = client.delete("/api/v1/links/none", headers={"Authorization": f"Bearer {text}"})
    assert elsewhere.status_code == 429, "all requests of a token count together"


def test_who_guesses_at_the_sign_in_is_told_when_to_come_again(client: FlaskClient) -> None:
    answers = [client.post("/login", data={"email": "", "password": ""}) for _ in range(21)]
    assert answers[-1].status_code == 429
    assert 0 < int(answers[-1].headers["Retry-After"]) <= 61
