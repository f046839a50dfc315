"""Carry out "Re-run": find which pull request the check run or suite is about, and make it the command `/review`.

Promises: only for check runs of our own. Where nothing is reviewed after all, the check run is completed again as it
was: GitHub sets the suite of a run to *queued* when the button is pressed, and waits.
https://docs.github.com/rest/checks/runs#rerequest-a-check-run
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from webhooks.events.deliveries import Job, pull_number
from webhooks.github.errors import NotFound
from webhooks.github.repository import Repository
from webhooks.publishing.checks import CHECK_NAME
from webhooks.publishing.publish import ignore_github_errors


@dataclass(frozen=True, slots=True)
class Rerun:
    """The jobs to carry out, one for each pull request, and our check runs that are run again."""

    jobs: tuple[Job, ...]
    runs: tuple[dict[str, Any], ...]


def find_rerun(job: Job, repository: Repository) -> Rerun:
    """Return what "Re-run" asks for; without jobs where the check run is not ours, or its pull request is not found."""
    runs = _ours(repository, job, _runs(repository, job))
    numbers = [number for run in runs if (number := pull_number(run["external_id"]))]
    jobs = (
        replace(job, number=number, head_sha=None, key=f"{job.repository}#{number}@head+rerun-{job.delivery}")
        for number in dict.fromkeys(numbers)
    )
    return Rerun(tuple(jobs), tuple(runs))


def _runs(repository: Repository, job: Job) -> list[dict[str, Any]]:
    try:
        if job.check_run_id is not None:
            return [repository.check_run(job.check_run_id)]
        return repository.check_runs(job.head_sha or "", CHECK_NAME, every=True)
    except NotFound:
        return []


def _ours(repository: Repository, job: Job, runs: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the runs that our App made, by their App, whatever their name and id say."""
    named = [run for run in runs if run["name"] == CHECK_NAME]
    login = repository.identity(job.number).lower() if named else ""
    return [run for run in named if login and f"{run['app']}[bot]".lower() == login]


def complete_again(repository: Repository, rerun: Rerun, *, reviewed: str) -> None:
    """Complete the newest run as it was, so that its suite waits no longer, unless that commit was reviewed anew."""
    newest = max(rerun.runs, key=lambda run: int(run["id"]), default=None)
    if newest is not None and newest["conclusion"] and newest["head_sha"] != reviewed:
        body = {"status": "completed", "conclusion": newest["conclusion"]}
        ignore_github_errors(lambda: repository.update_check(newest["id"], body))
