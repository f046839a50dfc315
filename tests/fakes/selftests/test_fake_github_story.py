"""The double of GitHub as a stage: acts and their deliveries, faults, GraphQL, and the end where nothing is left."""

from __future__ import annotations

import hashlib
import hmac
import queue
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import github as pygithub
import httpx
import jwt
import pytest
import requests

from tests.fakes.github import Delivery, LeftOver, NotMet, World, default_world, faults

REPO = "/repos/octo-org/shop"
PULL = f"{REPO}/pulls/1"
COMMENTS = f"{REPO}/issues/1/comments"


class Receiver(ThreadingHTTPServer):
    """A webhook receiver that keeps what it gets and answers with the status it is told to."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Receive)
        self.got: queue.SimpleQueue[tuple[dict[str, str], bytes]] = queue.SimpleQueue()
        self.status = 202
        self.url = f"http://127.0.0.1:{self.server_port}/webhooks"

    def next(self) -> tuple[dict[str, str], bytes]:
        """Return the next request; waits for it, at most ten seconds."""
        return self.got.get(timeout=10)


class _Receive(BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.got.put((dict(self.headers), body))
        self.send_response(self.server.status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


# -- deliveries ---------------------------------------------------------------------------------------------------


def test_a_delivery_is_signed_over_its_bytes(github: World, receiver: Receiver) -> None:
    """JSON or form, the signature is the HMAC of exactly the bytes that are sent, under one GUID."""
    delivery = github.push(github.pull, {"NEWS.md": "\u00fc"})
    for sent in (delivery, delivery.form_encoded()):
        assert sent.post(receiver.url).status_code == 202
        headers, body = receiver.next()
        digest = hmac.new(github.hook.secret.encode(), body, hashlib.sha256).hexdigest()
        assert headers["X-Hub-Signature-256"] == f"sha256={digest}"
        assert (headers["X-GitHub-Event"], headers["X-GitHub-Delivery"]) == ("pull_request", delivery.guid)
        assert sent.payload == delivery.payload
    assert delivery.payload["after"] == github.pull.head
    assert "X-Hub-Signature-256" not in delivery.signed_with(None).headers


@pytest.mark.slow
def test_github_own_vector() -> None:
    """The signature agrees with the example in GitHub's documentation."""
    with World(secret="It's a Secret to Everybody") as world:
        bare = Delivery("g", "ping", None, {"Content-Type": "application/json"}, b"Hello, World!", world.log)
        signed = bare.signed_with(world.hook.secret).headers["X-Hub-Signature-256"]
    assert signed == "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"


def test_pull_request_payloads_follow_the_state(github: World) -> None:
    """Each act's payload shows the state after it, with before and after, changes and a null repository."""
    pull, before = github.pull, github.pull.head
    pushed = github.push(pull, {"NEWS.md": "x\n"}).payload
    assert (pushed["action"], pushed["before"], pushed["after"]) == ("synchronize", before, pull.head)
    assert pushed["pull_request"]["changed_files"] == 7
    assert pushed["installation"]["id"] == github.installation.id
    edited = github.edit(pull, title="New title").payload
    assert (edited["changes"]["title"]["from"], edited["pull_request"]["title"]) == ("Add discount codes", "New title")
    assert github.convert_to_draft(pull).payload["pull_request"]["draft"] is True
    assert github.merge(pull).payload["pull_request"]["merged"] is True
    assert github.repo.head() == pull.merge_commit
    fork = github.fork(github.repo, "stan")
    fork.commit({"FORK.md": "x\n"}, "Fork", branch="topic")
    other = github.open_pull(github.repo, "topic", fork=fork, by="stan").subject
    github.delete_fork(other)
    assert github.comment(other, "?").payload["issue"]["pull_request"]["url"].endswith("/pulls/2")
    assert github.close(other).payload["pull_request"]["head"]["repo"] is None


def test_an_apps_comment_is_told_to_the_app(github: World, api: httpx.Client) -> None:
    """What the App writes comes back as a delivery whose sender is a Bot: the loop a reviewer must not enter."""
    api.post(COMMENTS, json={"body": "/review"})
    delivery = github.deliveries[-1]
    assert (delivery.event, delivery.payload["sender"]["type"]) == ("issue_comment", "Bot")
    assert delivery.payload["comment"]["performed_via_github_app"]["slug"] == "minimax-reviewer"
    github.expect_comment("/review", by="minimax-reviewer[bot]")


def test_automatic_deliveries_and_redelivery(github: World, receiver: Receiver) -> None:
    """With an automatic hook acts are sent in order, failures are listed, and one can be sent again."""
    github.hook.url, github.hook.automatic, receiver.status = receiver.url, True, 500
    guids = [github.comment(github.pull, text).guid for text in ("one", "two")]
    assert [receiver.next()[0]["X-GitHub-Delivery"] for _ in guids] == guids
    now = int(github.now())
    claims = {"iss": github.app.client_id, "iat": now - 60, "exp": now + 300}
    token = jwt.encode(claims, github.app.private_key, algorithm="RS256")
    with github.client(token) as app:
        github.wait_until(lambda: len(github.log.attempts) == 2, "two attempts")
        failed = app.get("/app/hook/deliveries", params={"status": "failure", "per_page": "1"})
        assert [item["guid"] for item in failed.json()] == guids[1:]
        older = app.get(failed.links["next"]["url"]).json()
        assert [(item["guid"], item["status_code"]) for item in older] == [(guids[0], 500)]
        receiver.status = 202
        assert app.post(f"/app/hook/deliveries/{older[0]['id']}/attempts").status_code == 202
        assert receiver.next()[0]["X-GitHub-Delivery"] == guids[0]
        github.wait_until(lambda: len(github.log.attempts) == 3, "three attempts")
        latest = app.get("/app/hook/deliveries").json()[0]
        assert (latest["guid"], latest["redelivery"], latest["status"]) == (guids[0], True, "OK")


def test_suspended_installations_get_nothing(github: World, receiver: Receiver) -> None:
    """While suspended only the installation events are sent."""
    github.hook.url, github.hook.automatic = receiver.url, True
    github.suspend(github.installation)
    github.comment(github.pull, "Anybody there?")
    github.unsuspend(github.installation)
    github.comment(github.pull, "Hello")
    got = [receiver.next()[0]["X-GitHub-Event"] for _ in range(3)]
    assert got == ["installation", "installation", "issue_comment"]


# -- faults -------------------------------------------------------------------------------------------------------


def test_answers_that_are_not_githubs_own(github: World, api: httpx.Client) -> None:
    """Errors come once each, in the order they were asked for, and then the route answers again."""
    github.fault("GET /pulls/1$", faults.html_error(502))
    github.fault("GET /pulls/1$", faults.server_error(500))
    github.fault("GET /pulls/1$", faults.not_available(422))
    github.fault("GET /pulls/1$", faults.too_large())
    github.fault("GET /pulls/1$", faults.primary_limit(90))
    answers = [api.get(PULL) for _ in range(6)]
    assert [answer.status_code for answer in answers] == [502, 500, 422, 406, 403, 200]
    assert answers[0].headers["Content-Type"].startswith("text/html")
    assert answers[2].json()["errors"][0]["code"] == "not_available"
    reset = int(answers[4].headers["X-RateLimit-Reset"]) - github.now()
    assert (answers[4].headers["X-RateLimit-Remaining"], 80 < reset <= 91) == ("0", True)


def test_secondary_limits_in_their_three_forms(github: World, api: httpx.Client) -> None:
    """The secondary limit comes as 403, 429 or 422, with Retry-After or without, and stores nothing."""
    github.fault(f"POST {COMMENTS}", faults.secondary_limit(403, retry_after=7))
    github.fault(f"POST {COMMENTS}", faults.secondary_limit(429))
    github.fault(f"POST {COMMENTS}", faults.abuse())
    answers = [api.post(COMMENTS, json={"body": "x"}) for _ in range(3)]
    assert [(one.status_code, one.headers.get("Retry-After")) for one in answers] == [
        (403, "7"),
        (429, None),
        (422, None),
    ]
    assert answers[2].json()["errors"][0]["code"] == "abuse"
    assert not github.pull.issue.comments


def test_a_connection_cut_before_or_after_the_work(github: World) -> None:
    """Cut before, nothing was written; cut after, it was: the client cannot tell them apart."""
    github.fault(f"POST {COMMENTS}", faults.reset_before())
    github.fault(f"POST {COMMENTS}", faults.reset_after())
    headers = {"Authorization": f"Bearer {github.token()}"}
    for stored in (0, 1):
        with pytest.raises(requests.ConnectionError):
            requests.post(f"{github.url}{COMMENTS}", json={"body": "x"}, headers=headers, timeout=10)
        assert len(github.pull.issue.comments) == stored
    assert [call.status for call in github.calls_to(f"POST {COMMENTS}")] == [0, 0]
    github.expect_comment("x")


def test_slow_and_held_answers(github: World, api: httpx.Client) -> None:
    """A slow answer outlasts the client's patience; a held one comes when the test lets it go."""
    github.fault("GET /meta", faults.slow(30))
    with pytest.raises(httpx.ReadTimeout):
        api.get("/meta", timeout=0.05)
    gate = threading.Event()
    github.fault("GET /rate_limit", faults.hold(gate))
    done: queue.SimpleQueue[int] = queue.SimpleQueue()
    thread = threading.Thread(target=lambda: done.put(api.get("/rate_limit").status_code))
    thread.start()
    assert done.empty()
    gate.set()
    assert done.get(timeout=10) == 200
    thread.join()


def test_the_head_moves_between_two_requests(github: World, api: httpx.Client) -> None:
    """An act can happen just before a certain request; and for a moment GitHub can still show the older head."""
    first = github.pull.head
    github.fault("GET /pulls/1/files", faults.meanwhile(lambda world: world.push(world.pull, {"NEWS.md": "x\n"})))
    assert api.get(PULL).json()["head"]["sha"] == first
    assert len(api.get(f"{PULL}/files").json()) == 7
    github.fault("GET /pulls/1$", faults.stale_head())
    assert [api.get(PULL).json()["head"]["sha"] for _ in range(2)] == [first, github.pull.head]


# -- nothing left over --------------------------------------------------------------------------------------------


def post(world: World, url: str, **body: Any) -> None:
    with world.client(world.token()) as api:
        assert api.post(url, json=body).is_success


def comment(world: World) -> None:
    post(world, COMMENTS, body="Surprise")


def review(world: World) -> None:
    post(world, f"{PULL}/reviews", event="COMMENT", body="Surprise")


def check(world: World) -> None:
    post(world, f"{REPO}/check-runs", name="reviewer", head_sha=world.pull.head)


def second_edit(world: World) -> None:
    comment(world)
    said = world.expect_comment("Surprise")
    with world.client(world.token()) as api:
        api.patch(f"{REPO}/issues/comments/{said.id}", json={"body": "Changed"})


def fault(world: World) -> None:
    world.fault("GET /pulls", faults.html_error())


def unknown(world: World) -> None:
    with world.client() as api:
        api.get("/nowhere")


def broken(world: World) -> None:
    world.pull.heads.append("0" * 40)
    with world.client(world.token()) as api:
        assert api.get(PULL).status_code == 500


@pytest.mark.parametrize(
    ("act", "message"),
    [
        (comment, "unexpected comment (created) by minimax-reviewer[bot]: Surprise"),
        (review, "unexpected review (created) by minimax-reviewer[bot]: Surprise"),
        (check, "unexpected check run (created): check run reviewer"),
        (second_edit, "unexpected comment (edited) by minimax-reviewer[bot]: Changed"),
        (fault, "a fault that met no request: HTML 502 for GET /pulls"),
        (unknown, "violation: no such endpoint: GET /nowhere"),
        (broken, "violation: the double failed at GET /repos/octo-org/shop/pulls/1:"),
    ],
)
def test_what_nobody_expected_fails_the_story(act: Callable[[World], None], message: str) -> None:
    """An unexpected write, an unused fault or a call to nowhere fails a test that never mentions it."""
    with pytest.raises(LeftOver) as failed, default_world() as world:
        act(world)
    assert message in str(failed.value)


@pytest.mark.slow
def test_an_error_of_the_test_is_not_hidden() -> None:
    """When the story itself fails, that error comes out and not what was left over."""

    def story() -> None:
        with default_world() as world:
            comment(world)
            raise ValueError("the real one")

    with pytest.raises(ValueError, match="the real one"):
        story()


def test_waiting_in_vain_shows_the_conversation(github: World) -> None:
    """An expectation that is not met in time says what was said and asked instead."""
    github.comment(github.pull, "Is anybody there?", by="rita")
    with pytest.raises(NotMet) as failed:
        github.expect_review("anything", within=0.01)
    assert "rita: Is anybody there?" in str(failed.value)


def test_an_expectation_waits_for_what_comes(github: World) -> None:
    """What is written by another thread later is found, without polling."""
    gate = threading.Event()
    github.fault(f"POST {COMMENTS}", faults.hold(gate))
    thread = threading.Thread(target=comment, args=(github,))
    thread.start()
    gate.set()
    assert github.expect_comment("Surprise", on=github.pull).body == "Surprise"
    thread.join()
    assert len(github.expect_call(f"POST {COMMENTS}")) == 1


# -- GraphQL ------------------------------------------------------------------------------------------------------

THREADS = """query($number: Int!, $after: String) {
  repository(owner: "octo-org", name: "shop") { pullRequest(number: $number) {
    reviewThreads(first: 1, after: $after) {
      totalCount pageInfo { hasNextPage endCursor }
      nodes { id isResolved isOutdated path line diffSide resolvedBy { login }
              comments(first: 10) { nodes { fullDatabaseId body author { login __typename } } } } } } } }"""


def graphql(api: httpx.Client, query: str, **variables: Any) -> dict[str, Any]:
    return api.post("/graphql", json={"query": query, "variables": variables}).json()


def test_blobs_by_aliases(github: World, api: httpx.Client) -> None:
    """Several files come in one query; a missing one is null, a binary one has no text."""
    blob = "... on Blob { text isBinary isTruncated byteSize oid }"
    query = f"""query($owner: String!, $name: String!, $a: String!, $b: String!, $c: String!) {{
      repository(owner: $owner, name: $name) {{
        f0: object(expression: $a) {{ {blob} }} f1: object(expression: $b) {{ {blob} }}
        f2: object(expression: $c) {{ {blob} }} }} }}"""
    names = {"a": f"{github.pull.head}:README.md", "b": "main:nope", "c": "main:assets/logo.png"}
    found = graphql(api, query, owner="octo-org", name="shop", **names)["data"]["repository"]
    assert (found["f0"]["text"], found["f0"]["isBinary"]) == ("# Shop\n\nA small shop.\n", False)
    assert found["f1"] is None
    assert (found["f2"]["text"], found["f2"]["isBinary"], found["f2"]["byteSize"]) == (None, True, 20)


def test_review_threads_page_by_page(github: World, api: httpx.Client) -> None:
    """Threads come with their comments and state, a page at a time."""
    first = github.review_comment(github.pull, "One", by="mona", path="src/cart.py", line=3).subject
    github.review_comment(github.pull, "Two", by="rita", path="src/discounts.py", line=1)
    github.resolve(first.thread, by="alice")
    page = graphql(api, THREADS, number=1)["data"]["repository"]["pullRequest"]["reviewThreads"]
    node = page["nodes"][0]
    assert (page["totalCount"], page["pageInfo"]["hasNextPage"]) == (2, True)
    assert (node["isResolved"], node["line"], node["resolvedBy"]) == (True, 3, {"login": "alice"})
    assert node["comments"]["nodes"][0]["author"] == {"login": "mona", "__typename": "User"}
    after = page["pageInfo"]["endCursor"]
    page = graphql(api, THREADS, number=1, after=after)["data"]["repository"]["pullRequest"]["reviewThreads"]
    assert [node["path"] for node in page["nodes"]] == ["src/discounts.py"]
    assert page["pageInfo"]["hasNextPage"] is False


def test_resolving_takes_write_access_to_contents(github: World, api: httpx.Client) -> None:
    """With contents: read a thread is not resolved but FORBIDDEN; with contents: write it is, and told of."""
    thread = github.review_comment(github.pull, "One", by="mona", path="src/cart.py", line=3).subject.thread
    query = "mutation($id: ID!) { resolveReviewThread(input: {threadId: $id}) { thread { isResolved } } }"
    refused = graphql(api, query, id=thread.node_id)
    assert refused["data"] == {"resolveReviewThread": None}
    assert refused["errors"][0]["type"] == "FORBIDDEN"
    assert refused["errors"][0]["message"] == "Resource not accessible by integration"
    github.accept_permissions(github.installation, contents="write")
    with github.client(github.token()) as mighty:
        assert graphql(mighty, query, id=thread.node_id)["data"]["resolveReviewThread"]["thread"]["isResolved"]
    github.expect_resolved(thread)
    assert github.deliveries[-1].event == "pull_request_review_thread"


def test_replies_and_minimizing(github: World, api: httpx.Client) -> None:
    """A reply in a thread and the hiding of a comment work with pull_requests: write."""
    top = github.review_comment(github.pull, "One", by="mona", path="src/cart.py", line=3).subject
    query = """mutation($id: ID!) { addPullRequestReviewThreadReply(
      input: {pullRequestReviewThreadId: $id, body: "Fixed"}) { comment { body } } }"""
    assert "errors" not in graphql(api, query, id=top.thread.node_id)
    reply = github.expect_review_comment("Fixed")
    assert reply.in_reply_to == top.id
    node = api.get(f"{REPO}/pulls/comments/{reply.id}").json()["node_id"]
    query = """mutation($id: ID!) { minimizeComment(input: {subjectId: $id, classifier: OUTDATED}) {
      minimizedComment { isMinimized minimizedReason } } }"""
    hidden = graphql(api, query, id=node)["data"]["minimizeComment"]["minimizedComment"]
    assert hidden == {"isMinimized": True, "minimizedReason": "outdated"}


def test_graphql_errors(github: World, api: httpx.Client) -> None:
    """Errors come under status 200, and a query against the schema is a violation besides."""
    missing = graphql(api, '{ repository(owner: "octo-org", name: "none") { id } }')
    assert missing["errors"][0]["type"] == "NOT_FOUND"
    unbounded = THREADS.replace("first: 1, ", "")
    assert graphql(api, unbounded, number=1)["errors"][0]["type"] == "MISSING_PAGINATION_BOUNDARIES"
    assert "syntax" in graphql(api, "{")["errors"][0]["message"].lower()
    assert not github.violations
    assert "errors" in graphql(api, "{ nonsense }")
    assert github.violations == ["GraphQL: Cannot query field 'nonsense' on type 'Query'."]
    github.violations.clear()


# -- PyGithub -----------------------------------------------------------------------------------------------------


def test_pygithub_as_an_app(github: World) -> None:
    """The client of production logs in as an App and finds the pull request, its files and a user's rights."""
    auth = pygithub.Auth.AppAuth(github.app.id, github.app.private_key)
    github.max_per_page = 2
    with pygithub.GithubIntegration(auth=auth, base_url=github.url) as integration:
        installation = integration.get_repo_installation("octo-org", "shop")
        client = installation.get_github_for_installation()
        repo = client.get_repo("octo-org/shop")
        pull = repo.get_pull(1)
        assert [file.filename for file in pull.get_files()][:2] == ["assets/logo.png", "docs/legacy.md"]
        assert pull.get_files().totalCount == 6
        assert repo.get_collaborator_permission("mona") == "write"
        readme = repo.get_contents("README.md", ref=pull.head.sha)
        assert not isinstance(readme, list)
        assert readme.decoded_content == b"# Shop\n\nA small shop.\n"
        assert [commit.commit.message for commit in pull.get_commits()] == ["Add discount codes"]
        assert repo.compare("main", "discounts").ahead_by == 1
        client.close()


def test_pygithub_writes(github: World) -> None:
    """The client of production posts a review, a comment, a reaction and a check run."""
    auth = pygithub.Auth.Token(github.token())
    with pygithub.Github(auth=auth, base_url=github.url, seconds_between_writes=None) as client:
        repo = client.get_repo("octo-org/shop")
        pull = repo.get_pull(1)
        comments: Any = [{"path": "src/discounts.py", "line": 6, "side": "RIGHT", "body": "Shared default"}]
        pull.create_review(repo.get_commit(pull.head.sha), "One remark", "COMMENT", comments)
        said = pull.create_issue_comment("Summary")
        said.edit("Better summary")
        said.create_reaction("eyes")
        run = repo.create_check_run("reviewer", pull.head.sha, status="in_progress")
        run.edit(conclusion="neutral", output={"title": "Done", "summary": "One remark"})
        with pytest.raises(pygithub.GithubException) as refused:
            pull.create_review(body="x", event="COMMENT", comments=[comments[0] | {"line": 99}])
    assert refused.value.status == 422
    assert refused.value.data["errors"] == ["Line could not be resolved"]
    assert github.expect_review("One remark", on=github.pull).comments[0].body == "Shared default"
    assert github.expect_comment("Better summary").reactions[0].content == "eyes"
    assert github.expect_check("neutral").output["title"] == "Done"
