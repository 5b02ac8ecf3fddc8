"""The demo: a dealership, its three people, one intervention with a film, photos and a file, and the customer's link.

Everything goes the way of real things: the files are sent to the upload endpoint and made by the workers. Running it
again finds what is there and sends only what is missing.
"""

import secrets
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import uuid_utils
from sqlalchemy import select

from pipeline.catalog import assets
from pipeline.catalog.models import State
from webapp.accounts import logo
from webapp.accounts.models import Dealership, RoleName, User
from webapp.accounts.people import add_dealership, add_person
from webapp.customers import links
from webapp.database import session, settings
from webapp.interventions.models import Intervention, Item
from webapp.interventions.sending import send
from webapp.uploads import tokens

PEOPLE = (
    ("Claire Fontaine", "claire@example.org", RoleName.MANAGER),
    ("Inès Robert", "ines@example.org", RoleName.ADVISOR),
    ("Théo Martin", "theo@example.org", RoleName.TECHNICIAN),
)
REFERENCE = "RO-2047"
CAPTIONS = {
    "walkaround.mov": "A walk round your car on the lift: brakes, tyres and the front axle.",
    "brake.jpg": "The front brake discs have reached their limit.",
    "tyre.jpg": "The tyre is worn smooth on its inner edge.",
    "report.pdf": "Our offer, with parts and labour.",
}
_KINDS = {".mov": "film", ".mp4": "film", ".pdf": "document", ".jpg": "photo", ".jpeg": "photo", ".heic": "photo"}


@dataclass(frozen=True, slots=True)
class Demo:
    """What to print: where staff sign in, with what, and the customer's page."""

    intervention_id: str
    password: str


def prepare() -> Demo:
    """The demo's rows, made once; needs an application context."""
    password = _password(settings().data_dir / "demo-password")
    manager = session.scalar(select(User).where(User.email == PEOPLE[0][1]))
    dealership = manager.dealership if manager else _dealership(password)
    wanted = (Intervention.dealership_id == dealership.id) & (Intervention.reference == REFERENCE)
    intervention = session.scalar(select(Intervention).where(wanted)) or _intervention(dealership)
    session.commit()
    return Demo(intervention.id, password)


def fill(demo: Demo, on_step: Callable[[str, float], None]) -> None:
    """Draw the demo's files, send those that are missing and wait until all are made. `on_step(what, 0…1)`.

    Raises: RuntimeError when a file was refused or failed.
    """
    intervention = session.get_one(Intervention, demo.intervention_id)
    user = session.scalars(select(User).where(User.dealership_id == intervention.dealership_id)).first()
    assert user is not None
    here = {item.filename for item in intervention.items if item.asset.state is not State.RECEIVING}
    if missing := CAPTIONS.keys() - here:
        token = tokens.issue(settings().effective_secret_key, user.fs_uniquifier, intervention.id)
        dealership_id = intervention.dealership_id
        session.commit()
        with tempfile.TemporaryDirectory(prefix="walkaround-demo-") as folder:
            on_step("drawing", 0)
            subprocess.run([sys.executable, "-m", "webapp.command", "draw-demo", folder], check=True, stdout=2)
            _hang_logo(dealership_id, Path(folder))
            files = [(path, kind) for path, kind in _files(Path(folder)) if path.name in missing]
            for number, (path, kind) in enumerate(files):
                size = path.stat().st_size
                metadata = {
                    "intervention": demo.intervention_id, "kind": kind, "filename": path.name,
                    "key": f"demo-{path.name}", "caption": CAPTIONS.get(path.name, ""),
                }  # fmt: skip
                send(
                    f"{settings().effective_upload_url}/files", token, path, metadata,
                    lambda sent, number=number, size=size: on_step("sending", (number + sent / size) / len(files)),
                )  # fmt: skip
    _wait(demo, on_step)


def link(demo: Demo) -> str:
    """A new link for the demo's customer, and its address; the old ones go on working."""
    intervention = session.get_one(Intervention, demo.intervention_id)
    _, token = links.issue(intervention, intervention.customer_email)
    session.commit()
    return links.url(token)


def _password(path: Path) -> str:
    """Made once for this folder, so that no two demos share one and a second start prints the same."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o600)
        path.write_text("-".join(secrets.token_hex(2) for _ in range(3)))
    return path.read_text()


def _dealership(password: str) -> Dealership:
    dealership = add_dealership(
        "Garage Lumière", "FR", colour="#b4552d", phone="+33123456789", email="bonjour@example.org",
        address="12 rue des Ateliers, 69003 Lyon",
    )  # fmt: skip
    for name, email, role in PEOPLE:
        add_person(dealership, name, email, password, role, "en")
    return dealership


def _intervention(dealership: Dealership) -> Intervention:
    now = time.time()
    made = Intervention(
        id=str(uuid_utils.uuid7()), dealership_id=dealership.id, reference=REFERENCE, make="Renault", model="Mégane",
        plate="GB-123-LM", vin="VF1RFB00X56789012", mileage=68420, customer_name="Camille Durand",
        customer_email="camille@example.org", customer_phone="+33639981234", customer_language="en",
        asked="A grinding noise when braking, and the yearly service.", notes="Winter tyres are stored here, rack 14.",
        created_at=now, updated_at=now,
    )  # fmt: skip
    session.add(made)
    return made


def _files(folder: Path) -> Iterator[tuple[Path, str]]:
    """The drawn files in the order of showing: film, photos, document."""
    order = ("film", "photo", "document")
    found = [(path, _KINDS[path.suffix.lower()]) for path in folder.iterdir() if path.suffix.lower() in _KINDS]
    yield from sorted(found, key=lambda pair: (order.index(pair[1]), pair[0].name))


def _hang_logo(dealership_id: str, folder: Path) -> None:
    drawn = folder / "logo.png"
    dealership = session.get_one(Dealership, dealership_id)
    wanted = dealership.logo_key is None and drawn.exists()
    session.rollback()
    if wanted:
        dealership.logo_key = logo.keep(dealership_id, drawn.read_bytes())
        session.commit()


def _wait(demo: Demo, on_step: Callable[[str, float], None]) -> None:
    while True:
        items = session.scalars(select(Item).where(Item.intervention_id == demo.intervention_id)).all()
        found = [assets.progress(session(), item.asset) for item in items]
        session.rollback()  # let nothing stay open between two looks
        for progress in found:
            if progress.state in (State.REJECTED, State.FAILED):
                raise RuntimeError(f"a file of the demo is {progress.state}: {progress.reason}")
        on_step("making", sum(progress.percent for progress in found) / 100 / max(1, len(found)))
        if all(progress.state is State.READY for progress in found):
            return
        time.sleep(0.5)
