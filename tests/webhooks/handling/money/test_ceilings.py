"""Stories of money: ceilings of the operator and the repository, strangers, and what people are told."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from reviewer.domain.settings import parse_settings
from reviewer.errors import SettingsError
from reviewer.llm.messages import Ask
from tests.fakes.github import Delivery, World
from tests.fixtures.scenarios import DELETE, acting, carry_out, job_of, model, watched
from tests.webhooks.handling.money.bank import Bank
from webhooks.handling.handle import JobEnding
from webhooks.handling.money.ceilings import Payer
from webhooks.handling.money.report import spending_report
from webhooks.operator_settings.rules import NameRules, OperatorCeilings, OperatorRules


@pytest.fixture
def bank(tmp_path: Path, github: World) -> Iterator[Bank]:
    bank = Bank(tmp_path, github)
    yield bank
    bank.database.close()


def never(_: object) -> list[object]:
    raise AssertionError("the model was asked")


NEVER: Ask = never  # type: ignore[assignment]


def ceilings(**usd: str) -> OperatorRules:
    return OperatorRules(OperatorCeilings(**{name: Decimal(amount) for name, amount in usd.items()}))


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("per_month_usd", "for everything in a month"),
        ("per_repository_usd", "of $0.50 ($0.60 spent) that the operator of this App set for this repository"),
        ("per_person_usd", "for each person in a month"),
        ("per_pull_usd", "of $0.50 ($0.60 spent) that the operator of this App set for this pull request"),
    ],
)
def test_each_ceiling_of_the_operator_holds(bank: Bank, github: World, name: str, words: str) -> None:
    """What was spent before counts, also where the ceiling was lowered below it; nothing is asked."""
    bank.spend(job_of(github.opened), "0.60")
    bank.rules = lambda: ceilings(**{name: "0.50"})
    outcome = bank.review(github.opened, NEVER)
    assert outcome.state is JobEnding.FAILED
    text = github.expect_comment(words).body
    assert ("0.60" in text) is (name in ("per_repository_usd", "per_pull_usd")), "others' spending is shown"
    assert ("-01 (UTC)" in text) is (name != "per_pull_usd")
    check = github.expect_check("neutral")
    assert check.output["title"] == "Not reviewed"


def test_a_stop_is_said_once_and_every_head_has_its_check(bank: Bank, github: World) -> None:
    """Three pushes while the ceiling is reached: one comment, a check run for each head. Who asks gets an answer."""
    bank.spend(job_of(github.opened), "1")
    bank.rules = lambda: ceilings(per_month_usd="1")
    bank.review(github.opened, NEVER)
    github.expect_comment("is reached")
    github.expect_check("neutral")
    for n in range(2):
        bank.review(github.push(github.pull, {"x.md": f"{n}\n"}), NEVER)
        github.expect_check("neutral")
    bank.review(github.comment(github.pull, "/review", by="alice"), NEVER)
    assert "is reached" in github.expect_comment("reviewer:answer").body
    github.expect_check("neutral")
    assert len([c for c in github.pull.issue.comments.values() if "reviewer:stop" in c.body]) == 1


def test_a_gate_stays_shut(bank: Bank, github: World) -> None:
    """Where findings may fail the check, a spent budget does not let unreviewed code through."""
    github.push_to_base(github.repo, {".github/reviewer.yml": "review:\n  fail_level: error\n"})
    bank.spend(job_of(github.opened), "1")
    bank.rules = lambda: ceilings(per_pull_usd="1")
    bank.review(github.push(github.pull, {"x.md": "x\n"}), NEVER)
    github.expect_check("failure")
    github.expect_comment("is reached")


def test_the_budgets_of_the_repository_hold(bank: Bank, github: World) -> None:
    """`per_pull_usd` and `per_month_usd` count what the store knows; another month begins anew."""
    text = "budget:\n  per_pull_usd: 5\n  per_month_usd: 0.5\n"
    github.push_to_base(github.repo, {".github/reviewer.yml": text})
    pushed = github.push(github.pull, {"x.md": "x\n"})
    bank.now = datetime(2026, 12, 31, 23, 59, tzinfo=UTC)
    bank.spend(job_of(pushed), "0.50", at=bank.now)
    bank.review(pushed, NEVER)
    github.expect_comment("`budget.per_month_usd` in .github/reviewer.yml sets")
    assert "Reviews begin again on 2027-01-01 (UTC)" in github.expect_check("neutral").output["summary"]
    bank.now = datetime(2027, 1, 1, tzinfo=UTC)
    assert bank.review(pushed, model()).state is JobEnding.REVIEWED
    github.forgive()


def test_a_month_that_ends_during_a_review(bank: Bank, github: World) -> None:
    """The old month has 2 cents left; its end comes during the first batch, and the rest is paid from the new month."""
    bank.now = datetime(2026, 11, 30, 23, 59, tzinfo=UTC)
    bank.rules = lambda: ceilings(per_month_usd="0.05")
    bank.spend(job_of(github.opened), "0.03", at=bank.now)

    def turn() -> None:
        bank.now = datetime(2026, 12, 1, tzinfo=UTC)

    assert bank.review(github.opened, acting(turn, model(DELETE))).state is JobEnding.REVIEWED
    github.forgive()


def test_a_ceiling_that_is_lowered_during_a_review(bank: Bank, github: World) -> None:
    """The calls that were made count; the next batch is not asked, and people are told why findings are missing."""
    bank.rules = lambda: ceilings(per_month_usd="9")

    def lower() -> None:
        bank.rules = lambda: ceilings(per_month_usd="0.001")

    ask, prompts = watched(acting(lower, model(DELETE)))
    outcome = bank.review(github.opened, ask)
    assert {prompt.task.value for prompt in prompts} <= {"findings", "tests", "refactor"}
    assert outcome.state is JobEnding.REVIEWED
    text = github.expect_comment("<!-- reviewer:summary").body
    assert "is reached" in text
    github.forgive()


def test_rules_that_cannot_be_read_stop_everything(bank: Bank, github: World) -> None:
    """Nothing is fetched but the pull request, nothing is asked, and the check run says so; details are in the log."""

    def unreadable() -> OperatorRules:
        raise SettingsError("/etc/secret/operator.yml:3: 'x' is not an amount")

    bank.rules = unreadable
    outcome = bank.review(github.opened, NEVER)
    assert outcome.state is JobEnding.FAILED
    summary = github.expect_check("failure").output["summary"]
    assert "operator cannot be read" in summary
    assert "/etc" not in summary
    assert github.calls_to("GET /pulls/1/files") == []


def test_a_model_that_is_not_allowed(bank: Bank, github: World) -> None:
    """A list of models that changes while the App runs holds for the next job."""
    bank.rules = lambda: OperatorRules(models=NameRules(deny=("minimax-m2.1",)))
    assert bank.review(github.opened, NEVER).state is JobEnding.FAILED
    assert "does not allow the model MiniMax-M2.1" in github.expect_check("failure").output["summary"]


def test_what_is_spent_and_left_is_told(bank: Bank, github: World) -> None:
    """The door for `/cost`: the pull request's calls, and what is left of each ceiling, never less than nothing."""
    job = job_of(github.opened)
    bank.spend(job, "0.25")
    bank.rules = lambda: ceilings(per_pull_usd="0.20", per_month_usd="2")
    github.push_to_base(github.repo, {".github/reviewer.yml": "budget:\n  per_pull_usd: 1\n"})
    purse = bank.purse(job)

    settings, _ = parse_settings("budget:\n  per_pull_usd: 1\n")
    report = spending_report(purse.of(Payer(job.repository, job.number, "mona"), settings))
    assert report is not None
    assert (report.on_pull.calls, report.on_pull.cost_usd) == (1, Decimal("0.25"))
    left = {state.ceiling.key: (state.left, state.spent) for state in report.ceilings}
    assert left == {
        "budget.per_pull_usd": (Decimal("0.75"), Decimal("0.25")),
        "ceilings.per_pull_usd": (Decimal(0), Decimal("0.25")),
        "ceilings.per_month_usd": (Decimal("1.75"), Decimal("0.25")),
    }
    assert [state.ceiling.is_shared for state in report.ceilings] == [False, False, True]
    assert spending_report(None) is None


def test_cost_answers_with_the_bill_and_every_ceiling(bank: Bank, github: World) -> None:
    """Of a ceiling that others share, only whether something is left is told."""
    job = job_of(github.opened)
    bank.spend(job, "0.25")
    bank.rules = lambda: ceilings(per_pull_usd="0.20", per_month_usd="2")
    github.push_to_base(github.repo, {".github/reviewer.yml": "budget:\n  per_pull_usd: 1\n  per_review_usd: 0.4\n"})
    assert bank.review(github.comment(github.pull, "/cost", by="mona"), NEVER).state is JobEnding.ANSWERED
    body = github.expect_comment("This pull request so far: 1 call to the model").body
    assert "written, $0.2500." in body
    rows = [[cell.strip() for cell in line.split("|")[2:5]] for line in body.splitlines() if line.startswith("| `")]
    assert rows == [
        ["$0.4000", "", ""],
        ["$1.0000", "$0.2500", "$0.7500"],
        ["$0.2000", "$0.2500", "$0.0000"],
        ["set by the operator", "", "some"],
    ]
    github.forgive()


@pytest.mark.slow
def test_a_thousand_deliveries_of_fifty_strangers_cost_nothing(bank: Bank, github: World) -> None:
    """One polite line for each repository, whatever comes after it, and not a cent, whoever lets whom in."""
    bank.rules = lambda: OperatorRules(owners=NameRules(allow=("octo-org",)))
    deliveries: list[Delivery] = []
    for n in range(50):
        repo = github.create_repository(f"stranger{n}/x", {"a.py": "x = 1\n"})
        github.install(f"stranger{n}")
        repo.commit({"a.py": "x = 2\n"}, "Change", branch="idea")
        deliveries.append(github.open_pull(repo, "idea"))
        deliveries += [github.comment(repo.pulls[-1], "/review", by=f"stranger{n}") for _ in range(19)]
    assert len(deliveries) == 1000
    before = len(github.calls)
    endings = {bank.review(delivery, NEVER).state for delivery in deliveries}
    assert endings == {JobEnding.IGNORED}
    posted = github.calls_to("POST /issues/[0-9]+/comments")
    assert len(posted) == len({call.path for call in posted}) == 50
    assert len(github.calls) - before <= 100, "a token and a comment for each repository"
    for _ in range(50):
        github.expect_comment("is not among them")
    assert carry_out(github, github.opened, model(DELETE), purse=bank.purse(job_of(github.opened))).review is not None
    github.forgive()


def test_the_pull_requests_bill_is_shown(bank: Bank, github: World) -> None:
    """The summary tells what the pull request has cost so far: earlier reviews, and the calls of this one."""
    bank.spend(job_of(github.opened), "0.60")
    pushed = github.push(github.pull, {"src/extra.py": "x = 1\n"})
    calls = []
    answers = model()

    def counted(prompts):
        calls.extend(prompts)
        return answers(prompts)

    bank.review(pushed, counted)
    assert calls
    github.expect_comment(f"${Decimal('0.60') + len(calls) * bank.price:.4f} on this pull request so far")
    github.expect_check("success")


def test_who_asks_is_told_of_rules_that_cannot_be_read(bank: Bank, github: World) -> None:
    """A command is answered in words, not with a failure that only the log knows."""

    def unreadable() -> OperatorRules:
        raise SettingsError("/etc/secret/operator.yml:3: 'x' is not an amount")

    bank.rules = unreadable
    asked = github.comment(github.pull, "/cost", by="alice")
    assert bank.review(asked, NEVER).state is JobEnding.FAILED
    body = github.expect_comment("operator cannot be read").body
    assert ("/cost" in body, "/etc" in body) == (True, False)
