"""The people of the tests: how they come to be and how they sign in."""

import time
from functools import cache

import uuid_utils
from flask import Flask, current_app
from flask.testing import FlaskClient
from flask_security import hash_password
from sqlalchemy import select

from webapp.accounts.models import Dealership, Role, RoleName, User
from webapp.accounts.signin import datastore
from webapp.database import session

PASSWORD = "correct horse battery"


@cache
def _hashed(_secret: str) -> str:
    """argon2 is slow on purpose; once for each secret is enough."""
    return hash_password(PASSWORD)


def add_dealership(name: str, country: str = "FR") -> Dealership:
    """A dealership in the current application context."""
    dealership = Dealership(id=str(uuid_utils.uuid7()), name=name, country=country, created_at=time.time())
    session.add(dealership)
    session.commit()
    return dealership


def add_person(dealership: Dealership, name: str, role: RoleName) -> User:
    """A person with one role, whose password is `PASSWORD`."""
    people = datastore()
    user = people.create_user(
        dealership_id=dealership.id,
        email=f"{name.lower()}@example.org",
        name=name,
        password=_hashed(current_app.config["SECRET_KEY"]),
        roles=[session.scalar(select(Role).where(Role.name == role)) or people.create_role(name=role)],
    )
    session.commit()
    return user


def sign_in(app: Flask, name: str) -> FlaskClient:
    """A client with a person's session, as the sign-in form leaves it."""
    client = app.test_client()
    with app.app_context():
        unique = session.scalar(select(User.fs_uniquifier).where(User.name == name))
    with client.session_transaction() as cookie:
        cookie["_user_id"] = unique
        cookie["_fresh"] = True
        cookie["fs_cc"] = "set"
        cookie["fs_paa"] = time.time()
    return client


def open_page(client: FlaskClient, token: str) -> str:
    """The customer's page, as whoever follows the link sees it."""
    return client.get(f"/v/{token}", follow_redirects=True).text
