"""Attempts to see or reach something outside of the sandbox, each really made inside it, for every way to make one."""

from __future__ import annotations

import os
import secrets
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from reviewer.sandbox.bubblewrap import Privilege
from tests.fixtures.sandboxes import SandboxedCheckout, outside
from tests.paths import ROOT
from tests.reviewer.sandbox.refusals import REFUSED

pytestmark = pytest.mark.slow


#: There is no such thing inside.
NOWHERE = {"refused ENOENT", "refused ENOTDIR"}


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
