"""A child does its job, or is stopped; whatever it does, the worker lives and knows why."""

import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from pipeline import errors
from workers import child, sandbox
from workers.sandbox import Limits, ground
from workers.sandbox.landlock import Landlock, Unguarded

_PRELUDE = "import json,os,sys,time\njob=json.load(sys.stdin)\nsay=lambda w:print(json.dumps(w),flush=True)\n"


@pytest.fixture
def film(tmp_path: Path) -> Path:
    """A file with a private name, readable by its owner alone."""
    folder = tmp_path / "Alice's films"
    folder.mkdir()
    (folder / "plate AB-123-CD.mov").write_bytes(b"film")
    (folder / "plate AB-123-CD.mov").chmod(0o600)
    return folder / "plate AB-123-CD.mov"


@pytest.fixture
def out(tmp_path: Path) -> Path:
    (tmp_path / "out").mkdir()
    return tmp_path / "out"


@pytest.fixture(params=["chosen", "landlock", "none"])
def layer(request: pytest.FixtureRequest) -> sandbox.Layer:
    if request.param == "chosen":
        return sandbox.choose("auto")
    return Landlock() if request.param == "landlock" else Unguarded()


def _run(code: str, film: Path, out: Path | None = None, layer: sandbox.Layer | None = None, **how):
    how.setdefault("limits", Limits(timeout_s=20, stall_s=10, memory_bytes=2**30))
    return child.run(
        {"verb": "trial"},
        inputs={"input": film},
        out=out,
        layer=layer or sandbox.choose("auto"),
        program=("-c", _PRELUDE + code),
        **how,
    )


def test_a_job_is_read_done_and_answered(film: Path, out: Path, layer: sandbox.Layer) -> None:
    seen: list[float] = []
    done = _run(
        "say({'progress':0.25}); say({'progress':7})\n"
        "made=open(job['input'],'rb').read()*2; open(job['out']+'/a.bin','wb').write(made)\n"
        "say({'result':{'job':job,'uid':os.getuid(),'files':[{'path':'a.bin','bytes':len(made)}]}})",
        film,
        out,
        layer,
        on_progress=seen.append,
    )
    assert seen == [0.25, 1.0]
    assert (out / "a.bin").read_bytes() == b"filmfilm"
    assert (out / "a.bin").stat().st_uid == os.geteuid()
    assert done["result"]["job"]["verb"] == "trial"
    assert "AB-123-CD" not in json.dumps(done["result"]["job"])
    assert done["usage"]["wall_s"] > 0
    assert done["usage"]["peak_rss_bytes"] > 5 * 2**20


def test_cpu_time_and_memory_of_grandchildren_are_counted(film: Path, layer: sandbox.Layer) -> None:
    busy = "x=b'x'*120*2**20\nfor i in range(6*10**6): pass"
    code = f"import subprocess; subprocess.run([sys.executable,'-I','-c',{busy!r}])\n"
    used = _run(code + "say({'result':{}})", film, layer=layer)["usage"]

    assert used["cpu_s"] > 0.1
    # Linux begins a child's high-water mark with its parent's: this process may be a large one.
    ours = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    assert 100 * 2**20 < used["peak_rss_bytes"] < ours + 400 * 2**20


@pytest.mark.parametrize(
    ("word", "reason", "error"),
    [
        ("rejected", "truncated", errors.Truncated),
        ("rejected", "too-long", errors.TooLong),
        ("failed", "proof-failed", errors.ProofFailed),
        ("failed", "no-such-reason", errors.EngineFailed),
        ("rejected", "engine-failed", errors.EngineFailed),
    ],
)
def test_what_the_child_says_is_raised(word: str, reason: str, error: type, film: Path) -> None:
    with pytest.raises(error, match=r"^192 s, limit 180 s$"):
        _run(f"say({{'{word}':{{'reason':'{reason}','message':'192 s, limit 180 s'}}}}); sys.exit(2)", film)


def test_a_child_without_an_answer_is_ours_and_its_last_words_are_kept(film: Path, layer: sandbox.Layer) -> None:
    with pytest.raises(errors.EngineFailed, match=r"exit 3.*moov atom not found"):
        _run("print('long ago\\nmoov atom not found',file=sys.stderr); sys.exit(3)", film, layer=layer)


def test_a_crash_is_named_by_its_signal(film: Path, layer: sandbox.Layer) -> None:
    with pytest.raises(errors.EngineFailed, match="SIGSEGV"):
        _run("import ctypes; ctypes.string_at(0)", film, layer=layer)


@pytest.mark.parametrize("words", ["print('[1]')", "say({'other':1})", "say({'result':5})", "print('{\"result\": ')"])
def test_an_answer_that_makes_no_sense_is_ours(words: str, film: Path) -> None:
    with pytest.raises(errors.EngineFailed):
        _run(words, film)


def test_a_silent_child_is_stopped(film: Path, layer: sandbox.Layer) -> None:
    started = time.monotonic()
    with pytest.raises(errors.LimitExceeded, match="no progress"):
        _run("time.sleep(60)", film, layer=layer, limits=Limits(stall_s=0.5))
    assert time.monotonic() - started < 5


def test_progress_is_no_excuse_for_taking_for_ever(film: Path) -> None:
    with pytest.raises(errors.LimitExceeded, match="limit 1 s"):
        _run("while True: say({'progress':0.1}); time.sleep(0.1)", film, limits=Limits(timeout_s=1, stall_s=10))


def test_a_child_that_closed_its_output_is_still_stopped(film: Path) -> None:
    started = time.monotonic()
    with pytest.raises(errors.PipelineFailed):
        _run("os.close(1); os.close(2); time.sleep(60)", film, limits=Limits(stall_s=0.5))
    assert time.monotonic() - started < 5


def test_whatever_a_child_leaves_running_dies_with_it(film: Path, layer: sandbox.Layer) -> None:
    mark = f"walkaround-orphan-{os.getpid()}-{layer.name}"
    code = (
        "import subprocess\nfor _ in range(2):\n"
        f" subprocess.Popen([sys.executable,'-I','-c','import time; time.sleep(61)','{mark}'])\n"
        "say({'result':{}})"
    )
    _run(code, film, layer=layer)
    for _ in range(50):
        if not (left := _running(mark)):
            break
        time.sleep(0.1)
    assert left == []


_WORKER = """
import sys
from pathlib import Path
from workers import child, sandbox
code = "import sys, time; time.sleep(61)  # " + sys.argv[3]
program = ("-c", f"import subprocess, sys; subprocess.run([sys.executable, '-I', '-c', {code!r}, '{sys.argv[3]}'])")
child.run({}, inputs={"input": Path(sys.argv[1])}, layer=sandbox.choose(sys.argv[2]), program=program)
"""


@pytest.mark.parametrize("name", ["auto", "landlock", "none"])
def test_a_killed_worker_leaves_no_child(name: str, film: Path) -> None:
    mark = f"walkaround-left-{os.getpid()}-{name}"
    worker = subprocess.Popen([sys.executable, "-c", _WORKER, str(film), name, mark])
    try:
        assert _wait(lambda: len(_running(mark)) >= 2, 60), "the child never started"
    finally:
        worker.kill()
        worker.wait()
    assert _wait(lambda: _running(mark) == [], 10)


def _wait(condition: Callable[[], bool], seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while not (held := condition()) and time.monotonic() < deadline:
        time.sleep(0.1)
    return held


def _running(mark: str) -> list[str]:
    found = []
    for entry in Path("/proc").iterdir():
        try:
            command = (entry / "cmdline").read_bytes()
        except OSError:
            continue
        if f"\0{mark}\0".encode() in command:
            found.append(entry.name)
    return found


def test_a_child_that_wants_too_much_memory_gets_an_error_not_the_machine(film: Path, layer: sandbox.Layer) -> None:
    with pytest.raises(errors.EngineFailed, match="MemoryError"):
        _run("bytearray(2**31)", film, layer=layer)


def test_many_processes_together_may_not_take_more_memory_than_one(film: Path) -> None:
    code = "for _ in range(3): os.fork() and None\nx=b'x'*(120*2**20); time.sleep(20)"
    with pytest.raises(errors.LimitExceeded, match="resident, limit 512 MiB"):
        _run(code, film, limits=Limits(timeout_s=30, stall_s=20, memory_bytes=2**29))


def test_a_file_may_not_grow_without_end(film: Path, out: Path, layer: sandbox.Layer) -> None:
    code = "import signal; signal.signal(signal.SIGXFSZ,signal.SIG_DFL)\nopen(job['out']+'/big','wb').write(b'x'*2**21)"
    with pytest.raises(errors.LimitExceeded, match="1048576 bytes"):
        _run(code, film, out, layer, limits=Limits(timeout_s=20, file_bytes=2**20))


def test_cpu_time_ends(film: Path, layer: sandbox.Layer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.cpu_count", lambda: 0.01)
    with pytest.raises(errors.LimitExceeded, match="out of CPU time"):
        _run("while True: pass", film, layer=layer)


def test_a_child_killed_from_outside_has_met_a_limit(film: Path, layer: sandbox.Layer) -> None:
    with pytest.raises(errors.LimitExceeded, match="memory"):
        _run("os.kill(os.getpid(), 9)", film, layer=layer)


def test_an_exit_code_that_is_no_signal_is_said_as_it_is(film: Path) -> None:
    with pytest.raises(errors.EngineFailed, match="exit 255"):
        _run("sys.exit(255)", film)


def test_a_flood_of_words_ends(film: Path) -> None:
    with pytest.raises(errors.LimitExceeded, match="bytes of answer"):
        _run("while True: sys.stdout.write('x'*65536)", film)


def test_a_flood_of_errors_is_not_kept(film: Path) -> None:
    with pytest.raises(errors.EngineFailed) as caught:
        _run("sys.stderr.write('x'*(4*2**20)+'\\nthe end\\n')", film)
    assert str(caught.value).endswith("the end")


@pytest.mark.parametrize(
    "plant",
    [
        "os.symlink('/etc/passwd',o+'/a')",
        "os.mkfifo(o+'/a')",
        "os.mkdir(o+'/a')",
        "open(o+'/b','w');os.link(o+'/b',o+'/a')",
    ],
)
def test_only_plain_files_come_out(plant: str, film: Path, out: Path) -> None:
    with pytest.raises(errors.EngineFailed, match="no plain file"):
        _run(f"o=job['out'];{plant};say({{'result':{{'files':[]}}}})", film, out, layer=Unguarded())


@pytest.mark.parametrize("path", ["../escaped", "/etc/hostname", "missing", ""])
def test_a_file_that_was_not_made_cannot_be_named(path: str, film: Path, out: Path) -> None:
    with pytest.raises(errors.EngineFailed, match="did not make"):
        _run(f"say({{'result':{{'files':[{{'path':'{path}','bytes':4}}]}}}})", film, out)


@pytest.mark.parametrize(
    "files", ["[{'path':'x'}]", "[{}]", "['x']", "[{'path':['x'],'bytes':1}]", "'x'", "{'path':1}"]
)
def test_a_list_of_files_that_makes_no_sense_is_the_childs_failure(files: str, film: Path, out: Path) -> None:
    with pytest.raises(errors.EngineFailed, match="did not make"):
        _run(f"say({{'result':{{'files':{files}}}}})", film, out)


def test_a_lost_claim_stops_the_child_at_once(film: Path) -> None:
    started = time.monotonic()
    with pytest.raises(child.Cancelled):
        _run("time.sleep(60)", film, cancelled=lambda: time.monotonic() - started > 0.5)
    assert time.monotonic() - started < 5


def test_the_child_sees_neither_the_workers_environment_nor_its_descriptors(
    film: Path, monkeypatch: pytest.MonkeyPatch, layer: sandbox.Layer
) -> None:
    monkeypatch.setenv("SECRET_KEY", "swordfish")
    read, write = os.pipe()
    os.set_inheritable(read, True)
    try:
        code = "open_=[]\nfor n in range(3,64):\n try: os.fstat(n); open_.append(n)\n except OSError: pass\n"
        done = _run(code + "say({'result':{'open':open_,'env':dict(os.environ)}})", film, layer=layer)["result"]
    finally:
        os.close(read)
        os.close(write)
    assert done["open"] == []
    assert "swordfish" not in str(done["env"])
    assert set(done["env"]) <= {*ground.ENVIRONMENT, "PWD", "LC_CTYPE"}
