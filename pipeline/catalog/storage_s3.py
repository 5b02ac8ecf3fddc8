"""Objects of an S3 bucket, through boto3."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import boto3
from boto3.exceptions import Boto3Error
from boto3.s3.transfer import TransferConfig
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from pipeline.catalog.storage import BLOCK, NotStored, StorageDown, Stored

# Checksums only where the service demands them: others than AWS do not all know the newer ones.
_CONFIG = Config(
    connect_timeout=5,
    read_timeout=30,
    retries={"mode": "standard", "total_max_attempts": 4},
    request_checksum_calculation="when_required",
    response_checksum_validation="when_required",
)
_TRANSFER = TransferConfig(use_threads=False)  # our processes bring their own parallelism


class Bucket:
    """A bucket, or a folder-like prefix of one. PUT in S3 is atomic and durable by itself."""

    def __init__(self, bucket: str, prefix: str = "") -> None:
        self._bucket = bucket
        self._prefix = f"{prefix}/" if prefix else ""
        self._client: Any = boto3.session.Session().client("s3", config=_CONFIG)

    def put(self, key: str, data: bytes | memoryview, content_type: str = "application/octet-stream") -> None:
        with _translated(key):
            body = bytes(data)  # botocore takes no view; bytes are not copied
            self._client.put_object(Bucket=self._bucket, Key=self._key(key), Body=body, ContentType=content_type)

    def put_file(self, key: str, path: Path, content_type: str = "application/octet-stream") -> None:
        with _translated(key):
            self._client.upload_file(
                str(path), self._bucket, self._key(key), ExtraArgs={"ContentType": content_type}, Config=_TRANSFER
            )

    def get(self, key: str) -> bytes:
        return b"".join(self.read(key))

    def read(self, key: str, start: int = 0, end: int | None = None, block: int = BLOCK) -> Iterator[bytes]:
        if end is not None and end <= start:
            self.stat(key)
            return iter(())
        wanted = {"Range": f"bytes={start}-{'' if end is None else end - 1}"} if start or end is not None else {}
        try:
            with _translated(key):
                body = self._client.get_object(Bucket=self._bucket, Key=self._key(key), **wanted)["Body"]
        except _PastTheEnd:
            return iter(())
        return _blocks(key, body, block)

    def stat(self, key: str) -> Stored:
        with _translated(key):
            found = self._client.head_object(Bucket=self._bucket, Key=self._key(key))
        return Stored(key, found["ContentLength"], found["LastModified"].timestamp())

    def list(self, prefix: str) -> Iterator[Stored]:
        if prefix and not prefix.endswith("/"):
            raise ValueError(f"a prefix ends with a slash: {prefix!r}")
        with _translated(prefix):
            pages = self._client.get_paginator("list_objects_v2")
            for page in pages.paginate(Bucket=self._bucket, Prefix=self._prefix + prefix):
                for found in page.get("Contents", []):
                    key = found["Key"].removeprefix(self._prefix)
                    yield Stored(key, found["Size"], found["LastModified"].timestamp())

    def delete(self, key: str) -> None:
        with _translated(key):
            self._client.delete_object(Bucket=self._bucket, Key=self._key(key))

    def delete_prefix(self, prefix: str) -> None:
        for stored in list(self.list(prefix)):  # one by one: bulk deletion needs a checksum not every service knows
            self.delete(stored.key)

    def _key(self, key: str) -> str:
        if not key or any(piece in ("", ".", "..") for piece in key.split("/")):
            raise ValueError(f"not a key: {key!r}")
        return self._prefix + key


def _blocks(key: str, body: Any, block: int) -> Iterator[bytes]:
    try:
        with _translated(key):
            yield from body.iter_chunks(block)
    finally:
        body.close()


class _PastTheEnd(Exception):
    """The range begins after the last byte; a folder answers with nothing, and so do we."""


@contextmanager
def _translated(key: str) -> Iterator[None]:
    try:
        yield
    except ClientError as error:
        code = str(error.response.get("Error", {}).get("Code"))
        if code in ("404", "NoSuchKey", "NotFound"):
            raise NotStored(key) from error
        if code in ("416", "InvalidRange"):
            raise _PastTheEnd from error
        raise StorageDown(f"{key}: {error}") from error
    except (BotoCoreError, Boto3Error, OSError) as error:
        raise StorageDown(f"{key}: {error}") from error
