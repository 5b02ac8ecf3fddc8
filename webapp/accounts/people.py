"""How dealerships and people come to be."""

import time

import uuid_utils
from flask_security import hash_password
from sqlalchemy import select

from webapp.accounts.models import Dealership, Role, RoleName, User
from webapp.accounts.signin import datastore
from webapp.database import session


def add_dealership(name: str, country: str, **fields: str | None) -> Dealership:
    """A new dealership. The caller commits."""
    dealership = Dealership(id=str(uuid_utils.uuid7()), name=name, country=country, created_at=time.time(), **fields)
    session.add(dealership)
    session.flush()
    return dealership


def add_person(
    dealership: Dealership, name: str, email: str, password: str | None, role: RoleName, language: str
) -> User:
    """A new person of a dealership, with one role. Without a password they cannot sign in yet. The caller commits."""
    people = datastore()
    return people.create_user(
        dealership_id=dealership.id,
        name=name,
        email=email.lower(),
        password=hash_password(password) if password else None,
        language=language,
        roles=[session.scalar(select(Role).where(Role.name == role)) or people.create_role(name=role)],
    )
