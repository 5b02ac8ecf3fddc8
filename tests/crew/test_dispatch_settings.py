"""Settings: embedded defaults, every fault at once, a key made once."""

import stat
import threading
from pathlib import Path

import pytest
from pydantic import ValidationError

from workers.settings import Settings


def test_with_nothing_set_everything_lies_in_one_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DATABASE_URL", "REDIS_URL", "STORAGE_URL", "PUBLIC_URL", "UPLOAD_URL", "SECRET_KEY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    settings = Settings(data_dir=Path("var"))

    assert settings.effective_database_url == f"sqlite:///{tmp_path}/var/walkaround.sqlite"
    assert settings.effective_redis_url == f"unix://{tmp_path}/var/valkey.sock"
    assert settings.effective_storage_url == f"file://{tmp_path}/var/objects"
    assert settings.work_dir == tmp_path / "var/work"
    assert settings.effective_public_url == "http://127.0.0.1:8000"
    assert settings.effective_upload_url == "http://127.0.0.1:8001"


def test_what_is_set_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    given = {
        "DATABASE_URL": "postgres://db/walkaround",
        "REDIS_URL": "redis://queue:6379/1",
        "STORAGE_URL": "s3://films/eu",
        "PUBLIC_URL": "https://garage.example/",
        "SECRET_KEY": "given",
    }
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    settings = Settings()

    assert settings.effective_database_url == "postgresql+psycopg://db/walkaround"
    assert settings.effective_redis_url == "redis://queue:6379/1"
    assert settings.effective_storage_url == "s3://films/eu"
    assert settings.effective_public_url == "https://garage.example"
    assert settings.effective_secret_key == "given"


def test_all_wrong_values_are_named_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = {
        "DATABASE_URL": "mysql://x",
        "STORAGE_URL": "ftp://x",
        "WEB_PORT": "99999",
        "LEASE_S": "0",
        "SANDBOX": "no",
    }
    for name, value in wrong.items():
        monkeypatch.setenv(name, value)

    with pytest.raises(ValidationError) as caught:
        Settings()

    assert {str(error["loc"][0]).upper() for error in caught.value.errors()} == set(wrong)


def test_the_key_is_made_once_by_whoever_starts_first_and_only_we_may_read_it(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path, secret_key="")
    start, keys = threading.Barrier(8), []

    def read() -> None:
        start.wait()
        keys.append(settings.effective_secret_key)

    threads = [threading.Thread(target=read) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(set(keys)) == 1
    assert len(keys[0]) >= 64
    assert stat.S_IMODE((tmp_path / "secret.key").stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["secret.key"]
