"""Where the CPU of one film goes, as an icicle: the start and imports of every child, its Python by function, ffmpeg's
threads by what they do, the parent, the storage.

The outputs are made one after the other in the real sandbox, by a child that also looks at itself (`sampled`). ffmpeg's
one thread of filters is divided by what the same pictures cost with fewer filters.
"""

import time
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import ffmpeg

from pipeline import picture, plan
from pipeline import source as sources
from pipeline.catalog.storage_folder import Folder
from workers import child
from workers import process as craft
from workers.bench import peers, plots
from workers.bench.plots import Part
from workers.bench.section import Context, Report, Section, Table
from workers.bench.threads import Threads

_PROGRAM = ("-c", Path(__file__).with_name("sampled.py").read_text())
SECONDS = 10.0
Spent = dict[tuple[str, ...], float]  # s of CPU by what it was for, from the whole to the parts
_LIMIT = 0.004  # of the film: smaller pieces are not drawn


def run(context: Context) -> Report:
    film = context.films("hevc", 2 if context.quick else SECONDS)
    found = craft.measure(film, context.order)["result"]
    size = film.stat().st_size
    jobs: dict[str, dict[str, Any]] = {
        "measure": {"verb": "measure", "bytes": size, "preset": context.order.preset, "watermark": True}
    }
    for output in found["plan"]["outputs"]:
        name = output["name"]
        jobs[name] = {"verb": "make", "name": name, "source": found["source"], "plan": found["plan"]}
    steps = _steps(film, found, context)
    decided = plan.from_json(found["plan"]).film
    assert decided is not None
    parts: dict[str, Spent] = {}
    parent = storage = 0.0
    for name, job in jobs.items():
        context.say(f"  flame: {name}")
        spent, watching = _child(name, job, film, context)
        parent += watching
        group = "chunks" if name.startswith("chunk/") else name
        whole_group = parts.setdefault(group, defaultdict(float))
        names = [one.name for one in decided.holds(name)[1]] if group == "chunks" else []
        named = _named(spent, names, steps) if group == "chunks" else spent
        for path, seconds in named.items():
            whole_group[path] += seconds
        storage += _stored(context.folder / _folder(name), context.folder / "storage")
    parts["parent"] = {("start, watch, judge",): parent}
    parts["storage"] = {("write, sync",): storage}
    whole = Part("film", sum(sum(part.values()) for part in parts.values()), [_tree(*part) for part in parts.items()])
    title = f"CPU of {found['source']['duration']:.0f} s of film: {whole.value:.1f} s"
    return Report(
        tables=(_table(whole),),
        plots={"flame.svg": plots.icicle(title, "CPU-s; below each piece what it is made of", whole)},
        data=_kept(parts),
    )


def _folder(name: str) -> str:
    return name.replace("/", "-")


def _child(name: str, job: dict[str, Any], film: Path, context: Context) -> tuple[Spent, float]:
    """CPU of one child by what it did, and of this process meanwhile, without what looking took."""
    out = context.folder / _folder(name)
    out.mkdir()
    logo = context.order.watermark
    inputs = {"input": film} | ({"watermark": logo} if logo and job["verb"] == "make" else {})
    own = time.process_time()
    with Threads() as threads:
        answer = child.run(job, inputs=inputs, out=out if job["verb"] == "make" else None, program=_PROGRAM)
    own = time.process_time() - own - threads.own_s
    profile, used = answer["result"]["profile"], answer["usage"]["cpu_s"]
    spent: Spent = defaultdict(float)
    for stack, seconds in profile["python"].items():
        # `make.make` and `measure.measure` hold all the rest.
        spent[tuple(stack.split(";"))[1:] if ";" in stack else (stack,)] += seconds
    for kind, seconds in threads.spent.items():
        spent["ffmpeg", kind] += seconds
    spent["ffmpeg", "start"] += max(0.0, profile["engines_s"] - sum(threads.spent.values()))
    spent["sandbox, interpreter",] += max(0.0, used - sum(profile["python"].values()) - profile["engines_s"])
    return spent, max(0.0, own)


def _stored(made: Path, root: Path) -> float:
    """CPU of putting away what a child made."""
    began = time.process_time()
    storage = Folder(root)
    for file in sorted(made.iterdir()):
        storage.put_file(f"{made.name}/{file.name}", file)
    return time.process_time() - began


def _steps(film: Path, found: dict[str, Any], context: Context) -> dict[str, float]:
    """Shares of the filters: CPU of the same film through more and more of them, nothing encoded."""
    source, decided = sources.from_json(found["source"]), plan.from_json(found["plan"])
    assert source.film is not None
    assert decided.film is not None
    top, shown = decided.film.renditions[0], source.film
    sizes = [(one.width, one.height) for one in decided.film.renditions if one.name.endswith("p")]
    given = ffmpeg.input(str(film), noautorotate=None)[str(shown.stream)]
    mark = None
    if context.order.watermark is not None and decided.watermark is not None:
        rules, prepared = decided.watermark, context.folder / "mark.png"
        mark = picture.watermark(context.order.watermark, top.width, top.height, rules, prepared)
    plain = picture.steps(given, shown, width=top.width, height=top.height, watermark=None)
    marked = picture.steps(given, shown, width=top.width, height=top.height, watermark=mark)
    used = [_cpu(nodes, context.folder) for nodes in ([given], [plain], [marked], picture.ladder(marked, sizes))]
    names = ("size, colours, upright", "watermark", "sizes of the ladder")
    more = {name: max(0.0, used[n + 1] - used[n]) for n, name in enumerate(names)}
    return {name: seconds / (sum(more.values()) or 1.0) for name, seconds in more.items()}


def _cpu(nodes: list[Any], folder: Path) -> float:
    outputs = [ffmpeg.output(node, "-", f="null") for node in nodes]
    return peers.run([ffmpeg.merge_outputs(*outputs).get_args()], folder).cpu_s


def _named(spent: Spent, renditions: list[str], steps: dict[str, float]) -> Spent:
    """Of a chunk: encoders called after their renditions, and the filters divided."""
    found: Spent = defaultdict(float)
    for path, seconds in spent.items():
        kind, _, number = path[-1].partition(" ")
        if path[0] == "ffmpeg" and number:
            found["ffmpeg", kind, renditions[int(number)]] += seconds
        elif path == ("ffmpeg", "filter"):
            for name, share in steps.items():
                found["ffmpeg", kind, name] += seconds * share
        else:
            found[path] += seconds
    return found


def _tree(name: str, spent: Mapping[tuple[str, ...], float]) -> Part:
    below: dict[str, Spent] = {}
    for path, seconds in spent.items():
        if path:
            below.setdefault(path[0], {})[path[1:]] = seconds
    parts = [_tree(inner, rest) for inner, rest in below.items()]
    return Part(name, sum(spent.values()), sorted(parts, key=lambda part: -part.value))


def _table(whole: Part) -> Table:
    rows = []
    for part in whole.parts:
        inner = ", ".join(f"{one.name} {one.value:.2f}" for one in part.parts if one.value >= _LIMIT * whole.value)
        rows.append((part.name, f"{part.value:.2f}", f"{part.value / whole.value:.1%}", inner))
    return Table("Where the CPU of one film goes", ("", "CPU-s", "share", "of that"), rows)


def _kept(parts: Mapping[str, Mapping[tuple[str, ...], float]]) -> dict[str, dict[str, float]]:
    return {group: {" / ".join(path): round(s, 3) for path, s in spent.items()} for group, spent in parts.items()}


SECTION = Section("flame", "Where the CPU of one film goes", order=80, run=run, takes_s=30)
