"""The demo is an intervention like any other."""

from pathlib import Path

from flask import Flask
from flask.testing import FlaskClient

from webapp.database import session
from webapp.interventions import demo
from webapp.interventions.models import Intervention
from workers.demo import papers

FIELDS = (
    "reference", "make", "model", "plate", "vin", "mileage", "customer_name", "customer_email", "customer_phone",
    "customer_language", "asked", "notes",
)  # fmt: skip


def test_the_demos_own_values_pass_the_form_that_edits_them(shop: Flask, client: FlaskClient) -> None:
    with shop.app_context():
        made = demo.prepare()
        row = session.get_one(Intervention, made.intervention_id)
        values = {name: getattr(row, name) for name in FIELDS}
    client.post("/login", data={"email": demo.PEOPLE[1][1], "password": made.password})
    answer = client.post(f"/interventions/{made.intervention_id}/edit", data=values)
    assert answer.status_code == 302, answer.text
    with shop.app_context():
        kept = session.get_one(Intervention, made.intervention_id)
        assert {name: getattr(kept, name) for name in FIELDS} == values


def test_each_drawn_photo_has_the_caption_of_what_it_shows(tmp_path: Path) -> None:
    papers.photos(tmp_path)
    for path in tmp_path.iterdir():
        assert path.stem in demo.CAPTIONS[path.name]
    assert demo.CAPTIONS.keys() == {"walkaround.mov", "brake.jpg", "tyre.jpg", "report.pdf"}
