"""The recipes people would use instead, each as a plain ffmpeg command of the bundled binary, and our own way.

Every contender gets the same film and an empty folder, and leaves finished HLS there. What is counted is everything it
runs: CPU of all its processes, the clock from its start to its first playable second and to its last rendition.
"""

import os
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pipeline import encoders, engine, plan
from workers import process as craft
from workers.bench import ladders, tree
from workers.bench.made import Made

_LOOK_S = 0.02
Command = list[str]


@dataclass(frozen=True)
class Film:
    """What is given to a contender: a film, its size as shown, and what our plan says of it."""

    path: Path
    width: int  # px
    height: int  # px
    seconds: float
    decided: plan.Plan


@dataclass(frozen=True)
class Contender:
    """Who, in a word and in a sentence."""

    name: str
    what: str
    make: Callable[[Film, craft.Order, Path], Made]
    seen: bool = True  # its quality is measured too


def _size(film: Film, short_edge: int) -> str:
    return f"{short_edge}:-2" if film.width < film.height else f"-2:{short_edge}"


def _fitting(film: Film, rungs: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """Rungs (short edge px, kbit/s) that do not enlarge; at least the smallest."""
    return [rung for rung in rungs if rung[0] <= min(film.width, film.height)] or [min(rungs)]


def ours(film: Film, order: craft.Order, out: Path) -> Made:
    """The whole craft: sandbox, two outputs at once, watermark, proof, privacy, stills."""
    began, own = time.monotonic(), time.process_time()
    ready: dict[str, float] = {}

    def on_made(name: str) -> None:
        ready[name] = time.monotonic() - began

    with tree.Peak() as peak:
        report = craft.process(film.path, lambda _kind: out, replace(order, on_made=on_made))
    parent = time.process_time() - own - peak.own_s
    by_output: dict[str, float] = {"parent": parent}
    for name, facts in report["outputs"].items():
        group = name.split("/")[0]
        by_output[group] = by_output.get(group, 0.0) + facts["usage"]["cpu_s"]
    by_output["measure"] = report["usage"]["cpu_s"] - sum(by_output.values()) + parent
    names = [rendition["name"] for rendition in report["plan"]["film"]["renditions"]]
    chunks: dict[int, tuple[float, float]] = {}  # the first one is made in two pieces
    for name, made in report["outputs"].items():
        if name.startswith("chunk/"):
            number, lasts, cpu = made["facts"]["chunk"], made["facts"]["duration"], made["usage"]["cpu_s"]
            chunks[number] = float(lasts), chunks.get(number, (0.0, 0.0))[1] + float(cpu)
    return Made(
        cpu_s=report["usage"]["cpu_s"] + parent,
        wall_s=report["usage"]["wall_s"],
        first_s=ready["chunk/0000"],
        ready_s=max(at for name, at in ready.items() if name.startswith("chunk/")),
        peak_rss_bytes=peak.bytes,
        variants=tuple(ladders.read(out / f"{name}.m3u8") for name in names),
        by_output={name: round(cpu, 2) for name, cpu in by_output.items()},
        chunks=tuple(chunks[number] for number in sorted(chunks)),
    )


_A = ((1080, 6000), (720, 3000), (480, 1500), (360, 800))
_A_BUFFERS = {1080: 9000, 720: 5000, 480: 2400, 360: 1400}
_KEYS_2S = ("-force_key_frames", "expr:gte(t,n_forced*2)")


def peer_a(film: Film, _: craft.Order, out: Path) -> Made:
    """One good command."""
    rungs = _fitting(film, _A)
    how: list[str] = ["-c:v", "libx264", "-preset", "veryfast", "-crf", "23", "-pix_fmt", "yuv420p", *_KEYS_2S]
    for number, (edge, rate) in enumerate(rungs):
        how += [f"-maxrate:v:{number}", f"{rate}k", f"-bufsize:v:{number}", f"{_A_BUFFERS[edge]}k"]
    return run([_one_command(film, [_size(film, edge) for edge, _ in rungs], how, out)], out, _listed)


# What belongs to chunks and their muxer, not to the encoder.
_OF_A_CHUNK = (
    *("f", "fps_mode", "enc_time_base", "force_key_frames", "acodec", "movflags", "use_editlist", "avoid_negative_ts"),
    *("video_track_timescale", "empty_hdlr_name", "fflags", "flags:v", "map_metadata", "map_chapters"),
)


def own_command(film: Film, _: craft.Order, out: Path) -> Made:
    """A's command with our renditions and encoder settings."""
    decided = film.decided.film
    assert decided is not None
    how: list[str] = list(_KEYS_2S)
    for number, one in enumerate(decided.renditions):
        for key, value in encoders.encoding(one, decided, decided.chunks[0]).items():
            if key not in _OF_A_CHUNK:
                how += [f"-{'c' if key == 'vcodec' else key.split(':')[0]}:v:{number}", str(value)]
    if decided.keep is not None:
        how += ["-r", str(decided.keep)]
    sizes = [f"{one.width}:{one.height}" for one in decided.renditions]
    return run([_one_command(film, sizes, how, out)], out, _listed)


def _one_command(film: Film, sizes: Sequence[str], how: Sequence[str], out: Path) -> Command:
    many = range(len(sizes))
    split = f"[0:v]split={len(sizes)}" + "".join(f"[s{n}]" for n in many)
    scaled = "".join(f";[s{n}]scale={size}[v{n}]" for n, size in enumerate(sizes))
    mapped = [word for n in many for word in ("-map", f"[v{n}]", "-map", "0:a:0")]
    return [
        *("-i", str(film.path), "-filter_complex", split + scaled, *mapped, *how, "-c:a", "aac", "-b:a", "128k"),
        # `event`: the playlist grows while the film is made, the earliest it can be played.
        *("-f", "hls", "-hls_time", "4", "-hls_playlist_type", "event", "-hls_segment_type", "fmp4"),
        *("-var_stream_map", " ".join(f"v:{n},a:{n}" for n in many), "-master_pl_name", "index.m3u8"),
        *("-hls_segment_filename", str(out / "v%v-%03d.m4s"), str(out / "v%v.m3u8")),
    ]


_B = ((144, 157), (240, 470), (360, 940), (480, 1340), (720, 2740), (1080, 6220))


def peer_b(film: Film, _: craft.Order, out: Path) -> Made:
    """PeerTube's recipe: a run per rendition."""
    commands = [
        [
            *("-i", str(film.path), "-map", "0:v:0", "-map", "0:a:0", "-vf", f"scale={_size(film, edge)}"),
            *("-c:v", "libx264", "-preset", "veryfast", "-maxrate", f"{rate}k", "-bufsize", f"{2 * rate}k"),
            *("-b_strategy", "1", "-bf", "16", "-r", "30", "-pix_fmt", "yuv420p", "-c:a", "aac"),
            *("-f", "hls", "-hls_time", "4", "-hls_list_size", "0", "-hls_playlist_type", "vod"),
            *("-hls_segment_type", "fmp4", "-hls_flags", "single_file"),
            *("-hls_segment_filename", str(out / f"{edge}p.mp4"), str(out / f"{edge}p.m3u8")),
        ]
        for edge, rate in _fitting(film, _B)
    ]
    return run(commands, out, _listed)


_C = ((144, 150), (240, 300), (360, 500), (480, 1000), (720, 2500), (1080, 4500))


def peer_c(film: Film, _: craft.Order, out: Path) -> Made:
    """MediaCMS's recipe: a run per rendition, then packaging."""
    encoding, packaging = [], []
    for edge, rate in _fitting(film, _C):
        cap, single = f"{rate * 3 // 2}k", str(out / f"{edge}p.mp4")
        encoding.append(
            [
                *("-i", str(film.path), "-map", "0:v:0", "-map", "0:a:0"),
                *("-vf", f"scale={_size(film, edge)}:flags=lanczos", "-c:v", "libx264", "-preset", "medium"),
                *("-crf", "23", "-profile:v", "main", "-maxrate", cap, "-bufsize", cap, "-pix_fmt", "yuv420p"),
                *("-force_key_frames", "expr:gte(t,n_forced*4)", "-c:a", "aac", "-b:a", "128k", single),
            ]
        )
        packaging.append(
            [
                *("-i", single, "-c", "copy", "-f", "hls", "-hls_time", "4", "-hls_playlist_type", "vod"),
                *("-hls_segment_type", "fmp4", "-hls_fmp4_init_filename", f"{edge}p-init.mp4"),
                *("-hls_segment_filename", str(out / f"{edge}p-%03d.m4s"), str(out / f"{edge}p.m3u8")),
            ]
        )
    # A single rendition can be watched as a file as soon as its run has ended.
    return run([*encoding, *packaging], out, lambda _, ended: ended > 0)


def _listed(folder: Path, _ended: int) -> bool:
    """Whether some media playlist lists a segment."""
    return any("#EXTINF" in playlist.read_text() for playlist in folder.glob("*.m3u8"))


def run(
    commands: Sequence[Command], out: Path, playable: Callable[[Path, int], bool] = lambda _folder, _ended: False
) -> Made:
    """Each command after the other. `playable` is asked about the folder, and how many have ended."""
    began, cpu, peak = time.monotonic(), 0.0, 0
    first: float | None = None
    for ended, command in enumerate(commands):
        words = [engine.executable(), "-v", "error", "-nostdin", "-y", *command]
        process = subprocess.Popen(words, cwd=out)
        while True:
            if first is None and playable(out, ended):
                first = time.monotonic() - began
            pid, status, used = os.wait4(process.pid, os.WNOHANG)
            if pid:
                break
            time.sleep(_LOOK_S)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            raise subprocess.CalledProcessError(process.returncode, words)
        cpu, peak = cpu + used.ru_utime + used.ru_stime, max(peak, used.ru_maxrss * 1024)
    wall = time.monotonic() - began
    lists = sorted(path for path in out.glob("*.m3u8") if path.name != "index.m3u8")
    variants = sorted((ladders.read(path) for path in lists), key=lambda variant: -variant.bytes)
    return Made(cpu, wall, wall if first is None else first, wall, peak, tuple(variants), {})


CONTENDERS = (
    Contender("ours", "Walkaround, everything included", ours),
    Contender("A", "one good command", peer_a),
    Contender("B", "PeerTube's recipe", peer_b),
    Contender("C", "MediaCMS's recipe", peer_c),
    # Its pictures are ours, encoded by the same settings: only its cost is of interest.
    Contender("A′", "A's command with our renditions and encoder settings", own_command, seen=False),
)


def film(path: Path, order: craft.Order) -> tuple[Film, dict[str, Any]]:
    """A film as contenders get it, and what measuring said."""
    found = craft.measure(path, order)["result"]
    shown = found["source"]["film"]
    given = Film(
        path, shown["width"], shown["height"], float(found["source"]["duration"]), plan.from_json(found["plan"])
    )
    return given, found
