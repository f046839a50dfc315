"""Attempts to break out of the sandbox, each really made inside it, for every way that this machine has to make one."""

from __future__ import annotations

import os
import pickle
import secrets
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from reviewer.sandbox import bubblewrap, seccomp
from reviewer.sandbox.bubblewrap import Privilege
from tests.fixtures.sandboxes import SHOWN, SandboxedCheckout, living, open_sandbox, outside
from tests.fixtures.waiting import wait_until
from tests.paths import ROOT

pytestmark = pytest.mark.slow

REFUSED = {"refused EPERM", "refused EACCES"}
#: There is no such thing inside.
NOWHERE = {"refused ENOENT", "refused ENOTDIR"}


@pytest.fixture(scope="module", params=list(Privilege), ids=lambda privilege: privilege.value)
def sandbox(request: pytest.FixtureRequest) -> Iterator[SandboxedCheckout]:
    with open_sandbox(request.param) as made:
        yield made


@pytest.fixture
def mark() -> str:
    """Return a text that no other process of the machine has in its command line."""
    return f"mark-{secrets.token_hex(12)}"


READ_ENVIRONMENTS = """
secret = sys.argv[1].encode()
for name in sorted(filter(str.isdecimal, os.listdir("/proc")), key=int) + ["thread-self", str(os.getppid())]:
    tried(f"environment of {name}", lambda: secret in open(f"/proc/{name}/environ", "rb").read())
"""


def test_no_environment_but_its_own_can_be_read(sandbox: SandboxedCheckout) -> None:
    """A secret in the environment of the process that started everything is in no /proc/*/environ."""
    secret = secrets.token_hex(16)
    found = sandbox.attempts(READ_ENVIRONMENTS, secret, canary=secret)
    assert len(found) >= 3
    assert "environment of 1" in found
    assert set(found.values()) <= {"done False", *REFUSED}


def test_a_parents_environment_can_be_read_without_a_sandbox() -> None:
    """The attempt above is a real one: without namespaces it finds the secret in its parent's environment."""
    secret = secrets.token_hex(16)
    code = f"import sys; sys.path.insert(0, {str(ROOT)!r}); import tests.fixtures.sandboxes as cells\n"
    code += f"print(cells.outside({READ_ENVIRONMENTS!r}, sys.argv[1]))"
    environment = {**os.environ, "SECRET": secret}
    done = subprocess.run(
        [sys.executable, "-c", code, secret], env=environment, capture_output=True, text=True, check=True, timeout=60
    )
    assert "done True" in done.stdout


def test_only_its_own_processes_are_seen_and_nobodys_memory(sandbox: SandboxedCheckout) -> None:
    """Neither reviewer nor supervisor is in /proc; no foreign memory can be written, and no kernel memory read."""
    found = sandbox.attempts("""
tried("processes", lambda: sorted(int(name) for name in os.listdir("/proc") if name.isdecimal()))
for name in ("/proc/kcore", "/dev/mem", "/dev/kmem", "/proc/kmsg", f"/proc/{sys.argv[1]}/mem"):
    tried(name, lambda: open(name, "rb").read(1))
""", str(os.getpid()))  # fmt: skip
    assert found.pop("processes") in {"done [1, 2]", "done [1, 2, 3]"}
    assert len(found) == 5
    assert set(found.values()) <= NOWHERE | REFUSED


def test_the_first_process_is_confined_like_the_rest(sandbox: SandboxedCheckout) -> None:
    """Who gets hold of process 1, where it has the same user, has not gained a thing: no rights, the same filter."""
    status = sandbox.run("cat", "/proc/1/status").output
    fields = dict(line.split(":\t", 1) for line in status.splitlines())
    assert fields["NoNewPrivs"] == "1"
    if sandbox.method.privilege is Privilege.USER:
        assert fields["Seccomp"] == "2"
        assert int(fields["CapPrm"], 16) == 0


def test_servers_of_the_machine_cannot_be_reached(sandbox: SandboxedCheckout) -> None:
    """Neither by TCP nor UDP on any address, nor by an abstract socket; its own loopback works meanwhile."""
    abstract = f"reviewer-{secrets.token_hex(8)}"
    with (
        socket.create_server(("0.0.0.0", 0)) as tcp,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp,
        socket.socket(socket.AF_UNIX) as unix,
    ):
        udp.bind(("0.0.0.0", 0))
        unix.bind(f"\0{abstract}")
        unix.listen()
        code = """
tcp, udp, abstract = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
def by_abstract():
    with socket.socket(socket.AF_UNIX) as one:
        one.connect("\\0" + abstract)
def by_udp():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
        one.sendto(b"hello", ("127.0.0.1", udp))
def own():
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname(), 5):
        return server.accept() and "talks"
tried("tcp", lambda: socket.create_connection(("127.0.0.1", tcp), 5))
tried("udp", by_udp)
tried("abstract", by_abstract)
tried("own", own)
"""
        arguments = (str(tcp.getsockname()[1]), str(udp.getsockname()[1]), abstract)
        free = outside(code, *arguments)
        assert {free["udp"], free["abstract"], free["own"]} == {"done None", "done 'talks'"}
        assert free["tcp"].startswith("done")
        assert udp.recv(10) == b"hello"
        for server in (tcp, unix):
            server.accept()[0].close()

        held = sandbox.attempts(code, *arguments)
        assert held == {
            "tcp": "refused ECONNREFUSED",
            "udp": "done None",  # a datagram to a loopback of its own, where nobody listens
            "abstract": "refused ECONNREFUSED",
            "own": "done 'talks'",
        }
        for server in (tcp, unix, udp):
            server.setblocking(False)
        with pytest.raises(BlockingIOError):
            udp.recv(10)
        for server in (tcp, unix):
            with pytest.raises(BlockingIOError):
                server.accept()


def test_no_other_network_exists(sandbox: SandboxedCheckout) -> None:
    """Other hosts, names, raw packets, the hypervisor's sockets and new interfaces: none is to be had."""
    found = sandbox.attempts("""
tried("host", lambda: socket.create_connection(("192.0.2.1", 443), 5))
tried("host6", lambda: socket.create_connection(("2001:db8::1", 443), 5))
tried("metadata", lambda: socket.create_connection(("169.254.169.254", 80), 5))
tried("datagram", lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM).connect(("8.8.8.8", 53)))
tried("name", lambda: socket.gethostbyname("example.com"))
tried("raw", lambda: socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP))
tried("packet", lambda: socket.socket(socket.AF_PACKET, socket.SOCK_RAW))
tried("vsock", lambda: socket.socket(40, socket.SOCK_STREAM))
tried("alg", lambda: socket.socket(38, socket.SOCK_SEQPACKET))
def interface():
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0) as link:
        link.bind((0, 0))
        attribute = struct.pack("=HH8s", 4 + 6, 3, b"dummy0\\0\\0")
        body = struct.pack("=BBHiII", 0, 0, 0, 0, 0, 0) + attribute
        link.send(struct.pack("=IHHII", 16 + len(body), 16, 0x605, 1, 0) + body)
        code = -struct.unpack_from("=i", link.recv(4096), 16)[0]
        if code:
            raise OSError(code, "netlink")
tried("interface", interface)
tried("interfaces", lambda: socket.if_nameindex())
""")  # fmt: skip
    assert found.pop("interfaces") == "done [(1, 'lo')]"
    assert found.pop("name") == "refused gaierror"
    assert {found.pop(one) for one in ("host", "host6", "metadata", "datagram")} <= {
        "refused ENETUNREACH",
        "refused EADDRNOTAVAIL",
    }
    assert {found.pop(one) for one in ("packet", "vsock", "alg")} == {"refused EAFNOSUPPORT"}
    assert found == {"raw": "refused EPERM", "interface": "refused EPERM"}


def test_nothing_outside_its_own_folders_can_be_written(sandbox: SandboxedCheckout, tmp_path: Path) -> None:
    """Not the copy of the checkout, not the system, not the kernel's settings, not this machine's /tmp."""
    (sandbox.tree / "kept").write_text("as it was")
    found = sandbox.attempts("""
for place in (".", "..", "/", "/usr", "/usr/bin", "/etc", "/dev", "/home", "/var", "/run", "/sys", "/opt", sys.argv[1]):
    tried(f"new file in {place}", lambda: open(f"{place}/new", "w"))
for place in ("kept", "/etc/passwd", "/usr/bin/env", "/proc/sys/kernel/core_pattern", "/proc/sysrq-trigger",
              "/proc/sys/kernel/hostname", "/proc/self/oom_score_adj/x", "/sys/power/state", "/dev/sda", "/dev/vda"):
    tried(f"change of {place}", lambda: open(place, "r+"))
tried("removal", os.remove, "kept")
tried("mode", os.chmod, "kept", 0o777)
tried("link", os.symlink, "/etc", "link")
tried("remount", of_libc, "mount", b"none", b".", None, 4128, None)
tried("own", lambda: open("/tmp/new", "w").write("works"))
""", str(tmp_path))  # fmt: skip
    assert found.pop("own") == "done 5"
    assert len(found) == 27
    assert set(found.values()) <= {"refused EROFS", *REFUSED, *NOWHERE}
    assert (sandbox.tree / "kept").read_text() == "as it was"
    assert [path.name for path in sandbox.tree.iterdir()] == ["kept"]
    assert list(tmp_path.iterdir()) == []


def test_private_files_of_the_machine_are_not_there(sandbox: SandboxedCheckout) -> None:
    """Passwords, homes, keys, the runner's files, sockets of daemons: no path leads to them."""
    private = sandbox.folder / "private"
    private.write_text("secret")
    private.chmod(0o644)
    try:
        found = sandbox.attempts("""
for path in ("/etc/shadow", "/etc/sudoers", "/etc/ssh", "/root/.ssh", "/root/.bashrc", "/home/runner", "/var/log",
             "/var/run/docker.sock", "/run/docker.sock", "/run/containerd", "/run/systemd", "/run/user", "/sys/kernel",
             "/boot", "/mnt", "/srv", "/proc/1/root/etc/shadow", "/proc/self/cwd/../../../etc/shadow", sys.argv[1]):
    tried(path, os.stat, path)
tried("works", lambda: os.stat("/etc/passwd").st_size > 0)
""", str(private))  # fmt: skip
    finally:
        private.unlink()
    assert found.pop("works") == "done True"
    assert len(found) == 19
    assert set(found.values()) <= NOWHERE | REFUSED


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make a program that starts as root")
def test_a_setuid_program_gives_no_rights(sandbox: SandboxedCheckout) -> None:
    """A program that anybody else becomes root by leaves the user as it is, in the checkout and in the system."""
    program = sandbox.tree / "whoami"
    program.write_bytes(Path("/usr/bin/id").read_bytes())
    program.chmod(0o4755)
    ordinary = ("setpriv", "--reuid=61000", "--regid=61000", "--clear-groups")
    free = subprocess.run([*ordinary, str(program), "-u"], capture_output=True, text=True, check=True)
    assert free.stdout.strip() == "0"

    found = sandbox.attempts("""
out = lambda *argv: subprocess.run(argv, capture_output=True, text=True, stdin=subprocess.DEVNULL).stdout.strip()
tried("checkout", lambda: out("./whoami", "-u") == str(os.getuid()) != "0")
tried("su", lambda: out("su", "-c", "id -u"))
tried("sudo", lambda: out("sudo", "-n", "id", "-u"))
tried("setuid", os.setuid, 0)
tried("setgid", os.setgid, 0)
tried("setgroups", os.setgroups, [0])
""")  # fmt: skip
    program.unlink()
    assert found.pop("checkout") == "done True"
    assert found.pop("su") == "done ''"
    assert found.pop("sudo") in {"done ''", *NOWHERE}
    assert set(found.values()) <= {"refused EPERM", "refused EINVAL"}


def test_a_fork_bomb_ends_with_the_run(sandbox: SandboxedCheckout, mark: str) -> None:
    """Forks beyond the limit fail, the machine's other users fork on, and nothing of it is left."""
    ran = sandbox.python("""
def bomb():
    try:
        while True:
            os.fork()
    except OSError as error:
        os.write(1, f"{errno.errorcode[error.errno]}\\n".encode())
        signal.pause()
bomb()
""", mark, processes=40, seconds=1)  # fmt: skip
    assert ran.stopped in {"time", "processes"}
    assert ran.exit_code is None
    assert "EAGAIN" in ran.output
    assert living(mark) == []


MEMORY_HOGS = {
    "one process": "x = []\nwhile True: x.append(b'x' * (8 << 20))",
    "many processes": """
for _ in range(10):
    if not os.fork(): x = b'x' * (40 << 20); signal.pause()
signal.pause()""",
    "shared pages": """
import mmap
x = mmap.mmap(-1, 600 << 20)
for place in range(0, len(x), 4096): x[place] = 1
signal.pause()""",
    "page tables": """
import mmap
hole = mmap.mmap(-1, 1 << 40, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | 0x4000)
hole.madvise(15)
for place in range(0, 1 << 40, 2 << 20):
    hole[place]
""",
    "socket buffers": """
import os, socket, time
for _ in range(40):
    if os.fork() == 0:
        kept = [socket.socketpair() for _ in range(480)]
        for one, _ in kept:
            one.setblocking(False)
            try:
                while True:
                    one.send(bytes(65536))
            except BlockingIOError:
                pass
        time.sleep(60)
time.sleep(60)
""",
    "files in memory": """
for folder in ("/dev/shm", "/tmp"):
    try:
        for number in range(100): open(f"{folder}/{number}", "wb").write(b'x' * (4 << 20))
    except OSError as error: assert error.errno == errno.ENOSPC
signal.pause()""",
    "empty files": """
import itertools
for number in itertools.count(): os.close(os.open(f"/tmp/{number}", os.O_CREAT | os.O_WRONLY))""",
}


@pytest.mark.parametrize("hog", MEMORY_HOGS)
def test_too_much_memory_stops_the_run(sandbox: SandboxedCheckout, hog: str) -> None:
    """However it is taken, memory beyond the limit ends the run at once, and says so."""
    ran = sandbox.python(MEMORY_HOGS[hog], memory_bytes=200 << 20, seconds=60)
    assert (ran.stopped, ran.exit_code, ran.timed_out) == ("memory", None, False), ran


def test_memory_that_is_shared_is_counted_once(sandbox: SandboxedCheckout) -> None:
    """Twenty forks of a large process, as a test runner makes, stay within the limit."""
    ran = sandbox.python("""
x = b'x' * (60 << 20)
for _ in range(20):
    if not os.fork():
        time.sleep(0.3)
        os._exit(0)
for _ in range(20): os.wait()
print("all came back")
""", memory_bytes=400 << 20)  # fmt: skip
    assert (ran.exit_code, ran.output) == (0, "all came back\n")


def test_memory_that_no_process_answers_for_cannot_be_had(sandbox: SandboxedCheckout) -> None:
    """Files without a name and large System V segments would hide from any account: the calls are refused."""
    found = sandbox.attempts("""
tried("memfd", os.memfd_create, "x")
tried("segment", of_libc, "shmget", 0, 1 << 20, 0o1600)
tried("small segment", lambda: of_libc("shmget", 0, 4096, 0o1600) >= 0)
""")  # fmt: skip
    assert found == {"memfd": "refused ENOSYS", "segment": "refused EPERM", "small segment": "done True"}


def test_endless_output_is_cut_and_does_not_block(sandbox: SandboxedCheckout) -> None:
    """Output stops at its limit, the program goes on to its end, and its exit code is seen."""
    ran = sandbox.run("sh", "-c", "yes | head -c 50000000; exit 7", output_bytes=1000)
    assert (ran.exit_code, len(ran.output), ran.truncated) == (7, 1000, True)
    ran = sandbox.run("yes", output_bytes=1000, seconds=0.5)
    assert (ran.stopped, len(ran.output), ran.truncated) == ("time", 1000, True)


def test_endless_files_end_at_their_limit(sandbox: SandboxedCheckout) -> None:
    """One file is limited in size, and all together by their folder."""
    found = sandbox.attempts("""
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
def endless(path):
    with open(path, "wb", 0) as file:
        while True: file.write(b"x" * (1 << 20))
tried("one", endless, "/tmp/one")
tried("size", lambda: os.stat("/tmp/one").st_size)
def many():
    for number in range(1000):
        with open(f"/results/{number}", "wb", 0) as file:
            for _ in range(4): file.write(b"x" * (1 << 20))
tried("many", many)
""")  # fmt: skip
    assert found == {"one": "refused EFBIG", "size": f"done {4 << 20}", "many": "refused ENOSPC"}


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


DAEMON = """
if os.fork(): sys.exit(0)
os.setsid()
if os.fork(): os._exit(0)
for number in (signal.SIGHUP, signal.SIGTERM, signal.SIGINT): signal.signal(number, signal.SIG_IGN)
{more}
while True: signal.pause()
"""


@pytest.mark.parametrize("more", ["", "os.close(0); os.close(1); os.close(2)"], ids=["holds output", "closed output"])
def test_a_daemon_does_not_outlive_the_run(sandbox: SandboxedCheckout, mark: str, more: str) -> None:
    """What forked twice into a session of its own dies with the command, at once, and delays nothing."""
    ran = sandbox.python(DAEMON.replace("{more}", more), mark)
    assert (ran.exit_code, ran.stopped) == (0, "")
    assert ran.seconds < 5
    assert living(mark) == []


def test_time_ends_for_all_generations(sandbox: SandboxedCheckout, mark: str) -> None:
    """Children and grandchildren that ignore every signal are gone when the time is up."""
    ran = sandbox.python("""
for number in range(1, 32):
    if number not in (9, 17, 19): signal.signal(number, signal.SIG_IGN)
os.fork(); os.fork(); os.setsid() if os.getpid() > 3 else None
print("here", flush=True)
while True: signal.pause()
""", mark, seconds=0.5)  # fmt: skip
    assert (ran.timed_out, ran.stopped, ran.exit_code) == (True, "time", None)
    assert ran.output.count("here") == 4
    assert 0.5 <= ran.seconds < 5
    assert living(mark) == []


CALLER = """
import pickle, sys
sandbox = pickle.loads(bytes.fromhex(sys.argv[1]))
sandbox.run("sh", "-c", "sleep 1000; true", sys.argv[2], seconds=1000)
"""


@pytest.mark.parametrize("victim", ["reviewer", "supervisor"])
def test_who_dies_takes_the_sandbox_along(sandbox: SandboxedCheckout, mark: str, victim: str) -> None:
    """When the reviewer, or its supervisor, is killed without a chance to clean up, nothing inside goes on."""
    command = [sys.executable, "-c", CALLER, pickle.dumps(sandbox).hex(), mark]
    with subprocess.Popen(command, cwd=ROOT, stderr=subprocess.DEVNULL) as caller:
        try:
            # Not sooner: bubblewrap that loses its supervisor during its set-up may wait, and runs nothing.
            wait_until(lambda: any(map(_runs, living(mark))), "the command runs inside", 20)
            pid = caller.pid if victim == "reviewer" else _child_of(caller.pid)
            os.kill(pid, signal.SIGKILL)
            wait_until(lambda: set(living(mark)) <= {caller.pid}, "everything inside is dead", 20)
        finally:
            caller.kill()
    assert living(mark) == []


def _runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().startswith(b"sh\0-c\0sleep 1000;")
    except OSError:
        return False


def _child_of(pid: int) -> int:
    return int(Path(f"/proc/{pid}/task/{pid}/children").read_text().split()[0])


def test_results_are_plain_files_and_nothing_else(sandbox: SandboxedCheckout) -> None:
    """Symlinks, pipes, sockets, strange names, and deep files are left, counted by reason; files come."""
    ran = sandbox.python("""
os.chdir(os.environ["REVIEWER_RESULTS"])
os.makedirs("a/b")
open("a/b/good.txt", "w").write("good")
os.symlink("/etc/passwd", "link"); os.symlink("/", "folder"); os.symlink("a/b/good.txt", "a/inner")
os.mkfifo("pipe"); socket.socket(socket.AF_UNIX).bind("socket")
for name in ("new\\nline", "back\\\\slash", b"\\xff", "\\u202etxt", "unreadable", ".. "):
    open(name, "w").close()
os.chmod("unreadable", 0)
os.makedirs("/".join("d" * 12)); open("/".join("d" * 12) + "/deep", "w")
os.mkdir("closed", 0o700); open("closed/inside", "w").write("owner's")
""")  # fmt: skip
    assert ran.exit_code == 0, ran
    unreadable = {"unreadable": b""} if "unreadable" in ran.results else {}  # root reads it
    assert ran.results == {"a/b/good.txt": b"good", ".. ": b"", "closed/inside": b"owner's", **unreadable}
    assert ran.refused == {
        "not a regular file": 5,
        "an unusual name": 4,
        "more than 8 levels": 1,
        **({} if unreadable else {"not readable": 1}),
    }


def test_a_thousand_results_are_enough(sandbox: SandboxedCheckout) -> None:
    """More files than that are counted, not read."""
    ran = sandbox.run("sh", "-c", "cd /results; for i in $(seq 1005); do : > $i; done")
    assert len(ran.results) == 1000
    assert ran.refused == {"more than 1000 files": 5}


def _listens(pid: int) -> bool:
    """Whether the network of a process has a listener on port 4711, and is not this machine's own."""
    try:
        apart = Path(f"/proc/{pid}/ns/net").readlink() != Path("/proc/self/ns/net").readlink()
        return apart and f":{4711:04X} 00000000:0000 0A" in Path(f"/proc/{pid}/net/tcp").read_text()
    except OSError:
        return False


def test_runs_at_the_same_time_do_not_meet(sandbox: SandboxedCheckout, mark: str) -> None:
    """Two runs at once have a /tmp, a network and results of their own."""
    code = """
open("/tmp/" + sys.argv[1], "w"); open("/results/" + sys.argv[1], "w")
with socket.create_server(("127.0.0.1", 4711)):
    deadline = time.monotonic() + 20
    while not os.path.exists("go") and time.monotonic() < deadline: time.sleep(0.01)
    tried("files", os.listdir, "/tmp")
"""
    found: dict[str, object] = {}

    def work(name: str) -> None:
        ran = sandbox.python(code, name, mark, seconds=60)
        found[name] = (ran.output, dict(ran.results))

    threads = [threading.Thread(target=work, args=(name,)) for name in ("one", "two")]
    for thread in threads:
        thread.start()
    try:
        wait_until(lambda: sum(map(_listens, living(mark))) >= 2, "both to listen on the same port", 20)
    finally:
        (sandbox.tree / "go").touch()
        for thread in threads:
            thread.join()
        (sandbox.tree / "go").unlink()
    assert found == {name: (f"<files> done ['{name}']\n", {name: b""}) for name in ("one", "two")}


def test_an_ordinary_command_finds_what_it_was_promised(sandbox: SandboxedCheckout) -> None:
    """The checkout where it always is, a home, a folder for results, the variables of the order, and no others."""
    (sandbox.tree / "sub").mkdir(exist_ok=True)
    ran = sandbox.run("env", environment={"PYTHONPATH": "src", "HOME": "/elsewhere"})
    assert sorted(ran.output.splitlines()) == [
        "HOME=/tmp",
        "LANG=C.UTF-8",
        "PATH=/usr/local/bin:/usr/bin:/bin",
        "PYTHONPATH=src",
        f"REVIEWER_RESULTS=/{bubblewrap.RESULTS}",
        "TMPDIR=/tmp",
    ]
    assert sandbox.run("pwd").output == f"{SHOWN}\n"
    assert sandbox.run("hostname").output in {"sandbox\n", ""}
    assert sandbox.run("sh", "-c", "exit 3").exit_code == 3
    assert sandbox.run("no-such-program").exit_code == 127


@pytest.mark.skipif(not Path("/usr/bin/node").exists(), reason="node is not installed")
def test_node_runs_within_its_memory(sandbox: SandboxedCheckout) -> None:
    """A runtime that reserves far more address space than it uses is not stopped."""
    ran = sandbox.run("/usr/bin/node", "-e", "console.log([1, 2, 3].map(x => x * 2).join())")
    assert (ran.exit_code, ran.output) == (0, "2,4,6\n")


def test_the_processors_time_is_told(sandbox: SandboxedCheckout) -> None:
    """What children take counts, also after they ended."""
    ran = sandbox.python("""
if not os.fork():
    while time.process_time() < 0.4: pass
    os._exit(0)
os.wait()
time.sleep(0.3)
""")  # fmt: skip
    assert 0.4 <= ran.cpu_seconds < 1.5
