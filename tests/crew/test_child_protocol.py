"""The child's side of the protocol: jobs on stdin, only answers on stdout, one answer each, the right exit code."""

import json
import subprocess
import sys

import pytest

_STAND_IN = """
import os, sys, types
from pipeline import errors
def measure(path, preset, watermark, on_progress):
{body}
module = types.ModuleType("pipeline.measure")
module.measure = module.measure_early = measure
sys.modules["pipeline.measure"] = module
from pipeline import child
code = child.main()
print("engines", sorted({{"av", "PIL", "numpy"}} & set(sys.modules)), file=sys.stderr)
sys.exit(code)
"""


def _child(body: str, job: object = None, *arguments: str) -> tuple[list[dict], int, str]:
    """Answers after the word that it began, exit code and stderr of a child whose craft is `body`."""
    job = job or {"verb": "measure", "input": "/in/input", "preset": "workshop", "bytes": 4, "watermark": False}
    done = subprocess.run(
        [sys.executable, "-I", "-c", _STAND_IN.format(body=body), *arguments],
        input=job if isinstance(job, str) else json.dumps(job),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    began, *answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert began == {"progress": 0.0}
    return answers, done.returncode, done.stderr


def test_progress_then_the_result() -> None:
    answers, code, _ = _child("    on_progress(0.0); on_progress(2.0); return {'kind': 'film', 'path': str(path)}")

    assert answers[0] == {"progress": 0.0}
    assert answers[-1] == {"result": {"kind": "film", "path": "/in/input"}}
    assert code == 0


def test_progress_is_said_at_most_ten_times_a_second() -> None:
    answers, _, _ = _child("    [on_progress(n / 10**5) for n in range(10**5)]; return {}")

    assert 1 <= len(answers) - 1 <= 20


def test_what_libraries_print_never_reaches_the_answers() -> None:
    answers, code, stderr = _child("    print('noise'); os.write(1, b'noise from C\\n'); return {}")

    assert answers == [{"result": {}}]
    assert code == 0
    assert "noise from C" in stderr


@pytest.mark.parametrize(
    ("raised", "word", "reason", "code"),
    [
        ("errors.TooLong('192 s, limit 180 s')", "rejected", "too-long", 2),
        ("errors.Truncated('x\\n192 s, limit 180 s')", "rejected", "truncated", 2),
        ("errors.ProofFailed('192 s, limit 180 s')", "failed", "proof-failed", 1),
    ],
)
def test_what_the_craft_raises_is_answered(raised: str, word: str, reason: str, code: int) -> None:
    answers, ended, _ = _child(f"    raise {raised}")

    assert answers == [{word: {"reason": reason, "message": "192 s, limit 180 s"}}]
    assert ended == code


def test_a_surprise_is_our_failure_with_its_last_line_and_no_paths() -> None:
    answers, code, stderr = _child("    open('/srv/secret place/../var/asset-7/input.mov')")

    (answer,) = answers
    assert code == 1
    assert answer["failed"]["reason"] == "engine-failed"
    assert answer["failed"]["message"].startswith("FileNotFoundError")
    assert "/var" not in answer["failed"]["message"]
    assert "Traceback" in stderr


def test_too_little_memory_is_a_limit() -> None:
    answers, code, _ = _child("    raise MemoryError")

    assert answers[0]["failed"]["reason"] == "limit-exceeded"
    assert code == 1


def test_a_result_that_is_no_json_is_our_failure() -> None:
    for value in ("{'a': float('nan')}", "{'a': object()}"):
        answers, code, _ = _child(f"    return {value}")
        assert answers[0]["failed"]["reason"] == "engine-failed"
        assert code == 1


@pytest.mark.parametrize("job", ["", "{", "[1]", '{"verb": "erase"}', '{"input": "/in/input"}'])
def test_a_job_that_makes_no_sense_is_answered(job: str) -> None:
    answers, code, _ = _child("    return {}", job or " ")

    assert "failed" in answers[-1]
    assert code == 1


def test_no_engine_is_loaded_before_the_job_needs_one() -> None:
    _, _, stderr = _child("    return {}")

    assert "engines []" in stderr


@pytest.mark.parametrize("room", ["make", "measure"])
def test_a_films_child_loads_nothing_that_it_does_not_need(room: str) -> None:
    heavy = {"numpy", "pikepdf", "pypdfium2", "pillow_heif"}
    code = f"import sys, pipeline.{room}; print(*sorted({heavy} & set(sys.modules)))"
    loaded = subprocess.run([sys.executable, "-I", "-c", code], capture_output=True, text=True, check=True).stdout
    assert loaded.split() == []


def test_a_child_that_came_early_has_all_it_needs_and_says_when_it_begins() -> None:
    answers, code, _ = _child("    return {'has': 'pipeline.make' in sys.modules}", None, "ahead")

    assert answers == [{"result": {"has": True}}]
    assert code == 0


def test_job_after_job_is_done_until_one_fails_or_there_are_no_more() -> None:
    good, bad = ({"verb": verb, "input": "/in/input", "preset": "workshop"} for verb in ("measure", "erase"))

    answers, code, _ = _child("    return {}", "\n".join(map(json.dumps, (good, good, bad, good))))
    assert answers[:3] == [{"result": {}}, {"progress": 0.0}, {"result": {}}]
    assert [*answers[4]] == ["failed"]
    assert (len(answers), code) == (5, 1)

    answers, code, _ = _child("    return {}", f"{json.dumps(good)}\n{json.dumps(good)}\n")
    assert (len(answers), code) == (3, 0)


def test_a_child_that_nobody_needs_any_more_goes_without_a_word() -> None:
    # A space would be a job that makes no sense.
    done = subprocess.run(
        [sys.executable, "-I", "-m", "pipeline.child", "ahead"], input=b"", capture_output=True, check=False
    )

    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


@pytest.mark.parametrize(("how", "limit_s"), [((), [8]), (("ahead",), [8, 9, 10])])
def test_cpu_time_before_the_job_is_not_the_jobs(how: tuple[str, ...], limit_s: list[int]) -> None:
    body = "    import resource; return {'limit_s': resource.getrlimit(resource.RLIMIT_CPU)[0]}"
    code = "import resource; resource.setrlimit(resource.RLIMIT_CPU, (7, 10))\n" + _STAND_IN.format(body=body)
    job = '{"verb": "measure", "input": "/in/input", "preset": "workshop"}'

    done = subprocess.run(
        [sys.executable, "-I", "-c", code, *how], input=job, capture_output=True, text=True, check=True
    )

    assert json.loads(done.stdout.splitlines()[-1])["result"]["limit_s"] in limit_s
