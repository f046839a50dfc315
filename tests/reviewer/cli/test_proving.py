"""`reviewer diff --prove` and `reviewer fix`: a real clone, the model's double, tests that really run."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

import app
from tests.fakes.model import FakeModel, error
from tests.reviewer.cli.local_review import ZERO, Run
from tests.samples.project_python import project_python
from tests.samples.stages import QUICK as PYTEST

pytestmark = pytest.mark.timeout(240)

BASE = '''def mean(values):
    """Return the mean of the values; 0.0 for no values."""
    if not values:
        return 0.0
    return sum(values) / len(values)
'''
HEAD = BASE.replace("    if not values:\n        return 0.0\n", "")
FIXED = HEAD.replace("return sum(values) / len(values)", "return sum(values) / len(values) if values else 0.0")
TESTS = "from stats import mean\n\n\ndef test_mean():\n    assert mean([1, 3]) == 2.0\n"
PROOF = "from stats import mean\n\n\ndef test_mean_of_nothing():\n    assert mean([]) == 0.0\n"
QUICK = ("--python", str(project_python()), "--sandbox", "none")


@pytest.fixture
def shop(clone: Path) -> Path:
    """Make a commit of a module with a test, and an uncommitted change of it with a defect."""
    (clone / "tests").mkdir()
    (clone / "stats.py").write_text(BASE)
    (clone / "tests" / "test_stats.py").write_text(TESTS)
    subprocess.run(["git", "add", "-A"], cwd=clone, check=True)
    identity = ["-c", "user.name=ada", "-c", "user.email=ada@example.com"]
    subprocess.run(["git", *identity, "commit", "-qm", "Count"], cwd=clone, check=True)
    (clone / "stats.py").write_text(HEAD)
    return clone


def scripted(model: FakeModel, *, suggestion: str | None, proof: str = PROOF, verdicts: int = 2) -> None:
    finding = {
        "path": "stats.py", "line": 3, "quote": "    return sum(values) / len(values)", "severity": "error",
        "category": "bug", "title": "`mean([])` raises ZeroDivisionError",
        "body": "The docstring promises 0.0 for no values.", "suggestion": suggestion,
    }  # fmt: skip
    model.script("findings", json.dumps({"summary": "It counts.", "findings": [finding]}))
    verdict = json.dumps({"verdicts": [{"id": 1, "verdict": "confirmed", "case": "mean([])", "reason": "promised"}]})
    model.script("verify", *[verdict] * verdicts)
    model.script("prove", f'<test path="tests/test_claim.py" covers="stats.py:3-3">\n{proof}</test>')


def test_findings_carry_their_evidence(reviewer: Run, model: FakeModel, shop: Path) -> None:
    """`diff --prove` shows the failing test, what worked before, and the fix with the number of tests that pass."""
    scripted(model, suggestion="    return sum(values) / len(values) if values else 0.0")
    done = reviewer("diff", "HEAD", "--prove", *QUICK, "--format", "json", cwd=shop)
    assert done.returncode == 0, done.stderr
    (finding,) = json.loads(done.stdout)["findings"]
    evidence = finding["evidence"]
    assert evidence["demonstrated"]
    assert evidence["worked_before"]
    assert evidence["command"] == "python -m pytest tests/test_claim.py"
    assert "ZeroDivisionError" in evidence["failure"]
    assert evidence["test"] == {"path": "tests/test_claim.py", "code": PROOF}
    assert evidence["fix"]["line"] == "fixes it; 1 test still passes"
    assert evidence["fix"]["one_click"]
    (confirmation,) = [call for call in model.calls if call.qualifier == "demonstration"]
    shown = confirmation.body["messages"][-1]["content"]
    assert "raises ZeroDivisionError" not in shown  # the independent pass sees no claim


def test_fix_shows_the_diff_and_applies_it(reviewer: Run, model: FakeModel, shop: Path, tmp_path: Path) -> None:
    """`fix` writes nothing; `fix --apply` writes just the fix, after showing it."""
    scripted(model, suggestion=None)
    edits = [{"path": "stats.py", "quote": "/ len(values)", "replacement": "/ len(values) if values else 0.0"}]
    model.script("fix", json.dumps({"edits": edits}))
    cache = {"XDG_CACHE_HOME": str(tmp_path / "cache")}
    done = reviewer("fix", "HEAD", *QUICK, "--patch", "fix.patch", cwd=shop, **cache)
    assert done.returncode == 0, done.stderr
    assert "1 of 1 findings demonstrated by a test, 1 with a fix that was run." in done.stdout
    assert "+    return sum(values) / len(values) if values else 0.0" in done.stdout
    assert (shop / "stats.py").read_text() == HEAD
    applied = reviewer("fix", "HEAD", *QUICK, "--apply", cwd=shop, **cache)  # the answers were kept
    assert applied.returncode == 0, applied.stderr
    assert (shop / "stats.py").read_text() == FIXED
    assert not (shop / "tests" / "test_claim.py").exists()
    (shop / "stats.py").write_text(HEAD)
    subprocess.run(["git", "apply", "fix.patch"], cwd=shop, check=True)
    assert (shop / "stats.py").read_text() == FIXED
    assert (shop / "tests" / "test_claim.py").read_text() == PROOF


def test_what_is_not_shown_says_why(reviewer: Run, model: FakeModel, shop: Path) -> None:
    """A test that cannot be imported demonstrates nothing, and the terminal names the gate."""
    scripted(model, suggestion=None, proof=PROOF.replace("from stats", "from statistics_of_shop"), verdicts=1)
    done = reviewer("diff", "HEAD", "--prove", *QUICK, cwd=shop)
    assert done.returncode == 0, done.stderr
    assert "Not demonstrated (collects): The framework cannot run the file" in done.stdout


FEES = 'def fee(days):\n    """Two weeks are free, then it is 5."""\n    return 0 if days < 14 else 5\n'
FEE_TESTS = (
    "from fees import fee\n\n\ndef test_free():\n    assert fee(3) == 0\n\n\ndef test_fee():\n    assert fee(40) == 5\n"
)
UPDATE = '<test path="tests/test_fees.py" covers="test_fee">\ndef test_fee():\n    assert fee(40) == 7\n</test>'


@pytest.fixture
def outdated(shop: Path) -> Path:
    """Commit a module with its tests, and change it so that a test is out of date."""
    for name, text in (("stats.py", BASE), ("fees.py", FEES), ("tests/test_fees.py", FEE_TESTS)):
        (shop / name).write_text(text)
    subprocess.run(["git", "add", "-A"], cwd=shop, check=True)
    identity = ["-c", "user.name=ada", "-c", "user.email=ada@example.com"]
    subprocess.run(["git", *identity, "commit", "-qm", "Charge"], cwd=shop, check=True)
    (shop / "fees.py").write_text(FEES.replace("5", "7"))
    return shop


@pytest.mark.parametrize("verdict", ["refuted", "confirmed"])
def test_an_outdated_test_gets_an_update_and_a_right_one_is_named(
    verdict: str, reviewer: Run, model: FakeModel, outdated: Path, tmp_path: Path
) -> None:
    """`tests` shows the diff, and its patch makes the suite green; a test that the change breaks gets no patch."""
    model.answers("tests", lambda call: UPDATE if call.qualifier == "update" else "NONE")
    model.script("verify", json.dumps({"verdicts": [{"id": 1, "verdict": verdict, "reason": "the docstring"}]}))
    patch = tmp_path / "tests.patch"
    done = reviewer("tests", "HEAD", *QUICK, "--tests-command", PYTEST, "--patch", str(patch), cwd=outdated)
    assert done.returncode == 0, done.stderr
    if verdict == "confirmed":
        words = "Your change breaks the test `tests/test_fees.py::test_fee`, a possible regression"
        assert words in done.stdout
        assert "Suggested update" not in done.stdout
        assert not patch.exists()
        return
    assert "No new test was suggested. 1 existing test file is out of date" in done.stdout
    assert "Suggested update of tests/test_fees.py\n  updates `test_fee`, whose expectation" in done.stdout
    assert "    -    assert fee(40) == 5\n    +    assert fee(40) == 7\n" in done.stdout
    assert f"git apply {patch}   # updates tests/test_fees.py" in done.stderr
    subprocess.run(["git", "apply", str(patch)], cwd=outdated, check=True)
    run = [sys.executable, "-m", "pytest", "-q", "tests/test_fees.py"]
    assert "2 passed" in subprocess.run(run, cwd=outdated, capture_output=True, text=True, check=False).stdout


def test_a_fix_of_a_review_that_could_not_be_finished_ends_with_3(
    model: FakeModel, clone: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The credit ends between the two passes: that is no success, though no fix was to be had either."""
    used(model, clone, monkeypatch)
    model.script("findings", json.dumps({"summary": "s", "findings": [ZERO | {"severity": "warning"}]}))
    model.script("verify", error(402, "insufficient balance (1008)"))
    assert app.main(["fix", "--sandbox", "none"]) == 3
    assert "1 finding could not be double-checked" in capsys.readouterr().err


def test_tests_that_could_not_be_asked_for_end_with_3(
    model: FakeModel, clone: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A refused key is not "no test was suggested"; the headline says so."""
    used(model, clone, monkeypatch, key="sk-wrong-key-123456")
    assert app.main(["tests", *QUICK]) == 3
    shown = capsys.readouterr()
    assert "Incomplete: the model gave no answer to 1 question." in shown.out.split("\n")[0]
    assert "RUNAPI_KEY" in shown.out


def test_suggested_tests_are_shown_first_too(
    model: FakeModel, clone: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """`tests` names what it would send; a limit stops it before, and a change without code costs nothing."""
    used(model, clone, monkeypatch, key="")
    assert app.main(["tests", "--dry-run"]) == 0
    assert "stats.py: " in capsys.readouterr().err
    (clone / "AGENTS.md").write_text("Mind all lists.\n")
    assert app.main(["tests", "--", "AGENTS.md"]) == 0
    assert "Nothing to test" in capsys.readouterr().err
    monkeypatch.setenv("RUNAPI_KEY", model.key)
    assert app.main(["tests", "--max-usd", "0.0001"]) == 2
    assert "Nothing was sent" in capsys.readouterr().err
    assert model.calls == []


def used(model: FakeModel, clone: Path, monkeypatch: pytest.MonkeyPatch, *, key: str | None = None) -> None:
    """Stand in the clone, with the environment of the service."""
    monkeypatch.chdir(clone)
    monkeypatch.setenv("RUNAPI_KEY", model.key if key is None else key)
    monkeypatch.setenv("RUNAPI_BASE_URL", model.base_url)
    monkeypatch.delenv("HOME", raising=False)
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
