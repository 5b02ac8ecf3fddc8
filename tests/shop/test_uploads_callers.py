"""Who may send, and to what."""

from collections.abc import Callable

import pytest
from cast import PASSWORD
from flask import Flask
from flask.testing import FlaskClient
from landing import TUS, pairs
from sqlalchemy import select, update
from unloading import Headers, path_of, send

from pipeline.catalog.models import Outbox
from webapp.accounts.models import User
from webapp.app import create_app
from webapp.database import session
from webapp.uploads import tokens
from webapp.uploads.callers import Caller
from webapp.uploads.models import Upload
from webapp.uploads.protocol import Refused
from workers.settings import Settings


def test_an_upload_is_nobody_elses(
    upload: FlaskClient, create: Callable[..., str], token: Callable[[str], Headers], mine: Headers, intervention: str
) -> None:
    path, charlie = create(10), token("Autohaus Nord")
    assert upload.head(path, headers=charlie).status_code == 404
    assert send(upload, charlie, path, 0, b"abc").status_code == 404
    assert upload.delete(path, headers=charlie).status_code == 404
    creation = {**charlie, "Upload-Length": "3", "Upload-Metadata": pairs(intervention=intervention)}
    assert upload.post("/files", headers=creation).status_code == 404
    assert upload.head(path, headers=mine).headers["Upload-Offset"] == "0"


def test_a_request_says_its_name_to_the_workers(
    upload: FlaskClient, shop: Flask, mine: Headers, intervention: str
) -> None:
    creation = {**mine, "X-Request-ID": "phone-0042", "Upload-Length": "3"}
    path = path_of(upload.post("/files", headers={**creation, "Upload-Metadata": pairs(intervention=intervention)}))
    with shop.app_context():
        assert session.get(Upload, path.rsplit("/", 1)[1]).asset.request_id == "phone-0042"
    assert send(upload, mine, path, 0, b"abc").status_code == 204
    with shop.app_context():
        assert session.scalars(select(Outbox)).one().request_id == "phone-0042"


def test_an_unknown_upload_is_not_there(upload: FlaskClient, mine: Headers) -> None:
    unknown = "/files/5d5a2a2e-7c0f-4b7a-8f5a-1d2f3c4b5a69"
    assert upload.head(unknown, headers=mine).status_code == 404
    assert send(upload, mine, unknown, 0, b"abc").status_code == 404
    assert upload.delete(unknown, headers=mine).status_code == 404


def test_the_pages_token_opens_its_own_intervention_only(
    upload: FlaskClient, shop: Flask, settings: Settings, add_intervention: Callable[..., str]
) -> None:
    here, there = add_intervention("RO-1"), add_intervention("RO-2")
    with shop.app_context():
        bob = session.scalar(select(User.fs_uniquifier).where(User.name == "Bob"))
    text = tokens.issue(settings.effective_secret_key, bob, here)
    who = {**TUS, "Authorization": f"Bearer {text}", "Upload-Length": "3"}
    path = path_of(upload.post("/files", headers={**who, "Upload-Metadata": pairs(intervention=here)}))
    assert upload.post("/files", headers={**who, "Upload-Metadata": pairs(intervention=there)}).status_code == 404
    other = {**TUS, "Authorization": "Bearer " + tokens.issue(settings.effective_secret_key, bob, there)}
    assert upload.head(path, headers=other).status_code == 404


def test_the_pages_token_ends_with_its_time_and_with_the_person(
    upload: FlaskClient, shop: Flask, settings: Settings, intervention: str
) -> None:
    secret = settings.effective_secret_key
    with shop.app_context():
        bob = session.scalar(select(User.fs_uniquifier).where(User.name == "Bob"))
    text = tokens.issue(secret, bob, intervention)
    assert tokens.read(secret, text) == (bob, intervention)
    assert tokens.read(secret, text, max_age_s=-1) is None
    assert tokens.read("another secret", text) is None
    with shop.app_context():
        session.execute(update(User).where(User.fs_uniquifier == bob).values(active=False))
        session.commit()
    headers = {**TUS, "Authorization": f"Bearer {text}", "Upload-Length": "3"}
    assert upload.post("/files", headers=headers).status_code == 401


def test_the_pages_token_ends_with_a_new_password_and_not_with_signing_out(
    upload: FlaskClient, bob: FlaskClient, intervention: str
) -> None:
    def upload_token() -> Headers:
        text = bob.get(f"/interventions/{intervention}/upload-token").json["token"]
        return {**TUS, "Authorization": f"Bearer {text}"}

    first = upload_token()
    named = pairs(intervention=intervention, kind="film")
    path = path_of(upload.post("/files", headers={**first, "Upload-Length": "6", "Upload-Metadata": named}))
    assert bob.post("/logout").status_code == 302
    assert send(upload, first, path, 0, b"abc").status_code == 204, "what is on its way arrives"

    assert bob.post("/login", data={"email": "bob@example.org", "password": PASSWORD}).status_code == 302
    chosen = "a garage full of light"
    assert bob.post("/me", data={"what": "password", "present": PASSWORD, "password": chosen, "again": chosen}).location
    assert upload.delete(path, headers=first).status_code == 401
    assert upload.head(path, headers=first).status_code == 401
    assert send(upload, upload_token(), path, 3, b"def").status_code == 204, "with a new one it goes on"


def test_originals_are_given_out_only_where_a_setting_says_so(
    upload: FlaskClient, create: Callable[..., str], mine: Headers, settings: Settings
) -> None:
    path = create(3)
    send(upload, mine, path, 0, b"abc")
    assert upload.get(path, headers=mine).status_code == 405
    app = create_app(settings.model_copy(update={"tus_get": True}), "upload")
    assert app.test_client().get(path, headers=mine).data == b"abc"
    assert app.test_client().get(path).status_code == 401
    app.extensions["engine"].dispose()


def test_only_our_own_pages_may_upload_from_a_browser(
    upload: FlaskClient, settings: Settings, create: Callable[..., str], mine: Headers
) -> None:
    ours, theirs = {"Origin": settings.effective_public_url}, {"Origin": "https://evil.example"}
    allowed = upload.options("/files", headers=ours).headers
    assert allowed["Access-Control-Allow-Origin"] == settings.effective_public_url
    assert {"PATCH", "HEAD", "POST", "DELETE"} <= set(allowed["Access-Control-Allow-Methods"].split(", "))
    assert "Upload-Offset" in allowed["Access-Control-Allow-Headers"]
    exposed = upload.head(create(3), headers={**mine, **ours}).headers["Access-Control-Expose-Headers"].split(", ")
    assert {"Location", "Upload-Offset", "Upload-Length", "Upload-Expires"} <= set(exposed)
    assert "Access-Control-Allow-Origin" not in upload.options("/files", headers=theirs).headers
    refusal = upload.post("/files", headers=ours).headers  # which the page may read
    assert "Access-Control-Allow-Origin" in refusal
    assert "Refusal-Reason" in refusal["Access-Control-Expose-Headers"]


@pytest.mark.parametrize("name", ["", "gone", "a\0b", "019a0000-0000-7000-8000-00000000000\0", "{}" * 18])
def test_what_is_no_id_at_all_never_reaches_the_database(name: str) -> None:
    anybody = Caller("dealership")  # outside of any application: a question to the database would fail
    for find in (anybody.intervention, anybody.upload):
        with pytest.raises(Refused) as refused:
            find(name)
        assert refused.value.status == 404
