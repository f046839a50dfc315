"""`/tests commit` and `/tests pull`: the real client against the double, with real commits behind it."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest

from reviewer.domain.findings import TestSuggestion
from tests.fakes.github import World, faults
from tests.fakes.github.model.git import Entry
from webhooks.github.credentials import Credentials
from webhooks.github.errors import RateLimited, WriteUncertain
from webhooks.github.repository import Repository, connect
from webhooks.publishing.suggested_tests.commit_tests import AddedTests, NotAdded, add_tests, is_own

PATH = "tests/test_discounts.py"
CODE = "def test_x():\n    assert True\n"
EVIDENCE = "5 of 5 runs; kills 11 of 13 mutants"
TEST = TestSuggestion(PATH, "src/discounts.py:6-14", CODE, EVIDENCE)
GRAPHQL = "POST /graphql"


@pytest.fixture
def github(github: World) -> World:
    """Give a world whose App may write contents, with one open pull request; what is left over fails the test."""
    github.installation.permissions |= {"contents": "write"}
    return github


def repository_of(github: World, token: str = "") -> Repository:
    if token:
        return connect(Credentials(github.url, token=token), github.repo.full_name)
    credentials = Credentials(github.url, app_id=str(github.app.id), private_key=github.app.private_key)
    return connect(credentials, github.repo.full_name, github.installation.id)


def ask(
    github: World, *tests: TestSuggestion, stacked: bool = False, job: str = "job-1", token: str = "", number: int = 1
) -> AddedTests | NotAdded:
    """Add the tests as a job does: it reads the pull request first."""
    repository = repository_of(github, token)
    return add_tests(repository, repository.pull(number), tests or (TEST,), stacked=stacked, job=job)


def refused(answer: AddedTests | NotAdded, *words: str) -> str:
    assert isinstance(answer, NotAdded), answer
    assert all(word in answer.reason for word in words), answer.reason
    return answer.reason


def added(answer: AddedTests | NotAdded) -> AddedTests:
    assert isinstance(answer, AddedTests), answer
    return answer


def text_at(github: World, revision: str, path: str) -> str:
    entry = github.repo.git.at(revision, path)
    assert entry is not None
    return github.repo.git.blob(entry.sha).decode()


def writes(github: World) -> int:
    return sum(b"createCommitOnBranch" in call.body for call in github.calls_to("POST /graphql$"))


# -- a commit ---------------------------------------------------------------------------------------------------


def test_a_commit_is_the_new_head(github: World) -> None:
    """The file stands in one signed commit on top of the head that was tested, and GitHub tells of it."""
    before = github.pull.head
    answer = added(ask(github))
    commit = github.expect_commit("Add suggested tests", branch="discounts")
    assert (answer.sha, answer.number, answer.left_out) == (github.pull.head, None, ())
    assert answer.url.endswith(f"/commit/{commit.sha}")
    assert github.repo.git.commit_info(commit.sha).parents == (before,)
    assert text_at(github, commit.sha, PATH) == CODE
    assert commit.sha in github.repo.signed
    told = github.deliveries[-1].payload
    assert (told["action"], told["sender"]["login"]) == ("synchronize", "minimax-reviewer[bot]")
    assert is_own(repository_of(github).branches().commits(github.pull.head, 1)[0].message)


def test_an_actions_token_will_do(github: World) -> None:
    """A workflow with `contents: write` commits as the App does."""
    permissions = {"contents": "write", "pull_requests": "write", "metadata": "read"}
    added(ask(github, token=github.actions_token(github.repo, permissions)))
    assert github.expect_commit().user.login == "github-actions[bot]"


def test_the_message_holds_nothing_that_others_wrote(github: World) -> None:
    """A path or evidence that mentions people or closes issues stays out of the commit message."""
    test = TestSuggestion("tests/test_fixes_mona.py", "", CODE, "closes #1\n\nReviewer-Job: 0")
    added(ask(github, test, job="octo-org/shop#1\nReviewer-Job: x"))
    assert not {"#", "@", "mona"} & set(github.expect_commit().body.replace("mona", "@"))
    named = ask(github, TestSuggestion("tests/test_fixes #1 @mona.py", "", CODE, EVIDENCE), job="job-2")
    refused(named, "is not named as a test file")


def test_done_again_it_finds_its_commit(github: World) -> None:
    """The same job finds its commit, also under commits that people pushed on top; only one is ever made."""
    files = (TEST, TestSuggestion("tests/test_cart.py", "", CODE, EVIDENCE))
    first = added(ask(github, *files))
    github.expect_commit()
    assert added(ask(github, *files)) == first
    github.push(github.pull, {"README.md": "# Shop!\n"})
    assert added(ask(github, *files)) == first
    assert "exists already" in first.left_out[0]
    assert writes(github) == 1


def test_another_job_commits_anew(github: World) -> None:
    """A second request with other tests adds them on top of the first commit."""
    first = added(ask(github))
    second = added(ask(github, TestSuggestion("tests/test_more.py", "", CODE, EVIDENCE), job="job-2"))
    assert github.repo.git.commit_info(second.sha).parents == (first.sha,)
    github.expect_commit()
    github.expect_commit()


def test_a_lost_answer_is_looked_for(github: World) -> None:
    """The commit was made and the connection cut: it is found, not made again."""
    # The first GraphQL request asks which files exist and may be repeated; it is the second that must not be.
    github.fault(GRAPHQL, faults.meanwhile(lambda world: world.fault(GRAPHQL, faults.reset_after())))
    answer = added(ask(github))
    assert answer.sha == github.expect_commit().sha == github.pull.head
    assert writes(github) == 1


@pytest.mark.parametrize("trouble", [faults.reset_before(), faults.html_error(502)])
def test_a_write_that_may_have_failed_is_left_to_the_next_run(github: World, trouble: faults.Trouble) -> None:
    """Nothing was made and nobody knows: it is said so, and the repeated job makes it, once."""
    github.fault(GRAPHQL, faults.meanwhile(lambda world: world.fault(GRAPHQL, trouble)))
    with pytest.raises(WriteUncertain):
        ask(github)
    assert added(ask(github)).sha == github.expect_commit().sha


def test_a_push_in_between_is_never_overwritten(github: World) -> None:
    """The head moves just before the commit: GitHub refuses it and the person is told to ask again."""

    def push(world: World) -> None:
        world.fault(GRAPHQL, faults.meanwhile(lambda it: it.push(it.pull, {"README.md": "# Mine\n"})))

    github.fault(GRAPHQL, faults.meanwhile(push))
    refused(ask(github), "new commits since", "ask for the tests again")
    assert text_at(github, github.pull.head, "README.md") == "# Mine\n"
    assert github.repo.git.at(github.pull.head, PATH) is None


def test_the_commit_names_the_head_that_was_tested(github: World) -> None:
    """A push right after our last look at the branch is not taken for the head that was tested."""

    @contextmanager
    def then_push(world: World, _request: object) -> Iterator[None]:
        yield
        world.push(world.pull, {"README.md": "# Mine\n"})

    last_look = faults.Trouble("push after the look", around=then_push)
    github.fault("GET /git/ref/", faults.meanwhile(lambda world: world.fault("GET /git/ref/", last_look)))
    refused(ask(github), "new commits since")
    assert writes(github) == 1
    assert github.repo.git.at(github.pull.head, PATH) is None


def test_a_head_that_moved_before_is_refused_without_a_write(github: World) -> None:
    """Tests that were run on another head than the branch has are not committed, in either way."""
    repository = repository_of(github)
    pull = repository.pull(1)
    github.push(github.pull, {"README.md": "# Mine\n"})
    for stacked in (False, True):
        refused(add_tests(repository, pull, [TEST], stacked=stacked, job="j"), "new commits since")
    assert writes(github) == 0
    assert sorted(github.repo.git.branches()) == ["discounts", "main"]


def test_a_deleted_branch_is_told_of(github: World) -> None:
    """A branch that is gone takes no commit; a pull request that is closed neither."""
    repository = repository_of(github)
    pull = repository.pull(1)
    github.repo.git.delete_ref("refs/heads/discounts")
    for stacked in (False, True):
        refused(add_tests(repository, pull, [TEST], stacked=stacked, job="j"), "branch was deleted")
    github.close(github.pull)
    refused(ask(github), "not open")


def test_a_fork_is_never_written_to(github: World) -> None:
    """A pull request from a fork, or from one that was deleted, is refused before anything else is asked."""
    fork = github.fork(github.repo, "stan")
    fork.commit({"src/new.py": "x = 1\n"}, "Add", branch="feature")
    github.open_pull(github.repo, "feature", fork=fork, by="stan")
    before = len(github.calls_to())
    refused(ask(github, number=2), "fork")
    github.delete_fork(github.pull)
    refused(ask(github, number=2, stacked=True), "no longer exists")
    assert all(call.method == "GET" or "access_tokens" in call.path for call in github.calls_to()[before:])


def test_a_renamed_repository_is_no_fork(github: World) -> None:
    """Under its former name the repository is still known as its own."""
    repository = repository_of(github)
    github.rename_repository(github.repo, "store")
    added(add_tests(repository, repository.pull(1), [TEST], stacked=False, job="j"))
    github.expect_commit()


@pytest.mark.parametrize("stacked", [False, True])
def test_a_missing_permission_is_named(github: World, *, stacked: bool) -> None:
    """Without `contents: write` nothing is written, and the sentence says what to grant."""
    github.installation.permissions |= {"contents": "read"}
    refused(ask(github, stacked=stacked), "`contents: write`")
    assert sorted(github.repo.git.branches()) == ["discounts", "main"]


def test_an_archived_repository_is_told_of(github: World) -> None:
    """Nothing is written into an archived repository."""
    github.repo.archived = True
    refused(ask(github), "archived")
    refused(ask(github, stacked=True), "archived")


def test_a_protected_branch_stays_as_it_is(github: World) -> None:
    """GitHub's own words come with the refusal, as code."""
    before = github.pull.head
    github.repo.protected.append("disc*")
    refused(ask(github), "is protected", "`Protected branch update failed", "`/tests pull`")
    assert github.pull.head == before


def test_a_limit_is_no_refusal(github: World) -> None:
    """A rate limit, which GraphQL tells with status 200, is an error that goes better later."""
    limit = b'{"data": null, "errors": [{"type": "RATE_LIMITED", "message": "API rate limit exceeded"}]}'
    reply = faults.Trouble("GraphQL limit", faults.Reply(200, limit))
    # The first GraphQL request is the look at the files; the limit meets the commit.
    github.fault(GRAPHQL, faults.meanwhile(lambda world: world.fault(GRAPHQL, reply, times=None)))
    with pytest.raises(RateLimited):
        ask(github)


# -- what may be added ------------------------------------------------------------------------------------------

UNSAFE = [
    "", "/etc/passwd", "../x.py", "tests/../../x.py", "tests//x.py", "tests/", "./x.py", ".git/hooks/pre-commit",
    "tests/.GIT/config", ".github/workflows/test.yml", ".Github/workflows/test.yml", "tests/.gitattributes",
    "git~1/config", "tests\\x.py", "C:/x.py", "tests/x\u202e.py", "tests/x\n.py", "tests/x.py ", "a" * 401,
]  # fmt: skip


@pytest.mark.parametrize("path", UNSAFE)
def test_a_path_that_leads_elsewhere_is_never_written(github: World, path: str) -> None:
    """Whatever the path, GitHub is not asked to write it; the other file still goes."""
    answer = added(ask(github, TestSuggestion(path, "", CODE, EVIDENCE), TEST))
    assert len(answer.left_out) == 1
    assert github.expect_commit().files == (PATH,)


def test_what_exists_is_named_and_the_rest_goes(github: World) -> None:
    """What exists, lies under a file or a link, is a twin, or was not run is left out by name."""
    github.push(github.pull, {"link": Entry("/etc", "120000")})
    others = {
        "tests/test_cart.py": "exists already",
        "src": "is of a language whose tests the reviewer does not write",
        "README.md/test_x.py": "`README.md` is a file",
        "link/test_x.py": "`link` is a link",
        PATH.replace("_d", "_D"): "is suggested twice",
    }
    tests = [TEST, *(TestSuggestion(path, "", CODE, EVIDENCE) for path in others)]
    tests += [TestSuggestion("tests/a.py", "", CODE), TestSuggestion("tests/b.py", "", "x = '\u202e'\n", EVIDENCE)]
    answer = added(ask(github, *tests))
    said = [
        f"`{path}` {'cannot be created: ' if 'a file' in why or 'a link' in why else ''}{why}"
        for path, why in others.items()
    ]
    assert list(answer.left_out) == [
        *said,
        "`tests/a.py` was not run",
        "`tests/b.py` contains invisible characters",
    ]
    assert github.expect_commit().files == (PATH,)


def test_nothing_to_add_is_said(github: World) -> None:
    """Where no file may go, nothing is written and each reason is told."""
    there = TestSuggestion("tests/test_cart.py", "", CODE, EVIDENCE)
    for stacked in (False, True):
        refused(ask(github, there, stacked=stacked), "None of the tests", "`tests/test_cart.py` exists already")
    assert sorted(github.repo.git.branches()) == ["discounts", "main"]


def update_of(path: str, code: str = CODE, *, add: str = "assert True") -> TestSuggestion:
    """Return an update of an existing test, as it is proven: the whole file, and its diff."""
    patch = f"--- a/{path}\n+++ b/{path}\n@@ -1 +1 @@\n-assert 1 == 2\n+{add}\n"
    return TestSuggestion(path, "src/cart.py:1-2", code, "updates `test_x`: passes in 4 of 4 runs", patch=patch)


def test_an_update_is_proposed_and_never_committed_at_once(github: World) -> None:
    """It changes what people demand of their code: into a pull request of its own, whose diff is read before."""
    update = update_of("tests/test_cart.py", 'def test_x():\n    """..."""\n    assert True\n')
    answer = added(ask(github, update, TEST))
    assert github.expect_commit().files == (PATH,)
    (told,) = answer.left_out
    assert told.startswith(
        "`tests/test_cart.py` changes an existing test, which is left to you: `/tests pull` proposes"
    )
    refused(ask(github, update, job="job-2"), "None of the tests can be added", "`/tests pull` proposes it")
    answer = added(ask(github, update, stacked=True))
    assert github.expect_commit().files == ("tests/test_cart.py",)
    assert text_at(github, answer.sha, "tests/test_cart.py") == update.code
    assert "updates `test_x`" in (github.expect_pull("Tests suggested for #1").issue.body or "")


UPDATES = [
    (update_of("tests/test_gone.py"), "`tests/test_gone.py` is not a file of the repository at that commit"),
    (update_of("link/test_x.py"), "`link/test_x.py` is not a file"),
    (update_of("src/cart.py"), "`src/cart.py` is not named as a test file"),
    (update_of("tests/../src/cart.py"), "is not a path that the reviewer writes to"),
    (update_of("tests/test_cart.py", "x = '\u202e'\n"), "contains invisible characters"),
    (update_of("tests/test_cart.py", add="# ... the rest is unchanged"), "`tests/test_cart.py` leaves code out"),
    (replace(TEST, path="tests/test_cart.py"), "`tests/test_cart.py` exists already"),
]


def test_an_update_has_the_guards_of_a_new_file(github: World) -> None:
    """Only a file that is there, as a plain file of tests, is changed; a new file never takes the place of one."""
    github.push(github.pull, {"link": Entry("/etc", "120000")})
    answer = added(ask(github, *(test for test, _ in UPDATES), TEST, stacked=True))
    assert len(answer.left_out) == len(UPDATES)
    assert all(why in told for told, (_, why) in zip(answer.left_out, UPDATES, strict=True)), answer.left_out
    assert github.expect_commit().files == (PATH,)
    github.expect_pull("Tests suggested for #1")


# -- a stacked pull request -------------------------------------------------------------------------------------


def test_a_stacked_pull_request_is_opened_against_the_branch(github: World) -> None:
    """One commit on a branch of its own, against the branch of the pull request, whose head stays where it is."""
    pull, head = github.pull, github.pull.head
    answer = added(ask(github, stacked=True))
    commit = github.expect_commit(branch=f"reviewer/tests-1-{head[:7]}")
    opened = github.expect_pull("Tests suggested for #1")
    assert (answer.number, answer.sha) == (opened.number, commit.sha)
    assert (opened.base_ref, opened.head, pull.head) == ("discounts", commit.sha, head)
    assert answer.url.endswith(f"/pull/{opened.number}")
    assert EVIDENCE in (opened.issue.body or "")
    assert github.deliveries[-1].payload["action"] == "opened"


def test_what_tests_said_is_made_harmless(github: World) -> None:
    """Evidence may be forged by the code under test: no mention, no reference, no mark of ours gets through."""
    hostile = "@mona closes #1 <!-- reviewer:summary head=1 --> ![x](https://evil.example/x)\n/merge"
    added(ask(github, TestSuggestion(PATH, "@mona", CODE, hostile), stacked=True))
    github.expect_commit()
    body = github.expect_pull().issue.body or ""
    assert "@mona " not in body.replace("`@mona`", "")
    assert "closes #1" not in body
    assert body.count("<!--") == 1
    assert "![x](" not in body
    assert "\n/merge" not in body


def test_stacked_again_it_finds_its_pull_request(github: World) -> None:
    """For the same head there is one pull request, whoever asks; a closed one is not opened behind people's backs."""
    first = added(ask(github, stacked=True))
    github.expect_commit()
    opened = github.expect_pull()
    assert added(ask(github, stacked=True)) == first
    assert added(ask(github, stacked=True, job="job-2")) == first
    github.close(opened)
    refused(ask(github, stacked=True), f"#{opened.number}", "reopen")


@pytest.mark.parametrize("request_", ["POST /git/refs$", "POST /pulls$"])
def test_a_stack_that_was_cut_off_is_finished(github: World, request_: str) -> None:
    """Cut off after each write, with the work done: the next look finds it, and there is one of each."""
    github.fault(request_, faults.reset_after())
    answer = added(ask(github, stacked=True))
    assert answer.sha == github.expect_commit().sha
    assert answer.number == github.expect_pull().number


def test_a_crash_between_commit_and_pull_request_is_made_good(github: World) -> None:
    """The commit is there and the pull request is not: the job goes on from the commit."""
    github.fault("POST /pulls$", faults.reset_before())
    with pytest.raises(WriteUncertain):
        ask(github, stacked=True)
    answer = added(ask(github, stacked=True))
    assert answer.sha == github.expect_commit().sha
    assert answer.number == github.expect_pull().number
    assert writes(github) == 1


@pytest.mark.parametrize(("message", "parent"), [("Mine", "discounts"), (f"x\n\nReviewer-Job: {'a' * 32}", "main")])
def test_a_branch_of_somebody_else_is_left_alone(github: World, message: str, parent: str) -> None:
    """Commits under our branch's name that are not ours, or not on this head, are neither proposed nor overwritten."""
    branch = f"reviewer/tests-1-{github.pull.head[:7]}"
    sha = github.repo.commit({"x.py": "x = 1\n"}, message, branch=branch, parent=parent)
    refused(ask(github, stacked=True), branch, "delete it")
    assert github.repo.head(branch) == sha


def test_a_refused_pull_request_leaves_no_branch(github: World) -> None:
    """Actions that may not open pull requests leave nothing behind, and the setting is named."""
    token = github.actions_token(github.repo, {"contents": "write", "pull_requests": "write", "metadata": "read"})
    refused(ask(github, stacked=True, token=token), "Settings, Actions", "`/tests commit`")
    github.expect_commit()
    assert sorted(github.repo.git.branches()) == ["discounts", "main"]


def test_protected_names_are_told_of(github: World) -> None:
    """Where rules forbid our branch, or a commit on it, the refusal says so and nothing stays behind."""
    github.repo.protected.append("reviewer/*")
    refused(ask(github, stacked=True), "Reference update failed")
    github.repo.protected.clear()
    protect = faults.meanwhile(lambda world: world.repo.protected.append("reviewer/*"))
    github.fault(GRAPHQL, faults.meanwhile(lambda world: world.fault(GRAPHQL, protect)))
    refused(ask(github, stacked=True), "is protected")
    assert sorted(github.repo.git.branches()) == ["discounts", "main"]


# -- our own commits --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("message", "own"),
    [
        (f"Add suggested tests\n\nThey were run.\n\nReviewer-Job: {'a' * 32}", True),
        (f"Tests (#3)\n\nReviewer-Job: {'a' * 32}\nCo-authored-by: a <a@b>", True),
        ("Merge pull request #3 from octo-org/reviewer/tests-1-0123abc\n\nTests suggested for #1", True),
        ("Merge pull request #3 from octo-org/feature\n\nMore", False),
        (f"Quote it\n\nReviewer-Job: {'a' * 32}\n\nand go on", False),
        ("Reviewer-Job: x", False),
        ("", False),
    ],
)
def test_our_own_heads_are_known_by_their_message(message: str, *, own: bool) -> None:
    """The trailer counts at the end only; a merge of a stacked pull request of ours counts too."""
    assert is_own(message) is own


# -- the double -------------------------------------------------------------------------------------------------


def test_the_double_refuses_what_github_refuses(github: World) -> None:
    """Bad refs, a workflow file without its permission, and a second pull request from one branch are refused."""
    query = "mutation($i: CreateCommitOnBranchInput!) { createCommitOnBranch(input: $i) { commit { oid } } }"
    head = github.pull.head
    given = {
        "branch": {"repositoryNameWithOwner": "octo-org/shop", "branchName": "discounts"},
        "expectedHeadOid": head,
        "message": {"headline": "x"},
        "fileChanges": {
            "additions": [{"path": ".github/workflows/x.yml", "contents": base64.b64encode(b"x").decode()}]
        },
    }
    with github.client(github.token()) as api:
        refs = "/repos/octo-org/shop/git/refs"
        assert api.post(refs, json={"ref": "x", "sha": head}).status_code == 422
        assert api.post(refs, json={"ref": "refs/heads/main", "sha": head}).json()["message"].endswith("already exists")
        assert api.post(refs, json={"ref": "refs/heads/main/x", "sha": head}).status_code == 422
        assert api.post(refs, json={"ref": "refs/heads/x", "sha": "0" * 40}).status_code == 422
        answer = api.post("/graphql", json={"query": query, "variables": {"i": given}}).json()
        assert answer["errors"][0]["type"] == "FORBIDDEN"
        again = {"title": "x", "head": "discounts", "base": "main"}
        errors = api.post("/repos/octo-org/shop/pulls", json=again).json()["errors"]
        assert errors[0]["message"] == "A pull request already exists for octo-org:discounts."
    assert github.pull.head == head
