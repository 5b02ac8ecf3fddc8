"""A child does its job; whatever it says or leaves, the worker lives and knows why."""

import json
import os
import resource
import time
from pathlib import Path

import pytest
from nursery import run_child

from pipeline import errors
from workers import child, sandbox
from workers.sandbox import Limits, ground
from workers.sandbox.landlock import Unguarded


def test_a_job_is_read_done_and_answered(film: Path, out: Path, layer: sandbox.Layer) -> None:
    seen: list[float] = []
    done = run_child(
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
    used = run_child(code + "say({'result':{}})", film, layer=layer, limits=Limits(timeout_s=60, stall_s=60))["usage"]

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
        run_child(f"say({{'{word}':{{'reason':'{reason}','message':'192 s, limit 180 s'}}}}); sys.exit(2)", film)


def test_a_child_without_an_answer_is_ours_and_its_last_words_are_kept(film: Path, layer: sandbox.Layer) -> None:
    with pytest.raises(errors.EngineFailed, match=r"exit 3.*moov atom not found"):
        run_child("print('long ago\\nmoov atom not found',file=sys.stderr); sys.exit(3)", film, layer=layer)


def test_a_crash_is_named_by_its_signal(film: Path, layer: sandbox.Layer) -> None:
    with pytest.raises(errors.EngineFailed, match="SIGSEGV"):
        run_child("import ctypes; ctypes.string_at(0)", film, layer=layer)


@pytest.mark.parametrize("words", ["print('[1]')", "say({'other':1})", "say({'result':5})", "print('{\"result\": ')"])
def test_an_answer_that_makes_no_sense_is_ours(words: str, film: Path) -> None:
    with pytest.raises(errors.EngineFailed):
        run_child(words, film)


def test_an_exit_code_that_is_no_signal_is_said_as_it_is(film: Path) -> None:
    with pytest.raises(errors.EngineFailed, match="exit 255"):
        run_child("sys.exit(255)", film)


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
        run_child(f"o=job['out'];{plant};say({{'result':{{'files':[]}}}})", film, out, layer=Unguarded())


@pytest.mark.parametrize("path", ["../escaped", "/etc/hostname", "missing", ""])
def test_a_file_that_was_not_made_cannot_be_named(path: str, film: Path, out: Path) -> None:
    with pytest.raises(errors.EngineFailed, match="did not make"):
        run_child(f"say({{'result':{{'files':[{{'path':'{path}','bytes':4}}]}}}})", film, out)


@pytest.mark.parametrize(
    "files", ["[{'path':'x'}]", "[{}]", "['x']", "[{'path':['x'],'bytes':1}]", "'x'", "{'path':1}"]
)
def test_a_list_of_files_that_makes_no_sense_is_the_childs_failure(files: str, film: Path, out: Path) -> None:
    with pytest.raises(errors.EngineFailed, match="did not make"):
        run_child(f"say({{'result':{{'files':{files}}}}})", film, out)


def test_a_lost_claim_stops_the_child_at_once(film: Path) -> None:
    started = time.monotonic()
    with pytest.raises(child.Cancelled):
        run_child("time.sleep(60)", film, cancelled=lambda: time.monotonic() - started > 0.5)
    assert time.monotonic() - started < 30


def test_the_child_sees_neither_the_workers_environment_nor_its_descriptors(
    film: Path, monkeypatch: pytest.MonkeyPatch, layer: sandbox.Layer
) -> None:
    monkeypatch.setenv("SECRET_KEY", "swordfish")
    read, write = os.pipe()
    os.set_inheritable(read, True)
    try:
        code = "open_=[]\nfor n in range(3,64):\n try: os.fstat(n); open_.append(n)\n except OSError: pass\n"
        done = run_child(code + "say({'result':{'open':open_,'env':dict(os.environ)}})", film, layer=layer)["result"]
    finally:
        os.close(read)
        os.close(write)
    assert done["open"] == []
    assert "swordfish" not in str(done["env"])
    assert set(done["env"]) <= {*ground.ENVIRONMENT, "PWD", "LC_CTYPE"}
