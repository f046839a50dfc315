"""Stories of findings that are shown by running tests: with a review, on `/prove`, and committed on `/fix`."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from reviewer.demonstration.request import DemonstrationRequest
from reviewer.domain.change import Change
from reviewer.domain.findings import Review
from reviewer.domain.settings import Settings
from reviewer.llm.errors import ModelError
from reviewer.llm.messages import Ask, Prompt, Reply, Task
from reviewer.llm.usage import Attempt
from reviewer.tasks.conversation.layout import task_line
from tests.fakes.github import Delivery, World, faults
from tests.fixtures.scenarios import DEFAULT, DELETE, carry_out, model, watched
from tests.stories.test_tests import checkout, workspace
from webhooks.github.errors import GitHubUnavailable
from webhooks.github.repository import Pull
from webhooks.handling.handle import JobEnding, JobOutcome

__all__ = ["checkout"]

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

PROOF = """from src.cart import Cart


def test_removing_what_is_not_there():
    cart = Cart()
    cart.remove("pear")
    assert cart.items == {}
"""


POP = {"path": "src/cart.py", "quote": "del self.items[sku]", "replacement": "self.items.pop(sku, None)"}


def proving(*findings: dict[str, object], proof: str = PROOF, edits: Sequence[dict[str, str]] = ()) -> Ask:
    """Return a model that also writes a test and a fix of each finding, and agrees with the test."""
    other = model(*findings)
    bill = (Attempt("MiniMax-M2.1", "ok", 1000, 100),)

    def answer(prompt: Prompt) -> str | None:
        if prompt.task is Task.PROVE:
            return f'<test path="tests/test_cart_claim.py" covers="src/cart.py:27-27">\n{proof}</test>'
        if prompt.task is Task.FIX:
            return json.dumps({"edits": list(edits)})
        if task_line(prompt) == "# Task: verify (demonstration)":
            return json.dumps({"verdicts": [{"id": 1, "verdict": "confirmed", "reason": "remove() is harmless"}]})
        return None

    def ask(prompts: Sequence[Prompt]) -> list[Reply | ModelError]:
        return [
            Reply(text, model="MiniMax-M2.1", attempts=bill) if (text := answer(prompt)) else other([prompt])[0]
            for prompt in prompts
        ]

    return ask


def test_a_finding_is_posted_with_its_evidence(github: World, checkout: Path) -> None:
    """The comment has the badge, the command, the failing lines and the test; the suggestion says what still passes."""
    ask = proving(DELETE)
    carry_out(github, github.deliveries[-1], ask, demonstrate=workspace(checkout, ask).demonstrate)
    (comment,) = github.expect_review(comments=1).comments
    github.expect_check("neutral")
    github.expect_comment()
    assert "**demonstrated**" in comment.body
    assert "worked before this change" in comment.body
    assert "fixes it; " in comment.body
    assert "KeyError" in comment.body
    assert "test_removing_what_is_not_there" in comment.body
    assert "```suggestion\n        self.items.pop(sku, None)" in comment.body
    assert not (checkout / "tests" / "test_cart_claim.py").exists()


def test_a_suggestion_that_breaks_a_test_is_no_button(github: World, checkout: Path) -> None:
    """What does not make the failing test pass is advice, with what came of it."""
    ask = proving({**DELETE, "suggestion": "        del self.items[sku.lower()]"})
    carry_out(github, github.deliveries[-1], ask, demonstrate=workspace(checkout, ask).demonstrate)
    (comment,) = github.expect_review(comments=1).comments
    github.expect_check("neutral")
    github.expect_comment()
    assert "```suggestion" not in comment.body
    assert "Possible fix (it was run: the failing test does not pass with it" in comment.body


def test_the_app_demonstrates_nothing(github: World) -> None:
    """Without a checkout a review is what it was before, and asks nothing more."""
    outcome = carry_out(github, github.deliveries[-1], model(DELETE))
    assert outcome.state is JobEnding.REVIEWED
    (comment,) = github.expect_review(comments=1).comments
    github.expect_check("neutral")
    github.expect_comment()
    assert "demonstrated" not in comment.body


def test_a_thread_is_proved_when_asked_for(github: World, checkout: Path) -> None:
    """`/prove` answers in the thread with the badge, the command, the failing lines and the fix."""
    carry_out(github, github.deliveries[-1], model(DELETE))
    (first,) = github.expect_review(comments=1).comments
    github.expect_check("neutral")
    github.expect_comment()
    ask = proving(edits=[POP])
    asked = github.reply(first, "/prove", by="alice")
    outcome = carry_out(github, asked, ask, demonstrate=workspace(checkout, ask).demonstrate)
    assert outcome.state is JobEnding.ANSWERED, outcome
    answer = github.expect_review_comment("**demonstrated**")
    assert "worked before this change" in answer.body
    assert "KeyError" in answer.body
    assert "```suggestion\n        self.items.pop(sku, None)" in answer.body


def test_an_ordinary_fix_takes_two_calls(github: World, checkout: Path) -> None:
    """The suggestion of the comment is tried as the fix, at its lines as they are now; the model writes none."""
    carry_out(github, github.deliveries[-1], model(DELETE))
    (first,) = github.expect_review(comments=1).comments
    github.expect_check("neutral")
    github.expect_comment()
    head = (checkout / "src/cart.py").read_text()
    github.push(github.pull, {"src/cart.py": f'"""The cart."""\n\n\n{head}'})
    git = ["git", "-C", str(checkout)]
    subprocess.run([*git, "fetch", "-q", "origin", github.pull.head], check=True)
    subprocess.run([*git, "checkout", "-q", "FETCH_HEAD"], check=True)
    github.accept_permissions(github.installation, contents="write")
    ask, seen = watched(proving())
    carry_out(github, github.reply(first, "/fix", by="alice"), ask, demonstrate=workspace(checkout, ask).demonstrate)
    github.expect_review_comment("The fix and its test are in")
    github.expect_commit("Co-authored-by: alice")
    assert [prompt.task for prompt in seen] == [Task.PROVE, Task.VERIFY]


def test_the_app_says_why_it_proves_nothing(github: World) -> None:
    """Where nothing may be run, the answer says where it can."""
    carry_out(github, github.deliveries[-1], model(DELETE))
    (first,) = github.expect_review(comments=1).comments
    github.expect_check("neutral")
    github.expect_comment()
    carry_out(github, github.reply(first, "/prove", by="alice"), model())
    github.expect_review_comment("the App never runs code of a pull request")


def test_a_fix_is_committed_with_its_test(github: World, checkout: Path) -> None:
    """`/fix` commits what holds, on the head that was run, and names who asked; it does not do it twice."""
    carry_out(github, github.deliveries[-1], model(DELETE))
    (first,) = github.expect_review(comments=1).comments
    github.expect_check("neutral")
    github.expect_comment()
    github.accept_permissions(github.installation, contents="write")
    before = github.pull.head
    ask = proving(edits=[POP])
    asked = github.reply(first, "/fix", by="alice")
    carry_out(github, asked, ask, demonstrate=workspace(checkout, ask).demonstrate)
    github.expect_review_comment("The fix and its test are in")
    commit = github.expect_commit("Co-authored-by: alice")
    assert commit.sha == github.pull.head != before
    show = ["git", "-C", str(github.repo.git.path), "show"]
    for path, text in (("src/cart.py", b"self.items.pop(sku, None)"), ("tests/test_cart_claim.py", PROOF.encode())):
        done = subprocess.run([*show, f"{github.pull.head}:{path}"], check=True, capture_output=True)
        assert text in done.stdout


SECOND_PROOF = """from src.discounts import discount_for


def test_each_customer_has_the_discount():
    assert discount_for("WELCOME", 1) == 10
    assert discount_for("WELCOME", 1) == 10
"""

COPIED = {
    "path": "src/discounts.py",
    "quote": "    if code in used:",
    "replacement": "    used = list(used)\n    if code in used:",
}


def proving_both(findings: Sequence[dict[str, object]] = (DELETE, DEFAULT)) -> Ask:
    """Return a model that shows both findings by a test each, and writes the fix of the one without a suggestion."""
    first, second = proving(*findings), proving(*findings, proof=SECOND_PROOF, edits=[COPIED])

    def ask(prompts: Sequence[Prompt]) -> list[Reply | ModelError]:
        return [_of_second(second, prompt) if _is_second(prompt) else first([prompt])[0] for prompt in prompts]

    return ask


def _is_second(prompt: Prompt) -> bool:
    task = prompt.messages[-1].content
    return prompt.task in (Task.PROVE, Task.FIX) and str(DEFAULT["title"]) in task[task.rindex("# Task: ") :]


def _of_second(ask: Ask, prompt: Prompt) -> Reply | ModelError:
    reply = ask([prompt])[0]
    assert isinstance(reply, Reply)
    return replace(reply, text=reply.text.replace("test_cart_claim", "test_discount_claim"))


class Asker:
    """Gives `/fix` to a workflow whose pull request has both findings, and keeps what its runs showed.

    The runs are the same for the same findings of the same head, so they are made once for all stories.
    """

    known: dict[tuple[str, ...], Review] = {}  # noqa: RUF012

    def __init__(self, github: World, checkout: Path) -> None:
        self.github, self.checkout, self.runs = github, checkout, 0
        self.afterwards: Callable[[], object] = lambda: None
        allowed = {"contents": "write", "pull_requests": "write", "issues": "write", "checks": "write"}
        github.repo.actions_can_approve = True
        self.token = github.actions_token(github.repo, {**allowed, "metadata": "read"})
        carry_out(github, github.deliveries[-1], proving_both(), token=self.token)
        self.comments = github.expect_review(comments=2).comments
        github.forgive()

    def run(self, delivery: Delivery) -> JobOutcome:
        return carry_out(self.github, delivery, proving_both(), token=self.token, demonstrate=self.demonstrate)

    def fix(self, words: str, by: str = "alice") -> JobOutcome:
        return self.run(self.github.comment(self.github.pull, words, by=by))

    def demonstrate(
        self, review: Review, change: Change, settings: Settings, pull: Pull, request: DemonstrationRequest
    ) -> Review:
        self.runs += 1
        ask = proving_both()
        real = workspace(self.checkout, ask).demonstrate
        if pull.head_sha != git_out(self.checkout, "rev-parse", "HEAD").strip():
            return real(review, change, settings, pull, request)
        key = tuple(sorted(request.only))
        if key not in self.known:
            self.known[key] = real(review, change, settings, pull, request)
        self.afterwards()
        return self.known[key]


def git_out(folder: Path, *words: str) -> str:
    return subprocess.run(["git", "-C", str(folder), *words], check=True, capture_output=True, text=True).stdout


@pytest.fixture
def asker(github: World, checkout: Path) -> Asker:
    return Asker(github, checkout)


FIXED = {
    "src/cart.py": "self.items.pop(sku, None)",
    "src/discounts.py": "used = list(used)",
    "tests/test_cart_claim.py": PROOF,
    "tests/test_discount_claim.py": SECOND_PROOF,
}


def holds_the_fixes(github: World, sha: str) -> None:
    """Hold that the commit adds both fixes with their tests, and touches nothing else."""
    git = github.repo.git.path
    for path, text in FIXED.items():
        assert text.strip() in git_out(git, "show", f"{sha}:{path}")
    assert git_out(git, "diff", "--name-only", f"{sha}~1", sha).split() == sorted(FIXED)


def test_all_fixes_are_one_commit(asker: Asker) -> None:
    """`/fix all` commits both fixes with their tests on the head that was run: our author, the asker as co-author."""
    github, before = asker.github, asker.github.pull.head
    asker.fix("/fix all")
    answer = github.expect_comment("The fix and its tests are in")
    commit = github.expect_commit("Fix what the review found", branch="discounts")
    assert commit.sha == github.pull.head
    assert commit.user.login == "github-actions[bot]"
    alice = github.users["alice"]
    assert commit.body.endswith(f"\nCo-authored-by: alice <{alice.id}+alice@users.noreply.github.com>")
    assert github.repo.git.commit_info(commit.sha).parents == (before,)
    holds_the_fixes(github, commit.sha)
    assert answer.body.count("Demonstrated by a test") == 2
    assert "fixes it; " in answer.body


def test_fixes_come_as_a_stacked_pull_request(asker: Asker) -> None:
    """`/fix pull` opens one against the branch of the pull request, whose head stays where it is."""
    github, before = asker.github, asker.github.pull.head
    pull = github.pull
    asker.fix("/fix pull")
    answer = github.expect_comment("The fix and its tests are in #")
    commit = github.expect_commit("Co-authored-by: alice")
    opened = github.expect_pull("Fixes for #1")
    assert (opened.base_ref, opened.head, pull.head) == ("discounts", commit.sha, before)
    assert opened.issue.user.login == "github-actions[bot]"
    assert commit.branch.startswith(f"reviewer/fix-1-{before[:7]}-")
    assert f"in #{opened.number}:" in answer.body
    holds_the_fixes(github, commit.sha)


@pytest.mark.parametrize("words", ["/fix all", "/fix pull"])
def test_a_fix_by_the_app_is_refused_in_words(github: World, words: str) -> None:
    """The App runs nothing, so it commits nothing, and says where it can be done."""
    carry_out(github, github.deliveries[-1], model(DELETE))
    github.forgive()
    github.accept_permissions(github.installation, contents="write")
    before = github.pull.head
    carry_out(github, github.comment(github.pull, words, by="alice"), model())
    github.expect_comment("the App never runs code of a pull request")
    assert github.pull.head == before


def left_alone(asker: Asker, before: str) -> None:
    """Hold that no branch moved and none was added."""
    assert asker.github.repo.git.branches() == {**asker.github.repo.git.branches(), "discounts": before}
    assert sorted(asker.github.repo.git.branches()) == ["discounts", "main"]


@pytest.mark.parametrize(("words", "rule"), [("/fix all", "disc*"), ("/fix pull", "reviewer/*")])
def test_a_protected_branch_gets_no_fix(asker: Asker, words: str, rule: str) -> None:
    """Rules that refuse the commit or the branch are named with the other way to do it."""
    before = asker.github.pull.head
    asker.github.repo.protected.append(rule)
    asker.fix(words)
    answer = asker.github.expect_comment("**The fix was not committed.**")
    assert "/tests" not in answer.body
    assert ("`/fix pull` and `/fix`" in answer.body) == (words == "/fix all")
    left_alone(asker, before)


@pytest.mark.parametrize("words", ["/fix all", "/fix pull"])
def test_a_branch_that_moved_gets_no_fix(asker: Asker, words: str) -> None:
    """A push while the tests run is never overwritten, and the person is asked to try again."""
    asker.afterwards = lambda: asker.github.push(asker.github.pull, {"README.md": "# Mine\n"})
    asker.fix(words)
    answer = asker.github.expect_comment("The branch has new commits since the tests were run: ask for the fix again")
    assert "/tests" not in answer.body
    left_alone(asker, asker.github.pull.head)


@pytest.mark.parametrize("words", ["/fix all", "/fix pull"])
def test_a_fork_gets_no_fix_and_costs_nothing(asker: Asker, words: str) -> None:
    """A fork is never written to, so nothing is run for it either."""
    github = asker.github
    fork = github.fork(github.repo, "stan")
    fork.commit({"src/new.py": "x = 1\n"}, "Add", branch="feature")
    github.open_pull(github.repo, "feature", fork=fork, by="stan")
    asker.run(github.comment(github.repo.pulls[-1], words, by="alice"))
    github.expect_comment("comes from a fork, which is never written to")
    assert asker.runs == 0
    assert list(fork.git.branches()).count("feature") == 1


@pytest.mark.parametrize("words", ["/fix all", "/fix pull"])
@pytest.mark.parametrize("who", ["rita", "trixie", "stan"])
def test_who_may_not_write_gets_no_fix(asker: Asker, words: str, who: str) -> None:
    """Readers, triagers and strangers start nothing; the refusal is polite and runs nothing."""
    before = asker.github.pull.head
    assert asker.fix(words, by=who).reason == "no write permission"
    asker.github.forgive()
    assert asker.runs == 0
    left_alone(asker, before)


@pytest.mark.usefixtures("short_pauses")
@pytest.mark.parametrize("words", ["/fix all", "/fix pull"])
def test_a_fix_is_not_made_twice_after_a_kill(asker: Asker, words: str) -> None:
    """The job dies after its write, before its answer; the next run finds the work, runs nothing and answers."""
    github = asker.github
    asked = github.comment(github.pull, words, by="alice")
    fault = github.fault("PATCH /issues/comments/", faults.server_error(500), times=None)
    with pytest.raises(GitHubUnavailable):
        asker.run(asked)
    github.faults.remove(fault)
    commit = github.expect_commit("Co-authored-by: alice")
    opened = [github.expect_pull("Fixes for #1")] if words == "/fix pull" else []
    for _ in range(2):
        asker.run(asked)
    where = f"in #{opened[0].number}:" if opened else f"in {commit.sha[:7]}:"
    github.expect_comment(where)
    assert asker.runs == 1
    assert sum(b"createCommitOnBranch" in call.body for call in github.calls_to("POST /graphql$")) == 1
