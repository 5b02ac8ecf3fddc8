"""A dealership's logo: given by a person, cleaned in the sandboxed child, kept under a key made of its content."""

import hashlib
import tempfile
from pathlib import Path

from pipeline.catalog import keys
from webapp.database import storage
from workers import child
from workers.sandbox import Limits

LIMIT = 1_000_000  # bytes given
_PNG = b"\x89PNG\r\n\x1a\n"


class NoLogo(ValueError):
    """This is no logo we can use; the text is a reason for the log, not for the person."""


def keep(dealership_id: str, given: bytes) -> str:
    """Clean the picture and store it; its key, for the dealership's row. Films already made keep the one they have.

    It takes up to 20 s and a way to the storage: the caller has no transaction open.

    Raises: NoLogo for anything but a PNG within the limit, pipeline.errors.MediaRejected if it cannot be read.
    """
    if not given.startswith(_PNG) or len(given) > LIMIT:
        raise NoLogo(f"{len(given)} bytes, begins with {given[:8]!r}")
    with tempfile.TemporaryDirectory(prefix="walkaround-logo-") as folder:
        source, out = Path(folder, "given"), Path(folder, "out")
        source.write_bytes(given)
        out.mkdir()
        limits = Limits(timeout_s=20, stall_s=20, memory_bytes=2**30)
        child.run({"verb": "logo"}, inputs={"input": source}, out=out, limits=limits)
        clean = (out / "logo.png").read_bytes()
    key = keys.logo(dealership_id, hashlib.sha256(clean).hexdigest()[:32])
    storage().put(key, clean, "image/png")
    return key
