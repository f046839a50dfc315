"""Scores, cases and the command `reviewer eval`: a real process against the double of the model."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from reviewer.diff.model import Side
from reviewer.errors import UsageError
from reviewer.evaluation.case_repository import write_case_repository
from reviewer.evaluation.cases import KnownFinding, KnownKind, read_cases
from reviewer.evaluation.command import PARALLEL
from reviewer.evaluation.results import CaseResult, EvaluationRun, PublishedFinding, read_run, to_json
from reviewer.evaluation.scores import Counts, FindingOutcome, PublishedPlace, near_pairs, one_to_one, outcomes
from reviewer.evaluation.tables import compared_text, run_text
from reviewer.llm.usage import Usage
from tests.fakes.model import Call, FakeModel, error
from tests.fixtures.app_server import child_environment
from tests.fixtures.git_repo import Repo
from tests.fixtures.replay import NAMES, replay_of, serve
from tests.paths import CASES, ROOT

TWO = ["go-retry-leak", "python-clean-slugs"]

Reviewer = Callable[..., "subprocess.CompletedProcess[str]"]


def known(id_: str, first: int, last: int, *, kind: KnownKind = KnownKind.DEFECT, path: str = "a.py") -> KnownFinding:
    return KnownFinding(id_, kind, path, Side.RIGHT, first, last, f"about {id_}", "code")


def place(first: int, last: int = 0, *, path: str = "a.py", refactoring: bool = False) -> PublishedPlace:
    return PublishedPlace(path, Side.RIGHT, first, last or first, refactoring)


@pytest.fixture
def cases(tmp_path: Path) -> Path:
    """Give a folder with copies of two of the shipped cases."""
    for name in TWO:
        shutil.copytree(CASES / name, tmp_path / "cases" / name)
    return tmp_path / "cases"


@pytest.fixture
def reviewer(model: FakeModel, tmp_path: Path) -> Reviewer:
    """Return what runs `reviewer eval`."""

    def run(*words: str, **environ: str) -> subprocess.CompletedProcess[str]:
        known_ = {**child_environment(), "RUNAPI_KEY": model.key, "RUNAPI_BASE_URL": model.base_url}
        return subprocess.run(
            [sys.executable, str(ROOT / "app.py"), "eval", *words],
            cwd=tmp_path, env={**known_, **environ}, capture_output=True, text=True, timeout=90, check=False,
        )  # fmt: skip

    return run


# --- scores ---------------------------------------------------------------------------------------------------------


def test_rates_are_those_of_the_counts() -> None:
    """Recall over defects, precision over what was said, F1 between; what cannot be computed is None."""
    counts = Counts(found=3, missed=1, traps=1, repeats=1, others=1, refactorings=5)
    assert (counts.recall, counts.precision) == (0.75, 0.5)
    assert counts.f1 == pytest.approx(2 * 0.75 * 0.5 / 1.25)
    silent, clean, noisy = Counts(missed=2), Counts(), Counts(traps=1)
    assert (silent.recall, silent.precision, silent.f1) == (0, None, 0)
    assert (clean.recall, clean.precision, clean.f1) == (None, None, None)
    assert (noisy.recall, noisy.precision, noisy.f1) == (None, 0, 0)


@pytest.mark.parametrize(
    ("pairs", "best"),
    [
        ([], {}),
        ([(0, 0), (0, 1), (1, 0)], {0: 1, 1: 0}),
        ([(0, 0), (1, 0), (2, 0)], {0: 0}),
        ([(0, 0), (1, 0), (1, 1), (2, 1), (2, 2)], {0: 0, 1: 1, 2: 2}),
    ],
)
def test_matching_is_one_to_one_and_as_large_as_possible(pairs: list[tuple[int, int]], best: dict[int, int]) -> None:
    """A finding that fits two known ones leaves the one that another finding needs."""
    assert one_to_one(pairs) == best


def test_places_match_within_three_lines_of_one_file_and_side() -> None:
    """Three lines of distance count, four do not; another file or side never."""
    one = [known("x", 10, 12)]
    near = {line for line in range(1, 30) if near_pairs([place(line)], one)}
    assert near == set(range(7, 16))
    assert near_pairs([place(1, 7)], one)
    assert not near_pairs([place(11, path="b.py")], one)
    assert not near_pairs([PublishedPlace("a.py", Side.LEFT, 11, 11)], one)


def test_outcomes_tell_found_trap_repeat_other_and_refactoring_apart() -> None:
    """Each finding is one of the five; a trap and a repeat count against precision, a refactoring does not."""
    said = [place(10), place(11), place(30), place(50), place(60, refactoring=True), place(31, refactoring=True)]
    things = [known("bug", 10, 10), known("bait", 30, 30, kind=KnownKind.TRAP), known("hidden", 90, 90)]
    told, counts = outcomes(said, things, [(0, 0), (1, 0), (2, 1), (5, 1)])
    assert told == (
        (FindingOutcome.FOUND, "bug"),
        (FindingOutcome.REPEAT, "bug"),
        (FindingOutcome.TRAP, "bait"),
        (FindingOutcome.OTHER, ""),
        (FindingOutcome.REFACTORING, ""),
        (FindingOutcome.REPEAT, "bait"),
    )
    assert counts == Counts(found=1, missed=1, traps=1, repeats=2, others=1, refactorings=1)


def test_the_nearer_finding_is_the_match() -> None:
    """Of two findings that say the same, the one at the place is the match and the other the repeat."""
    told, _ = outcomes([place(13), place(10)], [known("bug", 10, 10)], [(0, 0), (1, 0)])
    assert [one for one, _ in told] == [FindingOutcome.REPEAT, FindingOutcome.FOUND]


# --- cases ----------------------------------------------------------------------------------------------------------


def write(path: Path, **fields: Any) -> None:
    """Change fields of a JSON file; None takes one away."""
    value = json.loads(path.read_text()) | fields
    path.write_text(json.dumps({name: one for name, one in value.items() if one is not None}))


def entry(case: Path, **fields: Any) -> None:
    """Change fields of the first known finding."""
    first, *rest = json.loads((case / "known.json").read_text())["known"]
    (case / "known.json").write_text(json.dumps({"known": [first | fields, *rest]}))


@pytest.mark.parametrize(
    ("harm", "told"),
    [
        (lambda case: (case / "meta.json").write_text("{"), "meta.json: "),
        (lambda case: write(case / "meta.json", title=None), "meta.json: `title`: Field required"),
        (lambda case: write(case / "meta.json", langauge="go"), "meta.json: `langauge`: "),
        (lambda case: (case / "known.json").unlink(), "known.json: No such file"),
        (lambda case: entry(case, kind="bug"), "known.json: `known.0.kind`: "),
        (lambda case: entry(case, lines=[3]), "known.json: `known.0.lines.1`: "),
        (lambda case: entry(case, lines=[9, 3]), "known.json: `known.0.lines`: the last line is before"),
        (lambda case: entry(case, lines=[9, 9999]), "known.json: `known.0.lines`: head/fetch/fetch.go has"),
        (lambda case: entry(case, path="fetch/gone.go"), "known.json: `known.0.path`: head/fetch/gone.go: No such"),
        (lambda case: entry(case, path="../../../../etc/passwd"), "leads out of the case"),
        (lambda case: entry(case, id="loop-variable"), "the id 'loop-variable' is used twice"),
        (lambda case: shutil.rmtree(case / "base"), "base/: there is no such folder"),
        (lambda case: (case / "pr.diff").write_text("hello"), "pr.diff: "),
        (lambda case: (case / "pr.diff").write_text(""), "pr.diff: "),
        (lambda case: (case / "head/fetch/fetch.go").write_text("package fetch\n"), "does not agree with head/fetch"),
        (lambda case: (case / "base/fetch/all.go").unlink(), "base/fetch/all.go: No such file"),
    ],
)
def test_a_bad_case_is_told_with_file_and_field(cases: Path, harm: Callable[[Path], object], told: str) -> None:
    """The case is left out with a message that names where it is wrong; the other one is there."""
    harm(cases / TWO[0])
    good, (bad,) = read_cases(cases)
    assert [case.name for case in good] == TWO[1:]
    assert bad.name == TWO[0]
    assert told in bad.problem


def test_where_there_is_no_case_it_is_said(tmp_path: Path, cases: Path) -> None:
    """A missing folder, an empty one, a filter that nothing passes: usage errors, not a perfect score."""
    (tmp_path / "empty").mkdir()
    for folder, only in ((tmp_path / "none", ""), (tmp_path / "empty", ""), (cases, "haskell")):
        with pytest.raises(UsageError):
            read_cases(folder, only)
    assert [case.name for case in read_cases(cases, "retry")[0]] == ["go-retry-leak"]
    assert [case.name for case in read_cases(cases / TWO[1])[0]] == TWO[1:]


@pytest.mark.slow
def test_a_case_is_staged_as_git_would_commit_it(tmp_path: Path) -> None:
    """The trees are those of `git add`: executables, symbolic links and names that sort oddly; git finds no fault."""
    for tree in ("base", "head"):
        for name in ("a/x", "a.txt", "a-b", "a0", "ü/ñ.txt", "empty/.git"):
            (tmp_path / "case" / tree / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / "case" / tree / name).write_text(f"{tree} {name}\n")
    head = tmp_path / "case" / "head"
    (head / "run.sh").write_text("#!/bin/sh\n")
    (head / "run.sh").chmod(0o755)
    (head / "link").symlink_to("/etc/passwd")
    base_id, _, head_id = write_case_repository(tmp_path / "case", tmp_path / "staged", "Title\n\nBody").partition("..")
    staged = Repo(tmp_path / "staged")
    assert staged.git("fsck", "--strict", "--no-dangling") == b""
    shutil.rmtree(head / "empty")
    real = Repo.create(tmp_path / "real")
    shutil.copytree(head, real.path, dirs_exist_ok=True, symlinks=True)
    real.commit()
    assert staged.git("rev-parse", f"{head_id}^{{tree}}") == real.git("rev-parse", "HEAD^{tree}")
    assert staged.git("log", "--format=%s|%b|%H", f"{base_id}..{head_id}").decode().strip() == f"Title|Body\n|{head_id}"


# --- runs -----------------------------------------------------------------------------------------------------------


def result(case: str, attempt: int, counts: Counts, *, missed: tuple[str, ...] = (), cost: float = 0.01) -> CaseResult:
    said = (PublishedFinding("a.py", "RIGHT", 3, 4, "It breaks", FindingOutcome.OTHER, ""),) * counts.others
    usage = Usage(2, 100, 10, Decimal(str(cost)), cached_tokens=30)
    return CaseResult(
        case,
        "go" if case == "x" else "ruby",
        attempt,
        said,
        missed,
        counts,
        counts,
        usage,
        Usage(1),
        2,
    )


def test_a_run_is_read_back_equal(tmp_path: Path) -> None:
    """What `--format json` writes is the run, with figures summed up beside; a file that is no run is refused."""
    run = EvaluationRun("M", "J", 1, (result("x", 1, Counts(1, 1), missed=("y",)), result("z", 1, Counts(1, 0, 1))))
    (tmp_path / "run.json").write_text(to_json(run))
    assert read_run(tmp_path / "run.json") == run
    told = json.loads(to_json(run))
    assert (told["total"]["judged"]["recall"], told["total"]["judged"]["precision"]) == (0.6667, 0.6667)
    usage = {"calls": 4, "prompt_tokens": 200, "completion_tokens": 20, "cost_usd": 0.02, "cached_tokens": 60}
    assert told["total"]["usage"] == usage
    assert [row["name"] for row in told["languages"]] == ["go", "ruby"]
    for text in ("{}", "hello", "[]"):
        (tmp_path / "other.json").write_text(text)
        with pytest.raises(UsageError, match="is not a run"):
            read_run(tmp_path / "other.json")


def test_the_share_of_the_cache_is_shown_beside_the_tokens(tmp_path: Path) -> None:
    """As the service reports it; a run of an older release says nothing of it and can be read all the same."""
    run = EvaluationRun("M", "J", 1, (result("x", 1, Counts(1)), result("z", 1, Counts(0, 1), missed=("y",))))
    assert "Prompt tokens read from the service's cache: 60 of 200 (30 %)" in run_text(run)
    (tmp_path / "old.json").write_text(to_json(run).replace('"cached_tokens"', '"of_old"'))
    assert "cache: 0 of 200 (0 %)" in run_text(read_run(tmp_path / "old.json"))


def test_the_spread_is_over_attempts() -> None:
    """Two attempts with recall 1 and 0: lowest, mean and highest are shown; one attempt has no spread."""
    run = EvaluationRun("M", "J", 2, (result("x", 1, Counts(1, 0)), result("x", 2, Counts(0, 1), missed=("y",))))
    (row,) = [line.split() for line in run_text(run).splitlines() if line.startswith("recall ")]
    assert row == ["recall", "0.0", "50.0", "100.0"]
    assert "x #2: y" in run_text(run)
    assert "spread" not in run_text(EvaluationRun("M", "J", 1, run.results[:1]))


def test_two_runs_are_compared_case_by_case() -> None:
    """What was found now and what was lost, over the cases that both have; the rest is named."""
    old = EvaluationRun("M", "J", 1, (result("x", 1, Counts(0, 1), missed=("leak",)), result("gone", 1, Counts(1, 0))))
    new = EvaluationRun(
        "N", "J", 1, (result("x", 1, Counts(1, 0, others=1), cost=0.02), result("new", 1, Counts(0, 1)))
    )
    text = compared_text(old, new)
    assert text.startswith("M (2 reviews, judged by J) -> N (2 reviews, judged by J)\n")
    (row,) = [line for line in text.splitlines() if line.startswith("x ")]
    assert "0.0 -> 100.0  +100.0" in row
    assert "0.0 -> 1.0" in row
    assert "0.0100 -> 0.0200" in row
    assert "Found now:\n  x: leak" in text
    assert "Lost:" not in text
    assert "gone (first run only)" in text
    assert "new (second run only)" in text
    assert "Lost:\n  x: leak" in compared_text(new, old)


# --- the command ----------------------------------------------------------------------------------------------------


def test_all_shipped_cases_are_measured(reviewer: Reviewer, model: FakeModel, tmp_path: Path) -> None:
    """With good verdicts all defects are found first, and nothing else; the reviews and the run are saved.

    A root cause in two places is said twice where no editor joins the two.
    """
    serve(model, NAMES)
    done = reviewer(str(CASES), "--output", str(tmp_path / "out"))
    assert done.returncode == 0, done.stderr
    run = json.loads((tmp_path / "out" / "run.json").read_text())
    assert [row["name"] for row in run["cases"]] == NAMES
    twice = [name for name in NAMES if any("same_as" in reply for reply in replay_of(name).replies)]
    said_twice = 0 if any(call.task == "edit" for call in model.calls) else len(twice)
    for figures in (run["total"]["judged"], run["total"]["lines"]):
        assert figures["recall"] == 1
        # By lines alone, a second place may stand close to a known false alarm.
        assert figures["traps"] + figures["repeats"] + figures["others"] == said_twice
    assert run["total"]["judged"]["traps"] == 0
    ranking = run["ranking"]
    assert ranking["first_3"] == ranking["known"] == run["total"]["judged"]["found"]
    assert (ranking["wanted"], ranking["twice"]) == (ranking["published"], said_twice)
    assert run["lookups"]["rounds"] >= 10
    assert run["lookups"]["wasted"] == 0
    assert "Root causes said twice:" in done.stdout
    assert run["total"]["chain"] <= 8
    assert run["total"]["usage"]["cost_usd"] > 0
    judged = sum(any(not reply["bad"] for reply in replay_of(name).replies) for name in NAMES)
    assert run["judge_usage"]["calls"] == sum(call.qualifier == "judge" for call in model.calls) == judged
    for name in NAMES:
        review = json.loads((tmp_path / "out" / f"{name}.json").read_text())
        good = {reply["known"] for reply in replay_of(name).replies if not reply["bad"]}
        assert len(review["findings"]) == len(good) + (name in twice and said_twice > 0)
        assert name in done.stdout
        assert f"{name}: recall" in done.stderr


def test_traps_and_the_comparison_are_shown(reviewer: Reviewer, model: FakeModel, cases: Path, tmp_path: Path) -> None:
    """A falsifier that believes everything: traps are told with their place; two runs stand side by side."""
    serve(model, TWO)
    assert reviewer(str(cases), "--output", "good", "--quiet").stderr == ""
    serve(model, TWO, verdict="confirmed")
    done = reviewer(str(cases), "--output", "bad", "--compare", "good/run.json")
    assert done.returncode == 0, done.stderr
    assert "[trap loop-variable]" in done.stdout
    assert "python-clean-slugs: blog/slugs.py:" in done.stdout
    assert "100.0 -> 50.0" in done.stdout
    calls = len(model.calls)
    again = reviewer("bad/run.json", "--compare", "good/run.json", "--format", "json")
    compared = json.loads(again.stdout)["compared"]
    assert [row["name"] for row in compared] == [*TWO, "all of both"]
    assert (compared[-1]["before"]["judged"]["traps"], compared[-1]["after"]["judged"]["traps"]) == (0, 3)
    assert len(model.calls) == calls
    assert (tmp_path / "bad" / "go-retry-leak.json").exists()


def test_a_case_is_repeated(reviewer: Reviewer, model: FakeModel, cases: Path) -> None:
    """`--repeat 2 --case retry --model X`: two reviews of one case by X, judged by the default; both are saved."""
    serve(model, TWO)
    done = reviewer(str(cases), "--case", "retry", "--repeat", "2", "--output", "out", "--model", "MiniMax-M3")
    assert done.returncode == 0, done.stderr
    assert "MiniMax-M3, judged by MiniMax-M2.1: 2 reviews" in done.stdout
    assert "spread" in done.stdout
    assert {(call.task == "ask", call.model) for call in model.calls} == {(True, "MiniMax-M2.1"), (False, "MiniMax-M3")}
    assert {path.name for path in (cases.parent / "out").iterdir()} == {
        "run.json", "go-retry-leak.json", "go-retry-leak-2.json",
    }  # fmt: skip


def test_a_judge_that_cannot_be_used_is_not_passed_over(reviewer: Reviewer, model: FakeModel, cases: Path) -> None:
    """Exit 3 and the reason; the figures by lines and the paid review are there, and those by the judge are not."""
    serve(model, TWO)
    model.answers("ask", lambda _: error(404, "no such model"))
    done = reviewer(str(cases), "--judge-model", "Judge-1", "--output", "out")
    assert done.returncode == 3
    assert "go-retry-leak: not judged: " in done.stderr
    assert "1 of 1 without score" in done.stdout
    (one, _) = json.loads((cases.parent / "out" / "run.json").read_text())["results"]
    assert (one["judged"], one["lines"]["found"], one["said"][0]["outcome"]) == (None, 1, None)
    assert (cases.parent / "out" / "go-retry-leak.json").exists()


def test_a_review_that_fails_in_part_is_not_passed_over(reviewer: Reviewer, model: FakeModel, cases: Path) -> None:
    """The falsifier cannot be reached: the case says that its review is incomplete, and the exit code is 3."""
    serve(model, TWO)
    model.answers("verify", lambda _: error(400, "input new_sensitive (1026)"))
    done = reviewer(str(cases), "--case", "retry")
    assert done.returncode == 3
    assert "an incomplete review: " in done.stderr


def test_without_credit_no_further_case_is_begun(reviewer: Reviewer, model: FakeModel, cases: Path) -> None:
    """Exit 3; of ten cases only those that ran side by side when the first refusal came were begun."""
    for number in range(8):
        shutil.copytree(cases / TWO[0], cases / f"copy-{number}")
    serve(model, TWO)
    model.answers("findings", lambda _: error(402, "insufficient balance (1008)"))
    done = reviewer(str(cases), "--format", "json", "--quiet")
    assert done.returncode == 3
    problems = [one["problem"] for one in json.loads(done.stdout)["results"]]
    assert sum("credit" in problem for problem in problems) <= PARALLEL
    assert sum(problem.startswith("not started: ") for problem in problems) >= len(problems) - PARALLEL


def test_other_cases_go_on_after_a_bad_one(reviewer: Reviewer, model: FakeModel, cases: Path) -> None:
    """One case cannot be read: it is told, the other is measured, and the exit code is 2."""
    (cases / TWO[1] / "meta.json").write_text("{}")
    serve(model, TWO[:1])
    done = reviewer(str(cases), "--format", "json")
    assert done.returncode == 2
    assert "bad case python-clean-slugs: meta.json: `title`" in done.stderr
    assert json.loads(done.stdout)["total"]["judged"]["found"] == 1


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (("nowhere",), 2, "is not a folder"),
        (("cases", "--repeat", "0"), 2, "not a number from 1"),
        (("cases", "--compare", "none.json"), 2, "Cannot read none.json"),
        (("cases", "--output", "cases/go-retry-leak/pr.diff"), 2, "Cannot make the folder"),
        (("cases/go-retry-leak/known.json",), 2, "is not a run"),
        (("cases", "--format", "sarif"), 2, "invalid choice"),
        ((), 2, "required: DIR"),
    ],
)
def test_bad_usage_is_told_before_anything_is_paid_for(
    reviewer: Reviewer, cases: Path, model: FakeModel, words: tuple[str, ...], code: int, says: str
) -> None:
    """Exit 2, what is wrong, no traceback, no call."""
    done = reviewer(*words)
    assert (done.returncode, model.calls) == (code, [])
    assert says in done.stderr
    assert "Traceback" not in done.stderr


def test_without_a_key_it_says_so(reviewer: Reviewer, cases: Path) -> None:
    """Exit 3 and what to set."""
    done = reviewer(str(cases), RUNAPI_KEY="")
    assert (done.returncode, "Set RUNAPI_KEY" in done.stderr) == (3, True)


def test_the_case_is_reviewed_in_its_repository(reviewer: Reviewer, model: FakeModel, cases: Path) -> None:
    """The prompt has the case's title, the guidance of `base/`, and nothing of the known findings."""
    (cases / TWO[0] / "base" / "AGENTS.md").write_text("Mind the bodies.\n")
    (cases / TWO[0] / "head" / "AGENTS.md").write_text("Mind the bodies.\n")
    serve(model, TWO[:1])
    assert reviewer(str(cases), "--case", "retry").returncode == 0
    asked: list[Call] = [call for call in model.calls if call.task == "findings"]
    assert asked
    for call in asked:
        assert "Retry fetches that the server refuses for now" in call.user
        assert "Mind the bodies." in call.user
    description = replay_of(TWO[0]).descriptions["body-not-closed"]
    assert not [call for call in model.calls if call.task != "ask" and description in call.user]
