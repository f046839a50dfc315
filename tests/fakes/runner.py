"""Run composite actions: read `action.yml` and run its steps in real bash, one by one.

Order, environment, files and conditions are those of GitHub's runner. It is stricter: an unknown key, expression,
input or `uses` is a `RunnerRefused` or an `ExpressionError`, and so is an expression inside a script. A known
`uses` is emulated; nothing is fetched from GitHub.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from tests.fakes.expressions import Open, holds, interpolate
from tests.fakes.runner_protocol import (
    SUMMARY_LIMIT,
    Annotation,
    Listener,
    RunnerRefused,
    parse_pairs,
    split_lines,
)

STEP_KEYS = {"id", "name", "if", "shell", "run", "uses", "with", "env", "working-directory", "continue-on-error"}
FILES = ("GITHUB_ENV", "GITHUB_OUTPUT", "GITHUB_PATH", "GITHUB_STATE", "GITHUB_STEP_SUMMARY")
#: Variables that a self-hosted runner has from its machine: where programs are, and how to reach packages and hosts.
FROM_MACHINE = ("PATH", "HOME", "LANG", "SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE")
FROM_MACHINE_PREFIXES = ("PIP_", "http_proxy", "https_proxy", "no_proxy", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY")


@dataclass(frozen=True, slots=True)
class Event:
    """What started the workflow: its name and payload, and the token and commit that GitHub gives to the run."""

    name: str
    payload: Mapping[str, Any]
    token: str = "ghs_token_of_the_run"
    sha: str = "0" * 40


@dataclass(frozen=True, slots=True)
class Step:
    """How one step ended. `outcome` is `success`, `failure` or `skipped`; a skipped step has no exit code."""

    name: str
    outcome: str
    exit_code: int | None = None
    outputs: Mapping[str, str] = field(default_factory=dict)
    annotations: tuple[Annotation, ...] = ()
    dropped_annotations: int = 0
    summary: str = ""
    log: str = ""


@dataclass(frozen=True, slots=True)
class Run:
    """How the action ended, as the workflow and its reader see it: masked log, shown annotations, rendered summary."""

    outputs: Mapping[str, str]
    steps: tuple[Step, ...]
    failed: bool

    @property
    def log(self) -> str:
        return "".join(step.log for step in self.steps)

    @property
    def summary(self) -> str:
        return "".join(step.summary for step in self.steps)

    @property
    def annotations(self) -> list[Annotation]:
        return [one for step in self.steps for one in step.annotations]


@dataclass(frozen=True, slots=True)
class Runner:
    """A Linux runner with one job. `home` is its own folder; `workspace` is what `actions/checkout` left.

    `python` is what `actions/setup-python` finds. `secrets` are masked in the log from the start. `environ` is added
    to every step's environment, as a job's `env:` would be. A step that takes more than `seconds` fails the test.
    `ran` holds steps of an earlier run by id: they are not repeated, and their results are used.
    """

    home: Path
    workspace: Path
    api_url: str
    python: str = sys.executable
    secrets: tuple[str, ...] = ()
    environ: Mapping[str, str] = field(default_factory=dict)
    ran: Mapping[str, Step] = field(default_factory=dict)
    seconds: float = 100

    def run(self, folder: Path, inputs: Mapping[str, str], event: Event) -> Run:
        """Carry out the composite action in `folder` for the event, as a step `uses:` it with these inputs."""
        action = yaml.safe_load((folder / "action.yml").read_text(encoding="utf-8"))
        if action["runs"]["using"] != "composite":
            raise RunnerRefused(f"not a composite action: {action['runs']['using']}")
        job = Job(self, folder, event)
        contexts = {"github": job.github(), "runner": {"os": "Linux", "arch": "X64", "temp": str(job.temp)}}
        contexts["inputs"] = bind_inputs(action.get("inputs", {}), inputs, contexts)
        contexts["steps"] = {}
        finished, failed = [], False
        for number, step in enumerate(action["runs"]["steps"]):
            done = job.step(step, number, contexts, failed=failed)
            finished.append(done)
            failed = failed or (done.outcome == "failure" and step.get("continue-on-error") is not True)
            if "id" in step:
                contexts["steps"][step["id"]] = {"outputs": Open(done.outputs), "outcome": done.outcome}
        outputs = {name: interpolate(one["value"], contexts) for name, one in action.get("outputs", {}).items()}
        return Run(outputs, tuple(finished), failed)


class Job:
    """The state that one step leaves to the next: environment, path, masks."""

    def __init__(self, runner: Runner, folder: Path, event: Event) -> None:
        self.runner = runner
        self.folder = folder
        self.event = event
        self.temp = runner.home / "_temp"
        self.temp.mkdir(parents=True, exist_ok=True)
        self.masks = [secret for secret in (event.token, *runner.secrets) if secret]
        self.added: dict[str, str] = {}
        self.paths: list[str] = []

    @property
    def environment(self) -> dict[str, str]:
        """The environment of the next step, without its own `env:` and files."""
        machine = {
            name: value
            for name, value in os.environ.items()
            if name in FROM_MACHINE or name.startswith(FROM_MACHINE_PREFIXES)
        }
        path = os.pathsep.join([*reversed(self.paths), machine["PATH"]])
        return {**machine, **self.runner.environ, **self.added, "PATH": path, **self.variables()}

    def variables(self) -> dict[str, str]:
        """Return what GitHub sets: https://docs.github.com/actions/reference/workflows-and-actions/variables."""
        event_path = self.temp / "_github_workflow" / "event.json"
        event_path.parent.mkdir(exist_ok=True)
        event_path.write_text(json.dumps(self.event.payload), encoding="utf-8")
        pull = self.event.payload.get("pull_request", {}) if self.event.name.startswith("pull_request") else {}
        github = {
            **{name: value for name, value in self.github().items() if isinstance(value, str) and name != "token"},
            "ref": f"refs/pull/{pull['number']}/merge" if pull else "refs/heads/main",
            "head_ref": pull["head"]["ref"] if pull else "",
            "base_ref": pull["base"]["ref"] if pull else "",
            "event_path": str(event_path),
            "run_id": "1",
            "run_number": "1",
            "run_attempt": "1",
            "job": "review",
            "workflow": "review",
        }
        return {
            "CI": "true",
            "GITHUB_ACTIONS": "true",
            "RUNNER_ARCH": "X64",
            "RUNNER_NAME": "fake",
            "RUNNER_OS": "Linux",
            "RUNNER_TEMP": str(self.temp),
            **{f"GITHUB_{name.upper()}": value for name, value in github.items()},
        }

    def github(self) -> dict[str, Any]:
        """Return the `github` context."""
        api = self.runner.api_url
        repository = self.event.payload["repository"]["full_name"]
        return {
            "action_path": str(self.folder),
            "actor": self.event.payload["sender"]["login"],
            "api_url": api,
            "event": Open(self.event.payload),
            "event_name": self.event.name,
            "graphql_url": f"{api}/graphql",
            "repository": repository,
            "repository_owner": repository.partition("/")[0],
            "server_url": "https://github.com",
            "sha": self.event.sha,
            "token": self.event.token,
            "workspace": str(self.runner.workspace),
        }

    def step(self, step: Mapping[str, Any], number: int, contexts: Mapping[str, Any], *, failed: bool) -> Step:
        """Run one step, or skip it by its `if:`."""
        name = str(step.get("name") or step.get("id") or f"step {number + 1}")
        if unknown := step.keys() - STEP_KEYS:
            raise RunnerRefused(f"{name}: unknown keys {sorted(unknown)}")
        if ("uses" in step) == ("run" in step):
            raise RunnerRefused(f"{name}: either uses or run")
        if not holds(step.get("if"), contexts, failed=failed):
            return Step(name, "skipped")
        if step.get("id") in self.runner.ran:
            return self.runner.ran[step["id"]]
        if "uses" in step:
            given = {key: interpolate(value, contexts) for key, value in step.get("with", {}).items()}
            return Step(name, "success", 0, self.use(step["uses"], given))
        return self.script(name, step, number, contexts)

    def use(self, action: str, given: Mapping[str, str]) -> dict[str, str]:
        """Emulate the one action that we know: setup-python, which finds `python` whatever the version asked for."""
        name, _, ref = action.partition("@")
        if name != "actions/setup-python" or not ref:
            raise RunnerRefused(f"nothing is known of {action!r}")
        if unknown := given.keys() - {"python-version", "update-environment"}:
            raise RunnerRefused(f"{action}: unknown inputs {sorted(unknown)}")
        if not given.get("python-version"):
            raise RunnerRefused(f"{action}: python-version is empty")
        tools = self.runner.home / "tools" / "bin"
        tools.mkdir(parents=True, exist_ok=True)
        python = tools / "python"
        python.write_text(f'#!/bin/sh\nexec "{self.runner.python}" "$@"\n', encoding="utf-8")
        python.chmod(0o755)
        if given.get("update-environment", "true") == "true":
            self.paths.append(str(tools))
        return {"python-path": str(python), "python-version": given["python-version"]}

    def script(self, name: str, step: Mapping[str, Any], number: int, contexts: Mapping[str, Any]) -> Step:
        """Run one script as the runner does: written to a file, bash without profiles, -e and pipefail."""
        if step.get("shell") != "bash":
            raise RunnerRefused(f"{name}: shell must be bash, not {step.get('shell')}")
        if "${{" in step["run"]:
            raise RunnerRefused(f"{name}: an expression inside a script is an injection; pass it by env")
        files = {variable: self.temp / "_files" / f"{number}_{variable.lower()}" for variable in FILES}
        for path in files.values():
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(b"")
        script = self.temp / f"{number}.sh"
        script.write_text(step["run"], encoding="utf-8")
        own = {key: interpolate(value, contexts) for key, value in step.get("env", {}).items()}
        where = interpolate(step.get("working-directory", ""), contexts) or str(self.runner.workspace)
        done = subprocess.run(
            ["bash", "--noprofile", "--norc", "-e", "-o", "pipefail", str(script)],
            cwd=where,
            env={**self.environment, **own, **{variable: str(path) for variable, path in files.items()}},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=self.runner.seconds,
            check=False,
        )
        return self.read(name, done, {variable: path.read_bytes() for variable, path in files.items()})

    def read(self, name: str, done: subprocess.CompletedProcess[bytes], files: Mapping[str, bytes]) -> Step:
        """Read what the script printed and wrote, for the next steps and for the log."""
        output = done.stdout.decode("utf-8", "replace")
        listener = Listener(self.masks)
        for line in split_lines(output):
            listener.hear(line)
        added = parse_pairs(files["GITHUB_ENV"].decode())
        if "NODE_OPTIONS" in added:
            raise RunnerRefused("NODE_OPTIONS cannot be stored by GITHUB_ENV")
        self.added |= added
        self.paths += [line for line in split_lines(files["GITHUB_PATH"].decode()) if line]
        summary = files["GITHUB_STEP_SUMMARY"]
        if len(summary) > SUMMARY_LIMIT:
            listener.annotations.append(Annotation("error", "GITHUB_STEP_SUMMARY upload aborted: over 1024k"))
            summary = b""
        return Step(
            name,
            "success" if done.returncode == 0 else "failure",
            done.returncode,
            parse_pairs(files["GITHUB_OUTPUT"].decode()),
            tuple(listener.annotations),
            listener.dropped,
            self.masked(summary.decode()),
            self.masked(output),
        )

    def masked(self, text: str) -> str:
        """Return the text as a reader sees it."""
        for secret in self.masks:
            text = text.replace(secret, "***")
        return text


def bind_inputs(declared: Mapping[str, Any], given: Mapping[str, str], contexts: Mapping[str, Any]) -> dict[str, str]:
    """Return every declared input: as given, be it empty, or its default. `required` is not enforced, as on GitHub."""
    if unknown := given.keys() - declared.keys():
        raise RunnerRefused(f"unknown inputs {sorted(unknown)}")
    return {
        name: given[name] if name in given else interpolate((one or {}).get("default"), contexts)
        for name, one in declared.items()
    }
