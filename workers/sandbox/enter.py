"""The first lines inside a child: limits, rights and doors, then the program. Reads nothing of a stranger's.

Runs as a script with the standard library alone, before any package is imported; the parent imports it for `Orders`.
"""

import ctypes
import json
import os
import resource
import runpy
import select
import signal
import struct
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path

_PR_SET_PDEATHSIG, _PR_SET_KEEPCAPS, _PR_CAPBSET_DROP, _PR_SET_NO_NEW_PRIVS = 1, 8, 24, 38
_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER = 22, 2
_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_RAISE = 47, 2
_CAP_DAC_READ_SEARCH, _LAST_CAP = 2, 40


@dataclass(frozen=True, slots=True)
class Orders:
    """What to do before the program starts; every number as in `layer.Limits`."""

    memory_bytes: int
    file_bytes: int
    cpu_s: int
    processes: int
    lifeline: int
    """The reading end of a pipe that ends when the worker does."""
    count_user: bool = False
    """The process limit counts all of this user's processes (no user namespace): allow for those that run already."""
    uid: int | None = None
    groups: tuple[int, ...] = ()
    """What that user may open besides: a graphics card."""
    keep_read: bool = False
    """Keep the right to read any file after dropping root; only where Landlock decides what may be read."""
    readable: tuple[str, ...] = ()
    writable: tuple[str, ...] = ()
    landlock: bool = False
    seccomp_fd: int | None = None

    def dump(self) -> str:
        return json.dumps(asdict(self))


_libc = ctypes.CDLL(None, use_errno=True)


def _call(number: int, *arguments: object) -> int:
    done: int = _libc.syscall(ctypes.c_long(number), *arguments)
    if done < 0:
        raise OSError(ctypes.get_errno(), f"system call {number}")
    return done


def _prctl(option: int, *arguments: int) -> None:
    words = [ctypes.c_ulong(word) for word in (*arguments, 0, 0, 0, 0)[:4]]
    if _libc.prctl(ctypes.c_int(option), *words) != 0:
        raise OSError(ctypes.get_errno(), f"prctl {option}")


def _limit(orders: Orders) -> None:
    """Hard limits, which no process below can raise again."""
    running = _threads_of_this_user() if orders.count_user and orders.uid is None else 0
    for which, value in (
        (resource.RLIMIT_AS, orders.memory_bytes),
        (resource.RLIMIT_FSIZE, orders.file_bytes),
        (resource.RLIMIT_NPROC, orders.processes + running),
        (resource.RLIMIT_NOFILE, 256),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_MEMLOCK, 0),
    ):
        hard = resource.getrlimit(which)[1]
        value = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(which, (value, value))
    # Soft below hard: SIGXCPU says what happened, SIGKILL would not.
    resource.setrlimit(resource.RLIMIT_CPU, (orders.cpu_s, orders.cpu_s + 5))


def _threads_of_this_user() -> int:
    count = 0
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                if entry.stat().st_uid == os.getuid():
                    count += len(list((entry / "task").iterdir()))
            except OSError:
                continue  # it ended while we counted
    return count


def _become(uid: int, groups: tuple[int, ...], keep_read: bool) -> None:
    """Another user for good, without capabilities (or with the one to read)."""
    if keep_read:
        for cap in range(_LAST_CAP + 1):
            if cap != _CAP_DAC_READ_SEARCH:
                _libc.prctl(_PR_CAPBSET_DROP, ctypes.c_ulong(cap), 0, 0, 0)
        _prctl(_PR_SET_KEEPCAPS, 1)
    os.setgroups(groups)
    os.setresgid(uid, uid, uid)
    os.setresuid(uid, uid, uid)
    _capabilities(1 << _CAP_DAC_READ_SEARCH if keep_read else 0)
    if keep_read:
        _prctl(_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_RAISE, _CAP_DAC_READ_SEARCH)


def _capabilities(mask: int) -> None:
    header = struct.pack("=Ii", 0x20080522, 0)
    words = (mask & 0xFFFFFFFF, mask >> 32)
    data = b"".join(struct.pack("=III", word, word, word) for word in words)
    if _libc.capset(header, data) != 0:
        raise OSError(ctypes.get_errno(), "capset")


def _landlock(orders: Orders) -> None:
    """Only the named paths, by the kernel's own access rules. Source: Documentation/userspace-api/landlock.rst"""
    abi = _call(444, None, ctypes.c_size_t(0), ctypes.c_uint32(1))
    rights = (1 << (13 + (abi >= 2) + (abi >= 3))) - 1
    if abi >= 5:
        rights |= 1 << 15  # ioctl on devices
    net = 0b11 if abi >= 4 else 0
    scoped = 0b11 if abi >= 6 else 0  # abstract unix sockets and signals stay inside
    attributes = struct.pack("=QQQ", rights, net, scoped)[: 8 * (1 + (abi >= 4) + (abi >= 6))]
    ruleset = _call(444, attributes, ctypes.c_size_t(len(attributes)), ctypes.c_uint32(0))
    read_file, read_dir, execute = 1 << 2, 1 << 3, 1 << 0
    # Not to be made, even in /out: devices, sockets, fifos and links, which could point a reader elsewhere.
    write = rights & ~(execute | 1 << 6 | 1 << 9 | 1 << 10 | 1 << 11 | 1 << 12)
    of_files = read_file | execute | 1 << 1 | (1 << 14 if abi >= 3 else 0) | (1 << 15 if abi >= 5 else 0)
    for path, allowed in [(p, read_file | read_dir | execute) for p in orders.readable] + [
        (p, write) for p in orders.writable
    ]:
        fd = os.open(path, os.O_PATH | os.O_CLOEXEC)
        mask = allowed if Path(path).is_dir() else allowed & of_files
        _call(445, ruleset, ctypes.c_int(1), struct.pack("=Qi", mask & rights, fd), ctypes.c_uint32(0))
        os.close(fd)
    _call(446, ruleset, ctypes.c_uint32(0))
    os.close(ruleset)


class _Filter(ctypes.Structure):
    _fields_ = [("length", ctypes.c_ushort), ("instructions", ctypes.c_char_p)]


def _seccomp(fd: int) -> None:
    program = os.read(fd, 1 << 20)
    os.close(fd)
    rules = _Filter(len(program) // 8, program)
    if _libc.prctl(_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, ctypes.byref(rules), 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "seccomp")


def obey(orders: Orders) -> None:
    """Give up every right the program does not need. Raises: OSError where the kernel refuses; nothing runs then."""
    _prctl(_PR_SET_NO_NEW_PRIVS, 1)
    _limit(orders)
    if orders.uid is not None:
        _become(orders.uid, orders.groups, orders.keep_read)
    if orders.landlock:
        _landlock(orders)
    if orders.seccomp_fd is not None:
        _seccomp(orders.seccomp_fd)


def _stay_as_guard(lifeline: int) -> None:
    """Fork; the fork returns and becomes the program. We leave with its exit code, or end everything with the worker.

    The first process of a namespace is deaf to signals that have no handler, so it must not be the program; and only a
    parent that reaps makes the CPU time and memory of all below it visible to the worker. `lifeline` is a pipe whose
    other end the worker alone holds: a death signal would need the right to signal us, which bwrap has given up.
    """
    program = os.fork()
    if program == 0:
        os.close(lifeline)
        # The fork's death signal is its own: without a guard there is no program.
        _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        return
    # Or the worker would wait for the end of pipes which only we hold.
    nothing = os.open("/dev/null", os.O_RDWR)
    for fd in (0, 1, 2):
        os.dup2(nothing, fd)
    ended = os.pidfd_open(program)
    ready, _, _ = select.select([ended, lifeline], [], [])
    if ended not in ready:
        # Our whole process group, and we with it; where we are a namespace's first process, leaving ends the rest.
        os.killpg(0, signal.SIGKILL)
        os._exit(1)
    code = os.waitstatus_to_exitcode(os.waitpid(program, 0)[1])
    os._exit(code if code >= 0 else 128 - code)


def _stand_back() -> None:
    """Tell the session's group too: where the kernel shares cores among sessions (sched(7), autogroup), nice(2) counts
    only inside one, and every child has its own. Of all that write there without the right to rule the machine, the
    kernel hears one in a tenth of a second and tells the others to come again.
    """
    behind, group = os.nice(0), Path("/proc/self/autogroup")
    for _ in range(20 if behind else 0):
        try:
            group.write_text(str(behind))
        except BlockingIOError:
            time.sleep(0.1)
        except OSError:
            return  # a kernel without it, or one that does not let us
        else:
            return


def main() -> None:
    _stand_back()
    given = json.loads(sys.argv[1])
    obey(Orders(**{**given, "readable": tuple(given["readable"]), "writable": tuple(given["writable"])}))
    _stay_as_guard(given["lifeline"])
    how, what, *rest = sys.argv[2:]
    sys.argv = [what, *rest]
    if how == "-m":
        runpy.run_module(what, run_name="__main__", alter_sys=True)
    else:
        exec(compile(what, "trial", "exec"), {"__name__": "__main__"})  # noqa: S102 (the sandbox's own trial)


if __name__ == "__main__":
    main()
