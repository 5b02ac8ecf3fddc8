"""What the tests of the upload application ask it, and what they look at afterwards."""

from flask import Flask
from flask.testing import FlaskClient
from landing import BYTES

from webapp.database import session, storage
from webapp.uploads.models import Upload

Headers = dict[str, str]


def path_of(answer: object) -> str:
    assert answer.status_code == 201, answer.text
    return "/files/" + answer.headers["Location"].rsplit("/", 1)[1]


def send(upload: FlaskClient, who: Headers, path: str, offset: int, data: bytes, **more: str) -> object:
    named = {name.replace("_", "-"): value for name, value in more.items()}
    return upload.patch(path, headers={**BYTES, **who, "Upload-Offset": str(offset), **named}, data=data)


def stored(shop: Flask, path: str) -> bytes:
    """What the storage holds of an upload, put together from its parts."""
    with shop.app_context():
        asset = session.get(Upload, path.rsplit("/", 1)[1]).asset
        return b"".join(storage().get(part.key) for part in asset.parts)
