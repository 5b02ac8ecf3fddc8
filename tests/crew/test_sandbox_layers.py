"""Each wall holds against a child that tries to get out, and without walls the same child gets out everywhere."""

import json
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
from workers.sandbox.layer import Limits


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
    assert {"file beside what came later", "write to what came later"} <= set(escapes)
    assert escapes["accounts of the machine"] == "was allowed"
    # Even without walls: an empty environment and a limit on memory.
    assert "environment" not in escapes
    assert "memory" not in escapes


def test_a_layer_that_leaks_is_not_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    choice.forget()
    monkeypatch.setitem(choice._LAYERS, "bubblewrap", _Leaky)
    try:
        status = sandbox.status("auto")
    finally:
        choice.forget()

    assert status["layer"] == "landlock"
    assert "file beside the input: was allowed" in str(status["refused"])


@pytest.mark.parametrize(("kind", "scratch", "devices"), [(Bubblewrap, "missing", []), (Landlock, ".", ["gone"])])
def test_a_child_that_cannot_be_prepared_leaves_nothing_open(
    kind: type[Bubblewrap | Landlock],
    scratch: str,
    devices: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 0)
    (film := tmp_path / "film").touch(mode=0o600)
    before = len(list(Path("/proc/self/fd").iterdir()))

    limits = Limits(devices=tuple(tmp_path / name for name in devices))
    with pytest.raises((OSError, subprocess.CalledProcessError)):  # nowhere to put a copy that all may read; no card
        kind().prepare((), {"input": film}, None, tmp_path / scratch, limits)

    assert len(list(Path("/proc/self/fd").iterdir())) == before


def test_processing_refuses_to_start_when_nothing_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    choice.forget()
    monkeypatch.setitem(choice._LAYERS, "bubblewrap", _Leaky)
    monkeypatch.setitem(choice._LAYERS, "landlock", _Leaky)
    try:
        with pytest.raises(SandboxUnavailable, match="SANDBOX=none"):
            sandbox.choose("auto")
        assert sandbox.status("auto")["ok"] is False
        assert sandbox.choose("none").name == "none"
    finally:
        choice.forget()


def test_a_refusal_is_remembered_for_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    choice.forget()
    tried, clock = [], [1000.0]
    monkeypatch.setattr(choice, "attempt", lambda layer: tried.append(layer.name) or {"memory": "was allowed"})
    monkeypatch.setattr(choice.time, "monotonic", lambda: clock[0])
    monkeypatch.setitem(choice._LAYERS, "bubblewrap", _Leaky)
    try:
        refusals = [str(sandbox.status("auto")["reason"]) for _ in range(5)]
        assert len(tried) == 2
        clock[0] += 61
        refusals.append(str(sandbox.status("auto")["reason"]))
    finally:
        choice.forget()

    assert len(tried) == 4
    assert len(set(refusals)) == 1
    assert "memory: was allowed" in refusals[0]


def test_a_machine_without_proc_is_refused_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing() -> int:
        raise FileNotFoundError(2, "No such file or directory", "/proc/self/uid_map")

    choice.forget()
    monkeypatch.setattr("workers.sandbox.ground.unused_uid", missing)
    monkeypatch.setattr("workers.sandbox.bytecode.ensure", missing)
    monkeypatch.setattr("os.geteuid", lambda: 0)
    try:
        with pytest.raises(SandboxUnavailable, match=r"^no sandbox works here .*/proc/self/uid_map") as caught:
            sandbox.choose("auto")
    finally:
        choice.forget()
    assert "\n" not in str(caught.value)


def test_a_unit_without_a_sandbox_says_so_in_one_line_and_ends(tmp_path: Path) -> None:
    script = (
        "import sys\nfrom pipeline.errors import SandboxUnavailable\n"
        "def refuse(setting='auto'): raise SandboxUnavailable('no sandbox works here (none)')\n"
        "import workers.sandbox; workers.sandbox.choose = refuse\n"
        "from dramatiq.broker import Broker\nfrom workers.unit import Unit\n"
        "broker = Broker(middleware=[Unit()])\n"
        "broker.emit_after('process_boot')\nbroker.emit_before('worker_boot', None)\n"
        "print('started')"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        env={"DATA_DIR": str(tmp_path), "LOG_FORMAT": "json", "PATH": os.environ["PATH"]},
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 1
    assert done.stdout == ""
    (line,) = done.stderr.splitlines()
    assert json.loads(line)["event"] == "unit.refused"
    assert json.loads(line)["reason"] == "no sandbox works here (none)"


def test_a_missing_bwrap_is_said_and_landlock_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    choice.forget()
    monkeypatch.setattr("workers.sandbox.bubblewrap.shutil.which", lambda _: None)
    try:
        status = sandbox.status("auto")
    finally:
        choice.forget()

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
