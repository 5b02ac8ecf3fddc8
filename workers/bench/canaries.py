"""Personal strings planted in films and photos: none may be in anything that was made of them, in any spelling."""

import re
import tempfile
import zlib
from dataclasses import dataclass
from pathlib import Path

from pipeline.errors import PipelineError
from workers import process as craft

# The coordinates the collection plants, as text, in the forms containers and XMP write them.
_PLACES = ("12.3456", "98.7654", "12,20.736", "98,45.924", "12.345", "98.765")
_WORD = re.compile(rb"CANARY[A-Za-z0-9_.,\-]*")


@dataclass(frozen=True, slots=True)
class Search:
    """What was looked for in how many outputs of one file, and what was found where."""

    file: str
    verdict: str
    needles: int
    outputs: int
    hits: tuple[str, ...]


def files(media: Path) -> list[str]:
    """The files of the collection with planted strings, from s30 on."""
    found = [path for path in sorted((media / "synthetic").glob("s3*")) if b"CANARY" in path.read_bytes()]
    return [path.relative_to(media).as_posix() for path in found]


def search(media: Path, name: str, order: craft.Order) -> Search:
    """Make one file under a telling name and look into everything that came out, names of files included."""
    data = (media / name).read_bytes()
    with tempfile.TemporaryDirectory(prefix="walkaround-canary-") as folder:
        out = Path(folder) / "out"
        original = Path(folder) / f"CANARY_FILENAME{Path(name).suffix}"
        original.write_bytes(data)
        verdict = "made"
        try:
            craft.process(original, lambda _kind: out, order)
        except PipelineError as error:
            verdict = f"{error.reason}: {error}"
        found = needles(data)
        made = [path for path in sorted(out.rglob("*")) if path.is_file()]
        hits = [f"{needle!r} in {path.relative_to(out)}" for path in made for needle in hidden_in(path, found)]
    return Search(name, verdict, len(found), len(made), tuple(hits))


def needles(data: bytes) -> list[bytes]:
    """Every planted string in `data`, the places, and the file's name; each also in UTF-16, as Windows tags are."""
    words = {match.group().rstrip(b".,-_") for match in _WORD.finditer(data)}
    words |= {match.group() for match in _WORD.finditer(data.replace(b"\0", b""))}
    words |= {place.encode() for place in _PLACES} | {b"CANARY"}
    return sorted(words | {word.decode("latin-1").encode("utf-16-le") for word in words})


def hidden_in(path: Path, found: list[bytes]) -> list[bytes]:
    """The needles in a file or its name, also inside zlib streams (PNG text, PDF objects)."""
    data = path.name.encode() + b"\n" + path.read_bytes()
    for start in re.finditer(rb"x[\x01\x5e\x9c\xda]", data):
        try:
            data += zlib.decompressobj().decompress(data[start.start() :][: 1 << 20], 1 << 20)
        except zlib.error:
            continue
    return [needle for needle in found if needle in data]
