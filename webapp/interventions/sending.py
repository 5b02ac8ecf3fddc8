"""Sends a file to our own upload endpoint as any tus client does; for the demo."""

import base64
import http.client
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urljoin, urlsplit

_BLOCK = 4 << 20  # bytes of one PATCH


class UploadFailed(Exception):
    """The endpoint refused; the text says with what."""


def send(url: str, token: str, path: Path, metadata: dict[str, str], on_sent: Callable[[int], None]) -> None:
    """Create the upload (or find the one with the same `key`) and send what is missing of it.

    `on_sent` gets the bytes acknowledged so far. Raises: UploadFailed, OSError.
    """
    size = path.stat().st_size
    pairs = ",".join(f"{name} {base64.b64encode(value.encode()).decode()}" for name, value in metadata.items())
    headers = {"Authorization": f"Bearer {token}", "Tus-Resumable": "1.0.0"}
    made = _ask("POST", url, {**headers, "Upload-Length": str(size), "Upload-Metadata": pairs})
    where = urljoin(url, made["location"])
    offset = int(_ask("HEAD", where, headers)["upload-offset"])
    with path.open("rb") as file:
        file.seek(offset)
        while offset < size:
            on_sent(offset)
            patch = {**headers, "Upload-Offset": str(offset), "Content-Type": "application/offset+octet-stream"}
            offset = int(_ask("PATCH", where, patch, file.read(_BLOCK))["upload-offset"])
    on_sent(size)


def _ask(method: str, url: str, headers: dict[str, str], body: bytes | None = None) -> dict[str, str]:
    parts = urlsplit(url)
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    connection = kind(parts.netloc, timeout=60)
    try:
        connection.request(method, parts.path, body, headers)
        answer = connection.getresponse()
        text = answer.read(500).decode(errors="replace")
        if answer.status >= 300:
            raise UploadFailed(f"{method} {parts.path}: {answer.status} {text}")
        return {name.lower(): value for name, value in answer.getheaders()}
    finally:
        connection.close()
