"""The system calls a decoder never needs, refused by the kernel: a compiled filter, the same for every layer."""

import os
from contextlib import suppress
from functools import cache

from pipeline.errors import SandboxUnavailable

# What reaches other processes, other namespaces, the kernel's larger surfaces or the network.
_REFUSED = (
    "ptrace process_vm_readv process_vm_writev process_madvise pidfd_getfd kcmp "
    "mount umount2 pivot_root chroot move_mount open_tree fsopen fsconfig fsmount fspick mount_setattr setns unshare "
    "keyctl add_key request_key bpf userfaultfd perf_event_open io_uring_setup io_uring_enter io_uring_register "
    "name_to_handle_at open_by_handle_at fanotify_init lookup_dcookie "
    "kexec_load kexec_file_load init_module finit_module delete_module reboot swapon swapoff acct quotactl syslog "
    "iopl ioperm modify_ldt vhangup settimeofday clock_settime clock_adjtime adjtimex sethostname setdomainname "
    # By path: Landlock does not ask before Linux 6.2. What was opened to be written may be cut.
    "socket mknod mknodat truncate truncate64 "
)
# What Landlock is never asked about: rights, owners, attributes and times of files that belong to the same user.
_OF_OUR_FILES = (
    "chmod fchmod fchmodat chown fchown lchown fchownat utime utimes futimesat utimensat "
    "setxattr lsetxattr fsetxattr removexattr lremovexattr fremovexattr "
)
# Of them those that libseccomp 2.5 has never heard of, by the number that every architecture gives them: fchmodat2,
# setxattrat, removexattrat, file_setattr.
_OF_OUR_FILES_TOO = (452, 463, 466, 469)
_OPENAT2 = 437
_NEW_NAMESPACES = {
    "user": 0x10000000,
    "mount": 0x00020000,
    "pid": 0x20000000,
    "net": 0x40000000,
    "ipc": 0x08000000,
    "uts": 0x04000000,
    "cgroup": 0x02000000,
}
_TIOCSTI, _TIOCLINUX = 0x5412, 0x541C


@cache
def program(keep_group: bool = False, same_user: bool = False) -> bytes:
    """The filter as BPF. `keep_group` also refuses to leave the process group, where nothing else kills stragglers;
    `same_user`, to change what belongs to the user the child shares with us: files it can name, limits of processes.

    `socket` is refused for every family: the craft speaks to its children through pipes, and a unix socket would
    reach the services of this machine.

    Raises: SandboxUnavailable when libseccomp is not installed.
    """
    try:
        import pyseccomp
    except (ImportError, OSError, RuntimeError) as error:
        raise SandboxUnavailable(f"libseccomp cannot be loaded: {error}") from error
    eperm, enosys = pyseccomp.ERRNO(1), pyseccomp.ERRNO(38)
    rules = pyseccomp.SyscallFilter(pyseccomp.ALLOW)
    refused: list[str | int] = [*_REFUSED.split(), *(("setsid", "setpgid") if keep_group else ())]
    refused += [*_OF_OUR_FILES.split(), *_OF_OUR_FILES_TOO] if same_user else []
    for name in refused:
        try:
            rules.add_rule(eperm, name)
        except OSError:
            continue  # a call this architecture or this libseccomp has never heard of
    for flag in _NEW_NAMESPACES.values():
        rules.add_rule(eperm, "clone", pyseccomp.Arg(0, pyseccomp.MASKED_EQ, flag, flag))
    # The flags of clone3 lie in memory where a filter cannot look: "not implemented" sends libc back to clone.
    rules.add_rule(enosys, "clone3")
    # To be opened for reading and emptied by that: a write that Landlock takes for a read before Linux 6.2.
    for call, place in (("open", 1), ("openat", 2)):
        with suppress(OSError):  # not every architecture has both
            rules.add_rule(
                eperm, call, pyseccomp.Arg(place, pyseccomp.MASKED_EQ, os.O_ACCMODE | os.O_TRUNC, os.O_TRUNC)
            )
    rules.add_rule(enosys, _OPENAT2)  # its flags lie in memory too
    if same_user:
        rules.add_rule(eperm, "prlimit64", pyseccomp.Arg(0, pyseccomp.NE, 0))
    for request in (_TIOCSTI, _TIOCLINUX):
        rules.add_rule(eperm, "ioctl", pyseccomp.Arg(1, pyseccomp.MASKED_EQ, 0xFFFFFFFF, request))
    fd = os.memfd_create("bpf")
    try:
        with os.fdopen(os.dup(fd), "wb") as file:
            rules.export_bpf(file)
        os.lseek(fd, 0, os.SEEK_SET)
        return os.read(fd, 1 << 20)
    finally:
        os.close(fd)


def descriptor(keep_group: bool = False, same_user: bool = False) -> int:
    """A new descriptor that reads the filter from its start; the caller closes it."""
    fd = os.memfd_create("seccomp")
    os.write(fd, program(keep_group, same_user))
    os.lseek(fd, 0, os.SEEK_SET)
    return fd
