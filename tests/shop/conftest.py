"""The cast, and the place they meet. Alice manages dealer A, Bob is her technician, Charlie manages dealer B.

`shop` is the web application on SQLite and a folder; `alice`, `bob` and `charlie` are clients already signed in;
`client` is nobody. `finished_film`, `finished_photo` and `finished_document` put a finished asset into an intervention
without any media being decoded: rows as the catalog writes them, and small true bytes in the storage.

`upload` is the upload application on the same rows, `mine` the headers of a program of dealer A, `create` its uploads.
"""

import time
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import blank
import pytest
import uuid_utils
from cast import add_dealership, add_person, sign_in
from finished import Finisher
from flask import Flask
from flask.testing import FlaskClient
from jinja2 import BytecodeCache
from jinja2.bccache import Bucket
from landing import TUS, pairs
from signing import issue_link, media_prefix, output_id
from sqlalchemy import select
from unloading import Headers, path_of

from webapp.accounts.access import issue_token
from webapp.accounts.models import Dealership, RoleName
from webapp.app import create_app
from webapp.customers import links
from webapp.database import session
from webapp.interventions.models import Intervention
from workers.settings import Settings

VEHICLE = {"make": "Renault", "model": "Mégane", "plate": "GB-123-LM", "customer_name": "Camille Durand"}


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Embedded defaults in the test's own folder; cookies also over plain HTTP."""
    return Settings(data_dir=tmp_path, cookie_secure=False, secret_key="for tests only, 32 characters long")


class Compiled(BytecodeCache):
    """Templates compiled once for the applications of all tests: that takes longer than writing the page."""

    def __init__(self) -> None:
        self._kept: dict[tuple[str, str], object] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        bucket.code = self._kept.get((bucket.key, bucket.checksum))

    def dump_bytecode(self, bucket: Bucket) -> None:
        self._kept[bucket.key, bucket.checksum] = bucket.code


COMPILED = Compiled()


def _fill(app: Flask) -> None:
    blank.lay_out(app.extensions["engine"])
    with app.app_context():
        a, b = add_dealership("Garage Lumière"), add_dealership("Autohaus Nord", "DE")
        add_person(a, "Alice", RoleName.MANAGER)
        add_person(a, "Bob", RoleName.TECHNICIAN)
        add_person(b, "Charlie", RoleName.MANAGER)


@cache
def _filled(secret: str) -> bytes:
    """The file of a database with both dealerships and their people."""
    with TemporaryDirectory() as folder:
        app = create_app(Settings(data_dir=Path(folder), secret_key=secret), "web")
        _fill(app)
        app.extensions["engine"].dispose()
        return Path(app.extensions["engine"].url.database).read_bytes()


@pytest.fixture
def shop(settings: Settings) -> Iterator[Flask]:
    """The web application, with both dealerships and their people."""
    app = create_app(settings, "web")
    app.config["TESTING"] = True
    app.config["WTF_CSRF_ENABLED"] = False
    app.jinja_env.bytecode_cache = COMPILED
    address = app.extensions["engine"].url
    if address.get_backend_name() == "sqlite":
        Path(address.database).write_bytes(_filled(settings.effective_secret_key))
    else:
        _fill(app)
    yield app
    app.extensions["engine"].dispose()


@pytest.fixture
def client(shop: Flask) -> FlaskClient:
    return shop.test_client()


@pytest.fixture
def alice(shop: Flask) -> FlaskClient:
    return sign_in(shop, "Alice")


@pytest.fixture
def bob(shop: Flask) -> FlaskClient:
    return sign_in(shop, "Bob")


@pytest.fixture
def charlie(shop: Flask) -> FlaskClient:
    return sign_in(shop, "Charlie")


@pytest.fixture
def add_intervention(shop: Flask) -> Callable[..., str]:
    """`add_intervention(reference="…", dealer="Garage Lumière", **fields)` → its id."""

    def add(reference: str = "RO-1001", dealer: str = "Garage Lumière", **fields: object) -> str:
        with shop.app_context():
            owner = session.scalar(select(Dealership).where(Dealership.name == dealer))
            now = time.time()
            row = Intervention(
                id=str(uuid_utils.uuid7()), dealership_id=owner.id, reference=reference, created_at=now, updated_at=now,
                **(VEHICLE | fields),
            )  # fmt: skip
            session.add(row)
            session.commit()
            return row.id

    return add


@pytest.fixture
def intervention(add_intervention: Callable[..., str]) -> str:
    """The id of an intervention of dealer A (Alice and Bob)."""
    return add_intervention()


@pytest.fixture
def finisher(shop: Flask) -> Finisher:
    """`finisher.film(intervention_id)`, `.photo(…)`, `.document(…)` → asset id of a finished item."""
    return Finisher(shop)


@pytest.fixture
def upload(shop: Flask, settings: Settings) -> Iterator[FlaskClient]:
    """The upload process' application on the shop's database and storage."""
    app = create_app(settings, "upload")
    app.config["TESTING"] = True
    yield app.test_client()
    app.extensions["engine"].dispose()


@pytest.fixture
def token(shop: Flask) -> Callable[[str], Headers]:
    """`token("Garage Lumière")` → the headers of a program of that dealer."""

    def issue(dealer: str = "Garage Lumière") -> Headers:
        with shop.app_context():
            _, text = issue_token(session.scalar(select(Dealership).where(Dealership.name == dealer)), "test")
            session.commit()
        return {**TUS, "Authorization": f"Bearer {text}"}

    return issue


@pytest.fixture
def mine(token: Callable[[str], Headers]) -> Headers:
    return token("Garage Lumière")


@pytest.fixture
def create(upload: FlaskClient, mine: Headers, intervention: str) -> Callable[..., str]:
    """`create(size, **metadata)` → the path of a new upload of dealer A."""

    def create(size: int, **metadata: str) -> str:
        named = pairs(**({"intervention": intervention, "kind": "film", "filename": "IMG_1.MOV"} | metadata))
        return path_of(upload.post("/files", headers={**mine, "Upload-Length": str(size), "Upload-Metadata": named}))

    return create


@pytest.fixture
def issue(shop: Flask) -> Callable[..., str]:
    """`issue(intervention)` → the token of a new link."""

    def issue(intervention: str) -> str:
        with shop.app_context():
            _, token = links.issue(session.get_one(Intervention, intervention), "camille@example.org")
            session.commit()
        return token

    return issue


@pytest.fixture
def film(finisher: Finisher, intervention: str) -> str:
    return finisher.film(intervention)


@pytest.fixture
def link(shop: Flask, intervention: str) -> str:
    return issue_link(shop, intervention)


@pytest.fixture
def prefix(shop: Flask, film: str, link: str) -> str:
    """The film's signed prefix for the customer."""
    return media_prefix(shop, film, link)


@pytest.fixture
def segment(shop: Flask, prefix: str, film: str) -> str:
    return f"{prefix}{output_id(shop, film, 'chunk/0001')}/720p-000.m4s"
