"""The command line starts fast: what it loads and how often it runs git. A clock on a busy machine could not tell."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from reviewer.cli.main import open_missing_streams
from tests.fakes.model import Answer, FakeModel
from tests.fixtures.git_repo import ENVIRONMENT, Repo
from tests.paths import ROOT

#: Runs a command and prints, last on standard error, the names of the top-level modules that were loaded for it.
RUN = """
import json, sys
import app
code = 1
try:
    code = app.main(sys.argv[1:])
except SystemExit as end:
    code = end.code
print(json.dumps(sorted({name.partition(".")[0] for name in sys.modules})), file=sys.stderr)
sys.exit(code)
"""
FINDING = {
    "path": "x.py",
    "line": 1,
    "quote": "x = 1 / 0",
    "severity": "error",
    "category": "bug",
    "title": "Division by zero",
    "body": "It raises.",
    "suggestion": "x = 0",
}


@pytest.fixture
def repo(tmp_path: Path) -> Repo:
    """Make a repository without settings and guidance, and a change in it."""
    repo = Repo.create(tmp_path / "repo")
    repo.write("x.py", "x = 1\n")
    repo.commit()
    repo.write("x.py", "x = 1 / 0\n")
    return repo


def run(repo: Repo, model: FakeModel | None, *words: str, path: str = os.environ["PATH"]) -> tuple[str, set[str]]:
    """Run the command there; return what it printed and the modules that it loaded."""
    told = {"RUNAPI_BASE_URL": model.base_url, "RUNAPI_KEY": model.key} if model else {}
    done = subprocess.run(
        [sys.executable, "-c", RUN, *words],
        cwd=repo.path,
        env={**ENVIRONMENT, **told, "PATH": path, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout, set(json.loads(done.stderr.splitlines()[-1]))


def test_closed_standard_streams_fail_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """As with `<&- >&- 2>&-`: nothing can be read, and what is written goes nowhere."""
    for name in ("stdin", "stdout", "stderr"):
        monkeypatch.setattr(sys, name, None)
    open_missing_streams()
    opened = [sys.stdin, sys.stdout, sys.stderr]
    monkeypatch.undo()
    stdin, stdout, stderr = opened
    assert (stdin.read(), stdout.write("x"), stderr.isatty()) == ("", 1, False)
    for stream in opened:
        stream.close()


def test_help_loads_the_standard_library_only(repo: Repo) -> None:
    """Help on the command, and on reviewing, needs no package."""
    for words in (("--help",), ("diff", "--help")):
        printed, loaded = run(repo, None, *words)
        assert "usage: reviewer" in printed
        packages = {"httpx", "jinja2", "pydantic", "yaml", "unidiff", "pathspec", "github", "jwt", "flask", "dbos"}
        assert loaded & packages == set()


@pytest.mark.parametrize("form", ["text", "json"])
def test_a_review_loads_what_it_uses(repo: Repo, form: str) -> None:
    """YAML is for settings files, patterns for settings, repairs for broken JSON; the server's packages never."""
    with FakeModel() as model:
        model.script("findings", Answer(json.dumps({"summary": "", "findings": [FINDING]})))
        model.script("verify", Answer('{"verdicts": [{"id": 1, "verdict": "confirmed", "reason": ""}]}'))
        printed, loaded = run(repo, model, "diff", "--format", form)
    assert "Division by zero" in printed
    assert {"httpx", "jinja2"} <= loaded
    unused = {"yaml", "tomllib", "pathspec", "json_repair", "github", "requests", "jwt", "flask", "dbos", "sqlalchemy"}
    assert loaded & unused == set()


def test_git_runs_twelve_times(repo: Repo, tmp_path: Path) -> None:
    """Each run of git takes some milliseconds: a review of the working tree takes twelve, one more for all guidance."""
    real = shutil.which("git")
    log = tmp_path / "log"
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "git").write_text(f'#!/bin/sh\necho "$@" >> "{log}"\nexec "{real}" "$@"\n')
    (tmp_path / "bin" / "git").chmod(0o755)
    path = f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}"
    for most in (12, 13):
        log.unlink(missing_ok=True)
        with FakeModel() as model:
            model.script("findings", Answer('{"summary": "", "findings": []}'))
            run(repo, model, "diff", "--quiet", path=path)
        assert 1 < len(log.read_text().splitlines()) <= most, log.read_text()
        for name in ("AGENTS.md", "CLAUDE.md", "CONTRIBUTING.md"):
            repo.write(name, "Mind the locks.\n")
        repo.write("x.py", "x = 1\n")
        repo.commit()
        repo.write("x.py", "x = 1 / 0\n")
