"""How a repository's test command is found, told and read."""

from __future__ import annotations

from pathlib import Path

import pytest

from reviewer.testgen.evidence import NotRun
from reviewer.testgen.python.test_command import CommandPlan, plan_for
from reviewer.testgen.working_tree import added, python_files, snapshot, text_of


def planned(tree: Path, files: dict[str, str], path: str, command: str | None = None) -> CommandPlan | NotRun:
    """Write the files and return the plan for a path."""
    for name, text in files.items():
        (tree / name).parent.mkdir(parents=True, exist_ok=True)
        (tree / name).write_text(text, encoding="utf-8")
    return plan_for(tree, python_files(tree), path, command)


@pytest.mark.parametrize(
    ("command", "framework", "arguments", "selection"),
    [
        ("pytest", "pytest", (), ()),
        ("python -m pytest -x -q tests/unit", "pytest", (), ("tests/unit",)),
        ("poetry run pytest -n auto --cov=src -m 'not slow' tests", "pytest", ("-m", "not slow"), ("tests",)),
        ("uv run pytest --cov src --maxfail 1 -p no:warnings", "pytest", ("-p", "no:warnings"), ()),
        (".venv/bin/pytest --import-mode=importlib", "pytest", ("--import-mode=importlib",), ()),
        ("python3.11 -m unittest discover -s t -v", "unittest", ("discover", "-s", "t"), ()),
        ("hatch exec py.test", "pytest", (), ()),
    ],
)
def test_commands_are_read(
    command: str, framework: str, arguments: tuple[str, ...], selection: tuple[str, ...], tmp_path: Path
) -> None:
    """What selects tests is kept; what spoils a measured run is left out."""
    plan = planned(tmp_path, {"m.py": ""}, "m.py", command)
    assert isinstance(plan, CommandPlan)
    assert (plan.framework, plan.arguments, plan.selection) == (framework, arguments, selection)


@pytest.mark.parametrize(
    "command", ["make test", "tox -e py", "npm test", "python manage.py test", "echo pytest2", "'"]
)
def test_other_commands_are_refused_with_words(command: str, tmp_path: Path) -> None:
    """A command that cannot be counted is named, with what to set instead."""
    plan = planned(tmp_path, {"m.py": ""}, "m.py", command)
    assert isinstance(plan, NotRun)
    assert "tests.command" in plan.reason


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("pyproject.toml", '[tool.pytest.ini_options]\naddopts = "--cov=m --cov-fail-under 90 --strict-markers"\n'),
        ("pyproject.toml", '[tool.pytest]\naddopts = ["--cov=m", "--strict-markers"]\n'),
        ("pytest.ini", "[pytest]\naddopts = --strict-markers -n 4\n"),
        ("tox.ini", "[pytest]\naddopts = --strict-markers -x\n"),
        ("setup.cfg", "[tool:pytest]\naddopts = --strict-markers --durations 3\n"),
        ("pytest.toml", '[pytest]\naddopts = ["-n", "2", "--strict-markers"]\n'),
        (".pytest.toml", '[pytest]\naddopts = ["--strict-markers", "-n2"]\n'),
    ],
)
def test_options_of_the_configuration_are_kept_but_for_what_spoils(name: str, text: str, tmp_path: Path) -> None:
    """Wherever pytest is configured, other tracers and early ends are taken out of its options."""
    plan = planned(tmp_path, {"m.py": "", name: text}, "m.py")
    assert isinstance(plan, CommandPlan)
    assert plan.arguments == ("-o", "addopts=--strict-markers")


@pytest.mark.parametrize(
    "options",
    ["-r fE", "--verbosity 2 --show-capture no", "--timeout 30", "--log-level DEBUG", "--deselect tests/a.py::b -ra"],
)
def test_values_stay_with_their_options(options: str, tmp_path: Path) -> None:
    """An option without its value is an error that ends pytest before anything is collected."""
    plan = planned(tmp_path, {"pytest.ini": f"[pytest]\naddopts = {options} tests\n", "m.py": ""}, "m.py")
    assert isinstance(plan, CommandPlan)
    assert plan.arguments == ("-o", f"addopts={options}")


def test_broken_configuration_is_passed_over(tmp_path: Path) -> None:
    """What cannot be parsed is as if it were not there: pytest itself will say so."""
    plan = planned(tmp_path, {"m.py": "", "pyproject.toml": "[", "tox.ini": "[[x", "setup.cfg": "\x00"}, "m.py")
    assert isinstance(plan, CommandPlan)
    assert plan.framework == "pytest"


def test_links_are_never_followed(tmp_path: Path) -> None:
    """A link in the tree neither shows a file of this machine nor takes one in."""
    secret = tmp_path / "secret.py"
    secret.write_text("x = 1\n", encoding="utf-8")
    tree = tmp_path / "tree"
    (tree / "tests").mkdir(parents=True)
    (tree / "link.py").symlink_to(secret)
    (tree / "away").symlink_to(tmp_path)
    assert text_of(tree, "link.py") is None
    assert text_of(tree, "away/secret.py") is None
    assert text_of(tree, "../secret.py") is None
    for path in ("away/new.py", "link.py", "../new.py"):
        with pytest.raises(FileExistsError), added(tree, path, "x"):
            pass
    assert not (tmp_path / "new.py").exists()
    assert secret.read_text(encoding="utf-8") == "x = 1\n"


def test_what_was_added_is_gone_afterwards(tmp_path: Path) -> None:
    """A file and the folders made for it stand for the block's time only."""
    with added(tmp_path, "tests/deep/test_a.py", "x\n"):
        assert list(snapshot(tmp_path)) == ["tests/deep/test_a.py"]
    assert not list(tmp_path.iterdir())
