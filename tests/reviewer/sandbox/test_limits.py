"""Attempts to use more than the sandbox allows: processes, memory, output, files, time."""

from __future__ import annotations

import pytest

from tests.fixtures.sandboxes import SandboxedCheckout, living

pytestmark = pytest.mark.slow


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
