"""The commands around running: settings, the Procfile, a supervisor that leaves nothing behind."""

import os
import re
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import servers
from click.testing import CliRunner
from pydantic import ValidationError

from webapp.command import main
from webapp.operations.command import effective
from webapp.operations.processes import commands
from webapp.operations.supervisor import Supervisor, Unit
from workers.settings import OneMachine, Settings

ROOT = Path(__file__).parent.parent.parent
BIN = Path(sys.executable).parent


def test_the_effective_settings_are_printed_and_secrets_are_not(tmp_path: Path) -> None:
    values = Settings(
        data_dir=tmp_path, secret_key="very secret", database_url="postgresql://shop:hunter2@db.example/shop",
        redis_url="redis://:hunter3@cache.example:6379/0",
    )  # fmt: skip
    text = "\n".join(effective(values))
    assert f"STORAGE_URL={(tmp_path / 'objects').as_uri()}" in text
    assert "DATABASE_URL=postgresql+psycopg://shop:********@db.example/shop" in text
    for secret in ("very secret", "hunter2", "hunter3"):
        assert secret not in text


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("postgresql://db.example/shop?user=shop&password=hunter2", "db.example/shop?user=shop&password=********"),
        ("postgresql://shop:hunter2@/shop?host=/run/pg&sslpassword=hunter3", "shop:********@/shop?host=/run/pg"),
        ("postgresql://shop:hunter2@db.example/shop?x=a@b", "shop:********@db.example/shop?x=a@b"),
        ("postgresql://shop@db.example/shop", "shop@db.example/shop"),
        ("postgresql://shop:hunter?2@db.example/shop", "shop:********@db.example/shop"),
        ("postgresql://shop:/hunter?hunter&h@db.example:5433/shop", "shop:********@db.example:5433/shop"),
        (
            "postgresql://shop:%40hunter@db.example/shop?sslmode=require",
            "shop:********@db.example/shop?sslmode=require",
        ),
    ],
)
def test_a_password_is_masked_wherever_an_address_holds_it(tmp_path: Path, address: str, shown: str) -> None:
    text = "\n".join(effective(Settings(data_dir=tmp_path, database_url=address)))
    assert f"DATABASE_URL=postgresql+psycopg://{shown}" in text
    assert "hunter" not in text


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("redis://cache.example:6379/0?password=hunter2", "cache.example:6379/0?password=********"),
        ("redis://:hunter2@cache.example/0?db=1&password=hunter3", ":********@cache.example/0?db=1&password=********"),
        ("redis://cache.example/0?password=hunter@hunter", "********"),
        ("redis://cache:12?hunter@cache.example/0", "********"),
        ("redis://:pass=hunter2@cache.example/0", ":********@cache.example/0"),
    ],
)
def test_a_password_of_the_broker_is_masked_wherever_it_stands(tmp_path: Path, address: str, shown: str) -> None:
    text = "\n".join(effective(Settings(data_dir=tmp_path, redis_url=address)))
    assert f"REDIS_URL=redis://{shown}\n" in text
    assert "hunter" not in text


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("preset", "nope"),
        ("preset", "../workshop"),
        ("public_url", "nonsense"),
        ("public_url", "ftp://walkaround.example"),
        ("public_url", "https://walkaround.example/inside"),
        ("upload_url", "https://"),
        ("upload_url", "https://files.example:port"),
        ("redis_url", "http://x"),
        ("redis_url", "redis://"),
        ("redis_url", "redis://cache.example:port"),
        ("redis_url", "redis://cache.example:99999"),
        ("redis_url", "unix://"),
        ("storage_url", "s3://"),
        ("storage_url", "s3:///films"),
        ("database_url", "postgresql://db.example:port/shop"),
        ("database_url", "postgresql://db.example:99999/shop"),
        ("database_url", "postgresql://shop:hunt@r@db.example/shop"),
        ("database_url", "postgresql+asyncpg://db.example/shop"),
        ("database_url", "sqlite://file"),
        ("database_url", "sqlite://"),
        ("trusted_proxies", -1),
    ],
)
def test_a_wrong_setting_is_refused_by_its_name(name: str, value: object) -> None:
    with pytest.raises(ValidationError) as wrong:
        Settings(**{name: value})
    assert [error["loc"] for error in wrong.value.errors()] == [(name,)]
    assert "hunt" not in str(wrong.value)


@pytest.mark.parametrize("given", [{"web_port": 8001}, {"upload_port": 8000}, {"web_port": 9000, "upload_port": 9000}])
def test_web_and_upload_share_a_port_only_where_each_has_a_machine_of_its_own(given: dict[str, int]) -> None:
    with pytest.raises(ValidationError) as wrong:
        OneMachine(**given)
    assert [error["loc"] for error in wrong.value.errors()] == [("upload_port",)]
    values = Settings(**given)
    assert values.web_port == values.upload_port


@pytest.mark.parametrize(("first", "units", "said"), [(65535, 1, "65537"), (65532, 3, "65536"), (7999, 1, "WEB_PORT")])
def test_the_units_of_one_machine_need_a_port_each(first: int, units: int, said: str) -> None:
    with pytest.raises(ValidationError, match=said) as wrong:
        OneMachine(metrics_port=first, worker_units=units)
    assert (wrong.value.title, [error["loc"] for error in wrong.value.errors()]) == ("Settings", [("metrics_port",)])
    assert Settings(metrics_port=65535).metrics_port == 65535, "a unit is given its own"


@pytest.mark.parametrize(("first", "units"), [(65532, 2), (0, 64), (7996, 2)])
def test_the_units_of_one_machine_take_the_last_ports_there_are(first: int, units: int) -> None:
    values = OneMachine(metrics_port=first, worker_units=units)
    lines = [args for _, args in commands(values) if args[0] == "env"]
    assert len(lines) == units + 2
    assert lines[-1][1] == f"METRICS_PORT={first + units + 1 if first else 0}"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("preset", "levelled"),
        ("public_url", "https://walkaround.example/"),
        ("upload_url", "http://[::1]:8001"),
        ("redis_url", "rediss://:hunter2@cache.example/1"),
        ("redis_url", "unix:///run/valkey.sock"),
        ("storage_url", "s3://films"),
        ("database_url", "sqlite:////srv/walkaround.sqlite"),
        ("database_url", "postgresql+psycopg:///shop?host=/run/postgresql"),
        ("database_url", "postgresql+psycopg://shop:hunt?r@[::1]:5432/shop"),
    ],
)
def test_a_right_setting_is_taken(name: str, value: str) -> None:
    assert getattr(Settings(**{name: value}), name) == value


def test_all_wrong_settings_are_named_in_one_message_before_anything_starts(tmp_path: Path) -> None:
    wrong = {
        "WEB_PORT": "8000", "STORAGE_URL": "s3://", "WORKER_UNITS": "many", "SWEEP_S": "0",
        "PRESET": "nope", "PUBLIC_URL": "nonsense", "UPLOAD_URL": "nonsense", "REDIS_URL": "http://x",
        "DATABASE_URL": "postgresql://db.example:port/shop", "UPLOAD_PORT": "8000", "METRICS_PORT": "65535",
    }  # fmt: skip
    environment = os.environ | {"DATA_DIR": str(tmp_path / "data")} | wrong
    done = subprocess.run(
        [sys.executable, "-m", "webapp.command", "up"], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    named = re.findall(r"^  (\w+): ", done.stderr, re.MULTILINE)
    assert set(named) == wrong.keys() - {"WEB_PORT"}, "that one is only what the other two are compared with"
    assert "Traceback" not in done.stderr
    assert "Value error" not in done.stderr
    assert not (tmp_path / "data").exists()


def test_the_procfile_names_the_same_processes_and_queues_as_up() -> None:
    lines = dict(line.split(": ", 1) for line in (ROOT / "Procfile").read_text().splitlines())
    ours = {name.partition(".")[0]: args for name, args in commands(Settings(worker_units=1))}
    assert lines.keys() == ours.keys()
    for name, line in lines.items():
        queues = re.search(r"--queues (.*)", line)
        assert queues is None or queues[1].split() == ours[name][ours[name].index("--queues") + 1 :]


def test_systemd_units_are_exported_from_the_procfile(tmp_path: Path) -> None:
    done = subprocess.run(
        [BIN / "honcho", "-f", ROOT / "Procfile", "export", "-a", "walkaround", "-c", "film=2", "systemd", tmp_path],
        capture_output=True, text=True, check=False, cwd=tmp_path,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    names = {path.name for path in tmp_path.iterdir()}
    assert {"walkaround.target", "walkaround-web-1.service", "walkaround-film-2.service"} <= names
    for line in (ROOT / "Procfile").read_text().splitlines():
        name, _, written = line.partition(": ")
        unit = (tmp_path / f"walkaround-{name}-1.service").read_text()
        started = re.search(r"^ExecStart=(.*)$", unit, re.MULTILINE)
        assert started, unit
        # systemd takes quotes off as shlex does, and gives the rest to a shell, which must understand it.
        shell, option, inner = shlex.split(started[1])
        assert (shell, option) == ("/bin/sh", "-lc")
        assert subprocess.run(["/bin/sh", "-nc", inner], check=False).returncode == 0, inner
        assert shlex.split(inner) == shlex.split(written)


def test_every_command_explains_itself() -> None:
    listed = CliRunner().invoke(main, ["--help"])
    assert listed.exit_code == 0
    for name in ("up", "init", "demo", "token", "password", "config", "migrate"):
        assert re.search(rf"^  {name}\s+\S", listed.output, re.MULTILINE), listed.output


def test_a_process_that_dies_is_started_again_and_nothing_survives_the_end(tmp_path: Path) -> None:
    starts = tmp_path / "starts"
    # It leaves a grandchild behind, as a killed pool does, and ends.
    script = f"sleep 60 & echo $! >> {starts}; exit 3"
    lines: list[str] = []
    supervisor = Supervisor(lines.append)
    supervisor.start(Unit("brief", ["sh", "-c", script]))
    deadline = time.monotonic() + 60
    supervisor.run(until=lambda: _count(starts) >= 2 or time.monotonic() > deadline)
    supervisor.stop()
    pids = [int(line) for line in starts.read_text().split()]
    assert len(pids) >= 2
    assert any("code 3" in line for line in lines)
    servers.wait_for(lambda: not any(map(_runs, pids)), within_s=60)


def test_a_process_that_will_not_end_is_ended(tmp_path: Path) -> None:
    supervisor = Supervisor(lambda _: None)
    deaf = tmp_path / "deaf"
    script = f"import pathlib, signal, time; signal.signal(15, signal.SIG_IGN); pathlib.Path({str(deaf)!r}).touch()"
    unit = Unit("deaf", [sys.executable, "-c", f"{script}; time.sleep(60)"])
    supervisor.start(unit)
    servers.wait_for(deaf.exists, within_s=60)
    began = time.monotonic()
    supervisor.stop()
    assert time.monotonic() - began < 30
    assert unit.process is not None
    assert unit.process.returncode == -signal.SIGKILL


def _count(path: Path) -> int:
    return len(path.read_text().split()) if path.exists() else 0


def _runs(pid: int) -> bool:
    try:
        return "Z" not in Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
