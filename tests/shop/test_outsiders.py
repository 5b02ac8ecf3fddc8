"""Every view of both processes, whatever comes to be added: an outsider finds nothing there and changes nothing."""

from collections.abc import Callable, Iterator

import pytest
from finished import Finisher, items
from flask import Flask
from flask.testing import FlaskClient
from signing import issue_link, output_id
from sqlalchemy import func, select
from unloading import Headers
from werkzeug.routing import Rule

from pipeline.catalog.models import Asset
from webapp.accounts.models import User
from webapp.customers.models import Link
from webapp.database import session
from webapp.interventions.models import Intervention, Item

# What anybody may ask for: it says nothing of anybody.
OPEN = {
    "probes.healthz",
    "probes.readyz",
    "probes.metrics",
    "security.login",
    "security.static",
    "api.openapi",
    "accounts.home",
}
HIDDEN = (302, 401, 404)  # sent to sign in, asked for a token, or nothing there


@pytest.fixture
def hers(
    shop: Flask, alice: FlaskClient, intervention: str, finisher: Finisher, create: Callable[..., str]
) -> dict[str, object]:
    """What stands for each argument of a view, all of it Alice's."""
    film = finisher.film(intervention, caption="her caption")
    upload = create(10).rsplit("/", 1)[1]
    prefix = alice.get(f"/interventions/{intervention}/media.json").json["items"][0]["preview"].split("/")
    with shop.app_context():
        bob = session.scalars(select(User.id).where(User.name == "Bob")).one()
    return {
        "intervention_id": intervention, "item_id": items(shop, intervention)[0], "asset_id": film,
        "link_id": issue_link(shop, intervention), "upload_id": upload, "user_id": bob,
        "output_id": output_id(shop, film, "poster"), "path": "poster.jpg", "name": "index",
        "signature": prefix[2], "binding": prefix[3],
        "what": "stop", "direction": "up", "token": "guessed", "filename": "nothing.js",
    }  # fmt: skip


def doors(app: Flask, hers: dict[str, object]) -> Iterator[tuple[Rule, str, str]]:
    """(rule, method, path) of every view; a KeyError is a new argument, for which `hers` must name something."""
    for rule in app.url_map.iter_rules():
        _, path = rule.build({name: hers[name] for name in rule.arguments}) or ("", "")
        for method in sorted(set(rule.methods or ()) - {"OPTIONS"}):
            yield rule, method, path


def kept(shop: Flask, intervention: str) -> list[object]:
    """What an outsider might have changed."""
    with shop.app_context():
        row = session.get_one(Intervention, intervention)
        links = session.scalars(select(Link.id).where(Link.revoked_at.is_(None), Link.opened_at.is_(None))).all()
        people = session.scalars(select(User.name).where(User.active, User.dealership_id == row.dealership_id))
        told = [(item.id, item.caption, item.position) for item in row.items]
        state = session.execute(select(Asset.id, Asset.state, Asset.received, Asset.hint_key)).all()
        return [row.updated_at, told, links, sorted(people), state, session.scalar(select(func.count(Item.id)))]


def test_charlie_finds_nothing_behind_any_door(
    shop: Flask, charlie: FlaskClient, hers: dict[str, object], token: Callable[[str], Headers]
) -> None:
    before, program = kept(shop, str(hers["intervention_id"])), token("Autohaus Nord")
    for rule, method, path in doors(shop, hers):
        if rule.endpoint in OPEN | {"security.logout"}:  # once he is signed out, all is closed for another reason
            continue
        headers = program if path.startswith("/api/") else {}
        json = {"caption": "x"} if rule.endpoint == "api.change_asset" else {} if path.startswith("/api/") else None
        answer = charlie.open(path, method=method, headers=headers, json=json, data=None if headers else {})
        if rule.arguments:
            assert answer.status_code == 404, f"{method} {rule}: {answer.status_code}"
        assert not any(word in answer.text for word in ("RO-1001", "Mégane", "her caption")), f"{method} {rule}"
    assert kept(shop, str(hers["intervention_id"])) == before


def test_whoever_is_not_signed_in_gets_through_no_door(
    shop: Flask, client: FlaskClient, hers: dict[str, object]
) -> None:
    before = kept(shop, str(hers["intervention_id"]))
    for rule, method, path in doors(shop, hers):
        if rule.endpoint not in OPEN:
            answer = client.open(path, method=method, data={})
            assert answer.status_code in HIDDEN, f"{method} {rule}: {answer.status_code}"
    assert kept(shop, str(hers["intervention_id"])) == before


def test_another_dealers_program_finds_no_upload_behind_any_door(
    shop: Flask, upload: FlaskClient, hers: dict[str, object], token: Callable[[str], Headers]
) -> None:
    before, theirs = kept(shop, str(hers["intervention_id"])), token("Autohaus Nord")
    more = {"Upload-Offset": "0", "Content-Type": "application/offset+octet-stream"}
    for rule, method, path in doors(upload.application, hers):
        if not rule.arguments:
            continue
        for who, status in ((theirs, 404), ({"Tus-Resumable": "1.0.0"}, 401)):
            answer = upload.open(path, method=method, headers={**who, **more}, data=b"" if method == "GET" else b"abc")
            assert answer.status_code in (status, 405), f"{method} {rule}: {answer.status_code}"
    assert kept(shop, str(hers["intervention_id"])) == before
