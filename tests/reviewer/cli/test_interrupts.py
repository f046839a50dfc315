"""Ctrl-C at every moment: what is there is shown, what it cost is said, and the same command goes on from there."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.fakes.model import Answer, FakeModel, Stall, error
from tests.fixtures.app_server import child_environment
from tests.fixtures.waiting import wait_until
from tests.paths import ROOT
from tests.reviewer.cli.local_review import ZERO, Run, find

LAUNCHER = ROOT / "minimax_reviewer" / "launcher.py"
FOUND = json.dumps({"summary": "Splits the sum.", "findings": [ZERO]})


@contextmanager
def running(model: FakeModel, clone: Path, *words: str, **environ: str) -> Iterator[subprocess.Popen[str]]:
    """Run the command in a group of its own, and kill it at the end if it is still there."""
    known = {**child_environment(), "RUNAPI_KEY": model.key, "RUNAPI_BASE_URL": model.base_url}
    process = subprocess.Popen(
        [sys.executable, str(ROOT / "app.py"), "diff", *words],
        cwd=clone, env=known | environ, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        text=True, start_new_session=True,
    )  # fmt: skip
    with process:
        try:
            yield process
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)


def interrupted(process: subprocess.Popen[str]) -> tuple[str, str]:
    """Press Ctrl-C, as a terminal does for all processes of the group; return what was written."""
    os.killpg(process.pid, signal.SIGINT)
    shown, told = process.communicate(timeout=30)
    assert process.returncode == 130, told
    assert "Traceback" not in told
    assert told.count("reviewer: stopped") == 1, told
    return shown, told


def stopped(process: subprocess.Popen[str]) -> str:
    """Press Ctrl-C once; return what was written."""
    os.killpg(process.pid, signal.SIGINT)
    return process.communicate(timeout=30)[1]


def test_while_the_first_answer_is_awaited(model: FakeModel, clone: Path) -> None:
    """Nothing was reviewed: that is said, and that a call was under way."""
    model.script("findings", Stall())
    with running(model, clone) as process:
        model.wait_for(lambda: model.active == 1, "the first call")
        shown, told = interrupted(process)
    assert shown == ""
    assert "stopped before any part was reviewed" in told
    assert "1 call had no answer yet" in told


def test_while_the_second_pass_is_awaited(model: FakeModel, clone: Path, reviewer: Run, tmp_path: Path) -> None:
    """What the first pass found is shown, marked as not double-checked, with the cost; the next run pays the rest."""
    model.script("findings", FOUND)
    model.script("verify", Stall())
    with running(model, clone, HOME=str(tmp_path)) as process:
        model.wait_for(lambda: len(model.calls) == 2 and model.active == 1, "the second pass")
        shown, told = interrupted(process)
    assert "could not be double-checked" in shown.split("\n")[0]
    assert "Division by zero" in shown
    assert "Paid $0.0" in told
    assert "the same command goes on from there" in told
    model.script("verify", '{"verdicts": [{"id": 1, "verdict": "confirmed", "reason": "r"}]}')
    assert "1 finding (1 error) in 1 file reviewed." in reviewer("diff", HOME=str(tmp_path)).stdout


def test_between_two_parts(model: FakeModel, clone: Path) -> None:
    """One part was answered, the other not: the findings of the first are shown."""
    for number in range(2):
        lines = "\n".join(f"x{number}_{line} = {line}" for line in range(900))
        (clone / f"big{number}.py").write_text(f"{lines}\n")
    model.answers("findings", lambda call: FOUND if "stats.py (" in call.user else Stall())
    model.answers("edit", lambda _: '{"findings": []}')
    model.answers("refactor", lambda _: '{"summary": "", "findings": []}')
    model.answers("verify", lambda _: Stall())

    with running(model, clone, "--untracked", "--format", "json") as process:
        assert process.stderr is not None
        next(line for line in process.stderr if re.match(r"reviewing, 1 of [2-9] parts", line))
        shown, _ = interrupted(process)
    result = json.loads(shown)
    assert [finding["title"] for finding in (*result["findings"], *result["below"])] == [ZERO["title"]]
    assert any("Stopped with Ctrl-C" in skipped["reason"] for skipped in result["skipped"])


def test_while_it_waits_after_a_rate_limit(model: FakeModel, clone: Path) -> None:
    """The pause ends at once."""
    model.script("findings", error(429, "rate limit (1002)", retry_after="60"))
    with running(model, clone) as process:
        assert process.stderr is not None
        line = next(line for line in process.stderr if "next try" in line)
        assert line.startswith("rate limited, next try in 6")
        interrupted(process)


def test_while_git_reads_the_change(model: FakeModel, clone: Path, tmp_path: Path) -> None:
    """Before anything is asked."""
    waits = tmp_path / "git"
    waits.write_text(f"#!/bin/sh\ntouch {tmp_path}/started\nexec sleep 60\n")
    waits.chmod(0o755)
    with running(model, clone, PATH=f"{tmp_path}{os.pathsep}{os.environ['PATH']}") as process:
        wait_until((tmp_path / "started").exists, "git to start")
        _, told = interrupted(process)
    assert "Nothing was sent" in told


def test_while_standard_input_is_read(model: FakeModel, clone: Path) -> None:
    """`reviewer diff --diff -` waits for a diff that does not come."""
    read, write = os.pipe()
    known = {**child_environment(), "RUNAPI_KEY": model.key, "RUNAPI_BASE_URL": model.base_url}
    with subprocess.Popen(
        [sys.executable, "-X", "importtime", str(LAUNCHER), "diff", "--diff", "-"],
        cwd=clone, env=known, stdin=read, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        start_new_session=True,
    ) as process:  # fmt: skip
        assert process.stderr is not None
        next(line for line in process.stderr if "reviewer.cli.diff" in line)
        told = stopped(process)
    os.close(read)
    os.close(write)
    assert (process.returncode, "Traceback" in told) == (130, False), told


def test_while_modules_are_loaded(model: FakeModel, clone: Path) -> None:
    """At the very beginning there is nothing to show, but no traceback either."""
    model.answers("findings", lambda _: Stall())
    for module in ("argparse", "reviewer.cli.main", "httpx", "reviewer.cli.diff"):
        known = {**child_environment(), "RUNAPI_KEY": model.key, "RUNAPI_BASE_URL": model.base_url}
        with subprocess.Popen(
            [sys.executable, "-X", "importtime", str(LAUNCHER), "diff"],
            cwd=clone, env=known, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
        ) as process:  # fmt: skip
            assert process.stderr is not None
            next((line for line in process.stderr if line.rstrip().endswith(module)), None)
            told = stopped(process)
        assert process.returncode in (130, -signal.SIGINT), told
        assert "Traceback" not in told, told


@pytest.mark.slow
def test_an_interrupt_that_python_ignores_is_not_lost() -> None:
    """It comes while a destructor runs, where it can only be reported; the wait that follows is broken off."""
    lines = (
        "import signal, time",
        "from minimax_reviewer.launcher import keep_interrupts",
        "keep_interrupts()",
        "class Closing:",
        "    def __del__(self): signal.raise_signal(signal.SIGINT)",
        "Closing()",
        "print('went on', flush=True)",
        "time.sleep(60)",
    )
    done = subprocess.run(
        [sys.executable, "-c", "\n".join(lines)], cwd=ROOT, capture_output=True, text=True, timeout=30, check=False
    )
    assert done.stdout == "went on\n"
    assert done.returncode == -signal.SIGINT
    assert "Exception ignored" not in done.stderr


def test_second_time_ends_at_once(model: FakeModel, clone: Path) -> None:
    """Whoever presses it again does not want to wait for anything."""
    model.script("findings", FOUND)
    model.script("verify", Answer(FOUND, latency=60))
    with running(model, clone) as process:
        model.wait_for(lambda: len(model.calls) == 2, "the second pass")
        os.killpg(process.pid, signal.SIGINT)
        os.killpg(process.pid, signal.SIGINT)
        process.communicate(timeout=30)
    assert process.returncode in (130, -signal.SIGINT)


@pytest.mark.parametrize("form", ["json", "markdown"])
def test_every_format_shows_what_is_there(model: FakeModel, clone: Path, tmp_path: Path, form: str) -> None:
    """Also in a file."""
    model.script("findings", FOUND)
    model.script("verify", Stall())
    target = tmp_path / "result"
    with running(model, clone, "--format", form, "--output", str(target)) as process:
        model.wait_for(lambda: len(model.calls) == 2 and model.active == 1, "the second pass")
        interrupted(process)
    assert "Division by zero" in target.read_text()


def test_result_is_whole_where_nobody_stopped_it(reviewer: Run, model: FakeModel) -> None:
    """The other tests' mark: an ordinary run ends with 0 and says nothing of a stop."""
    find(model, ZERO)
    done = reviewer("diff")
    assert (done.returncode, "stopped" in done.stderr) == (0, False)
