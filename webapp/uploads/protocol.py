"""The text of tus 1.0: its headers read strictly, its refusals named. Knows nothing of rows or sockets.

Source: https://tus.io/protocols/resumable-upload, version 1.0.0.
"""

import base64
import hashlib
import re
from dataclasses import dataclass, field
from email.utils import formatdate

VERSION = "1.0.0"
EXTENSIONS = "creation,creation-with-upload,termination,checksum,expiration"
ALGORITHMS = {"sha1": hashlib.sha1, "sha256": hashlib.sha256, "md5": hashlib.md5}
CONTENT_TYPE = "application/offset+octet-stream"
CHECKSUM_MISMATCH = 460
GOES_ON = (408, 409, 423, 503)  # refusals of bytes after which the same upload is continued
REASON = "Refusal-Reason"  # a word for programs, where the status alone does not tell; ours, not of tus
METADATA_LIMIT = 4000  # characters, the width of the row that keeps it: base64 of what may be said, in any script

REQUEST_HEADERS = (
    "Authorization, Content-Type, Tus-Resumable, Upload-Checksum, Upload-Length, Upload-Metadata, Upload-Offset, "
    "X-HTTP-Method-Override, X-Request-ID, X-Requested-With"
)
RESPONSE_HEADERS = (
    f"Location, {REASON}, Retry-After, Tus-Checksum-Algorithm, Tus-Extension, Tus-Max-Size, Tus-Resumable, "
    "Tus-Version, Upload-Expires, Upload-Length, Upload-Metadata, Upload-Offset, X-Request-ID"
)

_NUMBER = re.compile(r"[0-9]{1,18}")
_KEY = re.compile(r"[!-+\--~]+")  # printable ASCII without space and comma


@dataclass
class Refused(Exception):
    """A request that is not answered as the client wished: status, one plain sentence, extra headers."""

    status: int
    message: str
    headers: dict[str, str] = field(default_factory=dict)


def number(name: str, value: str | None) -> int:
    """A header's non-negative integer (bytes).

    Raises: Refused 400 when it is absent or not a plain number.
    """
    if value is None:
        raise Refused(400, f"{name} is missing")
    if not _NUMBER.fullmatch(value):
        raise Refused(400, f"{name} must be a number of bytes, not {value[:40]!r}")
    return int(value)


def metadata(header: str | None) -> dict[str, str]:
    """The pairs of an `Upload-Metadata` header, decoded from base64 and UTF-8.

    Raises: Refused 400 for a header that is too long, a bad or repeated key, or a value that is not base64 of UTF-8.
    """
    pairs: dict[str, str] = {}
    if not header or not header.strip():
        return pairs
    if len(header) > METADATA_LIMIT:
        raise Refused(400, f"Upload-Metadata is {len(header)} characters, limit {METADATA_LIMIT}")
    for pair in header.split(","):
        key, _, encoded = pair.strip(" ").partition(" ")
        if not _KEY.fullmatch(key):
            raise Refused(400, f"Upload-Metadata has a bad key: {key[:40]!r}")
        if key in pairs:
            raise Refused(400, f"Upload-Metadata names {key!r} twice")
        try:
            pairs[key] = base64.b64decode(encoded, validate=True).decode()
        except ValueError as error:  # not base64, not ASCII, or not UTF-8
            raise Refused(400, f"Upload-Metadata {key!r} is not base64 of UTF-8 text") from error
    return pairs


class Checksum:
    """The digest a client promised for one request's body."""

    def __init__(self, header: str) -> None:
        """Raises: Refused 400 for an algorithm we do not know or a digest of the wrong shape."""
        name, _, encoded = header.strip().partition(" ")
        if name not in ALGORITHMS:
            raise Refused(400, f"Upload-Checksum algorithm {name[:20]!r} is not one of {', '.join(ALGORITHMS)}")
        self._hash = ALGORITHMS[name](usedforsecurity=False)
        try:
            self._wanted = base64.b64decode(encoded.strip(), validate=True)
        except ValueError as error:
            raise Refused(400, "Upload-Checksum is not base64") from error
        if len(self._wanted) != self._hash.digest_size:
            raise Refused(400, f"Upload-Checksum is {len(self._wanted)} bytes, {name} has {self._hash.digest_size}")

    def update(self, data: bytes | memoryview) -> None:
        self._hash.update(data)

    def matches(self) -> bool:
        return self._hash.digest() == self._wanted


def http_date(seconds: float) -> str:
    """Seconds since 1970 as an HTTP date, for `Upload-Expires`."""
    return formatdate(seconds, usegmt=True)
