"""The command line as a person uses it: a real process in a real repository, against the double of the model."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.fakes.model import FakeModel, error
from tests.fixtures.waiting import reserved_port
from tests.paths import ROOT
from tests.reviewer.cli.local_review import TEST, ZERO, Run, find
from tests.samples.project_python import project_python


def test_a_local_change_is_reviewed(reviewer: Run, model: FakeModel) -> None:
    """Uncommitted work, no remote: the finding with its code line and proven suggestion; progress on stderr only."""
    find(model, ZERO)
    done = reviewer("diff")
    assert done.returncode == 0, done.stderr
    assert "Division by zero" in done.stdout
    assert "3 |     return total / len(xs)" in done.stdout
    assert "+     return total / max(len(xs), 1)" in done.stdout
    assert "2 calls" in done.stdout
    assert "\x1b" not in done.stdout
    assert "asking MiniMax-M2.1" in done.stderr
    assert "Mind the empty list." in model.calls[0].user
    assert ": 4 spaces" in model.calls[0].user


def test_simpler_code_is_looked_for_on_request(reviewer: Run, model: FakeModel) -> None:
    """`--refactor` asks for it even in a change of two lines, and shows it apart from the defects."""
    model.script("findings", json.dumps({"summary": "Splits the sum.", "findings": [ZERO | {"suggestion": None}]}))
    simpler = {"line": 2, "quote": "    total = sum(xs)\n    return total / len(xs)", "category": "refactoring"}
    simpler |= {"title": "The total is used once", "suggestion": "    return sum(xs) / len(xs)"}
    model.script("refactor", json.dumps({"summary": "", "findings": [ZERO | simpler]}))
    model.script("verify", json.dumps({"verdicts": [{"id": n, "verdict": "confirmed"} for n in (1, 2)]}))
    done = reviewer("diff", "--refactor")
    defects, _, apart = done.stdout.partition("Could be simpler")
    assert "Division by zero" in defects
    assert "The total is used once" in apart


def test_json_is_as_agreed(reviewer: Run, model: FakeModel) -> None:
    """Every key of the contract, with exact places; `--tests` adds tests; `--quiet` says nothing on stderr."""
    find(model, ZERO)
    model.script("tests", TEST)
    done = reviewer("diff", "--format", "json", "--tests", "--python", "/nowhere/python", "--quiet")
    assert done.stderr == ""
    told = json.loads(done.stdout)
    assert set(told) >= {"summary", "findings", "tests", "skipped", "rejected", "usage"}
    (one,) = told["findings"]
    assert set(one) >= {
        "path", "side", "line", "start_line", "severity", "confidence", "category", "title", "body", "suggestion",
        "fingerprint",
    }  # fmt: skip
    assert (one["path"], one["side"], one["line"], one["start_line"]) == ("stats.py", "RIGHT", 3, None)
    assert told["tests"][0]["path"] == "test_stats.py"
    assert told["usage"]["calls"] == 3
    assert 0 < told["usage"]["cost_usd"] < 0.01


ASSERTING = """<test path="tests/test_stats_mean.py" covers="stats.py:2-3">
from stats import mean


def test_mean():
    assert mean([2, 4]) == 3
    assert mean([1]) == {value}, \"\"\"
::error::a test says so
\"\"\"
</test>"""


@pytest.mark.timeout(120)
def test_a_failing_test_that_may_be_right_is_shown(reviewer: Run, model: FakeModel, tmp_path: Path) -> None:
    """`reviewer tests` looks for no defects, so it stands alone, with its code, and is not in the patch."""
    model.answers("tests", lambda _: ASSERTING.format(value=7))
    model.script("verify", json.dumps({"verdicts": [{"id": 1, "verdict": "confirmed", "reason": "r"}]}))
    patch = tmp_path / "tests.patch"
    done = reviewer("tests", "--sandbox", "none", "--python", str(project_python()), "--patch", str(patch))
    assert done.returncode == 0, done.stderr
    assert "0 of 1 suggested test file proved something. 1 more fails on the code as it is" in done.stdout
    assert "a second pass finds it right" in done.stdout
    assert "assert mean([1]) == 7" in done.stdout
    assert not patch.exists()


@pytest.mark.timeout(120)
def test_what_is_quoted_gives_a_runner_no_orders(reviewer: Run, model: FakeModel) -> None:
    """On GitHub's runner lines of a suggested test are no workflow commands."""
    model.answers("tests", lambda _: ASSERTING.format(value=1))
    done = reviewer("tests", "--sandbox", "none", "--python", str(project_python()), GITHUB_ACTIONS="true")
    first, *rest = done.stdout.rstrip("\n").split("\n")
    assert first.startswith("::stop-commands::")
    assert rest[-1] == f"::{first.removeprefix('::stop-commands::')}::"
    assert any("::error::a test says so" in row for row in rest), done.stdout


def test_sarif_and_markdown_go_to_files(reviewer: Run, model: FakeModel, tmp_path: Path) -> None:
    """`--output` writes there and leaves standard output empty."""
    for name in ("sarif", "markdown"):
        find(model, ZERO)
        target = tmp_path / name
        done = reviewer("diff", "--format", name, "--output", str(target))
        assert (done.returncode, done.stdout) == (0, "")
        assert "Division by zero" in target.read_text()


@pytest.mark.parametrize(
    ("words", "verdict", "code"),
    [
        (["--fail-level", "error"], "confirmed", 1),
        (["--fail-level", "error"], "refuted", 0),
        (["--fail-level", "error"], "uncertain", 0),
        (["--fail-level", "never"], "confirmed", 0),
        ([], "confirmed", 0),
    ],
)
def test_the_fail_level_decides_the_exit_code(
    reviewer: Run, model: FakeModel, words: list[str], verdict: str, code: int
) -> None:
    """Only what is said counts; without a level nothing fails."""
    find(model, ZERO, verdict=verdict)
    assert reviewer("diff", *words).returncode == code


def test_a_range_and_a_diff_from_standard_input(reviewer: Run, model: FakeModel, clone: Path) -> None:
    """`HEAD` is against the working tree; `--diff -` needs no repository and says that it could not prove."""
    find(model, ZERO)
    assert "Division by zero" in reviewer("diff", "HEAD").stdout
    find(model, ZERO)
    text = subprocess.run(["git", "diff"], cwd=clone, capture_output=True, text=True, check=True).stdout
    done = reviewer("diff", "--diff", "-", given=text, cwd=clone.parent)
    assert done.returncode == 0
    assert "not proven to apply" in done.stdout


def test_a_selection_of_the_change(reviewer: Run, model: FakeModel, clone: Path) -> None:
    """Paths come behind two dashes; untracked files and the reviewer's own output are named, and not sent."""
    (clone / "other.py").write_text("x = 1\n")
    (clone / ".env").write_text("PLAIN=word\n")
    find(model, ZERO)
    done = reviewer("diff", "--output", "review.txt", "--", "stats.py")
    assert done.returncode == 0, done.stderr
    assert "untracked" not in done.stderr
    find(model, ZERO)
    done = reviewer("diff", "--untracked", "--output", "review.txt")
    assert "other.py (untracked): " in done.stderr
    assert "1 untracked file is left out: .env." in done.stderr
    (asked,) = [call.user for call in model.calls if call.task == "findings"][1:]
    assert ("x = 1" in asked, "PLAIN" in asked, "review.txt" in asked) == (True, False, False)
    assert reviewer("diff", "--staged").returncode == 0  # nothing is staged
    refused = reviewer("diff", "--diff", "-", "--", "stats.py")
    assert (refused.returncode, "do not go with --diff" in refused.stderr) == (2, True)


def test_large_untracked_file_is_not_even_compared(reviewer: Run, model: FakeModel, clone: Path) -> None:
    """It is named with its size's limit, also where it was asked for by name; the rest is reviewed."""
    with (clone / "dump.py").open("wb") as large:
        large.truncate(50_000_000)
    find(model, ZERO)
    done = reviewer("diff", "--untracked", "--include", "dump.py")
    assert done.returncode == 0
    assert "left out, because it is larger than 2,000,000 bytes: dump.py" in done.stderr
    assert "untracked file is left out" not in done.stderr
    assert "Division by zero" in done.stdout


@pytest.mark.parametrize(
    ("words", "given", "code", "says"),
    [
        (["tests", "no-such..thing"], "", 2, "no-such"),
        (["diff", "no-such..thing"], "", 2, "no-such"),
        (["diff", "--diff", "-"], "hello\n", 2, "not a unified diff"),
        (["diff", "--diff", "/no/such/file"], "", 2, "No such file"),
        (["diff", "HEAD", "--diff", "-"], "", 2, "either"),
        (["diff", "--format", "xml"], "", 2, "invalid choice"),
        (["diff", "--diff", ""], "", 2, "Cannot read the diff"),
        (["diff", "--output", "/no/such/folder/x"], "", 2, "Cannot write"),
        (["dif"], "", 2, "invalid choice"),
        (["diff", "--output-option"], "", 2, "unrecognized"),
    ],
)
def test_bad_input_says_what_to_do(reviewer: Run, words: list[str], given: str, code: int, says: str) -> None:
    """Usage errors end with 2, name what is wrong, and ask the model nothing."""
    done = reviewer(*words, given=given)
    assert done.returncode == code
    assert says in done.stderr
    assert "Traceback" not in done.stderr


def test_outside_a_repository(reviewer: Run, tmp_path: Path) -> None:
    """Not a clone: 2, and what to do."""
    done = reviewer("diff", cwd=tmp_path)
    assert done.returncode == 2
    assert "Run this inside a clone" in done.stderr


LOCK_FILE = "--- a/yarn.lock\n+++ b/yarn.lock\n@@ -1 +1 @@\n-a\n+b\n"


@pytest.mark.parametrize(
    ("words", "given", "says"),
    [
        (["diff", "HEAD..HEAD"], "", "Nothing to review"),
        (["tests", "HEAD..HEAD"], "", "Nothing to review"),
        (["diff", "--diff", "-"], "", "Nothing to review"),
        (["diff", "--diff", "-", "--format", "json"], LOCK_FILE, "yarn.lock: lock file"),
    ],
)
def test_nothing_to_review_is_no_failure(
    reviewer: Run, model: FakeModel, words: list[str], given: str, says: str
) -> None:
    """No change, or a change of skipped files alone: 0, and it is said why. The model is not asked."""
    done = reviewer(*words, given=given)
    assert (done.returncode, says in done.stderr) == (0, True), done.stderr
    assert model.calls == []


def test_skipped_files_are_named_once(reviewer: Run, model: FakeModel, tmp_path: Path) -> None:
    """A change of skipped files alone: the text names each with its reason, and standard error need not."""
    done = reviewer("diff", "--diff", "-", given=LOCK_FILE)
    assert (done.returncode, model.calls) == (0, [])
    assert done.stdout == "Nothing to review:\n  yarn.lock: lock file\n\nNo model was asked.\n"
    assert "yarn.lock" not in done.stderr
    written = reviewer("diff", "--diff", "-", "--output", str(tmp_path / "review.txt"), given=LOCK_FILE)
    assert "yarn.lock: lock file" in written.stderr


def test_nothing_to_review_needs_no_key(reviewer: Run) -> None:
    """Skipped files alone are reviewed without one; a file that would be sent is not."""
    done = reviewer("diff", "--diff", "-", given=LOCK_FILE, RUNAPI_KEY="")
    assert (done.returncode, "No model was asked" in done.stdout) == (0, True), done.stderr
    asked = reviewer("diff", "--diff", "-", given=LOCK_FILE.replace("yarn.lock", "a.py"), RUNAPI_KEY="")
    assert (asked.returncode, "Set RUNAPI_KEY" in asked.stderr) == (3, True)


@pytest.mark.parametrize("given", ["", LOCK_FILE])
@pytest.mark.parametrize("form", ["json", "sarif"])
def test_nothing_to_review_is_a_result_for_programs(reviewer: Run, form: str, given: str) -> None:
    """A program that reads the output gets an empty result, not an empty file."""
    done = reviewer("diff", "--diff", "-", "--format", form, given=given)
    assert (done.returncode, bool(json.loads(done.stdout))) == (0, True)


def test_what_should_have_been_reviewed_and_was_not_is_a_failure(reviewer: Run) -> None:
    """A single change that is too large for any prompt: 2, with the reason."""
    lines = "".join(f"+x{number} = {'1' * 90}\n" for number in range(3_000))
    done = reviewer("diff", "--diff", "-", given=f"--- /dev/null\n+++ b/x.py\n@@ -0,0 +1,3000 @@\n{lines}")
    assert (done.returncode, "too large" in done.stderr) == (2, True), done.stderr


def test_a_second_pass_that_could_not_be_made(reviewer: Run, model: FakeModel) -> None:
    """The credit ends between the two passes: what was found is shown, the headline says so, and the end is 3."""
    model.script("findings", json.dumps({"summary": "s", "findings": [ZERO]}))
    model.script("verify", error(402, "insufficient balance (1008)"))
    done = reviewer("diff")
    assert done.returncode == 3, done.stderr
    assert "1 finding could not be double-checked" in done.stdout.split("\n")[0]
    assert "Division by zero" in done.stdout
    assert "could not be double-checked" in done.stderr


def test_without_a_usable_model_it_ends_with_3(reviewer: Run, model: FakeModel) -> None:
    """No key, a wrong key, no credit, an unreachable service: each says what to do next, none shows the key."""
    missing = reviewer("diff", RUNAPI_KEY="")
    assert (missing.returncode, "Set RUNAPI_KEY" in missing.stderr) == (3, True)
    wrong = reviewer("diff", RUNAPI_KEY="sk-wrong-key-123456")
    assert (wrong.returncode, "RUNAPI_KEY" in wrong.stderr, "sk-wrong" in wrong.stderr) == (3, True, False)
    model.script("findings", error(402, "insufficient balance (1008)"))
    broke = reviewer("diff")
    assert (broke.returncode, "credit" in broke.stderr) == (3, True)
    with reserved_port() as port:
        away = reviewer("diff", RUNAPI_BASE_URL=f"http://127.0.0.1:{port}/v1", RUNAPI_KEY="k")
    assert (away.returncode, "127.0.0.1" in away.stderr) == (3, True)
    garbage = reviewer("diff", RUNAPI_BASE_URL="runapi")
    assert (garbage.returncode, "RUNAPI_BASE_URL" in garbage.stderr) == (2, True)


def test_an_unknown_model_is_passed_through_with_a_warning(reviewer: Run, model: FakeModel) -> None:
    """The id goes to the service as it is; what it costs is unknown, not invented."""
    model.models = (*model.models, "MiniMax-M9")
    find(model)
    done = reviewer("diff", "--model", "MiniMax-M9")
    assert done.returncode == 0, done.stderr
    assert "MiniMax-M9" in done.stderr
    assert "cost unknown" in done.stdout


def test_a_broken_settings_file_costs_its_bad_keys_only(reviewer: Run, model: FakeModel, clone: Path) -> None:
    """The base's settings hold, the mistake is told with its line, the review is made."""
    (clone / ".github").mkdir()
    (clone / ".github" / "reviewer.yml").write_text("review:\n  fail_level: error\n  colour: blue\n")
    who = ("-c", "user.name=n", "-c", "user.email=e@example.org")
    subprocess.run(["git", "add", ".github"], cwd=clone, check=True)
    subprocess.run(["git", *who, "commit", "-qm", "Set", ".github"], cwd=clone, check=True)
    find(model, ZERO)
    done = reviewer("diff")
    assert done.returncode == 1
    assert "reviewer.yml:3" in done.stderr


def test_help_is_complete_and_needs_nothing(reviewer: Run) -> None:
    """Every command is listed; no key and no repository are needed."""
    done = reviewer("--help", RUNAPI_KEY="")
    assert done.returncode == 0
    for command in ("diff", "doctor", "config", "eval", "action", "worker", "jobs"):
        assert command in done.stdout
    assert reviewer("--version").stdout.startswith("minimax-reviewer ")


def test_a_reader_that_goes_away_is_no_failure(model: FakeModel, clone: Path) -> None:
    """`reviewer diff | head -1` ends quietly."""
    find(model, ZERO)
    environ = {"PATH": os.environ["PATH"], "RUNAPI_KEY": model.key, "RUNAPI_BASE_URL": model.base_url}
    line = f"{sys.executable} {ROOT / 'app.py'} diff --quiet | true; echo ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", line], cwd=clone, env=environ, capture_output=True, text=True, check=False)
    assert (done.stdout.strip(), done.stderr) == ("0", "")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
def test_a_full_disk_behind_standard_output(model: FakeModel, clone: Path) -> None:
    """A result that cannot be written is an error in words, not a traceback."""
    model.answers("findings", lambda _: '{"summary": "", "findings": []}')
    environ = {"PATH": os.environ["PATH"], "RUNAPI_KEY": model.key, "RUNAPI_BASE_URL": model.base_url}
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            [sys.executable, str(ROOT / "app.py"), "diff"],
            cwd=clone, env=environ, stdout=full, stderr=subprocess.PIPE, text=True, timeout=110, check=False,
        )  # fmt: skip
    assert done.returncode == 2
    assert "Cannot write to standard output: No space left on device" in done.stderr
    assert "Traceback" not in done.stderr


def test_what_is_compared_is_said(reviewer: Run, model: FakeModel) -> None:
    """The base may have been guessed, so progress names it; `--quiet` says nothing."""
    model.answers("findings", lambda _: '{"summary": "", "findings": []}')
    assert "comparing from the merge base with" in reviewer("diff").stderr
    assert "comparing" not in reviewer("diff", "--quiet").stderr


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--patch", "a.patch"], "give --tests or --prove as well"),
        (["--python", "python3"], "give --tests or --prove as well"),
        (["--sandbox", "none"], "give --tests or --prove as well"),
        (["--tests", "--patch", "a.patch", "--diff", "-"], "no clone to run them in"),
    ],
)
def test_an_option_that_would_do_nothing_is_refused(reviewer: Run, words: list[str], told: str) -> None:
    """Whoever names a place for a patch is not left to wonder why there is none; nothing is paid for."""
    ran = reviewer("diff", *words)
    assert ran.returncode == 2
    assert told in ran.stderr
