"""Build the filter of system calls that `bwrap --seccomp` loads. Pure.

x86_64 and aarch64 refuse the same calls. A refused call fails as on a kernel without it (EPERM, or ENOSYS if programs
know another way), so that test suites go on. What an ordinary test runner needs is never refused: processes, threads,
files, loopback sockets.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass

# https://docs.kernel.org/userspace-api/seccomp_filter.html and linux/filter.h: classic BPF over struct seccomp_data.
_LOAD, _EQUAL, _AT_LEAST, _ABOVE, _ANY_BIT, _RETURN = 0x20, 0x15, 0x35, 0x25, 0x45, 0x06
_NUMBER, _ARCHITECTURE = 0, 4  # offsets; argument N is at 16 + 8 * N, low half first
_ALLOW, _KILL = 0x7FFF0000, 0x80000000
_EPERM, _ENOSYS, _EAFNOSUPPORT = (0x00050000 | number for number in (1, 38, 97))

_X32 = 0x40000000  # the second set of numbers on x86_64
_NEW_NAMESPACES = 0x7E020000  # CLONE_NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET
_TERMINAL_INPUT = (0x5412, 0x541C)  # TIOCSTI and TIOCLINUX type into another process's terminal
#: Unix, IPv4, IPv6, netlink. Not vsock: it leaves a virtual machine in spite of network namespaces.
_FAMILIES = (1, 2, 10, 16)
_MAX_SHARED = 64 << 10  # System V memory counts for no process; databases need one or two pages

#: Name -> number on x86_64 and on aarch64 (None: no such call). https://github.com/torvalds/linux unistd.h
_REFUSED: Mapping[str, tuple[int | None, int | None]] = {
    "acct": (163, 89),
    "add_key": (248, 217),
    "adjtimex": (159, 171),
    "bpf": (321, 280),
    "chroot": (161, 51),
    "clock_adjtime": (305, 266),
    "clock_settime": (227, 112),
    "delete_module": (176, 106),
    "fanotify_init": (300, 262),
    "finit_module": (313, 273),
    "fsconfig": (431, 431),
    "fsmount": (432, 432),
    "fsopen": (430, 430),
    "fspick": (433, 433),
    "init_module": (175, 105),
    "io_uring_enter": (426, 426),
    "io_uring_register": (427, 427),
    "io_uring_setup": (425, 425),
    "ioperm": (173, None),
    "iopl": (172, None),
    "kcmp": (312, 272),
    "kexec_file_load": (320, 294),
    "kexec_load": (246, 104),
    "keyctl": (250, 219),
    "memfd_secret": (447, 447),
    "migrate_pages": (256, 238),
    "modify_ldt": (154, None),
    "mount": (165, 40),
    "mount_setattr": (442, 442),
    "move_mount": (429, 429),
    "move_pages": (279, 239),
    "name_to_handle_at": (303, 264),
    "open_by_handle_at": (304, 265),
    "open_tree": (428, 428),
    "open_tree_attr": (467, 467),
    "perf_event_open": (298, 241),
    "pidfd_getfd": (438, 438),
    "pivot_root": (155, 41),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "ptrace": (101, 117),
    "quotactl": (179, 60),
    "quotactl_fd": (443, 443),
    "reboot": (169, 142),
    "request_key": (249, 218),
    "setdomainname": (171, 162),
    "sethostname": (170, 161),
    "setns": (308, 268),
    "settimeofday": (164, 170),
    "swapoff": (168, 225),
    "swapon": (167, 224),
    "syslog": (103, 116),
    "umount2": (166, 39),
    "unshare": (272, 97),
    "userfaultfd": (323, 282),
    "vhangup": (153, 58),
}

#: Callers know another way: clone instead of clone3 (a filter cannot see its flags), a file instead of memfd_create
#: (its memory counts for no process).
_UNKNOWN: Mapping[str, tuple[int, int]] = {"clone3": (435, 435), "memfd_create": (319, 279)}


@dataclass(frozen=True, slots=True)
class _Machine:
    column: int
    audit: int
    clone: int
    ioctl: int
    socket: int
    shmget: int


_MACHINES = {
    "x86_64": _Machine(column=0, audit=0xC000003E, clone=56, ioctl=16, socket=41, shmget=29),
    "aarch64": _Machine(column=1, audit=0xC00000B7, clone=220, ioctl=29, socket=198, shmget=194),
}


def program(machine: str) -> bytes | None:
    """Return the filter for a machine named as in `os.uname().machine`, None for an unknown one."""
    known = _MACHINES.get(machine)
    if known is None:
        return None
    return b"".join(
        (
            _op(_LOAD, _ARCHITECTURE),
            _op(_EQUAL, known.audit, yes=1),
            _op(_RETURN, _KILL),  # 32-bit code has numbers of its own
            _op(_LOAD, _NUMBER),
            *((_op(_AT_LEAST, _X32, no=1), _op(_RETURN, _ENOSYS)) if known.column == 0 else ()),
            _look(known.clone, argument=0, test=_ANY_BIT, values=(_NEW_NAMESPACES,), found=_EPERM, otherwise=_ALLOW),
            _look(known.ioctl, argument=1, test=_EQUAL, values=_TERMINAL_INPUT, found=_EPERM, otherwise=_ALLOW),
            _look(known.socket, argument=0, test=_EQUAL, values=_FAMILIES, found=_ALLOW, otherwise=_EAFNOSUPPORT),
            _look(known.shmget, argument=1, test=_ABOVE, values=(_MAX_SHARED,), found=_EPERM, otherwise=_ALLOW),
            *(_answer(numbers[known.column], _ENOSYS) for numbers in _UNKNOWN.values()),
            *(_answer(numbers[known.column], _EPERM) for numbers in _REFUSED.values()),
            _op(_RETURN, _ALLOW),
        )
    )


def _answer(number: int | None, answer: int) -> bytes:
    """Give this answer to every such call, if the machine has it."""
    return b"" if number is None else _op(_EQUAL, number, no=1) + _op(_RETURN, answer)


def _look(number: int, *, argument: int, test: int, values: tuple[int, ...], found: int, otherwise: int) -> bytes:
    """Answer a call by the low half of one argument: `found` if the test is true for one of the values.

    The kernel uses only that half of these arguments. The exception is shmget's size; a size with an upper half is
    larger than any memory and fails anyway.
    """
    tests = [_op(test, value, yes=len(values) - place) for place, value in enumerate(values)]
    block = [_op(_LOAD, 16 + 8 * argument), *tests, _op(_RETURN, otherwise), _op(_RETURN, found)]
    return _op(_EQUAL, number, no=len(block)) + b"".join(block)


def _op(code: int, value: int, *, yes: int = 0, no: int = 0) -> bytes:
    """Return one struct sock_filter; `yes` and `no` are how many instructions a jump skips."""
    return struct.pack("=HBBI", code, yes, no, value)
