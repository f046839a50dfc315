"""The test command, guessed from the files of a repository."""

from __future__ import annotations

from pathlib import Path

import pytest

from reviewer.testgen.python.choosing.command_guess import guessed_commands

WORKFLOW = """name: pytest
jobs:
  test:
    steps:
      - run: pip install pytest
      - name: Run pytest
        run: |
          PYTHONPATH=. python -m pytest tests/unit -q
"""
NOX = "import nox\n\n\n@nox.session\ndef tests(session):\n    session.run('pytest', 'tests', *session.posargs)\n"


@pytest.mark.parametrize(
    ("files", "command"),
    [
        ({".github/workflows/ci.yml": WORKFLOW}, "PYTHONPATH=. python -m pytest tests/unit -q"),
        ({"tox.ini": "[testenv]\ncommands =\n    pytest {posargs:tests}\n"}, "pytest"),
        ({"noxfile.py": NOX}, "pytest tests"),
        (
            {"Makefile": "lint:\n\truff .\n\ntest: lint\n\t@python -m unittest discover -s tests\n"},
            "python -m unittest discover -s tests",
        ),
    ],
)
def test_each_file_that_names_a_command(files: dict[str, str], command: str, tmp_path: Path) -> None:
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    assert guessed_commands(tmp_path, "")[0] == command


def test_what_installs_or_needs_a_shell_is_no_command(tmp_path: Path) -> None:
    (tmp_path / "Makefile").write_text("test:\n\tpip install pytest\n\tpytest $(ARGS)\n")
    assert guessed_commands(tmp_path, "") == ()
