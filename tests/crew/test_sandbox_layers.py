"""Each wall holds against a child that tries to get out, and without walls the same child gets out everywhere."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from pipeline.errors import SandboxUnavailable
from workers import sandbox
from workers.sandbox import choice
from workers.sandbox.bubblewrap import Bubblewrap
from workers.sandbox.landlock import Landlock, Unguarded


def _holds(layer_name: str) -> bool:
    try:
        sandbox.choose(layer_name)
    except SandboxUnavailable:
        return False
    return True


@pytest.mark.parametrize("name", ["bubblewrap", "landlock"])
def test_nothing_escapes_from_a_layer(name: str) -> None:
    try:
        layer = {"bubblewrap": Bubblewrap, "landlock": Landlock}[name]()
        escapes = choice.attempt(layer)
    except SandboxUnavailable as error:
        if name == "bubblewrap":
            pytest.skip(f"not on this machine: {error}")
        raise
    assert escapes == {}


def test_the_trial_notices_that_there_are_no_walls() -> None:
    escapes = choice.attempt(Unguarded())

    assert {"file beside the input", "write beside the input", "network", "unix socket", "bpf"} <= set(escapes)
    assert escapes["accounts of the machine"] == "was allowed"
    # Even without walls: an empty environment and a limit on memory.
    assert "environment" not in escapes
    assert "memory" not in escapes


def test_a_layer_that_leaks_is_not_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    choice.choose.cache_clear()
    monkeypatch.setitem(choice._LAYERS, "bubblewrap", _Leaky)
    try:
        status = sandbox.status("auto")
    finally:
        choice.choose.cache_clear()

    assert status["layer"] == "landlock"
    assert "file beside the input: was allowed" in str(status["refused"])


def test_processing_refuses_to_start_when_nothing_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    choice.choose.cache_clear()
    monkeypatch.setitem(choice._LAYERS, "bubblewrap", _Leaky)
    monkeypatch.setitem(choice._LAYERS, "landlock", _Leaky)
    try:
        with pytest.raises(SandboxUnavailable, match="SANDBOX=none"):
            sandbox.choose("auto")
        assert sandbox.status("auto")["ok"] is False
        assert sandbox.choose("none").name == "none"
    finally:
        choice.choose.cache_clear()


def test_a_missing_bwrap_is_said_and_landlock_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    choice.choose.cache_clear()
    monkeypatch.setattr("workers.sandbox.bubblewrap.shutil.which", lambda _: None)
    try:
        status = sandbox.status("auto")
    finally:
        choice.choose.cache_clear()

    assert status["ok"] is True
    assert status["layer"] == "landlock"
    assert status["refused"] == {"bubblewrap": "bwrap is not installed"}


def test_the_answer_of_readyz_costs_nothing_after_the_first_time() -> None:
    sandbox.status("auto")
    before = os.times()
    for _ in range(100):
        sandbox.status("auto")
    after = os.times()

    assert after.children_user == before.children_user
    assert after.user - before.user < 0.5


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_an_ordinary_user_gets_the_same_walls(tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("user")
    if _hidden_from_others(folder) or _hidden_from_others(Path(sys.executable).resolve()):
        pytest.skip("the interpreter lies where only root can look")
    folder.chmod(0o777)
    script = "import sys; from workers.sandbox import choose; print(choose(sys.argv[1]).name)"
    for name in [name for name in ("bubblewrap", "landlock") if _holds(name)]:
        done = subprocess.run(
            [sys.executable, "-c", script, name],
            user=65534,
            group=65534,
            extra_groups=[],
            env={"TMPDIR": str(folder), "PATH": "/usr/bin"},
            cwd="/",
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.stdout.strip() == name, done.stderr


def _hidden_from_others(path: Path) -> bool:
    return any(not parent.stat().st_mode & 0o001 for parent in path.parents)


class _Leaky(Unguarded):
    """A layer that claims to hold."""
