"""The web application: one factory, one list of features, two roles.

The `web` process serves pages, playlists and the API; the `upload` process serves tus only, so that fifty slow phones
never take a thread from a customer's page. Each feature is a folder whose `views` holds a `blueprint`.
"""

import logging
from datetime import timedelta
from types import TracebackType
from typing import Literal

from flask import Blueprint, Flask
from flask_compress import Compress

from pipeline.catalog import engine as catalog_engine
from pipeline.catalog import storage as catalog_storage
from webapp import assets, database, guards, languages
from webapp.accounts import signin
from webapp.accounts import views as accounts
from webapp.api import problems
from webapp.api import views as api
from webapp.customers import views as customers
from webapp.interventions import capture
from webapp.interventions import views as interventions
from webapp.media import views as media
from webapp.operations import probes
from webapp.operations import views as operations
from webapp.uploads import views as uploads
from workers import logs
from workers.settings import Settings
from workers.settings import settings as environment

Role = Literal["web", "upload"]

FEATURES: dict[Role, tuple[Blueprint, ...]] = {
    "web": (
        accounts.blueprint,
        interventions.blueprint,
        capture.blueprint,
        customers.blueprint,
        media.blueprint,
        api.blueprint,
        operations.blueprint,
        probes.blueprint,
    ),
    "upload": (uploads.blueprint, probes.blueprint),
}


class Application(Flask):
    """Flask, but its log never holds a path."""

    def log_exception(
        self,
        exc_info: tuple[type, BaseException, TracebackType] | tuple[None, None, None],
    ) -> None:
        guards.log_failure(self, exc_info[1])


def create_app(settings: Settings, role: Role = "web") -> Flask:
    """The application of one process type."""
    app = Application("webapp", static_folder=None)
    secure = settings.cookie_secure
    app.config.update(
        SECRET_KEY=settings.effective_secret_key,
        SESSION_COOKIE_NAME="__Host-staff" if secure else "staff",
        SESSION_COOKIE_SECURE=secure,
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        PERMANENT_SESSION_LIFETIME=timedelta(days=30),
        WTF_CSRF_TIME_LIMIT=None,  # a page left open over night still works; the token ends with the session
        COMPRESS_MIMETYPES=[
            "text/html", "text/css", "text/javascript", "application/json", "application/problem+json",
            "application/vnd.apple.mpegurl", "text/vtt", "image/svg+xml",
        ],
        COMPRESS_MIN_SIZE=256,
        COMPRESS_STREAMS=False,
    )  # fmt: skip
    app.extensions["settings"] = settings
    app.extensions["storage"] = catalog_storage.connect(settings.effective_storage_url)
    app.extensions["role"] = role
    database.init_app(app, catalog_engine.connect(settings.effective_database_url))
    guards.init_app(app)
    problems.init_app(app)
    if role == "web":
        app.config["MAX_CONTENT_LENGTH"] = 2_000_000  # bytes; films go to the other process
        languages.init_app(app)
        assets.init_app(app)
        guards.protect_pages(app)
        signin.init_app(app)
        Compress(app)
    for feature in FEATURES[role]:
        app.register_blueprint(feature)
    return app


def web() -> Flask:
    """For gunicorn: `webapp.app:web()`."""
    return _served("web")


def upload() -> Flask:
    """For gunicorn: `webapp.app:upload()`."""
    return _served("upload")


def _served(role: Role) -> Flask:
    logs.configure(environment())
    logging.getLogger("alembic").setLevel(logging.WARNING)  # it tells of every plugin it has
    return create_app(environment(), role)
