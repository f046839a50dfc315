"""The list of jobs and the page of one: state, step, timeline, calls, what was posted; retry and cancel."""

from __future__ import annotations

import time
from urllib.parse import urlencode

from flask import Blueprint, Response, request

from webhooks.pages.config import PagesConfig
from webhooks.pages.layout import PageError, go_to, length, page, visitor
from webhooks.pages.signing_in import require_operator, signed_in
from webhooks.pages.visitors import VisitorRole
from webhooks.queue.jobs import JobState, NoSuchJob
from webhooks.queue.overview import ListedJob

#: Jobs on a page.
PAGE = 50

_WORDS = {
    "opened": "opened",
    "synchronize": "new push",
    "reopened": "reopened",
    "ready_for_review": "ready for review",
    "retargeted": "new base branch",
    "command": "command",
    "rerun": "Re-run",
    "merge_group": "merge queue",
    "missed": "found by the App",
}


class JobsPages:
    """The pages about jobs."""

    def __init__(self, config: PagesConfig) -> None:
        """Store where the jobs are."""
        self._config = config
        self._jobs = config.jobs

    def add_to(self, pages: Blueprint) -> None:
        """Add the pages."""
        pages.add_url_rule("/", view_func=signed_in(self.all), endpoint="jobs")
        pages.add_url_rule("/jobs/<job_id>", view_func=signed_in(self.show), endpoint="job")
        pages.add_url_rule("/jobs/<job_id>/retry", view_func=signed_in(self.retry), endpoint="retry", methods=["POST"])
        pages.add_url_rule(
            "/jobs/<job_id>/cancel", view_func=signed_in(self.cancel), endpoint="cancel", methods=["POST"]
        )

    def all(self) -> Response:
        """Show the newest jobs, those in a state, or those that hold a text."""
        scope, overview = visitor().scope, self._jobs.overview
        state = request.args.get("state", "")
        states = tuple(JobState) if state not in set(JobState) else (JobState(state),)
        text = request.args.get("text", "").strip()[:200]
        before = int(place) if (place := request.args.get("before", "")).isdecimal() and len(place) < 18 else None
        listed = overview.jobs(scope, states=states, text=text, before=before, limit=PAGE + 1)
        older = {"before": listed[PAGE - 1].place, "state": state, "text": text} if len(listed) > PAGE else {}
        return page(
            "jobs.html",
            jobs=listed[:PAGE],
            counts=overview.counts(scope),
            queue=overview.queue(scope),
            trouble=self._jobs.ready() if visitor().role is VisitorRole.OPERATOR else None,
            state=state,
            text=text,
            older=f"/?{urlencode({name: value for name, value in older.items() if value})}" if older else "",
            is_first=before is None,
            step=step,
            trigger=trigger,
        )

    def show(self, job_id: str) -> Response:
        """Show everything about a job."""
        found = self._jobs.overview.job(visitor().scope, job_id)
        if found is None:
            raise PageError(404, "No such job", "It is gone, or belongs to an installation that is not yours.")
        listed, calls, events = found
        record = listed.record
        repository = str(record.stored.get("repository", ""))
        number = record.stored.get("number") or 0
        is_operator = visitor().role is VisitorRole.OPERATOR
        return page(
            "job.html",
            job=record,
            stored=record.stored,
            result=record.result or {},
            calls=calls,
            events=events,
            step=step(listed),
            trigger=trigger(listed),
            pull_url=f"{self._config.web_url}/{repository}/pull/{number}" if number else "",
            commit_url=f"{self._config.web_url}/{repository}/commit/{record.stored.get('head_sha')}",
            cost=sum((call.cost_usd for call in calls if call.cost_usd is not None), start=0),
            may_retry=is_operator and record.state.is_final and record.state is not JobState.DONE,
            may_cancel=is_operator and not record.state.is_final,
        )

    def retry(self, job_id: str) -> Response:
        """Queue a job again."""
        require_operator()
        try:
            self._jobs.retry(job_id)
        except NoSuchJob as error:
            raise PageError(409, "Not retried", f"{error}.") from error
        return go_to(f"/jobs/{job_id}")

    def cancel(self, job_id: str) -> Response:
        """Cancel a job."""
        require_operator()
        try:
            self._jobs.cancel(job_id)
        except NoSuchJob as error:
            raise PageError(409, "Not cancelled", f"{error}.") from error
        return go_to(f"/jobs/{job_id}")


def step(listed: ListedJob) -> str:
    """Say what a job is doing, or how it ended."""
    record, progress = listed.record, listed.progress
    if record.state is JobState.QUEUED:
        return record.reason or "waits for its turn"
    if record.state is JobState.RUNNING:
        if progress.asked > progress.answered:
            return f"asks the model: {progress.answered} of {progress.asked} answered"
        return "works on the answers" if progress.asked else "reads the change"
    result = record.result or {}
    if record.reason or result.get("reason"):
        return record.reason or str(result["reason"])
    if result.get("state") == "reviewed":
        count = int(result.get("findings") or 0)
        return f"reviewed: {count} {'finding' if count == 1 else 'findings'}"
    return str(result.get("state") or "")


def trigger(listed: ListedJob) -> str:
    """Say why there is a job."""
    stored = listed.record.stored
    command = f"/{stored['command']}" if stored.get("command") else ""
    words = command or _WORDS.get(str(stored.get("trigger")), str(stored.get("trigger")))
    return f"{words} by {stored['actor']}" if stored.get("actor") else words


def duration(began: float | None, ended: float | None) -> str:
    """Write how long something took, or takes so far."""
    return "" if began is None else length((ended or time.time()) - began)
