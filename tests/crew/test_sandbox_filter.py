"""Where a child is the worker's own user, the filter of system calls holds what Landlock is not asked about."""

import ctypes
import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from unittest import mock

import pytest
from nursery import run_child
from painting import paint
from paperwork import report
from photographs import corners

from workers import child
from workers.sandbox import choice, enter
from workers.sandbox.landlock import Landlock
from workers.sandbox.layer import Cell, Limits, Program


class OrdinaryUsers(Landlock):
    """Landlock as it is for a worker that is not root: its child is the same user. Here that user is root."""

    def prepare(
        self, program: Program, inputs: Mapping[str, Path], out: Path | None, scratch: Path, limits: Limits
    ) -> Cell:
        with mock.patch("os.geteuid", return_value=1000):
            return super().prepare(program, inputs, out, scratch, limits)


class OldKernels(OrdinaryUsers):
    """A kernel whose Landlock asks about nothing at all: what is left is the filter."""

    def prepare(
        self, program: Program, inputs: Mapping[str, Path], out: Path | None, scratch: Path, limits: Limits
    ) -> Cell:
        cell = super().prepare(program, inputs, out, scratch, limits)
        argv = [
            json.dumps(json.loads(word) | {"landlock": False}) if word.startswith('{"memory_bytes"') else word
            for word in cell.argv
        ]
        assert argv != cell.argv
        return replace(cell, argv=argv)


def landlock_abi() -> int:
    """What this kernel's Landlock asks about: 6, since Linux 6.12, signals too. Source: landlock(7)."""
    return enter._call(444, None, ctypes.c_size_t(0), ctypes.c_uint32(1))


def test_without_any_rule_of_landlock_nothing_of_ours_is_cut_or_changed() -> None:
    escapes = choice.attempt(OldKernels())

    assert {"file beside the input", "write beside the input", "accounts of the machine"} <= escapes.keys()
    held = {
        "cut what lies beside the input",
        "cut the input",
        "empty the input by opening it",
        "rights of what lies beside the input",
        "rights of the input",
        "rights of the code",
        "limits of the worker",
    }
    assert held.isdisjoint(escapes)


def test_a_kernel_that_lets_a_child_signal_the_worker_is_refused() -> None:
    """Before Linux 6.12, where both are the same user."""
    assert choice.attempt(OldKernels())["signal to the worker"] == "was allowed"


def test_nothing_escapes_from_landlock_where_the_child_is_our_own_user() -> None:
    escapes = choice.attempt(OrdinaryUsers())

    # Whoever is root here is root inside as well, in this test alone. Before Linux 6.12 such a layer is refused.
    unasked = set() if landlock_abi() >= 6 else {"signal to the worker"}
    assert escapes.keys() - {"root", "fork bomb"} == unasked


@pytest.mark.parametrize("number", [452, 463, 466, 469])
def test_calls_that_are_newer_than_the_library_are_refused_by_their_number(film: Path, number: int) -> None:
    code = (
        "import ctypes; libc = ctypes.CDLL(None, use_errno=True)\n"
        f"done = libc.syscall(ctypes.c_long({number}), -1, 0, 0, 0, 0, 0)\n"
        "say({'result': {'done': done, 'errno': ctypes.get_errno()}})"
    )
    answer = run_child(code, film, layer=OrdinaryUsers())
    assert answer["result"] == {"done": -1, "errno": 1}


def test_what_a_child_needs_of_its_own_files_is_left_to_it(film: Path, out: Path) -> None:
    code = (
        "import resource\n"
        "path = job['out'] + '/made'\n"
        "file = open(path, 'wb'); file.write(b'12345678'); file.truncate(4); file.close()\n"
        "open(path, 'r+b').close(); os.rename(path, path + '2'); open(path + '3', 'wb').close()\n"
        "os.close(os.open(path + '2', os.O_WRONLY | os.O_TRUNC)); os.unlink(path + '3')\n"
        "resource.setrlimit(resource.RLIMIT_CORE, (0, 0)); os.kill(os.getpid(), 0)\n"
        "say({'result': {'left': os.listdir(job['out'])}})"
    )
    assert run_child(code, film, out, layer=OrdinaryUsers())["result"] == {"left": ["made2"]}
    assert (out / "made2").stat().st_size == 0


def photo(path: Path) -> Path:
    corners().save(path.with_suffix(".jpg"))
    return path.with_suffix(".jpg")


def phone_film(path: Path) -> Path:
    return paint(path.with_suffix(".mov"), seconds=1, size=(160, 120), codec="hevc", rotation=90)


@pytest.mark.parametrize(
    ("arrives", "outputs"),
    [
        pytest.param(phone_film, {"chunk/0000", "poster", "storyboard", "preview"}, id="film"),
        pytest.param(photo, {"sizes"}, id="photo"),
        pytest.param(report, {"document"}, id="document"),
    ],
)
def test_the_craft_needs_nothing_of_what_is_refused(
    arrives: Callable[[Path], Path], outputs: set[str], tmp_path: Path
) -> None:
    arrived, layer = arrives(tmp_path / "arrived"), OrdinaryUsers()
    job = {"verb": "measure", "bytes": arrived.stat().st_size, "preset": "workshop", "watermark": False}
    measured = child.run(job, inputs={"input": arrived}, layer=layer)["result"]
    known = {"source": measured["source"], "plan": measured["plan"]}
    for planned in measured["plan"]["outputs"]:
        (out := tmp_path / planned["name"]).mkdir(parents=True)
        made = child.run(
            {"verb": "make", "name": planned["name"], **known}, inputs={"input": arrived}, out=out, layer=layer
        )["result"]
        assert made["files"]
        assert all((out / one["path"]).stat().st_size == one["bytes"] for one in made["files"])
        outputs = outputs - {planned["name"]}
    assert outputs == set()
