"""Signing in: Flask-Security on the shop's own session and rows."""

from flask import Flask
from flask_security import Security, SQLAlchemySessionUserDatastore

from webapp.accounts.models import Role, User
from webapp.database import session
from webapp.guards import limiter


def datastore() -> SQLAlchemySessionUserDatastore:
    """People and roles, as Flask-Security wants them."""
    return SQLAlchemySessionUserDatastore(session, User, Role)


def init_app(app: Flask) -> None:
    """Sign-in by e-mail and password (argon2), sign-out by POST; no self-registration."""
    app.config.update(
        SECURITY_PASSWORD_SALT=app.config["SECRET_KEY"],
        SECURITY_PASSWORD_HASH="argon2",
        SECURITY_PASSWORD_SCHEMES=["argon2"],
        # 19 MiB, two rounds, one lane: guessing stays dear, and signing in waits for one core and not for four. A hash
        # made with other numbers is still read, and made anew with these when its person next signs in.
        # Source: OWASP Password Storage Cheat Sheet, Argon2id.
        SECURITY_PASSWORD_HASH_PASSLIB_OPTIONS={
            "argon2__memory_cost": 19 * 1024,  # KiB
            "argon2__time_cost": 2,
            "argon2__parallelism": 1,
        },
        SECURITY_PASSWORD_LENGTH_MIN=10,
        SECURITY_LOGIN_USER_TEMPLATE="accounts/login.html",
        SECURITY_RETURN_GENERIC_RESPONSES=True,
        SECURITY_LOGIN_URL="/login",
        SECURITY_LOGOUT_URL="/logout",
        SECURITY_POST_LOGIN_VIEW="/interventions",
        SECURITY_POST_LOGOUT_VIEW="/login",
        SECURITY_LOGOUT_METHODS=["POST"],
        SECURITY_DEFAULT_REMEMBER_ME=False,
        SECURITY_FLASH_MESSAGES=False,
        SECURITY_CSRF_IGNORE_UNAUTH_ENDPOINTS=False,
        REMEMBER_COOKIE_SECURE=app.config["SESSION_COOKIE_SECURE"],
        REMEMBER_COOKIE_HTTPONLY=True,
        REMEMBER_COOKIE_SAMESITE="Lax",
    )
    Security(app, datastore())
    # argon2 is slow on purpose, for guessers and for us: nobody needs more tries than these.
    app.view_functions["security.login"] = limiter.limit("20/minute", methods=["POST"])(
        app.view_functions["security.login"]
    )
