"""Finished assets without decoding: the rows the catalog would write, and bytes in the storage."""

import time
from io import BytesIO
from typing import Any

import uuid_utils
from flask import Flask
from PIL import Image
from sqlalchemy import func, select

from pipeline.catalog import keys
from pipeline.catalog.models import Asset, Output, State
from webapp.database import session, storage
from webapp.interventions.models import Intervention, Item

RECIPE = "workshop-test"


def _picture(format: str) -> bytes:
    made = BytesIO()
    Image.new("RGB", (36, 27), (200, 80, 40)).save(made, format)
    return made.getvalue()


JPEG, WEBP = _picture("JPEG"), _picture("WEBP")


def items(shop: Flask, intervention: str) -> list[str]:
    """The ids of an intervention's items, in their order."""
    with shop.app_context():
        return [item.id for item in session.get_one(Intervention, intervention).items]


class Finisher:
    """Adds finished items to interventions of one application."""

    def __init__(self, app: Flask) -> None:
        self.app = app

    def film(self, intervention: str, *, chunks: int = 2, caption: str = "", state: State = State.READY) -> str:
        """A portrait film of 4 s chunks with poster, storyboard and preview. Returns the asset's id."""
        outputs = {"poster": ({"width": 720, "height": 1280, "at": 0.5}, {"poster.jpg": ("image/jpeg", JPEG)})}
        for number in range(chunks):
            outputs[f"chunk/{number:04}"] = self._chunk(number)
        outputs["storyboard"] = (
            {"columns": 5, "rows": 1, "tile_width": 90, "tile_height": 160, "every": 2.0, "count": chunks * 2},
            {"storyboard.jpg": ("image/jpeg", JPEG), "storyboard.vtt": ("text/vtt", b"WEBVTT\n\n")},
        )
        outputs["preview"] = (
            {"width": 180, "height": 320, "duration": 3.0},
            {"preview.webp": ("image/webp", WEBP)},
        )
        return self._add(intervention, "film", "film.mov", outputs, caption, state)

    def photo(self, intervention: str, *, caption: str = "", state: State = State.READY) -> str:
        """A landscape photo in two sizes. Returns the asset's id."""
        sizes, files = [], {}
        for edge in (320, 800):
            for format, mime, body in (
                ("webp", "image/webp", WEBP),
                ("jpeg", "image/jpeg", JPEG),
            ):
                path = f"{edge}.{'jpg' if format == 'jpeg' else 'webp'}"
                sizes.append({"path": path, "width": edge, "height": edge * 3 // 4, "format": format})
                files[path] = (mime, body)
        facts = {"width": 800, "height": 600, "sizes": sizes}
        return self._add(intervention, "photo", "photo.jpg", {"sizes": (facts, files)}, caption, state)

    def document(self, intervention: str, *, caption: str = "", state: State = State.READY) -> str:
        """A PDF of two pages. Returns the asset's id."""
        files = {"document.pdf": ("application/pdf", b"%PDF-1.7\n%%EOF\n"), "page.jpg": ("image/jpeg", JPEG)}
        return self._add(intervention, "document", "quote.pdf", {"document": ({"pages": 2}, files)}, caption, state)

    @staticmethod
    def _chunk(number: int) -> tuple[dict[str, Any], dict[str, tuple[str, bytes]]]:
        start, body = number * 4.0, bytes([number]) * 1000
        segment = {
            "path": "720p-000.m4s", "start": start, "duration": 4.0, "bytes": len(body),
            "iframes": [
                {"offset": 0, "length": 200, "start": start, "duration": 2.0},
                {"offset": 500, "length": 200, "start": start + 2, "duration": 2.0},
            ],
        }  # fmt: skip
        rendition = {
            "name": "720p", "init": "720p-init.mp4", "codecs": "avc1.64001f,mp4a.40.2", "width": 720, "height": 1280,
            "rate": "30/1", "bytes": len(body), "segments": [segment],
        }  # fmt: skip
        facts = {"chunk": number, "start": start, "duration": 4.0, "frames": 120, "renditions": [rendition]}
        files = {"720p-000.m4s": ("video/iso.segment", body), "720p-init.mp4": ("video/mp4", b"init of 720p")}
        return facts, files

    def _add(
        self,
        intervention: str,
        kind: str,
        filename: str,
        outputs: dict[str, tuple[dict[str, Any], dict[str, tuple[str, bytes]]]],
        caption: str,
        state: State,
    ) -> str:
        now, asset_id = time.time(), str(uuid_utils.uuid7())
        with self.app.app_context():
            dealership = session.get_one(Intervention, intervention).dealership_id
            plan = {"outputs": [{"name": name, "queue": "film", "weight": 1.0, "ranges": None} for name in outputs]}
            session.add(
                Asset(
                    id=asset_id, owner=dealership, preset="workshop", state=state, size=1000, received=1000,
                    kind=kind, recipe=RECIPE, source={"kind": kind}, plan=plan,
                    created_at=now, touched_at=now, completed_at=now, finished_at=now,
                )
            )  # fmt: skip
            session.flush()
            for name, (facts, files) in outputs.items():
                prefix = keys.output_prefix(asset_id, RECIPE, 1, name)
                listed = []
                for path, (mime, body) in files.items():
                    storage().put(keys.file(prefix, path), body)
                    listed.append({"path": path, "bytes": len(body), "content_type": mime})
                session.add(
                    Output(
                        id=str(uuid_utils.uuid7()), asset_id=asset_id, recipe=RECIPE, name=name, prefix=prefix,
                        files=listed, facts=facts, made_at=now,
                    )
                )  # fmt: skip
            place = session.scalar(select(func.count()).select_from(Item).where(Item.intervention_id == intervention))
            session.add(
                Item(
                    id=str(uuid_utils.uuid7()), intervention_id=intervention, asset_id=asset_id, kind=kind,
                    filename=filename, caption=caption, position=place, created_at=now,
                )
            )  # fmt: skip
            session.commit()
        return asset_id
