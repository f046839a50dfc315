"""Fill a store with jobs, calls and findings, as months of use would."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from reviewer.domain.findings import Category
from reviewer.domain.severity import Severity
from webhooks.publishing.people.learning.dismissed import DismissedFinding
from webhooks.queue.jobs import Jobs, JobState
from webhooks.queue.store import history
from webhooks.queue.store.database import ANSWERS, CALLS, JOBS, Database
from webhooks.queue.store.dismissals import keep

REPOSITORIES = ("octo-org/shop", "octo-org/billing", "octo-org/website", "acme/engine", "acme/docs", "acme/tools")
INSTALLATIONS = {"octo-org": 42, "acme": 43}
TASKS = ("findings", "findings", "verify", "refactor")
FATES = {"error": (7, 1, 1), "warning": (19, 5, 4), "info": (11, 9, 6)}


def seed(
    url: str, count: int, *, calls: int = 4, days: float = 60.0, installations: Mapping[str, int] = INSTALLATIONS
) -> list[str]:
    """Add so many jobs over the last days; return their ids, the oldest first."""
    jobs = Jobs(url, folder=Path(url.removeprefix("sqlite:///")).parent)
    jobs.open()
    jobs.close()
    now = time.time()
    rows = [_job(number, count, now, days, installations) for number in range(count)]
    database = Database(url)
    database.open()
    with database.write() as connection:
        connection.execute(JOBS.insert(), rows)
        connection.execute(CALLS.insert(), [_call(row, n) for row in rows for n in range(calls)])
        running = [row for row in rows if row["state"] == JobState.RUNNING.value]
        for row in running:
            answers = [
                {"job": row["id"], "digest": f"{n}", "attempt": 1, "prompt": b"", "answer": b"x"} for n in range(5)
            ]
            connection.execute(ANSWERS.insert(), answers)
            connection.execute(ANSWERS.insert().values(job=row["id"], digest="late", attempt=1, prompt=b""))
        for row in rows[-200:]:
            history.note(connection, row["id"], "begun", "attempt 1")
            if row["ended_at"]:
                history.note(connection, row["id"], row["state"], row["reason"])
        for row in rows[-30:]:
            history.keep_fates(connection, row["id"], json.loads(row["result"] or "{}"))
    database.close()
    return [row["id"] for row in rows]


def _state(number: int, count: int) -> JobState:
    if number >= count - 2:
        return JobState.QUEUED
    if number >= count - 4:
        return JobState.RUNNING
    if number % 29 == 3:
        return JobState.FAILED
    return JobState.SUPERSEDED if number % 17 == 5 else JobState.DONE


def _job(number: int, count: int, now: float, days: float, installations: Mapping[str, int]) -> dict[str, Any]:
    state = _state(number, count)
    repository = REPOSITORIES[(number * number + number // 7) % len(REPOSITORIES)]
    pull, sha = 100 + number // 3, f"{number:040x}"[::-1]
    at = now - (count - number) / count * days * 86_400
    installation = installations[repository.partition("/")[0]]
    is_over = state not in {JobState.QUEUED, JobState.RUNNING}
    stored = {
        "version": 1,
        "key": f"{repository}#{pull}@{sha}",
        "repository": repository,
        "number": pull,
        "trigger": ("opened", "synchronize", "synchronize")[number % 3],
        "delivery": str(uuid.UUID(int=number + 1)),
        "head_sha": sha,
        "installation_id": installation,
        "actor": ("ada", "grace", "linus")[number % 3],
    }
    reasons = {JobState.FAILED: "SlowDown: the service is busy", JobState.SUPERSEDED: "superseded by a newer push"}
    return {
        "id": stored["delivery"],
        "key": stored["key"],
        "pull": f"{repository}#{pull}",
        "installation": installation,
        "automatic": True,
        "head": sha,
        "updated_at": "2026-01-01T00:00:00Z",
        "job": json.dumps(stored),
        "state": state.value,
        "reason": reasons.get(state, ""),
        "attempt": 1,
        "failures": 0,
        "starts": 1,
        "accepted_at": at,
        "started_at": None if state is JobState.QUEUED else at + 5,
        "ended_at": at + 65 if is_over else None,
        "result": json.dumps(_result(number, repository, pull)) if state is JobState.DONE else None,
    }


def _result(number: int, repository: str, pull: int) -> dict[str, Any]:
    names = ("fixed", "dismissed", "open")
    fates = {severity: dict(zip(names, counts, strict=True)) for severity, counts in FATES.items()}
    page = f"https://github.com/{repository}/pull/{pull}"
    return {
        "state": "reviewed",
        "reason": "",
        "head_sha": "0" * 40,
        "conclusion": "neutral",
        "findings": number % 5,
        "review_url": f"{page}#pullrequestreview-{number}",
        "summary_url": f"{page}#issuecomment-{number}",
        "fates": fates,
    }


def _call(row: dict[str, Any], number: int) -> dict[str, Any]:
    repository, _, pull = row["pull"].partition("#")
    has_failed = row["state"] == JobState.FAILED.value
    return {
        "at": row["accepted_at"] + 10 + 8 * number,
        "job": row["id"],
        "repository": repository,
        "number": int(pull),
        "installation": row["installation"],
        "task": TASKS[number % len(TASKS)],
        "model": "MiniMax-M2.1",
        "outcome": "slow_down" if has_failed else "ok",
        "prompt_tokens": 9_000 + 700 * number,
        "completion_tokens": 0 if has_failed else 1_400,
        "cost_nano_usd": 0 if has_failed else 3_100_000 + 90_000 * number,
        "estimated": False,
        "seconds": 11.5 + number,
    }


def teach(url: str, installations: Mapping[str, int] = INSTALLATIONS) -> None:
    """Let people have dismissed findings: three of one kind and one more in a shop, one in an engine."""
    jobs = Jobs(url, folder=Path(url.removeprefix("sqlite:///")).parent)
    jobs.open()
    jobs.close()
    same = [
        _dismissed(100 + number, f"src/{name}.py", "The list may be empty", why)
        for number, (name, why) in enumerate((("cart", ""), ("orders", ""), ("stock", "callers check it")))
    ]
    other = _dismissed(104, "src/very/deep/folder/of/a/package/with_a_long_name.py", "A code works <b>once</b>", "")
    database = Database(url)
    database.open()
    with database.write() as connection:
        for finding in (*same, other):
            keep(connection, "octo-org/shop", finding.pull, [finding], installations["octo-org"])
        engine = _dismissed(7, "engine.py", "A timeout is missing", "the proxy has it")
        keep(connection, "acme/engine", 7, [engine], installations["acme"])
    database.close()


def _dismissed(pull: int, path: str, title: str, why: str) -> DismissedFinding:
    url = f"https://github.com/octo-org/shop/pull/{pull}#discussion_r{pull}"
    return DismissedFinding(pull, f"print{pull}", path, Category.BUG, Severity.WARNING, title, "mona", why, url)
