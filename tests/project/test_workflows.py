"""The workflows, read as text and carried out without GitHub: their rights, their pins, their scripts."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.fakes.github import default_world
from tests.fakes.runner import Event, Runner

ROOT = Path(__file__).resolve().parents[2]
GITHUB = ROOT / ".github"
WORKFLOWS = {path.stem: yaml.safe_load(path.read_text(encoding="utf-8")) for path in (GITHUB / "workflows").iterdir()}
JOBS = [(name, job) for workflow in WORKFLOWS.values() for name, job in workflow["jobs"].items()]


def steps_of(workflow: str, job: str) -> list[dict[str, Any]]:
    """Return the steps of a job."""
    return WORKFLOWS[workflow]["jobs"][job]["steps"]


def script_of(workflow: str, job: str, name: str) -> str:
    """Return the script of the step with that name."""
    (found,) = [step["run"] for step in steps_of(workflow, job) if step.get("name") == name]
    return found


def bash(script: str, folder: Path, **environ: str) -> subprocess.CompletedProcess[str]:
    """Run a script as a runner does, in a folder."""
    command = ["bash", "--noprofile", "--norc", "-e", "-o", "pipefail", "-c", script]
    env = os.environ | environ
    return subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, timeout=60, check=False)


def test_all_of_it_is_yaml() -> None:
    """Every file that GitHub reads parses, and every issue form asks something."""
    assert set(WORKFLOWS) == {"ci", "release"}
    assert yaml.safe_load((GITHUB / "dependabot.yml").read_text(encoding="utf-8"))["version"] == 2
    forms = [path for path in (GITHUB / "ISSUE_TEMPLATE").iterdir() if path.name != "config.yml"]
    assert {path.stem for path in forms} == {"bug", "false-alarm", "missed-defect"}
    for path in forms:
        form = yaml.safe_load(path.read_text(encoding="utf-8"))
        assert form["name"]
        assert form["description"]
        fields = [field for field in form["body"] if field["type"] != "markdown"]
        assert len({field["id"] for field in fields}) == len(fields) > 2
        assert all(field["attributes"]["label"] for field in fields)


def test_hooks_run_the_locked_tools() -> None:
    """What a commit is checked with is in .venv already: pre-commit fetches nothing."""
    config = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8"))
    (repo,) = config["repos"]
    assert repo["repo"] == "local"
    assert {hook["id"] for hook in repo["hooks"]} == {"ruff", "ruff-format", "import-linter"}
    lock = (ROOT / "requirements" / "dev.txt").read_text(encoding="utf-8")
    for hook in repo["hooks"]:
        tool = hook["entry"].split()[0].removeprefix(".venv/bin/").replace("lint-imports", "import-linter")
        assert hook["language"] == "system"
        assert f"\n{tool}==" in lock


def test_devcontainer_installs_by_our_own_scripts() -> None:
    """The container's file is JSON with comments, and what it runs is there."""
    text = (ROOT / ".devcontainer" / "devcontainer.json").read_text(encoding="utf-8")
    command = json.loads(re.sub(r"^ *//.*$", "", text, flags=re.MULTILINE))["postCreateCommand"]
    scripts = [part.split()[0] for part in command.split(" && ")]
    assert scripts
    assert all(os.access(ROOT / script, os.X_OK) for script in scripts)


def test_foreign_actions_are_pinned_by_commit_and_say_their_version() -> None:
    """A tag of somebody else's action can be moved; a commit cannot. The comment lets Dependabot name the version."""
    for path in (GITHUB / "workflows").iterdir():
        uses = re.findall(r"^ *-? *uses: (.+)$", path.read_text(encoding="utf-8"), re.MULTILINE)
        foreign = [line for line in uses if not line.startswith("./")]
        assert foreign
        assert all(re.fullmatch(r"actions/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", line) for line in foreign), foreign


def test_workflows_have_few_rights_and_an_end() -> None:
    """A whole workflow may only read; every job has a time limit; no token is left in the checkout."""
    for workflow in WORKFLOWS.values():
        assert workflow["permissions"] in ({}, {"contents": "read"})
    writing = {
        (name, right) for name, job in JOBS for right, level in job.get("permissions", {}).items() if level == "write"
    }
    assert writing == {("image", "packages"), ("release", "contents")}
    for _, job in JOBS:
        assert job["timeout-minutes"] <= 45
        for step in job["steps"]:
            if step.get("uses", "").startswith("actions/checkout@"):
                assert step["with"]["persist-credentials"] is False


def test_no_expression_is_written_into_a_script() -> None:
    """A title or a branch's name cannot become a command: scripts read their environment."""
    assert not [step["run"] for _, job in JOBS for step in job["steps"] if "${{" in step.get("run", "")]


def test_dependabot_waits_before_it_proposes() -> None:
    """A version has to be a week old."""
    updates = yaml.safe_load((GITHUB / "dependabot.yml").read_text(encoding="utf-8"))["updates"]
    assert {update["package-ecosystem"] for update in updates} == {"pip", "github-actions", "docker"}
    assert all(update["cooldown"]["default-days"] >= 7 for update in updates)


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_the_action_reviews_in_ci(tmp_path: Path) -> None:
    """CI's job for `uses: ./`, step by step: the model's double answers, and a token that may only read is enough."""
    rights = WORKFLOWS["ci"]["jobs"]["action"]["permissions"]
    _, start, review, check = steps_of("ci", "action")
    output = tmp_path / "output"
    # The runner waits for the end of a step, not for that of the processes that the step leaves behind.
    leave = f"{{ {start['run']} }} </dev/null >/dev/null 2>&1; jobs -p"
    started = bash(leave, ROOT, RUNNER_TEMP=str(tmp_path), GITHUB_OUTPUT=str(output))
    try:
        assert started.returncode == 0, started.stderr
        values = dict(line.split("=", 1) for line in output.read_text(encoding="utf-8").splitlines())
        inputs = {name: filled(value, values) for name, value in review["with"].items()}
        with default_world() as github:
            granted = {name.replace("-", "_"): level for name, level in rights.items()}
            token = github.actions_token(github.repo, {"metadata": "read", **granted})
            opened = github.deliveries[-1]
            runner = Runner(tmp_path / "home", tmp_path, github.url, seconds=300)
            done = runner.run(ROOT, inputs, Event(opened.event, opened.payload, token=token))
        assert not done.failed, done.log
        assert "Comments could not be posted" in done.log
        outputs = {"FINDINGS": done.outputs["findings"], "SARIF": done.outputs["sarif-file"]}
        assert bash(check["run"], tmp_path, **outputs).returncode == 0
        assert bash(check["run"], tmp_path, **outputs | {"FINDINGS": ""}).returncode != 0
    finally:
        for process in started.stdout.split():
            os.kill(int(process), signal.SIGTERM)


def filled(value: str, values: dict[str, str]) -> str:
    """Return an input with the outputs of the step `model` in it."""
    return re.sub(r"\$\{\{ steps\.model\.outputs\.([\w-]+) \}\}", lambda found: values[found[1]], value)
