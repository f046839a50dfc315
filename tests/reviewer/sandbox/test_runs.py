"""How a run in the sandbox ends, what it leaves, and what an ordinary command finds."""

from __future__ import annotations

import os
import pickle
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from reviewer.sandbox import bubblewrap
from tests.fixtures.sandboxes import SHOWN, SandboxedCheckout, living
from tests.fixtures.waiting import wait_until
from tests.paths import ROOT

pytestmark = pytest.mark.slow


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
