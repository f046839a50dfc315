"""What a delivery asks for."""

import copy
import json

import pytest

from webhooks.events.commands import CommandSyntax
from webhooks.events.deliveries import Ignored, Job, MalformedDelivery, Trigger, UnknownJobVersion
from webhooks.events.deliveries import decide as decide_on

HEAD = "6dcb09b5b57875f334f61aebed695e2e4193db5e"
GUID = "72d3162e-cc78-11e3-81ab-4c9367dc0958"


COMMANDS = (CommandSyntax("review", words=frozenset({"", "full"})),)


def decide(event, payload, delivery):
    """Return what a delivery asks for, with one command."""
    return decide_on(event, payload, delivery, COMMANDS)


def pull_request(action="opened", **pull):
    return {
        "action": action,
        "number": 7,
        "pull_request": {
            "number": 7,
            "state": "open",
            "draft": False,
            "updated_at": "2026-01-02T03:04:05Z",
            "head": {"sha": HEAD, "ref": "topic", "repo": None},
            **pull,
        },
        "repository": {"full_name": "octo/hello.world", "private": True},
        "installation": {"id": 42, "node_id": "x"},
        "sender": {"login": "mona", "type": "User", "id": 1},
    }


def issue_comment(body="/review", *, action="created", sender="User", **issue):
    return {
        "action": action,
        "issue": {"number": 7, "state": "open", "pull_request": {"url": "https://..."}, **issue},
        "comment": {"id": 99, "body": body, "user": {"login": "mona", "type": sender}},
        "repository": {"full_name": "octo/hello.world"},
        "installation": {"id": 42},
        "sender": {"login": "mona", "type": sender},
    }


@pytest.mark.parametrize("action", ["opened", "synchronize", "reopened", "ready_for_review"])
def test_a_pull_request_becomes_a_job(action):
    """Each action that changes what there is to review becomes a job keyed by the head."""
    assert decide("pull_request", pull_request(action), GUID) == Job(
        key=f"octo/hello.world#7@{HEAD}",
        repository="octo/hello.world",
        number=7,
        trigger=Trigger(action),
        delivery=GUID,
        head_sha=HEAD,
        installation_id=42,
        actor="mona",
        updated_at="2026-01-02T03:04:05Z",
    )


def test_a_command_becomes_a_job():
    """A command on an open pull request becomes a job keyed by the comment, since the payload has no head."""
    assert decide("issue_comment", issue_comment("/review full"), GUID) == Job(
        key="octo/hello.world#7@head+99",
        repository="octo/hello.world",
        number=7,
        trigger=Trigger.COMMAND,
        delivery=GUID,
        installation_id=42,
        command="review",
        argument="full",
        comment_id=99,
        actor="mona",
    )


def edited(changes, **pull):
    return {**pull_request("edited", base={"ref": "main", "sha": "b" * 40}, **pull), "changes": changes}


def test_another_base_becomes_a_job():
    """Its key tells it from the job for the same head against the base before; other edits are none."""
    job = decide("pull_request", edited({"base": {"ref": {"from": "dev"}, "sha": {"from": "a" * 40}}}), GUID)
    assert isinstance(job, Job)
    assert (job.trigger, job.head_sha, job.base_ref) == (Trigger.RETARGETED, HEAD, "main")
    assert job.key == f"octo/hello.world#7@{HEAD}+base-{'b' * 40}"
    assert job.is_automatic
    others: list[object] = [{}, {"title": {"from": "x"}}, {"body": {"from": None}}, None, [], {"base": None}]
    for changes in others:
        assert decide("pull_request", edited(changes), GUID) == Ignored("base not changed")


def check_run(external_id=f"octo/hello.world#7@{HEAD}", sender="User"):
    return {
        "action": "rerequested",
        "check_run": {"id": 5, "name": "reviewer", "head_sha": HEAD, "external_id": external_id, "pull_requests": []},
        "repository": {"full_name": "octo/hello.world"},
        "installation": {"id": 42},
        "sender": {"login": "mona", "type": sender},
    }


def check_suite(*numbers):
    suite = {"id": 6, "head_sha": HEAD, "pull_requests": [{"number": number} for number in numbers]}
    return {**check_run(), "check_suite": suite}


def test_re_run_is_the_command_review():
    """For the pull request that the run's id names, also for a fork, of which GitHub lists none."""
    for external_id in (f"octo/hello.world#7@{HEAD}", "octo/old-name#7@head+99", f"octo/hello.world#7@{HEAD}+skipped"):
        job = decide("check_run", check_run(external_id), GUID)
        assert isinstance(job, Job)
        assert (job.number, job.command, job.actor, job.check_run_id) == (7, "review", "mona", 5)
        assert (job.trigger, job.key, job.is_automatic) == (
            Trigger.RERUN,
            f"octo/hello.world#7@head+rerun-{GUID}",
            False,
        )
    for numbers, found in (((7,), 7), ((), 0), ((7, 8), 0)):
        job = decide("check_suite", check_suite(*numbers), GUID)
        assert isinstance(job, Job)
        assert (job.number, job.head_sha, job.command) == (found, HEAD, "review")


@pytest.mark.parametrize(
    "external_id", [None, "", "ci-42", "octo/hello.world#x@y", "#7@x", "a/b#7@c d", "octo/hello.world"]
)
def test_the_check_run_of_another_tool_is_no_job(external_id):
    """Nor is one that a bot presses, which could go on for ever."""
    assert decide("check_run", check_run(external_id), GUID) == Ignored("not our check run")
    assert decide("check_run", check_run(sender="Bot"), GUID) == Ignored("bot")


def test_a_merge_group_becomes_a_job_that_reviews_nothing():
    """It is about a commit, not about a pull request, and stands in nobody's way."""
    payload = {**check_run(), "action": "checks_requested", "merge_group": {"head_sha": HEAD, "base_ref": "x"}}
    job = decide("merge_group", payload, GUID)
    assert isinstance(job, Job)
    assert (job.trigger, job.key, job.head_sha) == (Trigger.MERGE_GROUP, f"octo/hello.world@{HEAD}", HEAD)
    assert not job.is_automatic


def test_our_own_comment_asks_for_nothing():
    """With a personal token it comes from a person; what the model said in it must not be a command."""
    assert decide("issue_comment", issue_comment("<!-- reviewer:answer job=x -->\n/review"), GUID) == Ignored(
        "our own comment"
    )


@pytest.mark.parametrize("in_thread", [False, True])
@pytest.mark.parametrize(
    ("body", "trigger", "command", "argument"),
    [
        ("@minimax-reviewer /review full", Trigger.MENTION, "review", "full"),
        ("@minimax-reviewer[bot], /review", Trigger.MENTION, "review", ""),
        ("@minimax-reviewer please review", Trigger.MENTION, "review", ""),
        ("@minimax-reviewer does the review fail?", Trigger.MENTION, "ask", "does the review fail?"),
    ],
)
def test_a_mention_may_hold_a_command(body, trigger, command, argument, in_thread):
    """It is carried out if the mention is of us; in a thread, words without a slash are an answer."""
    payload = issue_comment(body)
    if in_thread:
        payload["comment"]["in_reply_to_id"] = 5
        payload |= {"pull_request": pull_request()["pull_request"]}
        if "/" not in body:
            trigger, command, argument = Trigger.REPLY, "reply", body
    job = decide("pull_request_review_comment" if in_thread else "issue_comment", payload, GUID)
    assert isinstance(job, Job)
    assert (job.trigger, job.command, job.argument, job.mentions) == (trigger, command, argument, ("minimax-reviewer",))


def test_drafts_are_passed_on():
    """Whether a draft is reviewed is the repository's setting, so the job only says that it is one."""
    job = decide("pull_request", pull_request(draft=True), GUID)
    assert isinstance(job, Job)
    assert job.draft


@pytest.mark.parametrize(
    ("event", "payload", "reason"),
    [
        ("ping", {"zen": "Design for failure."}, "ping"),
        ("ping", [], "ping"),
        ("push", {}, "event not handled"),
        ("pull_request_review", None, "event not handled"),
        ("invented_tomorrow", {"action": "x"}, "event not handled"),
        ("pull_request", pull_request("unlabeled"), "action not handled"),
        ("pull_request", pull_request("stacked"), "action not handled"),
        ("check_run", {"action": "completed"}, "action not handled"),
        ("check_suite", {"action": "requested"}, "action not handled"),
        ("merge_group", {"action": "destroyed"}, "action not handled"),
        ("pull_request", {"action": ["opened"]}, "action not handled"),
        ("pull_request", {}, "action not handled"),
        ("pull_request", pull_request(state="closed"), "closed"),
        ("issue_comment", issue_comment(action="edited"), "text not changed"),
        ("issue_comment", issue_comment(pull_request=None), "not a pull request"),
        ("issue_comment", issue_comment(sender="Bot"), "bot"),
        ("issue_comment", issue_comment("nice!"), "no command"),
        ("issue_comment", issue_comment(None), "no command"),
        ("issue_comment", issue_comment("/merge"), "unknown command"),
    ],
)
def test_the_rest_is_ignored_with_a_reason(event, payload, reason):
    """What asks for nothing says why in a word or two."""
    assert decide(event, payload, GUID) == Ignored(reason)


def test_a_bot_that_opens_a_pull_request_is_reviewed():
    """A pull request by a bot is a job: only comments by bots are ignored."""
    payload = pull_request()
    payload["sender"]["type"] = "Bot"
    assert isinstance(decide("pull_request", payload, GUID), Job)


def without(payload, path):
    payload = copy.deepcopy(payload)
    *parents, last = path.split(".")
    part = payload
    for name in parents:
        part = part[name]
    del part[last]
    return payload


@pytest.mark.parametrize(
    "path", ["installation", "sender", "pull_request.draft", "pull_request.state", "pull_request.updated_at", "number"]
)
def test_only_what_is_used_is_required(path):
    """A payload without fields that the job can do without is still a job: an Action has no installation."""
    assert isinstance(decide("pull_request", without(pull_request(), path), GUID), Job)


@pytest.mark.parametrize("path", ["repository", "repository.full_name", "pull_request", "pull_request.head.sha"])
def test_what_is_missing_is_named(path):
    """A payload that lacks what the job needs is refused with the name of the field."""
    with pytest.raises(MalformedDelivery, match=path.replace(".", r"\.")):
        decide("pull_request", without(pull_request(), path), GUID)


@pytest.mark.parametrize(
    "payload",
    [
        [],
        "text",
        None,
        pull_request(number=True),
        pull_request(number="7"),
        pull_request(number=0),
        pull_request(number=-1),
        pull_request(head={"sha": "a b/c"}),
        pull_request(head={"sha": HEAD + "\n"}),
        pull_request(head=None),
        pull_request(draft="perhaps"),
        {**pull_request(), "repository": {"full_name": "octo/../admin"}},
        {**pull_request(), "repository": {"full_name": "octo"}},
        {**pull_request(), "repository": {"full_name": "a/b\n"}},
        {**pull_request(), "installation": {"id": "42"}},
    ],
)
def test_odd_shapes_are_refused(payload):
    """A payload whose fields are not what they should be is refused, not guessed at."""
    with pytest.raises(MalformedDelivery):
        decide("pull_request", payload, GUID)


def test_jobs_survive_json():
    """A job comes back from its JSON text exactly as it was."""
    for job in (
        decide("pull_request", pull_request(draft=True), GUID),
        decide("issue_comment", issue_comment("/review full"), GUID),
        decide("check_run", check_run(), GUID),
    ):
        assert isinstance(job, Job)
        assert Job.from_json(json.loads(json.dumps(job.to_json()))) == job
    assert "base_ref" not in decide("issue_comment", issue_comment(), GUID).to_json(), "an older version reads it too"


def test_a_job_of_a_newer_version_is_refused():
    """A job that a newer version wrote is not half understood but refused with what to do."""
    job = decide("pull_request", pull_request(), GUID)
    assert isinstance(job, Job)
    with pytest.raises(UnknownJobVersion, match="run it with the version that accepted it"):
        Job.from_json({**job.to_json(), "version": 2, "mood": "new"})
