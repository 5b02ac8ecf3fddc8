"""An intervention with true media: a film that plays, photos and a document that open. For browsers."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from finished import RECIPE, Finisher
from flask import Flask
from reel import picture, reel
from sqlalchemy import select
from uuid_utils import uuid7
from werkzeug.serving import WSGIRequestHandler, make_server

from pipeline.catalog import keys
from pipeline.catalog.models import Asset, Output, State
from pipeline.make import make
from pipeline.measure import measure
from pipeline.names import FIRST, REST
from webapp.customers import links
from webapp.database import session, storage
from webapp.interventions.models import Intervention

Outputs = dict[str, tuple[dict[str, Any], dict[str, tuple[str, bytes]]]]


class Premiere(Finisher):
    """As `Finisher`, with media that a browser really plays."""

    def screening(
        self, intervention: str, *, portrait: bool = True, chunks: float = 3, caption: str = "", poster: bool = True
    ) -> str:
        """A painted film of 6 s. With fewer `chunks` than its three it is still being made: see `finish`. Half a chunk
        is the first one in its light rendition alone.
        """
        outputs = _film(portrait)
        until = FIRST + "-" if chunks == 0.5 else f"chunk/{chunks:04.0f}"
        made = [name for name in outputs if chunks == 3 or name < until]
        made += ["poster"] if poster and chunks < 3 else []
        state = State.READY if chunks == 3 else State.PROCESSING
        asset_id = self._add(intervention, "film", "film.mov", {name: outputs[name] for name in made}, caption, state)
        with self.app.app_context():
            plan = {"outputs": [{"name": name, "queue": "film", "weight": 2.0, "ranges": None} for name in outputs]}
            shape = {"width": 270, "height": 480} if portrait else {"width": 480, "height": 270}
            asset = session.get_one(Asset, asset_id)
            asset.plan, asset.source = plan, {"kind": "film", "duration": 6.0, "film": shape}
            session.commit()
        return asset_id

    def craft(self, intervention: str, path: Path, folder: Path, preset: str = "workshop") -> str:
        """A film as the craft itself makes it of a phone's file, in chunks that were each made alone."""
        found = measure(path, preset, False)
        outputs: Outputs = {}
        for place, name in enumerate(entry["name"] for entry in found["plan"]["outputs"]):
            out = folder / str(place)
            out.mkdir()
            made = make(name, path, found["source"], found["plan"], None, out, lambda _share: None)
            files = {row["path"]: (row["content_type"], (out / row["path"]).read_bytes()) for row in made["files"]}
            outputs[name] = (made["facts"], files)
        asset_id = self._add(intervention, "film", "film.mov", outputs, "", State.READY)
        with self.app.app_context():
            asset = session.get_one(Asset, asset_id)
            asset.source, asset.plan = found["source"], found["plan"]
            session.commit()
        return asset_id

    def finish(self, asset_id: str, *, portrait: bool = True, until: str = "z") -> None:
        """Record what is still missing of a film; or of its outputs whose names come before `until`."""
        with self.app.app_context():
            asset = session.get_one(Asset, asset_id)
            made = set(session.scalars(select(Output.name).where(Output.asset_id == asset_id)))
            for name, (facts, files) in _film(portrait).items():
                if name in made or name >= until:
                    continue
                prefix = keys.output_prefix(asset_id, RECIPE, 1, name)
                rows = []
                for path, (content_type, data) in files.items():
                    storage().put(keys.file(prefix, path), data)
                    rows.append({"path": path, "bytes": len(data), "content_type": content_type})
                row = {"id": str(uuid7()), "asset_id": asset_id, "recipe": RECIPE, "name": name, "prefix": prefix}
                session.add(Output(**row, files=rows, facts=facts, made_at=time.time()))
            asset.state = State.READY
            session.commit()

    def print(self, intervention: str, *, size: tuple[int, int] = (800, 600), caption: str = "") -> str:
        """A photo in one true size."""
        path, (width, height) = f"{max(size)}.jpg", size
        size_facts = {"path": path, "width": width, "height": height, "format": "jpeg"}
        facts = {"width": width, "height": height, "sizes": [size_facts]}
        files = {path: ("image/jpeg", picture(width, height))}
        return self._add(intervention, "photo", "photo.jpg", {"sizes": (facts, files)}, caption, State.READY)

    def link(self, intervention: str) -> str:
        """The path of a new link, `/v/…`."""
        with self.app.app_context():
            _, token = links.issue(session.get_one(Intervention, intervention), "camille@example.org")
            session.commit()
        return f"/v/{token}"


class _Quiet(WSGIRequestHandler):
    def log(self, *_: object) -> None:
        pass


@contextmanager
def serving(app: Flask, port: int = 0) -> Iterator[str]:
    """The application on a port of 127.0.0.1, a free one unless told; gives its address."""
    server = make_server("127.0.0.1", port, app, threaded=True, request_handler=_Quiet)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _film(portrait: bool) -> Outputs:
    width, height = (270, 480) if portrait else (480, 270)
    outputs: Outputs = {
        "poster": (
            {"width": width, "height": height, "at": 0.5},
            {"poster.jpg": ("image/jpeg", picture(width, height))},
        )
    }
    for chunk in reel(6, (180, 270), portrait):
        files = {row["path"]: (row["content_type"], chunk.files[row["path"]]) for row in chunk.rows}
        light, large = chunk.facts["renditions"]
        pieces = ((FIRST, [light]), (REST, [large])) if chunk.name == FIRST else ((chunk.name, [large, light]),)
        for name, held in pieces:
            own = {path: file for path, file in files.items() if path.startswith(tuple(one["name"] for one in held))}
            outputs[name] = ({**chunk.facts, "renditions": held}, own)
    outputs["storyboard"] = _storyboard()
    return outputs


def _storyboard() -> tuple[dict[str, Any], dict[str, tuple[str, bytes]]]:
    cues = "".join(
        f"00:00:0{second}.000 --> 00:00:0{second + 2}.000\nstoryboard.jpg#xywh={column * 90},0,90,160\n\n"
        for column, second in enumerate((0, 2, 4))
    )
    facts = {"columns": 3, "rows": 1, "tile_width": 90, "tile_height": 160, "every": 2.0, "count": 3}
    files = {
        "storyboard.jpg": ("image/jpeg", picture(270, 160)),
        "storyboard.vtt": ("text/vtt", f"WEBVTT\n\n{cues}".encode()),
    }
    return facts, files
