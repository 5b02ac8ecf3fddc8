"""Where `walkaround process` puts what it made, over what an earlier run made there."""

import json
import shutil
from pathlib import Path


def put(making: Path, folder: Path) -> None:
    """Move everything in `making` to its place in `folder`, and take away what an earlier run put there and this one
    did not: a player would be shown renditions that are no more."""
    before = _known(folder)
    for entry in sorted(making.iterdir()):
        _replace(entry, folder / entry.name)
    for name in before - _known(folder):
        _remove(folder / name)


def _known(folder: Path) -> set[str]:
    """What lies at the top of a folder and is a run's by its own report: a film's playlists and the folder of its
    chunks, files of outputs."""
    try:
        report = json.loads((folder / "report.json").read_text())
        names = {file["path"] for name, one in report["outputs"].items() if "/" not in name for file in one["files"]}
        for one in report["plan"]["film"]["renditions"] if report["kind"] == "film" else []:
            names |= {"chunk", "index.m3u8", f"{one['name']}.m3u8", f"{one['name']}-iframes.m3u8"}
    except (OSError, ValueError, LookupError, TypeError, AttributeError):
        return set()  # none of ours
    return {name for name in names if Path(name).name == name and (name == "chunk" or (folder / name).is_file())}


def _replace(entry: Path, target: Path) -> None:
    """Move into place, over what an earlier run made. The folder `.poster` of an output gives its files."""
    if entry.is_dir() and entry.name.startswith("."):
        for file in sorted(entry.iterdir()):
            _replace(file, target.parent / file.name)
        return
    if target.is_dir():
        _remove(target)
    entry.replace(target)


def _remove(entry: Path) -> None:
    if entry.is_dir() and not entry.is_symlink():
        shutil.rmtree(entry)
    else:
        entry.unlink(missing_ok=True)
