"""The files of deploy/ agree with the image and the App: users, ports, variables, probes, commands."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.paths import ROOT
from webhooks.operator_settings.misspelt import doubtful_variables
from webhooks.registration.stored import NEEDED

DEPLOY = ROOT / "deploy"
UNITS = sorted(DEPLOY.glob("*.service"))


def documents() -> list[dict[str, Any]]:
    return [
        each for path in (DEPLOY / "kubernetes").glob("*.yaml") for each in yaml.safe_load_all(path.read_text("utf-8"))
    ]


def deployments() -> dict[str, dict[str, Any]]:
    return {each["metadata"]["name"]: each["spec"] for each in documents() if each["kind"] == "Deployment"}


def example() -> dict[str, str]:
    """Return the variables of the example, those that are commented out included."""
    text = (DEPLOY / "reviewer.env.example").read_text("utf-8")
    return dict(line.lstrip("#").split("=", 1) for line in text.splitlines() if re.match(r"#?[A-Z_]+=", line))


def test_example_names_what_the_app_needs():
    """Everything that is needed is there, nothing is misspelt, and what is no secret has a value that works."""
    assert set(NEEDED) <= set(example())
    assert doubtful_variables(example()) == []


@pytest.mark.parametrize("name", ["reviewer-web", "reviewer-worker"])
def test_kubernetes_runs_the_image_as_it_is(name):
    """The image's user, a read-only root, /data to write to, a role, probes, and time to hand over."""
    pod = deployments()[name]["template"]["spec"]
    user = re.search(r"^USER (\d+):(\d+)", (ROOT / "Dockerfile").read_text("utf-8"), re.MULTILINE)
    assert user
    assert [pod["securityContext"][key] for key in ("runAsUser", "runAsGroup")] == [int(user[1]), int(user[2])]
    assert pod["terminationGracePeriodSeconds"] >= 30
    (container,) = pod["containers"]
    assert container["securityContext"]["readOnlyRootFilesystem"] is True
    assert container["volumeMounts"] == [{"name": "data", "mountPath": "/data"}]
    assert container["env"] == [{"name": "REVIEWER_ROLE", "value": name.removeprefix("reviewer-")}]
    assert "livenessProbe" in container
    assert deployments()[name]["selector"]["matchLabels"] == deployments()[name]["template"]["metadata"]["labels"]


def test_probes_ask_what_there_is():
    """A web process is asked over HTTP, a worker with the script of the image; only readiness looks at the store."""
    (web,), (worker,) = (each["template"]["spec"]["containers"] for _, each in sorted(deployments().items()))
    assert web["livenessProbe"]["httpGet"]["path"] == "/healthz"
    assert web["readinessProbe"]["httpGet"]["path"] == "/readyz"
    assert web["ports"] == [{"name": "http", "containerPort": 8000}]
    command = worker["livenessProbe"]["exec"]["command"]
    assert str(command).replace("'", '"') in (ROOT / "Dockerfile").read_text("utf-8")
    assert (ROOT / command[1]).exists()
    assert worker["args"] == ["reviewer", "worker"]


def test_rolling_out_leaves_something_to_take_deliveries_in():
    strategy = deployments()["reviewer-web"]["strategy"]["rollingUpdate"]
    assert strategy == {"maxUnavailable": 0, "maxSurge": 1}
    budget = next(each for each in documents() if each["kind"] == "PodDisruptionBudget")
    assert budget["spec"]["minAvailable"] == 1


def test_network_policy_lets_in_only_deliveries():
    policies = {each["metadata"]["name"]: each["spec"] for each in documents() if each["kind"] == "NetworkPolicy"}
    assert "ingress" not in policies["reviewer"]
    assert policies["reviewer-web"]["ingress"][0]["ports"] == [{"protocol": "TCP", "port": 8000}]
    listed = yaml.safe_load((DEPLOY / "kubernetes" / "kustomization.yaml").read_text("utf-8"))["resources"]
    there = {path.name for path in (DEPLOY / "kubernetes").glob("*.yaml")} - {"kustomization.yaml"}
    assert set(listed) == there


def test_compose_has_one_process_or_two_and_two():
    """One container with SQLite; or Postgres with two of each, read-only, with time to hand over."""
    services = yaml.safe_load((DEPLOY / "compose.yaml").read_text("utf-8"))["services"]
    assert {name: service["profiles"] for name, service in services.items()} == {
        "reviewer": ["one"], "web": ["many"], "worker": ["many"], "store": ["many"],
    }  # fmt: skip
    for name in ("reviewer", "web", "worker"):
        assert services[name]["read_only"] is True
        assert services[name]["stop_grace_period"] == "30s"
    for name in ("web", "worker"):
        assert services[name]["deploy"]["replicas"] == 2
        assert services[name]["environment"]["REVIEWER_ROLE"] == name
        assert services[name]["environment"]["DATABASE_URL"].startswith("postgresql://")
    assert services["reviewer"]["volumes"] == ["data:/data"]


def settings_of(unit: Path) -> Iterator[tuple[str, str]]:
    for line in unit.read_text("utf-8").splitlines():
        name, is_setting, value = line.partition("=")
        if is_setting and not line.startswith("#"):
            yield name, value


@pytest.mark.parametrize("unit", UNITS, ids=lambda path: path.name)
def test_units_start_what_make_serve_installs(unit):
    """The programs are those of the clone's .venv; the data directory is the unit's own."""
    settings = dict(settings_of(unit))
    program = settings["ExecStart"].split()[0].removeprefix("/opt/minimax-reviewer/.venv/bin/")
    assert program in {"gunicorn", "reviewer"}
    assert f"REVIEWER_DATA_DIR=/var/lib/{settings['StateDirectory']}" in settings["Environment"]
    variables = dict(pair.split("=", 1) for pair in settings["Environment"].split())
    assert doubtful_variables(variables) == []


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze checks units, and is not here")
@pytest.mark.parametrize("unit", UNITS, ids=lambda path: path.name)
def test_systemd_accepts_the_units(unit, tmp_path):
    """Systemd's own check finds nothing, but for the programs, which are not on this machine."""
    for name in ("gunicorn", "reviewer"):
        program = tmp_path / name
        program.write_text("#!/bin/sh\n", encoding="utf-8")
        program.chmod(0o755)
    text = unit.read_text("utf-8").replace("/opt/minimax-reviewer/.venv/bin", str(tmp_path))
    copy = tmp_path / unit.name.replace("@", "@1")
    copy.write_text(text, encoding="utf-8")
    ended = subprocess.run(["systemd-analyze", "verify", copy], capture_output=True, text=True, timeout=60, check=False)
    about_us = [line for line in ended.stderr.splitlines() if unit.name.partition("@")[0].partition(".")[0] in line]
    assert (about_us, ended.returncode) == ([], 0)
