"""Runs inside a child as a stranger's code would, and tries to get out. Prints what it managed, as JSON.

Its job, which comes when it runs already, holds the host's paths to try. Every line of the answer is `null` (held) or
what went wrong.
"""

import ctypes
import errno
import json
import os
import resource
import socket
import sys
from collections.abc import Callable
from pathlib import Path

_libc = ctypes.CDLL(None, use_errno=True)
_REFUSALS = {errno.EPERM, errno.EACCES, errno.ENOSYS}
_NUMBERS = {
    "x86_64": {"clone": 56, "unshare": 272, "ptrace": 101, "keyctl": 250, "bpf": 321},
    "aarch64": {"clone": 220, "unshare": 97, "ptrace": 117, "keyctl": 219, "bpf": 280},
}
_CLONE_NEWUSER, _SIGCHLD, _PTRACE_ATTACH, _NO_PROCESS = 0x10000000, 17, 16, 2**22 - 1


def _held(attempt: Callable[[], object]) -> str | None:
    try:
        attempt()
    except (OSError, MemoryError):
        return None
    return "was allowed"


def _system_call(name: str, *arguments: int) -> str | None:
    """An error for want of sense in the arguments means that the door itself was open."""
    number = _NUMBERS.get(os.uname().machine, {}).get(name)
    if number is None:
        return None
    done = _libc.syscall(ctypes.c_long(number), *(ctypes.c_long(word) for word in arguments))
    if done == 0 and name == "clone":
        os._exit(0)
    return None if done < 0 and ctypes.get_errno() in _REFUSALS else "was allowed"


def _fork_until_refused(limit: int) -> None:
    """Raises: OSError at the limit."""
    children = []
    try:
        for _ in range(limit):
            child = os.fork()
            if child == 0:
                os.read(0, 1)
                os._exit(0)
            children.append(child)
    finally:
        for child in children:
            os.kill(child, 9)
            os.waitpid(child, 0)


def _works(attempt: Callable[[], bool]) -> str | None:
    try:
        return None if attempt() else "does not work"
    except OSError as error:
        return f"does not work: {error.strerror}"


def _write_and_read(folder: str) -> bool:
    file = Path(folder, "trial")
    file.write_bytes(b"made")
    return file.read_bytes() == b"made"


def _reaches(given: dict[str, str], attempt: Callable[[int], object]) -> str | None:
    """Whether the worker is within reach by its number: where processes are counted anew, that is somebody else's."""
    try:
        counted_anew = str(Path("/proc/self/ns/pid").readlink()) != given["pids"]
    except OSError:
        counted_anew = False
    return None if counted_anew else _held(lambda: attempt(int(given["parent"])))


def _change_nothing(path: Path) -> None:
    """Ask for the rights it has: who may do that, may ask for others."""
    path.chmod(path.stat().st_mode & 0o7777)


def main(given: dict[str, str]) -> dict[str, str | None]:
    secret, unix = given["secret"], given["unix"]
    beside = Path(secret).with_name("planted")
    late = Path(given["given"], "late")
    found: dict[str, str | None] = {
        "reads its input": _works(lambda: Path(given["input"]).read_bytes() == b"input"),
        "reads what came later": _works(lambda: late.read_bytes() == b"late"),
        "writes its output": _works(lambda: _write_and_read(given["out"])),
        "file beside the input": _held(lambda: Path(secret).read_bytes()),
        "folder beside the input": _held(lambda: list(Path(secret).parent.iterdir())),
        "file beside the input, by the link": _held(lambda: (Path(given["input"]).parent / "secret").read_bytes()),
        "file beside what came later": _held(lambda: Path(given["given"], "..", "secret").read_bytes()),
        "write to what came later": _held(lambda: late.write_bytes(b"changed")),
        "write beside what came later": _held(lambda: late.with_name("planted").write_bytes(b"planted")),
        "write to the input": _held(lambda: Path(given["input"]).write_bytes(b"changed")),
        "write beside the input": _held(lambda: beside.write_bytes(b"planted")),
        "cut what lies beside the input": _held(lambda: os.truncate(secret, 0)),
        "cut the input": _held(lambda: os.truncate(given["input"], 0)),
        "empty the input by opening it": _held(lambda: os.close(os.open(given["input"], os.O_RDONLY | os.O_TRUNC))),
        "rights of what lies beside the input": _held(lambda: _change_nothing(Path(secret))),
        "rights of the input": _held(lambda: _change_nothing(Path(given["input"]))),
        "rights of the code": _held(lambda: _change_nothing(Path(given["code"]))),
        "write to the code": _held(lambda: Path(given["code"]).open("ab").close()),
        "accounts of the machine": _held(lambda: Path("/etc/passwd").read_bytes()),
        "environment of the worker": _held(lambda: Path(f"/proc/{given['parent']}/environ").read_bytes()),
        "signal to the worker": _reaches(given, lambda worker: os.kill(worker, 0)),
        "limits of the worker": _reaches(given, lambda worker: resource.prlimit(worker, resource.RLIMIT_CORE)),
        "network": _held(lambda: socket.create_connection(("127.0.0.1", int(given["port"])), timeout=2)),
        "unix socket": _held(lambda: socket.socket(socket.AF_UNIX).connect(unix)),
        "memory": _held(lambda: bytearray(int(given["memory"]) + 1)),
        "new user namespace": _system_call("clone", _CLONE_NEWUSER | _SIGCHLD, 0, 0, 0, 0),
        "ptrace": _system_call("ptrace", _PTRACE_ATTACH, _NO_PROCESS, 0, 0),
        "keyctl": _system_call("keyctl", 0, -3, 0),
        "bpf": _system_call("bpf", 0, 0, 0),
        "fork bomb": _held(lambda: _fork_until_refused(int(given["processes"]) + 8)),
        "root": None if os.geteuid() != 0 else "is root",
        "unshare": _system_call("unshare", _CLONE_NEWUSER),
    }
    foreign = sorted(set(os.environ) - set(given["environment"].split()))
    found["environment"] = f"sees {', '.join(foreign)}" if foreign else None
    return found


if __name__ == "__main__":
    print("waiting", flush=True)  # noqa: T201
    print(json.dumps(main(json.load(sys.stdin))))  # noqa: T201
