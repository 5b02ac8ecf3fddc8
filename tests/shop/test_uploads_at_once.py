"""Uploads begun at the same moment, on both databases: together they take no more room than one after another."""

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import servers
from flask import Flask
from flask.testing import FlaskClient
from landing import pairs
from sqlalchemy import event, func, select
from sqlalchemy.orm import Session
from unloading import Headers

from pipeline.catalog import assets
from pipeline.catalog.models import Asset, Base
from webapp.app import create_app
from webapp.database import session
from webapp.interventions.models import Item
from webapp.uploads import creation
from workers.settings import Settings

pytestmark = pytest.mark.xdist_group("servers")
AT_ONCE = 6


@pytest.fixture(scope="module")
def postgresql() -> Iterator[str]:
    with servers.postgresql() as address:
        yield address


@pytest.fixture(params=["sqlite", "postgresql"])
def settings(request: pytest.FixtureRequest, settings: Settings, tmp_path: Path) -> Iterator[Settings]:
    """A house with room for 100 unfinished bytes a dealership."""
    address = f"sqlite:///{tmp_path / 'walkaround.sqlite'}"
    if request.param == "postgresql":
        address = request.getfixturevalue("postgresql")
    yield settings.model_copy(update={"database_url": address, "max_unfinished_bytes": 100})
    if request.param == "postgresql":
        app = create_app(settings.model_copy(update={"database_url": address}), "upload")
        Base.metadata.drop_all(app.extensions["engine"])
        app.extensions["engine"].dispose()


@pytest.fixture
def together(
    upload: FlaskClient, mine: Headers, intervention: str, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., list[int]]:
    """`together(size, **metadata)` → the answers to as many creations as there are threads, all past the first look."""
    ready = threading.Barrier(AT_ONCE)
    honest = creation._queue_up

    def wait_for_all(dealership_id: str) -> None:
        ready.wait(60)
        honest(dealership_id)

    monkeypatch.setattr(creation, "_queue_up", wait_for_all)

    def begin(size: int, **metadata: str) -> list[int]:
        headers = {
            **mine,
            "Upload-Length": str(size),
            "Upload-Metadata": pairs(intervention=intervention, kind="film", **metadata),
        }
        answers: list[int] = []
        threads = [
            threading.Thread(
                target=lambda: answers.append(
                    upload.application.test_client().post("/files", headers=headers).status_code
                )
            )
            for _ in range(AT_ONCE)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return sorted(answers)

    return begin


def test_uploads_begun_at_once_do_not_pass_the_quota_together(shop: Flask, together: Callable[..., list[int]]) -> None:
    assert together(40) == [201, 201, 429, 429, 429, 429]
    with shop.app_context():
        assert session.scalar(select(func.sum(Asset.size))) == 80
        assert sorted(session.scalars(select(Item.position))) == [0, 1]


def test_one_creation_sent_many_times_at_once_is_one_upload_even_when_it_fills_the_house(
    shop: Flask, together: Callable[..., list[int]]
) -> None:
    assert together(100, key="7a0c") == [201] * AT_ONCE
    with shop.app_context():
        assert session.scalar(select(func.count()).select_from(Asset)) == 1


@pytest.mark.parametrize("first", ["creation", "erasing"])
def test_an_upload_begun_while_its_intervention_is_erased_leaves_no_file_behind(
    shop: Flask, upload: FlaskClient, mine: Headers, intervention: str, first: str
) -> None:
    named = pairs(intervention=intervention, kind="film")
    headers = {**mine, "Upload-Length": "40", "Upload-Metadata": named}
    requests = {
        "creation": lambda: upload.application.test_client().post("/files", headers=headers),
        "erasing": lambda: shop.test_client().delete(f"/api/v1/interventions/{intervention}", headers=mine),
    }
    written, answers = threading.Event(), {}

    def linger(rows: Session) -> None:
        """The first one has written everything, and commits when the second one is on its way."""
        if threading.current_thread().name == first and not written.is_set():
            rows.flush()
            written.set()
            time.sleep(0.7)

    def ask(what: str) -> None:
        answers[what] = requests[what]().status_code

    event.listen(Session, "before_commit", linger)
    try:
        one = threading.Thread(target=ask, args=[first], name=first)
        one.start()
        assert written.wait(60)
        ask("erasing" if first == "creation" else "creation")
        one.join()
    finally:
        event.remove(Session, "before_commit", linger)
    assert answers == {"creation": 201 if first == "creation" else 404, "erasing": 204}
    with shop.app_context():
        assert session.scalar(select(func.count()).select_from(Asset)) == 0


def test_who_sends_and_who_receives_may_give_up_a_file_at_once(
    shop: Flask, upload: FlaskClient, mine: Headers, create: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = create(40)
    with shop.app_context():
        film = session.scalars(select(Asset.id)).one()
    honest, answers = assets.erase, {}
    begun = {"sender": threading.Event(), "receiver": threading.Event()}

    def erase(*asked: Any) -> None:
        """The sender's is about to begin when the receiver comes, and goes first."""
        me = threading.current_thread().name
        begun[me].set()
        if me == "sender":
            begun["receiver"].wait(1)
        else:
            time.sleep(0.5)
        honest(*asked)

    def ask(who: str) -> None:
        if who == "sender":
            answers[who] = upload.application.test_client().delete(path, headers=mine).status_code
        else:
            answers[who] = shop.test_client().delete(f"/api/v1/assets/{film}", headers=mine).status_code

    monkeypatch.setattr(assets, "erase", erase)
    threads = [threading.Thread(target=ask, args=[who], name=who) for who in begun]
    threads[0].start()
    assert begun["sender"].wait(60)
    threads[1].start()
    for thread in threads:
        thread.join()
    assert answers == {"sender": 204, "receiver": 204}
    with shop.app_context():
        assert session.scalar(select(func.count()).select_from(Asset)) == 0
