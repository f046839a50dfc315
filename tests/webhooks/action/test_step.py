"""Our action.yml keeps its promises, read as text and carried out by the runner's double."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.fakes.runner import Event, Runner, Step
from tests.paths import ROOT

ACTION = yaml.safe_load((ROOT / "action.yml").read_text(encoding="utf-8"))
STEPS = ACTION["runs"]["steps"]
#: What the entry point reads, and the input that fills it.
ENVIRONMENT = {
    "RUNAPI_KEY": "runapi-key",
    "RUNAPI_BASE_URL": "base-url",
    "REVIEWER_MODEL": "model",
    "REVIEWER_FALLBACK_MODELS": "fallback-models",
    "REVIEWER_FAIL_LEVEL": "fail-level",
    "GITHUB_TOKEN": "github-token",
    "REVIEWER_COMMANDS": "commands",
    "REVIEWER_TESTS": "tests",
    "REVIEWER_TESTS_PYTHON": "tests-python",
    "REVIEWER_FORKS": "forks",
    "REVIEWER_MAX_USD_PER_PULL": "max-usd-per-pull",
    "REVIEWER_MAX_USD_PER_MONTH": "max-usd-per-month",
}


def test_no_input_is_written_into_a_script():
    """Scripts hold no expression, so that no input, title or branch name can become a command."""
    scripts = [step["run"] for step in STEPS if "run" in step]
    assert scripts
    assert not [script for script in scripts if "${{" in script]
    assert all(step["shell"] == "bash" for step in STEPS if "run" in step)


def test_every_input_is_used_and_every_output_filled():
    """An input that nobody reads, or an output that no step can set, would be a promise not kept."""
    text = json.dumps(STEPS)
    assert [name for name in ACTION["inputs"] if f"inputs.{name} " not in text] == []
    assert set(re.findall(r"inputs\.([\w-]+)", text)) == set(ACTION["inputs"])
    review = next(step for step in STEPS if step.get("id") == "review")
    filled = {f"INPUT_{name}": f"${{{{ inputs.{one} }}}}" for name, one in ENVIRONMENT.items()}
    assert review["env"].items() >= filled.items()
    # A variable of the job may be set where the input is empty, so the step sets none of them itself.
    assert not ENVIRONMENT.keys() & review["env"].keys()
    names = {"reviewed", "conclusion", "findings", "review-url", "cost-usd", "sarif-file", "tests-patch", "fix-patch"}
    assert set(ACTION["outputs"]) == names
    for name, output in ACTION["outputs"].items():
        assert output["value"] == f"${{{{ steps.review.outputs.{name} }}}}"
    assert all(one.get("description") for one in [*ACTION["inputs"].values(), *ACTION["outputs"].values()])


def test_foreign_actions_are_pinned_by_commit():
    """A tag of somebody else's action can be moved; a commit cannot."""
    uses = [step["uses"] for step in STEPS if "uses" in step]
    workflow = yaml.safe_load((ROOT / ".github" / "workflows" / "ci.yml").read_text(encoding="utf-8"))
    uses += [step["uses"] for job in workflow["jobs"].values() for step in job["steps"] if "uses" in step]
    uses = [name for name in uses if name != "./"]  # our own, in CI
    assert len(uses) >= 2
    assert all(re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40}", one) for one in uses)


#: Stands where the entry point stands: says what it was given and what it could import from.
ENTRY_POINT = """
import json, os, pathlib, sys
import httpx, github, jinja2, pydantic, unidiff, yaml
import beside
env = {name: os.environ.get(name) for name in NAMES}
said = {"argv": sys.argv[1:], "path": sys.path, "cwd": os.getcwd(), "env": env}
pathlib.Path(os.environ["RUNNER_TEMP"], "said.json").write_text(json.dumps(said))
with open(os.environ["GITHUB_OUTPUT"], "a") as out:
    print("reviewed=true\\nconclusion=neutral\\nfindings=3", file=out)
    print("review-url=u\\ncost-usd=0.01\\nsarif-file=s\\ntests-patch=p", file=out)
sys.exit(1)
"""


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_action_installs_and_runs_without_the_checkout(tmp_path):
    """In a checkout full of traps the lock is installed, the entry point gets its inputs, and no trap is sprung."""
    action, workspace = tmp_path / "action", tmp_path / "workspace"
    (action / "requirements").mkdir(parents=True)
    shutil.copy(ROOT / "action.yml", action)
    shutil.copy(ROOT / "requirements" / "base.txt", action / "requirements")
    (action / "app.py").write_text(ENTRY_POINT.replace("NAMES", repr(sorted(ENVIRONMENT))), encoding="utf-8")
    (action / "beside.py").write_text("", encoding="utf-8")
    workspace.mkdir()
    sprung = tmp_path / "sprung"
    for trap in ("venv", "pip", "json", "os", "httpx", "sitecustomize", "usercustomize", "reviewer", "encodings"):
        (workspace / f"{trap}.py").write_text(f"open({str(sprung)!r}, 'a').write({trap!r})\n", encoding="utf-8")
    (workspace / "pip.conf").write_text("[install]\nrequire-hashes = nonsense\n", encoding="utf-8")
    runner = Runner(
        tmp_path / "home",
        workspace,
        "http://127.0.0.1:9",
        secrets=("the key",),
        environ={"PYTHONPATH": str(workspace)},
        seconds=390,
    )
    event = Event("pull_request_target", {"repository": {"full_name": "octo/shop"}, "sender": {"login": "mona"}})
    done = runner.run(action, {"runapi-key": "the key", "model": ""}, event)
    assert [step.exit_code for step in done.steps] == [0, 0, 1], done.log
    assert done.outputs == {
        "reviewed": "true",
        "conclusion": "neutral",
        "findings": "3",
        "review-url": "u",
        "cost-usd": "0.01",
        "sarif-file": "s",
        "tests-patch": "p",
        "fix-patch": "",
    }
    assert not sprung.exists(), sprung.read_text()
    said = json.loads((tmp_path / "home" / "_temp" / "said.json").read_text(encoding="utf-8"))
    assert said["argv"] == ["action"]
    assert said["cwd"] == str(workspace)
    assert said["path"][0] == str(action)
    assert not [path for path in said["path"] if path in {"", ".", str(workspace)}]
    assert said["env"] == {
        "RUNAPI_KEY": "the key",
        "RUNAPI_BASE_URL": None,
        "REVIEWER_MODEL": None,
        "REVIEWER_FALLBACK_MODELS": None,
        "REVIEWER_FAIL_LEVEL": None,
        "GITHUB_TOKEN": "ghs_token_of_the_run",
        "REVIEWER_COMMANDS": None,
        "REVIEWER_TESTS": None,
        "REVIEWER_TESTS_PYTHON": None,
        "REVIEWER_FORKS": None,
        "REVIEWER_MAX_USD_PER_PULL": None,
        "REVIEWER_MAX_USD_PER_MONTH": None,
    }


#: What the job's own variables hold in the tests below.
OF_THE_JOB = {
    "RUNAPI_KEY": "key of the job",
    "RUNAPI_BASE_URL": "https://proxy.example/v1",
    "REVIEWER_MODEL": "MiniMax-M3",
    "REVIEWER_FALLBACK_MODELS": "MiniMax-M2",
    "REVIEWER_FAIL_LEVEL": "error",
    "REVIEWER_TESTS": "off",
    "REVIEWER_TESTS_PYTHON": "/usr/bin/python3",
    "REVIEWER_PRICES": "MiniMax-M3=1/2",
}

SHOW_ENVIRONMENT = """
import json, os, pathlib
pathlib.Path(os.environ["RUNNER_TEMP"], "environ.json").write_text(json.dumps(dict(os.environ)))
"""


def environment_of(tmp_path: Path, inputs: dict[str, str], job: dict[str, str]) -> dict[str, str]:
    """Run the Action's last step, and return the environment of its entry point."""
    action = tmp_path / "action"
    action.mkdir()
    shutil.copy(ROOT / "action.yml", action)
    (action / "app.py").write_text(SHOW_ENVIRONMENT, encoding="utf-8")
    installed = Step("install", "success", 0, {"python": sys.executable})
    runner = Runner(tmp_path / "home", tmp_path, "http://127.0.0.1:9", environ=job, ran={"install": installed})
    event = Event("pull_request_target", {"repository": {"full_name": "octo/shop"}, "sender": {"login": "mona"}})
    done = runner.run(action, inputs, event)
    assert not done.failed, done.log
    shown: dict[str, str] = json.loads((tmp_path / "home" / "_temp" / "environ.json").read_text(encoding="utf-8"))
    assert not [name for name in shown if name.startswith("INPUT_")]
    return shown


@pytest.mark.slow
@pytest.mark.parametrize("value", [None, "", " ", "\n", " \t\r\n "])
def test_an_empty_input_leaves_the_variable_of_the_job(tmp_path: Path, value: str | None) -> None:
    """Left out, empty or blank: the address of a proxy, the key, the models and the rest are those of the job."""
    inputs = {} if value is None else {one: value for name, one in ENVIRONMENT.items() if name in OF_THE_JOB}
    shown = environment_of(tmp_path, inputs, OF_THE_JOB)
    assert {name: shown[name] for name in OF_THE_JOB} == OF_THE_JOB
    assert shown["GITHUB_TOKEN"] == "ghs_token_of_the_run"


@pytest.mark.slow
def test_an_input_wins_over_the_variable_of_the_job(tmp_path: Path) -> None:
    """Whatever it holds, it arrives as it is, and nothing in it is run."""
    inputs = {one: f"$(touch {name}) `id` ; \"'\\ {name} =*" for name, one in ENVIRONMENT.items()}
    shown = environment_of(tmp_path, inputs, {**OF_THE_JOB, "GITHUB_TOKEN": "another"})
    assert {name: shown[name] for name in ENVIRONMENT} == {name: inputs[one] for name, one in ENVIRONMENT.items()}
    assert not (tmp_path / "RUNAPI_KEY").exists()


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(OF_THE_JOB.keys() & ENVIRONMENT.keys()))
def test_each_variable_alone(tmp_path: Path, name: str) -> None:
    """A variable of the job holds beside inputs for all the others."""
    inputs = {one: "input" for other, one in ENVIRONMENT.items() if other != name}
    shown = environment_of(tmp_path, inputs, {name: OF_THE_JOB[name]})
    assert shown[name] == OF_THE_JOB[name]
    assert {shown[other] for other in ENVIRONMENT if other != name} == {"input"}


@pytest.mark.slow
def test_an_empty_token_is_that_of_the_job(tmp_path: Path) -> None:
    """The input has the workflow's own token as its default; emptied, it leaves the job's variable."""
    shown = environment_of(tmp_path, {"github-token": ""}, {"GITHUB_TOKEN": "ghs_of_the_job"})
    assert shown["GITHUB_TOKEN"] == "ghs_of_the_job"


def test_no_default_of_an_input_hides_a_variable_of_the_job() -> None:
    """Only the token has one: the workflow's own."""
    defaults = {name: one.get("default") for name, one in ACTION["inputs"].items() if name in ENVIRONMENT.values()}
    assert {name for name, default in defaults.items() if default} == {"github-token"}
    assert not any(one.get("required") for one in ACTION["inputs"].values())


@pytest.mark.slow
def test_what_runs_tests_is_loaded_when_it_runs_some():
    """A step that reviews starts without the modules of the sandbox, the runners and the demonstrations."""
    code = "import sys, webhooks.action.step, webhooks.action.workspace; print(*sys.modules)"
    ended = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    loaded = set(ended.stdout.split())
    assert {"webhooks.action.workspace", "webhooks.handling.handle"} <= loaded
    heavy = (
        "reviewer.sandbox",
        "reviewer.testgen.session",
        "reviewer.testgen.python",
        "reviewer.demonstration.session",
    )
    assert [name for name in sorted(loaded) if name.startswith(heavy)] == []
