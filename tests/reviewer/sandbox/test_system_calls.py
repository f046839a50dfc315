"""Attempts to use dangerous system calls, devices and descriptors from inside the sandbox."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from reviewer.sandbox import seccomp
from tests.fixtures.sandboxes import SandboxedCheckout
from tests.reviewer.sandbox.refusals import REFUSED

pytestmark = pytest.mark.slow


DANGEROUS = {
    "ptrace": "ptrace 0 0 0 0",
    "process_vm_readv": "process_vm_readv 1 0 0 0 0 0",
    "process_vm_writev": "process_vm_writev 1 0 0 0 0 0",
    "pidfd_getfd": "pidfd_getfd 0 0 0",
    "kcmp": "kcmp 1 1 0 0 0",
    "mount": "mount 0 0 0 0 0",
    "umount2": "umount2 0 2",
    "pivot_root": "pivot_root 0 0",
    "chroot": "chroot 0",
    "fsopen": "fsopen 0 0",
    "open_tree": "open_tree 0 0 1",
    "open_tree_attr": "open_tree_attr 0 0 1 0 0",
    "move_mount": "move_mount 0 0 0 0 0",
    "mount_setattr": "mount_setattr 0 0 0 0 0",
    "setns": "setns 0 0",
    "unshare (user)": f"unshare {0x10000000}",
    "unshare (all)": f"unshare {0x6E020000}",
    "open_by_handle_at": "open_by_handle_at 0 0 0",
    "bpf": "bpf 0 0 0",
    "perf_event_open": "perf_event_open 0 0 0 0 0",
    "io_uring_setup": "io_uring_setup 1 0",
    "keyctl": "keyctl 0 -3 0 0 0",
    "add_key": "add_key 0 0 0 0 0",
    "userfaultfd": "userfaultfd 0",
    "init_module": "init_module 0 0 0",
    "kexec_load": "kexec_load 0 0 0 0",
    "reboot": f"reboot {0xFEE1DEAD} {672274793} 0 0",
    "syslog": "syslog 3 0 0",
    "sethostname": "sethostname 0 0",
    "settimeofday": "settimeofday 0 0",
    "swapon": "swapon 0 0",
    "quotactl": "quotactl 0 0 0 0",
}


def test_dangerous_system_calls_are_refused(sandbox: SandboxedCheckout) -> None:
    """Each is really made, with its number of this machine, and refused before the kernel looks at its arguments."""
    machine = seccomp._MACHINES.get(os.uname().machine)
    if machine is None:
        pytest.skip("no filter for this machine's system calls")
    code = "".join(
        f"tried({name!r}, call, {seccomp._REFUSED[made.split()[0]][machine.column]}, {', '.join(made.split()[1:])})\n"
        for name, made in DANGEROUS.items()
    )
    code += f'tried("clone (user)", call, {machine.clone}, {0x10000011}, 0, 0, 0, 0)\n'
    code += 'tried("clone3", call, 435, 0, 0)\n'
    found = sandbox.attempts(code)
    assert found.pop("clone3") == "refused ENOSYS"
    assert set(found) == {*DANGEROUS, "clone (user)"}
    assert set(found.values()) == {"refused EPERM"}


@pytest.mark.skipif(os.uname().machine != "x86_64", reason="the other two sets of system calls are x86_64's")
def test_system_calls_of_other_architectures_do_not_pass_the_filter(sandbox: SandboxedCheckout) -> None:
    """32-bit calls kill the process, and the calls of the x32 set do not exist."""
    assert sandbox.attempts('tried("x32", call, 0x40000000 | 39)') == {"x32": "refused ENOSYS"}
    ran = sandbox.python("""
import mmap
page = mmap.mmap(-1, 4096, prot=7)
page.write(bytes.fromhex("b814000000cd80c3"))  # mov eax, getpid; int 0x80; ret
print("jumps", flush=True)
ctypes.CFUNCTYPE(ctypes.c_int)(ctypes.addressof(ctypes.c_char.from_buffer(page)))()
print("came back")
""")  # fmt: skip
    assert (ran.exit_code, ran.output) == (128 + signal.SIGSYS, "jumps\n")


def test_others_cannot_be_killed_traced_or_slowed(sandbox: SandboxedCheckout) -> None:
    """The reviewer and its group are out of reach, process 1 survives, and signals to all reach only its own."""
    found = sandbox.attempts("""
reviewer, group = map(int, sys.argv[1:3])
tried("reviewer", os.kill, reviewer, 9)
tried("group", os.killpg, group, 9)
tried("all", os.kill, -1, 0)
tried("priority", os.setpriority, os.PRIO_PROCESS, reviewer, 19)
tried("higher priority", os.setpriority, os.PRIO_PROCESS, 0, -5)
try:
    os.kill(1, 9)
except PermissionError:
    pass
tried("lives on", os.getpid)
""", str(os.getpid()), str(os.getpgrp()))  # fmt: skip
    assert found.pop("lives on").startswith("done")
    assert found.pop("all") in {"refused ESRCH", "done None", "refused EPERM"}
    assert found.pop("higher priority") in REFUSED
    assert set(found.values()) == {"refused ESRCH"}


def test_no_terminal_can_be_typed_into(sandbox: SandboxedCheckout) -> None:
    """There is no controlling terminal, and pushing input into any terminal is refused."""
    found = sandbox.attempts("""
import fcntl, pty
tried("terminal", lambda: open("/dev/tty", "rb"))
ours, theirs = pty.openpty()
for name, number in (("TIOCSTI", 0x5412), ("TIOCLINUX", 0x541C)):
    tried(name, fcntl.ioctl, theirs, number, b"x")
""")  # fmt: skip
    assert found == {"terminal": "refused ENXIO", "TIOCSTI": "refused EPERM", "TIOCLINUX": "refused EPERM"}


def test_no_descriptor_is_inherited(sandbox: SandboxedCheckout, tmp_path: Path) -> None:
    """A file that the reviewer holds open, even one that it lets children inherit, is not open inside."""
    with (tmp_path / "open").open("w") as held:
        os.set_inheritable(held.fileno(), True)
        ran = sandbox.run("sh", "-c", "for fd in /proc/self/fd/*; do readlink $fd; done")
    targets = ran.output.split()
    assert targets[:1] == ["/dev/null"]
    assert {target.partition(":")[0] for target in targets} <= {"/dev/null", "pipe"}
    assert str(tmp_path) not in ran.output


def test_crashes_leave_no_core_files(sandbox: SandboxedCheckout) -> None:
    """A process that aborts leaves no dump, and cannot raise the limit on them."""
    found = sandbox.attempts("""
import resource
tried("limit", resource.getrlimit, resource.RLIMIT_CORE)
def more():
    try: resource.setrlimit(resource.RLIMIT_CORE, (1, 1))
    except ValueError: raise PermissionError(1, "refused")
tried("more", more)
tried("crash", lambda: subprocess.run(["sh", "-c", "cd /tmp; kill -ABRT $$"]).returncode)
tried("files", os.listdir, "/tmp")
""")  # fmt: skip
    assert found == {"limit": "done (0, 0)", "more": "refused EPERM", "crash": "done -6", "files": "done []"}


def test_devices_cannot_be_made(sandbox: SandboxedCheckout) -> None:
    """No node for the machine's disk or memory can be made where files can be written."""
    found = sandbox.attempts("""
import stat
tried("disk", os.mknod, "/tmp/disk", 0o666 | stat.S_IFBLK, os.makedev(254, 0))
tried("memory", os.mknod, "/results/memory", 0o666 | stat.S_IFCHR, os.makedev(1, 1))
""")  # fmt: skip
    assert found == {"disk": "refused EPERM", "memory": "refused EPERM"}
