"""Completion of commands, options and values: as the shells of this machine carry it out."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from reviewer.cli.completion import completion_script
from reviewer.cli.options import SHELLS, build_parser
from tests.paths import ROOT

PARSER = build_parser({"worker": "carry out jobs: it's [a] $test `x`"})


@pytest.mark.parametrize("shell", SHELLS)
def test_every_command_and_option_is_there(shell: str) -> None:
    """As the parser has them; hidden options are not."""
    script = completion_script(shell, PARSER)
    for word in ("diff", "worker", "doctor", "max-usd", "fail-level", "sarif"):
        assert word in script
    assert "no-quiet" not in script


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.slow
def test_scripts_can_be_read(shell: str) -> None:
    """The shell finds no mistake in it."""
    program = shutil.which(shell)
    if program is None:
        pytest.skip(f"no {shell} here")
    done = subprocess.run(
        [program, "-n"], input=completion_script(shell, PARSER), text=True, capture_output=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (["reviewer", "d"], {"diff", "doctor"}),
        (["reviewer", "diff", "--sta"], {"--staged"}),
        (["reviewer", "diff", "--format", "s"], {"sarif"}),
        (["reviewer", "tests", "--format", "s"], set()),
        (["reviewer", "diff", "x"], set()),
    ],
)
def test_bash_completes(line: list[str], expected: set[str]) -> None:
    """As a person would see it after the tabulator."""
    bash = shutil.which("bash")
    assert bash
    words = " ".join(line)
    ask = f'COMP_WORDS=({words}); COMP_CWORD={len(line) - 1}; _reviewer; printf "%s\\n" "${{COMPREPLY[@]}}"'
    script = completion_script("bash", PARSER) + ask
    done = subprocess.run([bash, "--norc", "-c", script], text=True, capture_output=True, check=True)
    assert {word for word in done.stdout.splitlines() if word} == expected, done.stderr


def test_hooks_name_options_that_exist() -> None:
    """`.pre-commit-hooks.yaml` starts commands that this version takes."""
    hooks = yaml.safe_load(Path(ROOT, ".pre-commit-hooks.yaml").read_text(encoding="utf-8"))
    assert [hook["id"] for hook in hooks] == ["reviewer", "reviewer-push"]
    for hook in hooks:
        program, *words = hook["entry"].split()
        assert program == "reviewer"
        options = PARSER.parse_args(words)
        assert (options.command, options.fail_level, options.quiet) == ("diff", "error", True)
        assert not hook["pass_filenames"]
