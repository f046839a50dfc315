"""The import contracts in pyproject.toml bite: each forbidden import, planted in a copy, is found."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.paths import ROOT

pytestmark = pytest.mark.slow

CHECK = "import sys; sys.path.insert(0, ''); from importlinter.cli import lint_imports_command as c; c(['--no-cache'])"


def broken_contracts(tmp_path: Path, module: str, line: str) -> list[str]:
    """Return the names of the contracts that break when `module` of a copy of the project begins with `line`."""
    for package in ("reviewer", "webhooks", "prompts"):
        shutil.copytree(ROOT / package, tmp_path / package, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    planted = tmp_path / module
    planted.write_text(f"{line}\n", encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-c", CHECK], cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False
    )
    assert "Contracts: " in done.stdout, done.stdout + done.stderr
    return re.findall(r"^(.+) BROKEN", done.stdout, re.MULTILINE)


@pytest.mark.parametrize(
    ("module", "line", "contract"),
    [
        ("reviewer/domain/severity.py", "import webhooks", "Packages import downwards"),
        ("reviewer/domain/severity.py", "import app", "Nobody imports the composition root"),
        ("reviewer/domain/severity.py", "import httpx", "Only reviewer.llm.streaming opens connections to the model"),
        (
            "reviewer/domain/severity.py",
            "import subprocess",
            "Only reviewer.git.command, the sandbox and testgen start processes",
        ),
        (
            "reviewer/domain/severity.py",
            "import github",
            "Only webhooks.github.transport and auth know PyGithub",
        ),
        (
            "webhooks/events/commands.py",
            "import flask",
            "Only webhooks.server and pages know Flask",
        ),
        (
            "webhooks/server/signature.py",
            "import dbos",
            "Only webhooks.queue knows the durable engine and its database",
        ),
        ("reviewer/attic.py", "", "Folders of reviewer import downwards"),
        ("webhooks/attic.py", "", "Folders of webhooks import downwards"),
    ],
)
def test_forbidden_import_breaks_its_contract(tmp_path, module, line, contract):
    """Each rule about imports is held by a contract that fails when it is broken."""
    assert contract in broken_contracts(tmp_path, module, line)
