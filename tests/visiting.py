"""A running shop with one dealer, and a visit to a customer's page in a browser."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import blank
import uuid_utils
from browsing import PHONE
from cast import add_dealership
from flask import Flask
from playwright.sync_api import Browser, Page
from premiere import Premiere, serving
from sqlalchemy import select

from webapp.app import create_app
from webapp.customers import links
from webapp.customers.models import Link
from webapp.database import session
from webapp.interventions.models import Intervention
from workers.settings import Settings

FILM = "document.querySelector('media-controller video')"
BUFFERED = f"(b => [b.length, b.start(0), b.end(b.length - 1)])({FILM}.buffered)"


@dataclass
class House:
    """A running shop with one dealer."""

    app: Flask
    premiere: Premiere
    address: str
    dealership: str

    def intervention(self, **fields: Any) -> str:
        with self.app.app_context():
            now, id = time.time(), str(uuid_utils.uuid7())
            given = {"make": "Renault", "model": "Mégane", "plate": "GB-123-LM", "customer_name": "Camille Durand"}
            row = {"id": id, "dealership_id": self.dealership, "reference": id[-12:], "created_at": now}
            session.add(Intervention(**(given | row | fields), updated_at=now))
            session.commit()
        return id

    def url(self, intervention: str) -> str:
        return self.address + self.premiere.link(intervention)

    def revoke(self, intervention: str) -> None:
        with self.app.app_context():
            links.revoke(self.link(intervention))
            session.commit()

    def link(self, intervention: str) -> Link:
        return session.scalars(select(Link).where(Link.intervention_id == intervention)).one()


@contextmanager
def opened(folder: Path) -> Iterator[House]:
    """The house, its rows in `folder`, served while the block lasts."""
    app = create_app(Settings(data_dir=folder, secret_key="for tests only, 32 characters long"), "web")
    blank.lay_out(app.extensions["engine"])
    with app.app_context():
        dealer = add_dealership("Garage Lumière")
        dealer.phone, dealer.email = "+33142681234", "atelier@garage-lumiere.example"
        dealer.address, dealer.colour = "12 rue des Ateliers, 75011 Paris", "#ffcc00"
        session.commit()
        dealership = dealer.id
    with serving(app) as address:
        yield House(app, Premiere(app), address, dealership)
    app.extensions["engine"].dispose()


@dataclass
class Visit:
    """A page, and everything that went wrong or went out while it was open."""

    page: Page
    requests: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)

    def until(self, script: str, seconds: float = 40) -> Any:
        """Poll (the page forbids eval) until the expression is true."""
        end = time.monotonic() + seconds
        while not (value := self.page.evaluate(script)):
            assert time.monotonic() < end, f"not after {seconds} s: {script}; {self.faults}"
            self.page.wait_for_timeout(100)
        return value


@contextmanager
def visiting(browser: Browser) -> Iterator[Callable[..., Visit]]:
    """`visit(url, **options)` opens a page of its own, closed at the end."""
    contexts = []

    def open(url: str, **options: Any) -> Visit:
        context = browser.new_context(**(PHONE | options))
        contexts.append(context)
        made = Visit(context.new_page())
        made.page.on("request", lambda request: made.requests.append(request.url))
        made.page.on(
            "response", lambda got: made.faults.append(f"{got.status} {got.url}") if got.status > 399 else None
        )
        made.page.on("console", lambda line: line.type in ("error", "warning") and made.faults.append(line.text))
        made.page.on("pageerror", lambda error: made.faults.append(str(error)))
        made.page.goto(url)
        return made

    yield open
    for context in contexts:
        context.close()
