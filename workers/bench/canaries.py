"""Personal strings planted in films and photos: none may be in anything that was made of them, in any spelling."""

import re
import tempfile
import zlib
from dataclasses import asdict, dataclass
from pathlib import Path

from pipeline.errors import PipelineError
from workers import process as craft
from workers.bench.section import Context, Report, Section, Table

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


def run(context: Context) -> Report:
    """Every file with planted strings; without the collection there is nothing to search."""
    if context.films.media is None:
        context.say("no collection of files")
        return Report()
    found = []
    for name in files(context.films.media):
        found.append(search(context.films.media, name, context.order))
        context.say(f"  {name}: {found[-1].verdict}, {found[-1].needles} strings, {len(found[-1].hits)} found")
    head = ("file", "verdict", "strings searched", "outputs", "hits")
    rows = [(s.file, s.verdict, str(s.needles), str(s.outputs), "; ".join(s.hits) or "0") for s in found]
    table = Table("Planted strings", head, rows, f"Hits: {sum(len(s.hits) for s in found)}.")
    wrong = [f"{search.file}: {hit}" for search in found for hit in search.hits]
    return Report([table], data=[asdict(search) for search in found], wrong=wrong)


def files(media: Path) -> list[str]:
    """The files of the collection with planted strings, from s30 on."""
    found = [path for path in sorted((media / "synthetic").glob("s3*")) if b"CANARY" in path.read_bytes()]
    return [path.relative_to(media).as_posix() for path in found]


def search(media: Path, name: str, order: craft.Order) -> Search:
    """Make one file under a telling name and look into everything that came out, names of files included."""
    data = (media / name).read_bytes()
    with tempfile.TemporaryDirectory(prefix="walkaround-canary-") as folder:
        out = Path(folder) / "out"
        original = Path(folder) / telling(name)
        original.write_bytes(data)
        verdict = "made"
        try:
            craft.process(original, lambda _kind: out, order)
        except PipelineError as error:
            verdict = f"{error.reason}: {error}"
        return look(name, verdict, data, out)


def telling(name: str) -> str:
    """What a file is called whose name must not be found either."""
    return f"CANARY_FILENAME{Path(name).suffix}"


def look(name: str, verdict: str, data: bytes, out: Path) -> Search:
    """Into everything in `out` that came of `data`."""
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


SECTION = Section("canaries", "Planted personal strings", order=90, run=run, takes_s=15)
