"""What is said to bubblewrap, what a self-test concludes, and which orders and machines are refused."""

from __future__ import annotations

import dataclasses
import json
import os
import re
import struct
import sys
from pathlib import Path
from typing import Any

import pytest

from reviewer.errors import NoSandbox, ReviewerError
from reviewer.sandbox import seccomp
from reviewer.sandbox.api import SandboxCommand, SandboxResult
from reviewer.sandbox.bubblewrap import Privilege, SandboxMethod, launch
from reviewer.sandbox.detection import _free_ids, sandbox_methods
from reviewer.sandbox.sandbox import find_sandbox, run, run_selftest
from reviewer.sandbox.selftest import ProbeFacts, parse_selftest, problems
from tests.fixtures.sandboxes import open_sandbox

GROUND = SandboxMethod(
    privilege=Privilege.ROOT,
    prefix=(),
    python=Path("/usr/bin/python3"),
    python_home=Path("/usr"),
    code=Path("/nowhere"),
    bwrap="/usr/bin/bwrap",
    options=frozenset({"--size", "--disable-userns"}),
    system=("--ro-bind", "/usr", "/usr"),
    filter=b"filter",
    ids=range(1_900_000_000, 1_900_000_010),
    private=(Path("/srv/runner/_temp"),),
)
ORDER = SandboxCommand(argv=("pytest", "-q"), tree=Path("/tmp/copy"), shown_at=Path("/home/ada/project"), cwd="backend")

GOOD = ProbeFacts(
    reached=[],
    interfaces=["lo"],
    loopback=True,
    vsock=False,
    leaks=[],
    own_environment=["HOME", "LANG", "PATH", "REVIEWER_RESULTS", "TMPDIR"],
    processes=[1, 2],
    written_outside=[],
    written_inside=["/tmp", "/dev/shm", "/results"],
    became_root=False,
    setuid_mounts=[],
    status={
        **dict.fromkeys(("CapEff", "CapPrm", "CapInh", "CapBnd", "CapAmb"), "0000000000000000"),
        "NoNewPrivs": "1",
        "Seccomp": "2",
        "Uid": "1900000003\t1900000003\t1900000003\t1900000003",
    },
)


def follows(argv: tuple[str, ...], *wanted: str) -> bool:
    return any(argv[place : place + len(wanted)] == wanted for place in range(len(argv)))


def test_the_order_becomes_the_end_of_the_command() -> None:
    """The environment is set last, after every right is gone, and the command is what was ordered."""
    argv = launch(ORDER, GROUND, user=1_900_000_003).argv
    assert argv[-2:] == ("pytest", "-q")
    assert argv.index("/usr/bin/setpriv") < argv.index("/usr/bin/prlimit") < argv.index("/usr/bin/env")
    assert follows(argv, "--ro-bind", "/tmp/copy", "/home/ada/project")
    assert follows(argv, "--chdir", "/home/ada/project/backend")
    assert follows(argv, "--reuid=1900000003", "--regid=1900000003", "--clear-groups")


def test_without_root_a_user_namespace_takes_roots_place() -> None:
    """An ordinary user's sandbox has a user namespace that allows no more of them, and no capabilities."""
    argv = launch(ORDER, dataclasses.replace(GROUND, privilege=Privilege.USER), user=0).argv
    assert {"--unshare-user", "--disable-userns"} <= set(argv)
    assert follows(argv, "--cap-drop", "ALL")
    assert not {"--cap-add", "/usr/bin/setpriv"} & set(argv)


def test_an_old_bubblewrap_is_asked_for_nothing_that_it_does_not_know() -> None:
    """Sizes of folders and the ban on user namespaces are then left to the supervisor and to the filter."""
    argv = launch(ORDER, dataclasses.replace(GROUND, privilege=Privilege.USER, options=frozenset()), user=0).argv
    assert not {"--size", "--disable-userns"} & set(argv)


def test_outer_folders_are_shown_before_inner_ones() -> None:
    """No folder hides another, whatever the order they are named in; system folders are shown once."""
    inner, outer = Path("/home/ada/project/.venv/lib"), Path("/home/ada/tools")
    command = dataclasses.replace(ORDER, read_only=(inner, Path("/usr/lib/python3"), outer))
    argv = launch(command, GROUND, user=1).argv
    places = [argv[number + 2] for number, part in enumerate(argv) if part == "--ro-bind"]
    assert places == ["/usr", "/home/ada/project", "/home/ada/tools", str(inner)]


def test_an_unknown_machine_has_no_filter() -> None:
    """Where no filter is known the rest holds alone, and the self-test does not ask for it."""
    method = dataclasses.replace(GROUND, filter=None)
    assert "--seccomp" not in launch(ORDER, method, user=1).argv
    assert seccomp.program("riscv64") is None
    bare = GOOD.model_copy(update={"status": GOOD.status | {"Seccomp": "0"}, "vsock": True})
    assert problems(bare, method) == []
    assert problems(bare, GROUND) == ["the filter of system calls is not in force"]


@pytest.mark.parametrize(
    "change",
    [
        {"argv": ()},
        {"argv": ("A=b", "sh")},
        {"argv": ("sh\0",)},
        {"cwd": "../other"},
        {"cwd": "/etc"},
        {"environment": {"A=B": "c"}},
        {"environment": {"": "c"}},
        {"environment": {"A": "b\0C=d"}},
        {"read_only": (Path("/"),)},
        {"read_only": (Path("/etc"),)},
        {"read_only": (Path("/home"),)},
        {"read_only": (Path("/root"),)},
        {"read_only": (Path("/var"),)},
        {"read_only": (Path("/run/docker.sock"),)},
        {"read_only": (Path("/var/run/docker.sock"),)},
        {"read_only": (Path("/proc/1"),)},
        {"read_only": (Path("/srv/runner/_temp"),)},
        {"read_only": (Path("/srv"),)},
        {"read_only": (Path("relative"),)},
        {"read_only": (Path("/opt/../etc"),)},
        {"shown_at": Path("/")},
        {"shown_at": Path("/usr")},
        {"shown_at": Path("/usr/src/app")},
        {"shown_at": Path("/etc/app")},
        {"shown_at": Path("/tmp")},
        {"shown_at": Path("/results")},
        {"shown_at": Path("/proc")},
        {"shown_at": Path("app")},
    ],
    ids=str,
)
def test_an_order_that_asks_for_too_much_is_refused(change: dict[str, Any]) -> None:
    """Neither private places of the machine nor a command that would be read as something else get through."""
    with pytest.raises(NoSandbox):
        launch(dataclasses.replace(ORDER, **change), GROUND, user=1)


@pytest.mark.parametrize(
    ("fact", "problem"),
    [
        ({"reached": ["1.1.1.1:53"]}, "network can be reached"),
        ({"interfaces": ["lo", "eth0"]}, "interfaces: lo, eth0"),
        ({"interfaces": []}, "interfaces"),
        ({"loopback": False}, "127.0.0.1"),
        ({"leaks": ["1"]}, "secret"),
        ({"own_environment": ["HOME", "GITHUB_TOKEN"]}, "environment is not empty"),
        ({"processes": [1, 2, 733, 734]}, "processes outside"),
        ({"processes": [733]}, "processes outside"),
        ({"written_outside": ["/usr"]}, "written at /usr"),
        ({"written_inside": ["/tmp"]}, "where they must be"),
        ({"became_root": True}, "become root"),
        ({"setuid_mounts": ["/usr"]}, "setuid"),
        ({"vsock": True}, "filter"),
        ({"NoNewPrivs": "0"}, "no_new_privs"),
        ({"CapEff": "00000000a80425fb"}, "capabilities"),
        ({"CapBnd": "0000000000000080"}, "capabilities"),
        ({"Seccomp": "0"}, "filter"),
        ({"Uid": "0\t0\t0\t0"}, "is root"),
        ({"Uid": "1900000003\t1900000003\t0\t1900000003"}, "is root"),
        ({"Uid": "1000\t1000\t1000\t1000"}, "another user's id"),
    ],
    ids=str,
)
def test_whatever_does_not_hold_is_named(fact: dict[str, object], problem: str) -> None:
    """Each thing that the self-test looks at, found otherwise, makes the sandbox unfit, and is said."""
    if next(iter(fact)) in ProbeFacts.model_fields:
        facts = GOOD.model_copy(update=fact)
    else:
        facts = GOOD.model_copy(update={"status": GOOD.status | fact})
    assert problem in " ".join(problems(facts, GROUND))
    assert problems(GOOD, GROUND) == []


@pytest.mark.parametrize("output", ["", "Traceback", "{}", json.dumps(GOOD.model_dump() | {"loopback": "yes"})])
def test_a_self_test_that_ends_otherwise_counts_as_failed(output: str) -> None:
    """No answer, half an answer and an odd one are no evidence; nor is a good one of a run that failed."""
    assert parse_selftest(SandboxResult(0, output, {}, 0.0, 0.0)) is None
    assert parse_selftest(SandboxResult(1, GOOD.model_dump_json(), {}, 0.0, 0.0)) is None
    assert parse_selftest(SandboxResult(0, GOOD.model_dump_json(), {}, 0.0, 0.0)) == GOOD


@pytest.mark.parametrize(
    ("mapping", "expected"),
    [
        ("         0          0 4294967295\n", range(1_900_000_000, 2_100_000_000)),
        ("         0     100000      65536\n", range(61_184, 65_520)),
        ("         0       1000          1\n", range(0)),
    ],
)
def test_user_ids_are_those_that_the_machine_can_give(mapping: str, expected: range) -> None:
    """A container with few ids lends those that services would get; one with a single id has none."""
    assert _free_ids(mapping) == expected


def test_without_an_id_to_spare_root_runs_nothing() -> None:
    """A sandbox under a user id that somebody has is not made."""
    with pytest.raises(NoSandbox, match="no unused user id"):
        run(dataclasses.replace(ORDER, tree=Path.cwd()), dataclasses.replace(GROUND, ids=range(0)))


def test_without_bubblewrap_nothing_runs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The error says what to install; it is one of ours and ends the command with 3."""
    monkeypatch.setattr("reviewer.sandbox.detection._PATH", str(tmp_path))
    with pytest.raises(NoSandbox, match=r"Nothing was run.*Install bubblewrap.*apt-get install") as caught:
        find_sandbox()
    assert isinstance(caught.value, ReviewerError)
    assert caught.value.exit_code == 3


def fake(folder: Path, name: str, script: str) -> Path:
    program = folder / name
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    return program


@pytest.mark.slow
def test_a_bubblewrap_that_fails_is_quoted(tmp_path: Path) -> None:
    """As on an Ubuntu that keeps namespaces from users: its own words are in the reason, and nothing runs."""
    broken = fake(tmp_path, "bwrap", 'echo "bwrap: setting up uid map: Permission denied" >&2; exit 1')
    with open_sandbox(Privilege.ROOT if os.geteuid() == 0 else Privilege.USER) as made:
        reasons = run_selftest(dataclasses.replace(made.method, bwrap=str(broken)))
    assert reasons == ["The sandbox could not be started: bwrap: setting up uid map: Permission denied"]


#: A bubblewrap that leaves one thing out, or lets one thing in, and does the rest.
WEAK = """
import os, sys
rest = sys.argv[1:]
def without(first, last=None):
    start = rest.index(first)
    end = start if last is None else rest.index(last, start)
    del rest[start:end + 1]
environment = {}
{change}
os.execve("{bwrap}", ["bwrap", *rest], environment)
"""

LEAK = """
with open(f"/proc/{os.getppid()}/environ") as parent:
    environment = dict(one.split("=", 1) for one in parent.read().split(chr(0)) if one)"""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("privilege", "change", "problem"),
    [
        (Privilege.ROOT, "without('--unshare-net')", "network interfaces"),
        (
            Privilege.ROOT,
            "without('--unshare-pid')",
            "processes|memory",
        ),  # seen, or so many that the supervisor ends it
        (Privilege.ROOT, "without('--seccomp', rest[rest.index('--seccomp') + 1])", "filter of system calls"),
        (Privilege.ROOT, "without('/usr/bin/setpriv', '--no-new-privs')", "is root"),
        (Privilege.ROOT, "rest.remove('--bounding-set=-all')", "capabilities are left"),
        (Privilege.USER, LEAK, "a secret of the reviewer's environment"),
        (Privilege.USER, "without('--remount-ro', '/')", "files can be written at /, "),
    ],
    ids=["network", "processes", "system calls", "user id", "capabilities", "environment", "root folder"],
)
def test_a_sandbox_with_a_hole_fails_its_self_test(privilege: Privilege, change: str, problem: str) -> None:
    """Each part of the confinement, left out of an otherwise whole sandbox, is found missing by the test inside."""
    with open_sandbox(privilege) as made:
        script = made.folder / "weak.py"
        script.write_text(WEAK.replace("{change}", change).replace("{bwrap}", made.method.bwrap))
        weak = fake(made.folder, "bwrap", f'exec {made.method.python} -I -S {script} "$@"')
        reasons = run_selftest(dataclasses.replace(made.method, bwrap=str(weak)))
    assert re.search(problem, " ".join(reasons)), reasons


@pytest.mark.slow
def test_sudo_is_used_where_it_asks_for_nothing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """An ordinary user gets root's way first where sudo works, the user's own after it, else only the latter."""
    for program in ("bwrap", "echo", "grep"):
        (tmp_path / program).symlink_to(f"/usr/bin/{program}")
    monkeypatch.setattr("reviewer.sandbox.detection._PATH", str(tmp_path))
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    found = [one for one in sandbox_methods() if isinstance(one, SandboxMethod)]
    assert [(one.privilege, one.prefix) for one in found] == [(Privilege.USER, ())]

    sudo = fake(tmp_path, "sudo", '[ "$1" = -n ] || exit 9; shift; exec "$@"')
    found = [one for one in sandbox_methods() if isinstance(one, SandboxMethod)]
    assert [(one.privilege, one.prefix) for one in found] == [(Privilege.ROOT, (str(sudo), "-n")), (Privilege.USER, ())]

    fake(tmp_path, "sudo", 'echo "sudo: a password is required" >&2; exit 1')
    found = [one for one in sandbox_methods() if isinstance(one, SandboxMethod)]
    assert [one.privilege for one in found] == [Privilege.USER]


@pytest.mark.slow
@pytest.mark.skipif(os.geteuid() != 0, reason="a stand-in for sudo gives no rights")
def test_the_supervisor_works_behind_sudo(tmp_path: Path) -> None:
    """A sudo that closes every descriptor but three and sets variables of its own, as sudo does, changes nothing."""
    closing = (
        "import os, sys; os.closerange(3, 256); os.environ['SUDO_USER'] = 'ada'; os.execvp(sys.argv[1], sys.argv[1:])"
    )
    sudo = fake(tmp_path, "sudo", f'shift; exec {sys.executable} -I -c "{closing}" "$@"')
    with open_sandbox(Privilege.ROOT) as made:
        behind = dataclasses.replace(made, method=dataclasses.replace(made.method, prefix=(str(sudo), "-n")))
        assert run_selftest(behind.method) == []
        assert "SUDO_USER" not in behind.run("sh", "-c", "cat /proc/*/environ").output
        stuck = behind.run("sleep", "100", seconds=0.3)
    assert (stuck.stopped, stuck.exit_code) == ("time", None)


@pytest.mark.slow
def test_a_folder_that_is_not_there_is_said() -> None:
    """An order for a missing tree or tool folder ends in words, not in a crash."""
    with open_sandbox(Privilege.ROOT if os.geteuid() == 0 else Privilege.USER) as made:
        command = SandboxCommand(("true",), made.folder / "missing", Path("/home/ada/project"))
        with pytest.raises(NoSandbox, match="missing is not a folder"):
            run(command, made.method)
        command = dataclasses.replace(command, tree=made.tree, read_only=(Path("/opt/missing-tool"),))
        with pytest.raises(NoSandbox, match="/opt/missing-tool"):
            run(command, made.method)


def decide(program: bytes, *, machine: int, number: int, arguments: tuple[int, ...] = ()) -> int:
    """Run a classic BPF program on one system call, as the kernel does, and return its verdict."""
    padded = (*arguments, 0, 0, 0, 0, 0, 0)[:6]
    data = struct.pack("=IIQ6Q", number, machine, 0, *(one & (1 << 64) - 1 for one in padded))
    code = list(struct.iter_unpack("=HBBI", program))
    place, value = 0, 0
    while True:
        operation, yes, no, operand = code[place]
        place += 1
        if operation == 0x20:
            (value,) = struct.unpack_from("=I", data, operand)
        elif operation == 0x06:
            return int(operand)
        else:
            holds = {
                0x15: value == operand,
                0x35: value >= operand,
                0x25: value > operand,
                0x45: bool(value & operand),
            }[operation]
            place += yes if holds else no


@pytest.mark.parametrize(("machine", "audit"), [("x86_64", 0xC000003E), ("aarch64", 0xC00000B7)])
def test_the_filter_answers_alike_on_both_machines(machine: str, audit: int) -> None:
    """Run on a model of the kernel's own machine: every refused call, the looked-at ones, and all the rest."""
    program = seccomp.program(machine)
    assert program is not None
    known = seccomp._MACHINES[machine]

    def verdict(number: int, *arguments: int) -> int:
        return decide(program, machine=audit, number=number, arguments=arguments)

    allowed, permission, missing, family = 0x7FFF0000, 0x50001, 0x50026, 0x50061
    refused = {numbers[known.column] for numbers in seccomp._REFUSED.values()} - {None}
    unknown = {numbers[known.column] for numbers in seccomp._UNKNOWN.values()}
    special = {known.clone, known.ioctl, known.socket, known.shmget}
    for number in range(600):
        expected = permission if number in refused else missing if number in unknown else allowed
        if number not in special:
            assert verdict(number) == expected, number
    assert verdict(known.clone, 17) == verdict(known.clone, 0x3D0F00) == allowed  # fork; a thread
    assert {verdict(known.clone, bit | 17) for bit in (0x20000, 0x10000000, 0x20000000, 0x40000000)} == {permission}
    assert [verdict(known.socket, one) for one in (1, 2, 10, 16, 17, 40)] == [allowed] * 4 + [family] * 2
    assert verdict(known.ioctl, 0, 0x5412) == verdict(known.ioctl, 0, 0x5412 | 1 << 32) == permission
    assert verdict(known.ioctl, 0, 0x5413) == allowed
    assert verdict(known.shmget, 0, 4096) == allowed
    assert verdict(known.shmget, 0, 1 << 20) == permission
    assert decide(program, machine=0x40000003, number=20) == 0x80000000
