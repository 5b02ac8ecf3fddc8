"""Links of customers, and the signed prefixes under which an asset's media lie."""

from flask import Flask
from flask_security.utils import login_user
from sqlalchemy import select

from pipeline.catalog.models import Output
from webapp.accounts.models import User
from webapp.customers import links
from webapp.database import session
from webapp.interventions.models import Intervention
from webapp.media import sign


def issue_link(shop: Flask, intervention: str) -> str:
    """A new link to that intervention; its id."""
    with shop.app_context():
        link, _ = links.issue(session.get_one(Intervention, intervention))
        session.commit()
        return link.id


def media_prefix(shop: Flask, asset: str, link: str) -> str:
    """As the page of that link has it."""
    with shop.test_request_context():
        return sign.path(asset, link)


def staff_prefix(shop: Flask, name: str, asset: str) -> str:
    """As a signed-in person's page has it."""
    with shop.test_request_context():
        login_user(session.scalar(select(User).where(User.name == name)))
        return sign.path(asset)


def output_id(shop: Flask, asset: str, name: str) -> str:
    """The id of a recorded output."""
    with shop.app_context():
        return session.scalar(select(Output.id).where(Output.asset_id == asset, Output.name == name))
