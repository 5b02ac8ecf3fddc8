"""The first choice: a new root in which nothing exists but what was mounted, no network, no other process."""

import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from pipeline.errors import SandboxUnavailable
from workers.sandbox import enter, ground, seccomp
from workers.sandbox.layer import Cell, Limits, Program


class Bubblewrap:
    """Starts children with `bwrap`; as root without a user namespace and a real change of user, else with one."""

    name = "bubblewrap"

    def __init__(self) -> None:
        found = shutil.which("bwrap")
        if found is None:
            raise SandboxUnavailable("bwrap is not installed")
        self.bwrap = found

    def prepare(
        self, program: Program, inputs: Mapping[str, Path], out: Path | None, scratch: Path, limits: Limits
    ) -> Cell:
        root = os.geteuid() == 0
        uid = ground.unused_uid() if root else None
        argv = [self.bwrap, *_namespaces(root), *_devices(limits), *_floor()]
        names: dict[str, str] = {}
        for name, path in inputs.items():
            names[name] = f"/in/{name}"
            argv += ["--ro-bind", str(_readable_by_all(path, scratch / name) if root else path), names[name]]
        groups = ground.groups(limits.devices)
        # Last of what may fail (a copy on a full disk, a card that went), so that no descriptor is left open.
        fd = seccomp.descriptor()
        reading, lifeline = os.pipe()
        if out is not None:
            argv += ["--bind", str(out), "/out"]
        # The root itself is a tmpfs without a size: read-only once everything hangs in it.
        argv += ["--remount-ro", "/", "--chdir", "/tmp", "--seccomp", str(fd), "--"]  # noqa: S108
        orders = enter.Orders(
            memory_bytes=limits.address_bytes or limits.memory_bytes,
            file_bytes=limits.file_bytes,
            cpu_s=int(limits.timeout_s * (os.cpu_count() or 1)) + 1,
            processes=limits.processes,
            lifeline=reading,
            uid=uid,
            groups=groups,
        )
        argv += [*ground.interpreter(), orders.dump(), *program]
        return Cell(argv, names, "/out" if out else None, dict(ground.ENVIRONMENT), (fd, reading), lifeline, uid)


def _namespaces(root: bool) -> list[str]:
    new = ["--unshare-ipc", "--unshare-pid", "--unshare-net", "--unshare-uts", "--unshare-cgroup-try"]
    # --die-with-parent: a killed worker leaves no bwrap. --new-session: no terminal to type into. --as-pid-1: bwrap's
    # own init is not waited for by bwrap, so that the CPU time of the child would be lost; `enter` does its part.
    common = [
        "--die-with-parent",
        "--new-session",
        "--as-pid-1",
        "--clearenv",
        "--hostname",
        "child",
        "--cap-drop",
        "ALL",
    ]
    for key, value in ground.ENVIRONMENT.items():
        common += ["--setenv", key, value]
    if root:
        # A user namespace made by root maps the child to the real root, whom RLIMIT_NPROC does not bind; so there is
        # none, and `enter` becomes an unused user for which two capabilities last until it has done so.
        return [*new, *common, "--cap-add", "CAP_SETUID", "--cap-add", "CAP_SETGID"]
    return [*new, "--unshare-user", "--uid", "65534", "--gid", "65534", *common]


def _floor() -> list[str]:
    argv = []
    # bwrap makes the folders above a mount for its own user alone; the child is another one.
    above = {folder: None for path in ground.readable() for folder in reversed(path.parents)}
    for folder in (*above, Path("/in")):
        if folder != Path("/"):
            argv += ["--perms", "0755", "--dir", str(folder)]
    for path in ground.readable():
        argv += ["--ro-bind", str(path), str(path)]
    for link in ("/lib", "/lib64"):
        if Path(link).is_symlink():
            argv += ["--symlink", str(Path(link).readlink()), link]
    return argv


def _devices(limits: Limits) -> list[str]:
    tmp = ["--perms", "1777", "--size", str(limits.tmp_bytes), "--tmpfs", "/tmp"]  # noqa: S108
    return ["--proc", "/proc", "--dev", "/dev", *_cards(limits.devices), "--remount-ro", "/dev", *tmp]


def _cards(devices: Sequence[Path]) -> list[str]:
    """Some devices, and what /sys says of them alone."""
    argv = []
    for device in devices:
        argv += [*_folders(device), "--dev-bind", str(device), str(device)]
        if about := ground.described(device):
            link, folder = about
            argv += [*_folders(link), "--symlink", str(link.resolve()), str(link)]
            argv += [*_folders(folder), "--ro-bind", str(folder), str(folder)]
    return argv


def _folders(path: Path) -> list[str]:
    """The folders above a mount: bwrap makes them for its own user alone, and the child is another one."""
    above = [folder for folder in reversed(path.parents) if folder not in (Path("/"), Path("/dev"))]
    return [word for folder in above for word in ("--perms", "0755", "--dir", str(folder))]


def _readable_by_all(path: Path, copy: Path) -> Path:
    """The file itself, or, when only its owner may read it, a copy that lives as long as the child."""
    if path.stat().st_mode & 0o004:
        return path
    subprocess.run(["cp", "--sparse=always", "--reflink=auto", "--", path, copy], check=True)
    copy.chmod(0o444)
    return copy
