"""An intervention with true media: a film that plays, photos and a document that open. For browsers."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from finished import Finisher
from flask import Flask
from reel import picture, reel
from werkzeug.serving import WSGIRequestHandler, make_server

from pipeline.catalog.models import State
from webapp.customers import links
from webapp.database import session
from webapp.interventions.models import Intervention

Outputs = dict[str, tuple[dict[str, Any], dict[str, tuple[str, bytes]]]]


class Premiere(Finisher):
    """As `Finisher`, with media that a browser really plays."""

    def screening(
        self,
        intervention: str,
        *,
        portrait: bool = True,
        chunks: int = 3,
        caption: str = "",
        state: State = State.READY,
    ) -> str:
        """A painted film of 6 s. With fewer `chunks` than three the others are still to be made."""
        made = reel(6, (180, 270), portrait)
        width, height = (270, 480) if portrait else (480, 270)
        poster = {"poster.jpg": ("image/jpeg", picture(width, height))}
        outputs: Outputs = {"poster": ({"width": width, "height": height, "at": 0.5}, poster)}
        for chunk in made[:chunks]:
            outputs[chunk.name] = (
                chunk.facts,
                {row["path"]: (row["content_type"], chunk.files[row["path"]]) for row in chunk.rows},
            )
        outputs["storyboard"] = _storyboard()
        return self._add(intervention, "film", "film.mov", outputs, caption, state)

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
def serving(app: Flask) -> Iterator[str]:
    """The application on a free port of 127.0.0.1; gives its address."""
    server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=_Quiet)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


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
