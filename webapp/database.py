"""What every view stands on: the session of this application context, the storage, the settings."""

from typing import cast

from flask import Flask, current_app, has_request_context, request
from flask.globals import app_ctx
from sqlalchemy import Engine
from sqlalchemy.orm import Session, scoped_session, sessionmaker

from pipeline.catalog.storage import Storage
from workers.settings import Settings


class _AppSession(Session):
    def get_bind(self, *_: object, **__: object) -> Engine:  # type: ignore[override]
        # A GET changes nothing, so it opens no transaction: a slow reader of a film never holds SQLite's write lock.
        # Nor does a HEAD, but for that of an upload, which takes it over from an older request.
        reading = ("GET", "HEAD") if current_app.extensions["role"] == "web" else ("GET",)
        reads = has_request_context() and request.method in reading
        return cast(Engine, current_app.extensions["reading" if reads else "engine"])


session: scoped_session[_AppSession] = scoped_session(
    sessionmaker(class_=_AppSession), scopefunc=lambda: id(app_ctx._get_current_object())
)


def settings() -> Settings:
    """The settings the running application was made with."""
    return cast(Settings, current_app.extensions["settings"])


def storage() -> Storage:
    """The storage the running application was made with."""
    return cast(Storage, current_app.extensions["storage"])


def init_app(app: Flask, engine: Engine) -> None:
    """Bind `session` to `engine` within `app`'s contexts."""
    app.extensions["engine"] = engine
    app.extensions["reading"] = engine.execution_options(isolation_level="AUTOCOMMIT")
    app.teardown_appcontext(lambda _: session.remove())
