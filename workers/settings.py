"""Every setting of the product, read from the environment here and nowhere else.

With nothing set, everything runs embedded under one folder (`DATA_DIR`). A wrong value is reported together with all
other wrong values before anything starts.
"""

import os
import secrets
from functools import cache
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from pipeline import presets
from pipeline.errors import PipelineFailed
from workers.queues import UNITS

_LAST_PORT = 65535


class Settings(BaseSettings):
    """The effective settings; names in the environment are the upper-case field names."""

    model_config = SettingsConfigDict(env_file=None, extra="ignore", hide_input_in_errors=True)

    data_dir: Path = Field(Path("var"), description="where the embedded services keep everything")
    database_url: str = Field("", description="postgresql+psycopg://…; empty: SQLite in DATA_DIR")
    redis_url: str = Field("", description="redis://… or unix://…; empty: the embedded Valkey in DATA_DIR")
    storage_url: str = Field("", description="s3://bucket[/prefix]; empty: a folder in DATA_DIR")

    secret_key: SecretStr = Field(
        SecretStr(""), description="signs sessions and media paths; empty: made once in DATA_DIR"
    )
    web_host: str = "127.0.0.1"
    web_port: int = Field(8000, ge=1, le=65535)
    upload_port: int = Field(8001, ge=1, le=65535)
    public_url: str = Field("", description="how browsers reach the web process; empty: http://WEB_HOST:WEB_PORT")
    upload_url: str = Field("", description="how browsers reach the upload process; empty: http://WEB_HOST:UPLOAD_PORT")
    web_threads: int = Field(8, ge=1)
    upload_threads: int = Field(64, ge=1)
    worker_units: int = Field(2, ge=1, le=64, description="film worker units `walkaround up` starts")
    metrics_port: int = Field(9191, ge=0, le=65535, description="first port of the workers' metrics; 0: none")
    trusted_proxies: int = Field(
        0, ge=0, le=8, description="proxies in front that set X-Forwarded-For and X-Forwarded-Proto; 0: believe nobody"
    )
    cookie_secure: bool = Field(True, description="session cookies only over HTTPS (localhost counts as secure)")

    preset: str = Field("workshop", description="the treatment of new films and photos")
    sandbox: Literal["auto", "bubblewrap", "landlock", "none"] = Field(
        "auto", description="auto: the strongest that works here; none must be asked for by name"
    )
    max_upload_bytes: int = Field(8 * 2**30, ge=1, description="bytes of one file")
    max_unfinished_bytes: int = Field(64 * 2**30, ge=1, description="bytes a dealership may have on their way at once")
    part_bytes: int = Field(8 * 2**20, ge=2**16, description="bytes of one stored part")
    upload_expiry_s: int = Field(7 * 86400, ge=60, description="seconds an unfinished upload is kept")
    rejected_expiry_s: int = Field(
        0, ge=0, description="seconds the original of a refused file is kept, for whoever wants to look why"
    )
    upload_read_timeout_s: float = Field(60, gt=0, description="seconds without a byte before a PATCH is ended")
    client_timeout_s: float = Field(
        15, gt=0, description="seconds a client may take over a request's headers, or take no byte of an answer"
    )
    tus_get: bool = Field(False, description="GET on an upload URL returns its bytes (conformance suites want it)")
    link_expiry_s: int = Field(90 * 86400, ge=60, description="seconds a customer's link lives")
    media_expiry_s: int = Field(6 * 3600, ge=60, description="seconds a signed media path lives")

    lease_s: float = Field(30, gt=0, description="seconds a claim lives without renewal")
    max_attempts: int = Field(3, ge=1, description="attempts at one output before the asset is failed")
    sweep_s: float = Field(5, gt=0, description="seconds between two sweeps")
    window: int = Field(16, ge=1, description="outputs of one asset in the queues at once; at least the film units")
    child_timeout_s: float = Field(1800, gt=0, description="seconds one output may take")
    child_stall_s: float = Field(120, gt=0, description="seconds a child may go without progress")
    child_memory_bytes: int = Field(3 * 2**30, ge=2**28, description="address space of a child's processes")
    # Ten minutes of film in all renditions, as the one chunk of a Matroska, are about 1 GiB.
    child_out_bytes: int = Field(4 * 2**30, ge=2**24, description="bytes of all files one output may take")

    log_format: Literal["console", "json"] = "console"
    log_level: Literal["debug", "info", "warning", "error"] = "info"

    @field_validator("storage_url")
    @classmethod
    def _is_s3(cls, value: str) -> str:
        if value and not (value.startswith("s3://") and urlsplit(value).netloc):
            raise ValueError("must be s3://bucket or s3://bucket/prefix, or empty for a local folder")
        return value

    @field_validator("database_url")
    @classmethod
    def _is_known_database(cls, value: str) -> str:
        if value.startswith(("postgres://", "postgresql://")):
            value = "postgresql+psycopg://" + value.split("://", 1)[1]
        if value and not _is_database(value):
            raise ValueError(
                "must be postgresql://host:port/name (an @ in a password is written %40) or sqlite:///path, "
                "or empty for SQLite in DATA_DIR"
            )
        return value

    @field_validator("redis_url")
    @classmethod
    def _is_redis(cls, value: str) -> str:
        if value and not _is_broker(value):
            raise ValueError("must be redis://host:port, rediss://… or unix:///…, or empty for the embedded Valkey")
        return value

    @field_validator("public_url", "upload_url")
    @classmethod
    def _is_origin(cls, value: str) -> str:
        parts = urlsplit(value)
        # Cookies, the content policy and CORS all mean a whole origin.
        inside = parts.path.strip("/") or parts.query or parts.fragment or parts.username
        if value and (parts.scheme not in ("http", "https") or not parts.hostname or inside or parts.port == 0):
            raise ValueError("must be http(s)://host or http(s)://host:port, or empty")
        return value

    @field_validator("preset")
    @classmethod
    def _is_preset(cls, value: str) -> str:
        try:
            presets.load(value)
        except PipelineFailed as wrong:
            raise ValueError(str(wrong)) from None
        return value

    @property
    def effective_database_url(self) -> str:
        return self.database_url or f"sqlite:///{self._folder() / 'walkaround.sqlite'}"

    @property
    def effective_redis_url(self) -> str:
        return self.redis_url or f"unix://{self._folder() / 'valkey.sock'}"

    @property
    def effective_storage_url(self) -> str:
        return self.storage_url or (self._folder() / "objects").as_uri()

    @property
    def effective_public_url(self) -> str:
        return (self.public_url or f"http://{self.web_host}:{self.web_port}").rstrip("/")

    @property
    def effective_upload_url(self) -> str:
        return (self.upload_url or f"http://{self.web_host}:{self.upload_port}").rstrip("/")

    @property
    def effective_secret_key(self) -> str:
        """The given key, or one made once and kept in `DATA_DIR/secret.key`, readable by its owner only."""
        if given := self.secret_key.get_secret_value():
            return given
        path = self._folder() / "secret.key"
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            fresh = path.with_name(f".{secrets.token_hex(8)}")
            with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
                file.write(secrets.token_urlsafe(48))
            try:
                path.hardlink_to(fresh)  # two processes may start at once: the first one's key stays
            except FileExistsError:
                pass
            finally:
                fresh.unlink()
        return path.read_text()

    @property
    def work_dir(self) -> Path:
        """Where workers put a film together; on this machine, never shared."""
        return self._folder() / "work"

    def _folder(self) -> Path:
        return self.data_dir.expanduser().absolute()


class OneMachine(Settings):
    """The settings of `walkaround up`, where all processes listen on the same machine. In containers of their own,
    they may all use one number.
    """

    model_config = SettingsConfigDict(title=Settings.__name__)

    @field_validator("upload_port")
    @classmethod
    def _is_another_port(cls, value: int, info: ValidationInfo) -> int:
        if value == info.data.get("web_port"):
            raise ValueError(f"is WEB_PORT too: {value}; the upload process needs one of its own")
        return value

    @field_validator("metrics_port")
    @classmethod
    def _has_room(cls, value: int, info: ValidationInfo) -> int:
        count = sum(info.data.get("worker_units", 1) if name == "film" else 1 for name in UNITS)
        taken = range(value, value + count) if value else range(0)
        if value and taken[-1] > _LAST_PORT:
            raise ValueError(f"{count} units need the ports {value} to {taken[-1]}; the last there is is {_LAST_PORT}")
        for name in ("web_port", "upload_port"):
            if info.data.get(name) in taken:
                raise ValueError(f"{count} units need the ports {value} to {taken[-1]}; one of them is {name.upper()}")
        return value


def _is_database(url: str) -> bool:
    from sqlalchemy.engine import make_url  # 0.2 s, and most often no address is given
    from sqlalchemy.exc import ArgumentError

    try:
        parts = make_url(url)
    except (ArgumentError, ValueError):
        return False
    if parts.drivername == "sqlite":
        return bool(parts.database) and not parts.host
    known = parts.drivername == "postgresql+psycopg" and "@" not in (parts.host or "")
    return known and 0 < (parts.port or 5432) <= _LAST_PORT


def _is_broker(url: str) -> bool:
    from redis.connection import parse_url

    try:
        parts = parse_url(url)  # type: ignore[no-untyped-call]
    except ValueError:
        return False
    return bool(parts.get("host") or parts.get("path"))


@cache
def settings() -> Settings:
    """The settings of this process.

    Raises: pydantic.ValidationError naming every wrong value at once.
    """
    return Settings()
