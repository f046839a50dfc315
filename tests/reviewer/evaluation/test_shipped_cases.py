"""The shipped cases, with scripted replies over a real socket: what is posted, and where."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from reviewer.cli.local_change import change_without_progress
from reviewer.diff.parser import parse_diff
from reviewer.domain.findings import Review
from reviewer.evaluation.case_repository import write_case_repository
from reviewer.evaluation.cases import Case, KnownKind, read_cases
from reviewer.evaluation.results import ranking_of
from reviewer.evaluation.runner import EvaluationContext, EvaluationRunner, ReviewedCase
from reviewer.git.worktree import open_worktree
from reviewer.llm.client import Client
from reviewer.tasks.review import LONGEST_CHAIN
from tests.fakes.model import Call, FakeModel
from tests.fixtures.replay import NAMES, replay_of, serve
from tests.paths import CASES

#: Each of these tempts the reviewer in some case.
BAD = {
    "hallucinated quote", "quote outside the diff", "wrong line", "duplicate", "refuted", "trap",
}  # fmt: skip


def the_case(name: str) -> Case:
    (case,), bad = read_cases(CASES / name)
    assert not bad
    return case


#: Cases in which one root cause is found in two places, and cases whose decisive code is in a file that is not shown.
TWICE = {name for name in NAMES if any("same_as" in reply for reply in replay_of(name).replies)}
LOOKING = [name for name in NAMES if replay_of(name).looks]


def reviewed(name: str, *, verdict: str = "", calls: list[Call] | None = None) -> ReviewedCase:
    """Return what came of the case with its scripted replies; the calls to the model are added to `calls`."""
    done: list[ReviewedCase] = []
    with FakeModel() as model, Client(key=model.key, base_url=model.base_url) as client:
        serve(model, [name], verdict=verdict)
        means = EvaluationContext(change_without_progress, client.ask, client.ask)
        EvaluationRunner(means, 1, done.append).run([the_case(name)])
        if calls is not None:
            calls += model.calls
    return done[0]


def places(review: Review) -> list[tuple[str, str, int, int]]:
    anchors = [one.anchor for one in review.findings]
    return sorted((a.path, str(a.side), a.start_line or a.line, a.line) for a in anchors)


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in NAMES if name not in TWICE])
def test_every_planted_defect_is_posted_on_its_lines_and_no_bad_reply_is(name: str) -> None:
    """Posted are the defects, each once, from its first line to its last; only proven suggestions are offered."""
    done = reviewed(name)
    defects = [one for one in the_case(name).known if one.kind is KnownKind.DEFECT]
    assert done.review is not None, done.result.problem
    assert places(done.review) == sorted((one.path, str(one.side), one.first, one.last) for one in defects)
    proven = {reply["finding"]["title"]: reply["proven"] for reply in replay_of(name).replies}
    assert {one.title: one.suggestion is not None for one in done.review.findings}.items() <= proven.items()
    assert done.result.judged == done.result.lines
    assert (done.result.missed, done.result.judged and done.result.judged.alarms) == ((), 0)
    assert done.result.chain <= LONGEST_CHAIN
    assert ranking_of([done.result]).first_3 == len(defects)


@pytest.mark.slow
@pytest.mark.parametrize("name", LOOKING)
def test_the_decisive_code_comes_through_a_lookup_only(name: str) -> None:
    """The first prompt does not show it; the answer to the first request does; nothing is asked in vain."""
    calls: list[Call] = []
    done = reviewed(name, calls=calls)
    finders = [call for call in calls if call.task == "findings"]
    for look in replay_of(name).looks:
        assert not any(look["decisive"] in call.user for call in finders if " lookup>\n" not in call.user)
        assert all(look["decisive"] in call.user for call in finders if " lookup>\n" in call.user)
    assert done.result.lookups.rounds >= 1
    assert done.result.lookups.empty == 0


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(TWICE))
def test_a_root_cause_in_two_places_is_known(name: str) -> None:
    """Posted once where an editor joined the two; else both are posted, and it counts as said twice."""
    calls: list[Call] = []
    done = reviewed(name, calls=calls)
    edited = any(call.task == "edit" for call in calls)
    assert done.result.missed == ()
    ranking = ranking_of([done.result])
    assert (ranking.distinct, ranking.twice) == (1, 0 if edited else 1)
    assert (ranking.wanted, ranking.published) == ((1, 1) if edited else (2, 2))


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_a_gullible_falsifier_lets_traps_through(name: str) -> None:
    """The replies tempt: where every claim is confirmed, traps are posted and count against precision."""
    done = reviewed(name, verdict="confirmed")
    traps = {reply["known"] for reply in replay_of(name).replies if reply["bad"] == "trap"}
    assert traps
    assert {one.known for one in done.result.published if one.outcome == "trap"} == traps
    assert done.result.judged is not None
    assert done.result.judged.precision is not None
    assert done.result.judged.precision < 1


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_the_diff_of_a_case_is_that_of_its_trees(name: str, tmp_path: Path) -> None:
    """`pr.diff` is what git says of `base/` and `head/`; UPDATE_GOLDEN=1 writes it."""
    wanted = write_case_repository(CASES / name, tmp_path, "A change")
    made = open_worktree(tmp_path).diff(wanted)
    if os.environ.get("UPDATE_GOLDEN"):
        (CASES / name / "pr.diff").write_bytes(made.diff_bytes)
    assert parse_diff((CASES / name / "pr.diff").read_bytes()) == parse_diff(made.diff_bytes)


def test_the_cases_are_a_fair_mixture() -> None:
    """Twelve cases or more hold a defect and a trap, two or more hold traps alone, in five languages."""
    cases, bad = read_cases(CASES)
    assert not bad
    kinds = {case.name: {one.kind for one in case.known} for case in cases}
    both = [name for name, found in kinds.items() if found == {KnownKind.DEFECT, KnownKind.TRAP}]
    clean = [name for name, found in kinds.items() if found == {KnownKind.TRAP}]
    assert len(both) >= 12
    assert len(clean) >= 2
    assert len(LOOKING) >= 10
    assert len(TWICE) >= 5
    assert len(both) + len(clean) == len(cases)
    assert {case.language for case in cases} == {"python", "typescript", "go", "ruby", "java"}
    replies = [reply for name in NAMES for reply in replay_of(name).replies]
    assert {reply["bad"] for reply in replies} == BAD | {""}
    broken = [one for one in replies if not one["bad"] and one["finding"]["suggestion"] and not one["proven"]]
    assert len(broken) >= 2


@pytest.mark.parametrize("name", NAMES)
def test_known_findings_are_told_apart_by_nothing_that_the_judge_sees(name: str) -> None:
    """Each known finding has a description and, for people, a reason; no description gives its kind away."""
    for one in json.loads((CASES / name / "known.json").read_text())["known"]:
        assert one["description"]
        assert one["why"]
        assert not {"trap", "false alarm", "tempting", "planted"} & set(one["description"].lower().split())
