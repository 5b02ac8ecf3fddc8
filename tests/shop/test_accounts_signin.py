"""Signing in and out."""

from cast import PASSWORD
from flask.testing import FlaskClient


def test_alice_signs_in_and_sees_her_interventions(client: FlaskClient, intervention: str) -> None:
    answer = client.post("/login", data={"email": "alice@example.org", "password": PASSWORD})
    assert answer.status_code == 302
    assert "RO-1001" in client.get("/interventions").text
