"""Films that arrive piece by piece at a crew with the real craft, called in this process; what was made of them."""

import hashlib
import json
import struct
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from crewroom import Crew
from painting import paint
from sqlalchemy import select

from pipeline import child as craft
from pipeline.catalog import assets, keys
from pipeline.catalog.models import Output
from pipeline.errors import EngineFailed, PipelineError
from workers import connections
from workers.settings import settings


def run(job: dict[str, Any], *, inputs: dict[str, Path], out: Path | None = None, **_: object) -> dict[str, Any]:
    """As `workers.child.run`, without a process for each of a hundred jobs."""
    told = job | {name: str(path) for name, path in inputs.items()} | {"out": str(out)}
    try:
        result = json.loads(json.dumps(craft._do(told, lambda share: None)))
        return {"result": result, "usage": {"cpu_s": 0.0, "wall_s": 0.0, "peak_rss_bytes": 0}}
    except PipelineError:
        raise
    except Exception as error:
        raise EngineFailed(repr(error)) from error


@dataclass(frozen=True)
class Film:
    """The bytes of a film, and where its index lies behind the pictures."""

    body: bytes
    at: int

    seconds: float

    @property
    def index(self) -> bytes:
        return self.body[self.at :]

    def until(self, second: float) -> int:
        """How many bytes come before a second of it, about."""
        return int(self.at * second / self.seconds)


def film(path: Path, seconds: float = 9, **how: Any) -> Film:
    """A film as a phone writes it, large enough to be made in pieces."""
    how = {"gop": 15, "rate": 15, "video_filter": "noise=alls=14:allf=t"} | how
    body = paint(path, seconds=seconds, size=(320, 240), **how).read_bytes()
    at = 0
    while body[at + 4 : at + 8] != b"moov":
        at += int.from_bytes(body[at : at + 4], "big")
    assert at + int.from_bytes(body[at : at + 4], "big") == len(body)
    return Film(body, at, seconds)


def in_fragments(path: Path, seconds: float) -> Film:
    """A film as a browser writes it: each fragment with an index of its own."""
    how: dict[str, Any] = {"gop": 15, "rate": 15, "codec": "h264-b", "video_filter": "noise=alls=8:allf=t"}
    flags = ["-movflags", "empty_moov+default_base_moof", "-frag_duration", "700000"]
    body = paint(path, seconds=seconds, **how, extra=flags).read_bytes()
    return Film(body, len(body), seconds)


def with_offsets(index: bytes, change: Callable[[int], int]) -> bytes:
    """An index that names other places for every piece of picture and sound."""
    made, at = bytearray(index), 0
    while (at := index.find(b"stco", at + 1)) > 0:
        (count,) = struct.unpack_from(">I", index, at + 8)
        for entry in range(at + 12, at + 12 + 4 * count, 4):
            struct.pack_into(">I", made, entry, change(struct.unpack_from(">I", index, entry)[0]))
    assert made != index
    return bytes(made)


@dataclass
class Arrival:
    """One upload, as the upload process does it: objects first, then the rows; or an asset that somebody else sends."""

    crew: Crew
    size: int
    asset_id: str = ""
    received: int = 0

    def __post_init__(self) -> None:
        if self.asset_id:
            return
        with connections.transaction() as session:
            self.asset_id = assets.create(session, owner="dealer", preset="workshop", size=self.size).id

    def hint(self, offset: int, index: bytes) -> None:
        key = keys.hint(self.asset_id, offset, hashlib.sha256(index).hexdigest(), "n1")
        connections.objects().put(key, index)
        with connections.transaction() as session:
            assets.hint(session, self.asset_id, offset=offset, length=len(index), key=key)

    def send(self, body: bytes, until: int | None = None, piece: int = 160_000) -> None:
        """More of a file, up to a byte of it."""
        end = len(body) if until is None else until
        while self.received < end:
            data = body[self.received : min(end, self.received + piece)]
            key = keys.part(self.asset_id, self.received, "n1")
            connections.objects().put(key, data)
            with connections.transaction() as session:
                args = {"offset": self.received, "length": len(data), "key": key}
                self.received = assets.add_part(session, self.asset_id, **args, window=settings().window)

    def outputs(self) -> dict[str, str]:
        """The recorded outputs: name and row."""
        with connections.reading() as session:
            return {row.name: row.id for row in assets.outputs(session, self.asset_id)}

    def digests(self) -> dict[str, str]:
        """Every file of every recorded output."""
        with connections.reading() as session:
            rows = session.scalars(select(Output).where(Output.asset_id == self.asset_id)).all()
            return {
                f"{row.name}/{file['path']}": hashlib.sha256(
                    connections.objects().get(keys.file(row.prefix, file["path"]))
                ).hexdigest()
                for row in rows
                for file in row.files
            }

    def objects(self) -> list[str]:
        return sorted(one.key for one in connections.objects().list(keys.asset(self.asset_id)))
