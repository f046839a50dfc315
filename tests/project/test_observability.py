"""The dashboard and the alert rules ask for figures that /metrics has."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import yaml

from tests.paths import ROOT
from webhooks.queue.jobs import Jobs
from webhooks.server.metrics import Metrics

FOLDER = ROOT / "deploy" / "observability"


@pytest.fixture
def names(tmp_path: Path) -> set[str]:
    """Return the names of all figures of an App with an empty store."""
    jobs = Jobs(f"sqlite:///{tmp_path}/store.sqlite3")
    jobs.open()
    try:
        text = Metrics().text(jobs).decode()
    finally:
        jobs.close()
    found = set()
    for name, kind in re.findall(r"^# TYPE (\S+) (\S+)$", text, re.MULTILINE):
        found |= {name, f"{name}_total"} if kind == "counter" else {name}
    return found


def test_every_figure_exists(names: set[str]) -> None:
    """In each expression of the dashboard and of the alerts."""
    dashboard = json.loads((FOLDER / "grafana-dashboard.json").read_text("utf-8"))
    alerts = yaml.safe_load((FOLDER / "alerts.yml").read_text("utf-8"))
    asked = [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]
    asked += [rule["expr"] for group in alerts["groups"] for rule in group["rules"]]
    used = {name for expression in asked for name in re.findall(r"reviewer_\w+", expression)}
    assert len(used) > 6
    assert used - names == set()
