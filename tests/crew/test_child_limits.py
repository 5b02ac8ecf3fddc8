"""A child that takes too much, of anything, is stopped, with all it started."""

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from nursery import run_child

from pipeline import errors
from workers import sandbox
from workers.sandbox import Limits

_WORKER = """
import sys
from pathlib import Path
from workers import child, sandbox
code = "import sys, time; time.sleep(61)  # " + sys.argv[3]
program = ("-c", f"import subprocess, sys; subprocess.run([sys.executable, '-I', '-c', {code!r}, '{sys.argv[3]}'])")
child.run({}, inputs={"input": Path(sys.argv[1])}, layer=sandbox.choose(sys.argv[2]), program=program)
"""


def test_a_silent_child_is_stopped(film: Path, layer: sandbox.Layer) -> None:
    started = time.monotonic()
    with pytest.raises(errors.LimitExceeded, match="no progress"):
        run_child("time.sleep(60)", film, layer=layer, limits=Limits(stall_s=0.5))
    assert time.monotonic() - started < 30


def test_progress_is_no_excuse_for_taking_for_ever(film: Path) -> None:
    with pytest.raises(errors.LimitExceeded, match="limit 1 s"):
        run_child("while True: say({'progress':0.1}); time.sleep(0.1)", film, limits=Limits(timeout_s=1, stall_s=60))


def test_a_child_that_writes_on_and_on_is_stopped(film: Path, tmp_path: Path, layer: sandbox.Layer) -> None:
    out = tmp_path / "out"
    out.mkdir()
    # No file is large; together they would fill the disk.
    code = (
        "for n in range(400):\n"
        " os.makedirs(job['out'] + f'/{n % 3}', exist_ok=True)\n"
        " open(job['out'] + f'/{n % 3}/{n}', 'wb').write(os.urandom(1 << 17)); time.sleep(0.005)\n"
        "say({'result':{}})"
    )
    with pytest.raises(errors.LimitExceeded, match="more than 16 MiB written"):
        run_child(code, film, out, layer=layer, limits=Limits(timeout_s=20, out_bytes=1 << 24))

    assert sum(path.stat().st_size for path in out.rglob("*") if path.is_file()) < 400 << 17


def test_holes_are_not_written(film: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    code = "open(job['out'] + '/large', 'wb').truncate(1 << 30); time.sleep(0.6); say({'result':{}})"

    run_child(code, film, out, limits=Limits(timeout_s=20, out_bytes=1 << 24))


def test_a_child_that_closed_its_output_is_still_stopped(film: Path) -> None:
    started = time.monotonic()
    with pytest.raises(errors.PipelineFailed):
        run_child("os.close(1); os.close(2); time.sleep(60)", film, limits=Limits(stall_s=0.5))
    assert time.monotonic() - started < 30


def test_whatever_a_child_leaves_running_dies_with_it(film: Path, layer: sandbox.Layer) -> None:
    mark = f"walkaround-orphan-{os.getpid()}-{layer.name}"
    code = (
        "import subprocess\nfor _ in range(2):\n"
        f" subprocess.Popen([sys.executable,'-I','-c','import time; time.sleep(61)','{mark}'])\n"
        "say({'result':{}})"
    )
    run_child(code, film, layer=layer)
    for _ in range(600):
        if not (left := _running(mark)):
            break
        time.sleep(0.1)
    assert left == []


@pytest.mark.parametrize("name", ["auto", "landlock", "none"])
def test_a_killed_worker_leaves_no_child(name: str, film: Path) -> None:
    mark = f"walkaround-left-{os.getpid()}-{name}"
    worker = subprocess.Popen([sys.executable, "-c", _WORKER, str(film), name, mark])
    try:
        assert _wait(lambda: len(_running(mark)) >= 2, 60), "the child never started"
    finally:
        worker.kill()
        worker.wait()
    assert _wait(lambda: _running(mark) == [], 60)


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
        run_child("bytearray(2**31)", film, layer=layer)


def test_many_processes_together_may_not_take_more_memory_than_one(film: Path) -> None:
    code = "for _ in range(3): os.fork() and None\nx=b'x'*(120*2**20); time.sleep(20)"
    with pytest.raises(errors.LimitExceeded, match="resident, limit 512 MiB"):
        run_child(code, film, limits=Limits(timeout_s=30, stall_s=20, memory_bytes=2**29))


def test_a_child_stands_as_far_behind_as_it_is_told(film: Path, layer: sandbox.Layer) -> None:
    # "Come again" means that the kernel would have listened.
    trial = "try: open('/proc/self/autogroup', 'w').write('1')\nexcept BlockingIOError: pass"
    able = subprocess.run([sys.executable, "-c", trial], start_new_session=True, stderr=subprocess.DEVNULL, check=False)
    # Within Landlock's paths a child can no longer read what was written before.
    hidden = layer.name == "landlock" or able.returncode != 0
    group = "None" if hidden else "open('/proc/self/autogroup').read().split()[-1]"
    said = run_child(f"say({{'result': {{'is': [os.nice(0), {group}]}}}})", film, layer=layer, limits=Limits(nice=7))
    behind = os.nice(0) + 7
    assert said["result"]["is"] == [behind, None if hidden else str(behind)]


def test_a_file_may_not_grow_without_end(film: Path, out: Path, layer: sandbox.Layer) -> None:
    code = "import signal; signal.signal(signal.SIGXFSZ,signal.SIG_DFL)\nopen(job['out']+'/big','wb').write(b'x'*2**21)"
    with pytest.raises(errors.LimitExceeded, match="1048576 bytes"):
        run_child(code, film, out, layer, limits=Limits(timeout_s=20, file_bytes=2**20))


def test_cpu_time_ends(film: Path, layer: sandbox.Layer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.cpu_count", lambda: 0.01)
    with pytest.raises(errors.LimitExceeded, match="out of CPU time"):
        run_child("while True: pass", film, layer=layer, limits=Limits(timeout_s=60, stall_s=60))


def test_a_child_killed_from_outside_has_met_a_limit(film: Path, layer: sandbox.Layer) -> None:
    with pytest.raises(errors.LimitExceeded, match="memory"):
        run_child("os.kill(os.getpid(), 9)", film, layer=layer)


def test_a_flood_of_words_ends(film: Path) -> None:
    with pytest.raises(errors.LimitExceeded, match="bytes of answer"):
        run_child("while True: sys.stdout.write('x'*65536)", film)


def test_a_flood_of_errors_is_not_kept(film: Path) -> None:
    with pytest.raises(errors.EngineFailed) as caught:
        run_child("sys.stderr.write('x'*(4*2**20)+'\\nthe end\\n')", film)
    assert str(caught.value).endswith("the end")
