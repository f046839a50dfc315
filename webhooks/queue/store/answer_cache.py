"""Store the prompts of a job and their answers by content, so that an answer is paid for once, whatever crashes.

Rows hold code and are deleted when their job ends. They are compressed JSON, which survives a change of our classes.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from reviewer.llm.errors import ModelError
from reviewer.llm.messages import Prompt, Reply
from reviewer.llm.serialization import answer_from_json, answer_to_json, prompt_from_json, prompt_to_json
from webhooks.queue.store.database import ANSWERS, JOBS
from webhooks.queue.store.job_state import LIVE


def packed_prompts(prompts: Mapping[str, Prompt]) -> dict[str, bytes]:
    """Pack prompts by digest, for `put`."""
    return {digest: _pack(prompt_to_json(prompt)) for digest, prompt in prompts.items()}


def put(connection: sa.Connection, job_id: str, attempt: int, prompts: Mapping[str, bytes]) -> list[str]:
    """Store the packed prompts by digest; return the digests of those to be asked now.

    Not asked again: prompts with a reply, prompts under way, and those that failed in this same attempt (which was then
    interrupted by a crash and must behave the same). Those that failed in an earlier attempt are asked again.
    """
    query = sa.select(ANSWERS.c.digest, ANSWERS.c.failed, ANSWERS.c.attempt)
    query = query.where(ANSWERS.c.job == job_id, ANSWERS.c.digest.in_(list(prompts)))
    known = {row.digest: row for row in connection.execute(query)}
    due = []
    for digest, data in prompts.items():
        row = known.get(digest)
        if row is None:
            connection.execute(ANSWERS.insert().values(job=job_id, digest=digest, attempt=attempt, prompt=data))
            due.append(digest)
        elif row.failed and row.attempt != attempt:
            statement = ANSWERS.update().where(ANSWERS.c.job == job_id, ANSWERS.c.digest == digest)
            connection.execute(statement.values(attempt=attempt, answer=None, failed=None))
            due.append(digest)
    return due


def under_way(connection: sa.Connection, job_id: str) -> dict[str, int]:
    """Return the digests of the job that have no answer yet, each with the attempt that put it."""
    query = sa.select(ANSWERS.c.digest, ANSWERS.c.attempt).where(ANSWERS.c.job == job_id, ANSWERS.c.answer.is_(None))
    return {row.digest: row.attempt for row in connection.execute(query)}


def prompt_to_ask(connection: sa.Connection, job_id: str, digest: str) -> Prompt | None:
    """Return the prompt; None when it has an answer or its job has ended."""
    query = (
        sa.select(ANSWERS.c.prompt)
        .join(JOBS, JOBS.c.id == ANSWERS.c.job)
        .where(
            ANSWERS.c.job == job_id,
            ANSWERS.c.digest == digest,
            ANSWERS.c.answer.is_(None),
            JOBS.c.state.in_(LIVE),
        )
    )
    packed = connection.execute(query).scalar()
    return None if packed is None else prompt_from_json(_unpack(packed))


@dataclass(frozen=True, slots=True)
class Packed:
    """An answer ready to be stored. It is packed outside of transactions, since packing takes time."""

    data: bytes
    failed: bool


def packed(answer: Reply | ModelError) -> Packed:
    """Pack an answer."""
    return Packed(_pack(answer_to_json(answer)), isinstance(answer, ModelError))


def unpacked(packed: Packed) -> Reply | ModelError:
    """Return the answer that was packed."""
    return answer_from_json(_unpack(packed.data))


def answer(connection: sa.Connection, job_id: str, digest: str, packed_answer: Packed) -> None:
    """Store the answer unless there is one."""
    connection.execute(
        ANSWERS.update()
        .where(ANSWERS.c.job == job_id, ANSWERS.c.digest == digest, ANSWERS.c.answer.is_(None))
        .values(answer=packed_answer.data, failed=packed_answer.failed)
    )


def known_answers(connection: sa.Connection, job_id: str, digests: Iterable[str]) -> dict[str, Reply | ModelError]:
    """Return the answers that are stored, by digest."""
    query = sa.select(ANSWERS.c.digest, ANSWERS.c.answer).where(
        ANSWERS.c.job == job_id, ANSWERS.c.digest.in_(list(digests)), ANSWERS.c.answer.is_not(None)
    )
    return {row.digest: answer_from_json(_unpack(row.answer)) for row in connection.execute(query)}


def forget(connection: sa.Connection, job_id: str) -> None:
    """Delete the prompts and answers of the job."""
    connection.execute(ANSWERS.delete().where(ANSWERS.c.job == job_id))


def forget_unanswered(connection: sa.Connection, job_id: str) -> None:
    """Delete the prompts of the job that will not be answered."""
    connection.execute(ANSWERS.delete().where(ANSWERS.c.job == job_id, ANSWERS.c.answer.is_(None)))


def forget_ended(connection: sa.Connection, *, before: float) -> int:
    """Delete the rows of jobs that are gone or ended before that time; return how many rows."""
    kept = sa.exists().where(JOBS.c.id == ANSWERS.c.job, sa.or_(JOBS.c.ended_at.is_(None), JOBS.c.ended_at >= before))
    return connection.execute(ANSWERS.delete().where(~kept)).rowcount


def _pack(value: dict[str, Any]) -> bytes:
    # As ASCII: a diff may hold lone surrogates, which have no UTF-8.
    return zlib.compress(json.dumps(value, ensure_ascii=True, separators=(",", ":")).encode("ascii"))


def _unpack(packed: bytes) -> dict[str, Any]:
    value: dict[str, Any] = json.loads(zlib.decompress(packed))
    return value
