"""The demo is an intervention like any other."""

import hashlib
import re
from pathlib import Path
from types import SimpleNamespace

import pytest
from click.testing import CliRunner
from finished import Finisher
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from webapp.database import session, storage
from webapp.interventions import command, demo
from webapp.interventions.models import Intervention, Item
from workers.demo import papers
from workers.settings import Settings

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


def test_the_last_lines_of_the_demo_are_where_to_sign_in_and_the_customers_page(
    shop: Flask, client: FlaskClient, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(command, "create_app", lambda _: shop)
    monkeypatch.setattr(demo, "fill", lambda _made, on_sent: on_sent("brake.jpg", 0.5))
    done = CliRunner().invoke(command.demo)
    assert done.exit_code == 0, done.output

    staff, customer = done.output.splitlines()[-2:]
    found = re.fullmatch(r"staff: (https?://\S+)/login  \((\S+) / (\S+)\)", staff)
    assert client.post("/login", data={"email": found[2], "password": found[3]}).status_code == 302
    path = re.fullmatch(rf"customer page: {re.escape(found[1])}(/v/\S+)", customer)[1]
    assert client.get(path, follow_redirects=True).status_code == 200


def test_each_drawn_photo_has_the_caption_of_what_it_shows(tmp_path: Path) -> None:
    papers.photos(tmp_path)
    for path in tmp_path.iterdir():
        assert path.stem in demo.CAPTIONS[path.name]
    assert demo.CAPTIONS.keys() == {"walkaround.mov", "brake.jpg", "tyre.jpg", "report.pdf"}


def test_a_demo_stopped_between_two_files_sends_the_rest_and_no_file_twice(
    shop: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[str] = []

    def draw(command: list[str], **_: object) -> None:
        for name in demo.CAPTIONS:
            Path(command[-1], name).write_bytes(b"drawn")
        papers.logo(Path(command[-1], "logo.png"))

    def send(_url: str, _token: str, path: Path, _metadata: dict[str, str], _on_sent: object) -> None:
        sent.append(path.name)

    monkeypatch.setattr(demo, "subprocess", SimpleNamespace(run=draw))
    monkeypatch.setattr(demo, "send", send)
    monkeypatch.setattr(demo, "_wait", lambda *_: None)
    finisher = Finisher(shop)
    with shop.app_context():
        made = demo.prepare()
        film = finisher.film(made.intervention_id)
        session.scalars(select(Item).where(Item.asset_id == film)).one().filename = "walkaround.mov"
        session.commit()
        demo.fill(made, lambda *_: None)
        assert sent == ["brake.jpg", "tyre.jpg", "report.pdf"]
        # The logo is what the child made of the one that was drawn, kept under its own content.
        key = session.get_one(Intervention, made.intervention_id).dealership.logo_key
        assert hashlib.sha256(storage().get(key)).hexdigest()[:32] in key
