"""The kernel counts a run's memory where it lets us make a cgroup."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from reviewer.sandbox import memory_cgroup
from reviewer.sandbox.bubblewrap import Privilege
from reviewer.sandbox.memory_cgroup import MemoryCgroup, open_cgroup
from tests.fixtures.sandboxes import SandboxedCheckout

pytestmark = pytest.mark.slow

LIMIT = 64 << 20


@pytest.fixture
def cgroup() -> Iterator[MemoryCgroup]:
    made = open_cgroup(LIMIT)
    if made is None or not made.enter():
        pytest.skip("this machine does not let us make a memory cgroup")
    made.leave()
    yield made
    made.remove()
    assert not Path(made.folder).exists()


def take(cgroup: MemoryCgroup, size: int) -> int:
    """Return the exit code of a process inside that takes so much memory."""
    assert cgroup.enter()
    try:
        child = subprocess.Popen([sys.executable, "-I", "-S", "-c", f"x = b'x' * {size}"])
    finally:
        cgroup.leave()
    return child.wait(timeout=60)


def test_the_kernel_ends_what_takes_more(cgroup: MemoryCgroup) -> None:
    """What stays below the limit ends well; what goes above it is killed, and the cgroup tells."""
    assert (take(cgroup, LIMIT // 2), cgroup.has_killed()) == (0, False)
    assert (take(cgroup, LIMIT * 2), cgroup.has_killed()) == (-signal.SIGKILL, True)


def test_our_own_process_is_back_outside(cgroup: MemoryCgroup) -> None:
    assert str(os.getpid()) not in Path(cgroup.folder, "cgroup.procs").read_text("ascii").split()


def test_what_a_killed_supervisor_left_is_removed(cgroup: MemoryCgroup) -> None:
    """One whose process still lives stays, though it is empty: it is about to be entered."""
    above = Path(cgroup.folder).parent
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait(timeout=60)
    left = above / f"minimax-reviewer-{ended.pid}"
    lives = above / f"minimax-reviewer-{os.getppid()}"
    for folder in (left, lives):
        folder.mkdir()
    try:
        memory_cgroup._remove_left(str(above))
        assert (left.exists(), lives.exists()) == (False, True)
    finally:
        lives.rmdir()


def test_a_run_is_stopped_for_memory_that_no_process_shows(sandbox: SandboxedCheckout, cgroup: MemoryCgroup) -> None:
    """Pipes are full, but no process holds a page of them."""
    if sandbox.method.privilege is not Privilege.ROOT:
        pytest.skip("an ordinary user makes no cgroup here")
    ran = sandbox.python(
        """
for _ in range(6):
    if os.fork() == 0:
        pipes = [os.pipe() for _ in range(400)]
        for _, end in pipes:
            os.set_blocking(end, False)
            try:
                while True: os.write(end, bytes(1 << 16))
            except BlockingIOError:
                pass
        signal.pause()
signal.pause()
""",
        memory_bytes=40 << 20,
    )
    assert ran.stopped == "memory", ran


@pytest.mark.parametrize(
    ("path", "root", "below"),
    [("/", "/", ""), ("/a/b", "/", "/a/b"), ("/docker/1", "/docker/1", ""), ("/docker/1/x", "/docker/1", "/x")],
)
def test_paths_below_a_mount(path: str, root: str, below: str) -> None:
    assert memory_cgroup._below(path, root) == below
