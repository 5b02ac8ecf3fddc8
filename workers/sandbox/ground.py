"""What a child stands on: the interpreter, the packages, the craft and the system's libraries, all read-only."""

import importlib.util
import os
import secrets
import sys
import sysconfig
from collections.abc import Sequence
from functools import cache
from pathlib import Path

ENTER = Path(__file__).with_name("enter.py").read_text()
"""The first lines that run inside: they set limits and drop rights before a stranger's byte is read. As text, so that a
worker which began before an upgrade still speaks its own language with them."""

ENVIRONMENT = {
    "PATH": "/usr/bin",
    "HOME": "/tmp",  # noqa: S108 (the child's own /tmp)
    "TMPDIR": "/tmp",  # noqa: S108
    "LANG": "C.UTF-8",
    # Each glibc arena reserves 64 MB of address space per thread; two are enough and keep RLIMIT_AS meaningful.
    "MALLOC_ARENA_MAX": "2",
    # numpy would start a thread per core at import.
    "OPENBLAS_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",
}
"""The child's whole environment: nothing of the parent's, where the secrets are."""


def interpreter() -> list[str]:
    """Isolated: no PYTHON* variable, no user packages, no current folder on the path; writes no bytecode."""
    return [sys.executable, "-I", "-B", "-c", ENTER]


@cache
def readable() -> tuple[Path, ...]:
    """The host's paths the child may read, and execute from; none of them holds data or secrets."""
    prefix = Path(sys.base_prefix)
    paths = [Path(sys.prefix), Path(sys.executable).resolve(), Path(sysconfig.get_paths()["stdlib"])]
    if prefix != Path("/usr"):
        # A Python of its own (pyenv, uv): libpython lies beside the standard library.
        paths += [prefix / "lib", prefix / "bin"]
    for package in ("pipeline", "presets"):
        spec = importlib.util.find_spec(package)
        assert spec is not None
        paths += [Path(found) for found in spec.submodule_search_locations or ()]
    # Fonts: pdfium draws PDFs whose fonts are not embedded with the system's.
    paths += [Path("/usr/lib"), Path("/usr/lib64"), Path("/usr/share/fonts"), Path("/etc/ld.so.cache")]
    paths += [folder for name in ("/lib", "/lib64") if not (folder := Path(name)).is_symlink()]
    return tuple(dict.fromkeys(path for path in paths if path.exists()))


def described(device: Path) -> tuple[Path, Path] | None:
    """Where the kernel says what a device is, which drivers read before they use it: the link that leads there by the
    device's number, and the folder. None: nothing stands behind it.
    """
    number = device.stat().st_rdev
    link = Path(f"/sys/dev/char/{os.major(number)}:{os.minor(number)}")
    return (link, (link / "device").resolve()) if (link / "device").exists() else None


def groups(devices: Sequence[Path]) -> tuple[int, ...]:
    """The groups whose members may open these devices; never root's own."""
    return tuple(sorted({device.stat().st_gid for device in devices} - {0}))


def unused_uid() -> int:
    """A user id of nobody, new for each child, so that no child can signal another or use up its process limit.

    Above every range systemd hands out. Source: systemd, Users, Groups, UIDs and GIDs (1879048192 is its end).
    Inside a container that maps fewer ids it is the usual `nobody`.
    """
    first = 1_879_048_192
    for line in Path("/proc/self/uid_map").read_text().splitlines():
        start, _, count = (int(word) for word in line.split())
        if start <= first and first + 2**24 < start + count:
            return first + secrets.randbelow(2**24)
    return 65_534
