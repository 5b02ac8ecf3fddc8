"""The web processes' database session: one per application context, closed at its end."""

from flask import Flask, current_app
from flask.globals import app_ctx
from sqlalchemy import Engine
from sqlalchemy.orm import Session, scoped_session, sessionmaker


class _AppSession(Session):
    def get_bind(self, *_: object, **__: object) -> Engine:  # type: ignore[override]
        return current_app.extensions["engine"]


session: scoped_session[_AppSession] = scoped_session(
    sessionmaker(class_=_AppSession), scopefunc=lambda: id(app_ctx._get_current_object())
)


def init_app(app: Flask, engine: Engine) -> None:
    """Bind `session` to `engine` within `app`'s contexts."""
    app.extensions["engine"] = engine
    app.teardown_appcontext(lambda _: session.remove())
