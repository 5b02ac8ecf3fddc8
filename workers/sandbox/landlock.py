"""The second choice, where user namespaces are closed: the same file system, of which the kernel opens a few paths."""

import os
from collections.abc import Mapping
from pathlib import Path

from workers.sandbox import enter, ground, seccomp
from workers.sandbox.layer import Cell, Limits, Program


class Landlock:
    """Landlock rules, the seccomp filter, and another user when we are root. Other processes stay visible by name.

    The input keeps its place on disk; the child knows it through a link called `input`, so that no user's file name
    is in its arguments or its job.
    """

    name = "landlock"
    enforced = True

    def prepare(
        self, program: Program, inputs: Mapping[str, Path], out: Path | None, scratch: Path, limits: Limits
    ) -> Cell:
        root = os.geteuid() == 0
        uid = ground.unused_uid() if root and self.enforced else None
        tmp = scratch / "tmp"
        tmp.mkdir()
        entrance = scratch / "in"
        entrance.mkdir()
        names: dict[str, str] = {}
        for name, path in inputs.items():
            (entrance / name).symlink_to(path.resolve())
            names[name] = str(entrance / name)
        if uid is not None:
            os.chown(tmp, uid, uid)
        cards = limits.devices
        about = [path for card in cards for path in (ground.described(card) or ())]
        groups = ground.groups(cards)
        # Last of what may fail, so that no descriptor is left open.
        fd = seccomp.descriptor(keep_group=True, same_user=uid is None) if self.enforced else None
        reading, lifeline = os.pipe()
        orders = enter.Orders(
            memory_bytes=limits.address_bytes or limits.memory_bytes,
            file_bytes=limits.file_bytes,
            cpu_s=int(limits.timeout_s * (os.cpu_count() or 1)) + 1,
            processes=limits.processes,
            lifeline=reading,
            count_user=True,
            uid=uid,
            # The interpreter or the input may lie where only root can look; what may be read is Landlock's decision.
            keep_read=uid is not None,
            readable=tuple(str(path.resolve()) for path in (*ground.readable(), *inputs.values(), *_DEVICES, *about)),
            writable=tuple(str(path.resolve()) for path in (tmp, *([out] if out else []), *_WRITABLE, *cards)),
            groups=groups,
            landlock=self.enforced,
            seccomp_fd=fd,
        )
        fds = (reading, fd) if fd is not None else (reading,)
        environment = {**ground.ENVIRONMENT, "HOME": str(tmp), "TMPDIR": str(tmp)}
        argv = [*ground.interpreter(), orders.dump(), *program]
        return Cell(argv, names, str(out.resolve()) if out else None, environment, fds, lifeline, uid)


class Unguarded(Landlock):
    """No walls at all, only limits and an empty environment: for a developer who asked for it by name."""

    name = "none"
    enforced = False


_WRITABLE = (Path("/dev/null"),)
_DEVICES = (Path("/dev/null"), Path("/dev/zero"), Path("/dev/urandom"))
