"""Answers that were paid for: the same diff again is free, and a cache that cannot be used costs only the saving."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import time
from pathlib import Path

import pytest

from reviewer.cli.asking.cache_folder import NoCacheFolder, cache_folder
from reviewer.cli.asking.paid_answers import KEPT_FOR, PaidAnswers
from reviewer.llm.messages import Message, Prompt, Reply, Task
from reviewer.llm.usage import Attempt
from tests.fakes.model import FakeModel, error
from tests.fixtures.app_server import child_environment
from tests.paths import ROOT
from tests.reviewer.cli.local_review import ZERO, Run, find

PROMPT = Prompt(Task.FINDINGS, (Message("system", "s"), Message("user", "ü\ud800")))
REPLY = Reply("text", "raw", "MiniMax-M2.1", attempts=(Attempt("MiniMax-M2.1", "ok", 10, 20),))


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """Return a person's home folder."""
    (tmp_path / "home").mkdir()
    return tmp_path / "home"


def test_same_diff_again_is_free(reviewer: Run, model: FakeModel, home: Path) -> None:
    """The second run asks nothing, shows the same findings, and says what was kept; `--no-cache` asks anew."""
    find(model, ZERO)
    first = reviewer("diff", HOME=str(home))
    again = reviewer("diff", HOME=str(home))
    assert len(model.calls) == 2
    assert "Division by zero" in again.stdout
    assert again.stdout.split("\n")[:4] == first.stdout.split("\n")[:4]
    assert "2 answers kept from an earlier run, which had cost $0." in again.stdout
    assert "No model was asked." in again.stdout
    usage = json.loads(reviewer("diff", "--format", "json", HOME=str(home)).stdout)["usage"]
    assert (usage["calls"], usage["cost_usd"]) == (0, 0)
    find(model, ZERO)
    assert "2 calls" in reviewer("diff", "--no-cache", HOME=str(home)).stdout


def test_what_was_kept_is_for_its_owner_only(reviewer: Run, model: FakeModel, home: Path) -> None:
    """Neither the folders nor the files can be read by others, whatever the umask; no key is among them."""
    find(model, ZERO)
    before = os.umask(0)
    try:
        reviewer("diff", HOME=str(home))
    finally:
        os.umask(before)
    places = [*(home / ".cache" / "minimax-reviewer").rglob("*"), home / ".cache" / "minimax-reviewer"]
    assert len([place for place in places if place.is_file()]) >= 3
    assert [place for place in places if place.stat().st_mode & 0o077] == []
    assert not any(model.key in place.read_text(errors="replace") for place in places if place.is_file())


def test_other_question_or_other_service_is_asked(tmp_path: Path) -> None:
    """The hash holds all that is sent, and to whom."""
    kept = PaidAnswers(tmp_path, "here")
    kept.put(PROMPT, REPLY)
    assert kept.get(PROMPT) == REPLY
    assert kept.get(PROMPT.followed_by(Message("user", "again"))) is None
    assert PaidAnswers(tmp_path, "there").get(PROMPT) is None
    kept.forget(PROMPT)
    assert kept.get(PROMPT) is None


def test_answers_are_kept_for_a_week(tmp_path: Path) -> None:
    """An older one is not used, and deleted by and by."""
    kept = PaidAnswers(tmp_path, "here")
    kept.put(PROMPT, REPLY)
    (place,) = tmp_path.glob("answers/??/*")
    os.utime(place, (time.time() - KEPT_FOR + 3_600,) * 2)
    kept.delete_old()
    assert kept.get(PROMPT) == REPLY
    os.utime(place, (time.time() - KEPT_FOR - 3_600,) * 2)
    assert kept.get(PROMPT) is None
    (tmp_path / "answers" / "cleaned").unlink()
    kept.delete_old()
    assert not place.exists()


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "null", '{"form": 1}', '{"form": 1, "answer": {"error": 3}}', "\0" * 99]
)
def test_damaged_answer_counts_as_missing(tmp_path: Path, text: str) -> None:
    """It is asked again, and kept anew."""
    kept = PaidAnswers(tmp_path, "here")
    kept.put(PROMPT, REPLY)
    (place,) = tmp_path.glob("answers/??/*")
    place.write_text(text)
    assert kept.get(PROMPT) is None
    kept.put(PROMPT, REPLY)
    assert kept.get(PROMPT) == REPLY


def test_link_in_place_of_an_answer_is_not_followed(tmp_path: Path) -> None:
    """Neither to read nor to write."""
    kept = PaidAnswers(tmp_path / "a", "here")
    (tmp_path / "a").mkdir()
    kept.put(PROMPT, REPLY)
    (place,) = (tmp_path / "a").glob("answers/??/*")
    elsewhere = tmp_path / "elsewhere"
    place.rename(elsewhere)
    place.symlink_to(elsewhere)
    assert kept.get(PROMPT) is None
    before = elsewhere.read_bytes()
    kept.put(PROMPT, replace_text(REPLY))
    assert elsewhere.read_bytes() == before
    assert kept.get(PROMPT) == replace_text(REPLY)


def replace_text(reply: Reply) -> Reply:
    return Reply("other", reply.raw, reply.model, attempts=reply.attempts)


def test_salt_is_made_once(tmp_path: Path) -> None:
    """Every run has the same; a damaged one is replaced."""
    salt = PaidAnswers(tmp_path, "here").salt()
    assert PaidAnswers(tmp_path, "there").salt() == salt
    assert len(salt) == 32
    (tmp_path / "salt").write_bytes(b"short")
    assert PaidAnswers(tmp_path, "here").salt() not in (salt, b"short")


def test_folder_of_the_project_or_of_somebody_else_is_not_used(tmp_path: Path) -> None:
    """A reviewed project could bring answers along; a folder that others can write could hold theirs."""
    clone = tmp_path / "clone"
    (clone / ".git").mkdir(parents=True)
    (clone / "src").mkdir()
    for inside in (clone / "cache", clone / "src"):
        with pytest.raises(NoCacheFolder, match="inside the project"):
            cache_folder({"XDG_CACHE_HOME": str(inside)}, clone / "src")
    for environ in ({}, {"XDG_CACHE_HOME": "cache"}, {"HOME": "."}):
        with pytest.raises(NoCacheFolder, match="set HOME or XDG_CACHE_HOME"):
            cache_folder(environ, clone)
    home = tmp_path / "home"
    (home / ".git").mkdir(parents=True)  # a home under version control is no project
    assert cache_folder({"HOME": str(home)}, home).is_relative_to(home)
    open_to_all = tmp_path / "minimax-reviewer"
    open_to_all.mkdir()
    open_to_all.chmod(0o777)
    assert cache_folder({"XDG_CACHE_HOME": str(tmp_path)}, clone).stat().st_mode & 0o777 == 0o700
    open_to_all.rmdir()
    open_to_all.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(NoCacheFolder):
        cache_folder({"XDG_CACHE_HOME": str(tmp_path)}, clone)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder away")
def test_folder_of_another_user_is_not_used(tmp_path: Path) -> None:
    """Whoever owns it could put answers there."""
    foreign = tmp_path / "minimax-reviewer"
    foreign.mkdir()
    os.chown(foreign, 12_345, 12_345)
    with pytest.raises(NoCacheFolder, match="belongs to another user"):
        cache_folder({"XDG_CACHE_HOME": str(tmp_path)}, tmp_path / "clone")


def test_review_is_made_where_nothing_can_be_kept(reviewer: Run, model: FakeModel, tmp_path: Path) -> None:
    """A file stands where the folder should be: a line says so, and what is found is shown."""
    (tmp_path / "file").write_text("")
    find(model, ZERO)
    done = reviewer("diff", XDG_CACHE_HOME=str(tmp_path / "file"))
    assert done.returncode == 0
    assert "Division by zero" in done.stdout
    assert done.stderr.count("answers are not kept: ") == 1


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
def test_full_disk_is_named_once(tmp_path: Path) -> None:
    """What cannot be written raises one kind of error, whatever stands behind it."""
    kept = PaidAnswers(tmp_path, "here")
    kept.put(PROMPT, REPLY)
    (place,) = tmp_path.glob("answers/??/*")
    place.unlink()
    place.parent.rmdir()
    place.parent.write_text("")
    with pytest.raises(NoCacheFolder):
        kept.put(PROMPT, REPLY)


def test_disk_that_fills_up_costs_only_the_saving(model: FakeModel, clone: Path, home: Path) -> None:
    """The secret can still be written and no answer can: that is said once, and what was paid for is shown."""
    model.script("findings", json.dumps({"summary": "long " * 2_000, "findings": [ZERO]}))
    model.script("verify", json.dumps({"verdicts": [{"id": 1, "verdict": "confirmed", "reason": "long " * 2_000}]}))
    known = {"RUNAPI_KEY": model.key, "RUNAPI_BASE_URL": model.base_url, "HOME": str(home)}
    known["PYTHONDONTWRITEBYTECODE"] = "1"  # Python would keep half of a compiled module
    known["COVERAGE_PROCESS_CONFIG"] = ""  # `make cover` could not write what it measured, and would say so
    command = [sys.executable, str(ROOT / "app.py"), "diff"]
    done = subprocess.run(
        command, cwd=clone, env=child_environment() | known, capture_output=True, text=True, check=False, timeout=100,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (5_000, 5_000)),
    )  # fmt: skip
    assert (done.returncode, "Division by zero" in done.stdout, len(model.calls)) == (0, True, 2), done.stderr
    assert done.stderr.count("answers are not kept: ") == 1
    assert "Traceback" not in done.stderr
    folder = home / ".cache" / "minimax-reviewer"
    assert [place.name for place in folder.rglob("*") if place.is_file()] == ["salt", "cleaned"]
    # With room again, everything is kept.
    model.script("findings", json.dumps({"summary": "s", "findings": []}))
    subprocess.run(command, cwd=clone, env=child_environment() | known, capture_output=True, check=True, timeout=100)
    assert len(list(folder.glob("answers/??/*"))) == 1


def test_folder_in_place_of_the_secret_costs_only_the_saving(tmp_path: Path) -> None:
    """It raises the kind of error that the caller tells and gets over; one in place of an answer counts as missing."""
    kept = PaidAnswers(tmp_path, "here")
    (tmp_path / "salt").mkdir()
    (tmp_path / "salt" / "in the way").write_text("")
    with pytest.raises(NoCacheFolder):
        kept.salt()
    kept.put(PROMPT, REPLY)
    (place,) = tmp_path.glob("answers/??/*")
    place.unlink()
    place.mkdir()
    assert kept.get(PROMPT) is None


def test_two_runs_at_once(model: FakeModel, clone: Path, home: Path) -> None:
    """Both review, neither sees half of what the other writes, and a third run is free."""
    finding = json.dumps({"summary": "s", "findings": [ZERO]})
    model.answers("findings", lambda _: finding)
    model.answers("verify", lambda _: '{"verdicts": [{"id": 1, "verdict": "confirmed", "reason": "r"}]}')
    environ = {
        "PATH": os.environ["PATH"],
        "RUNAPI_KEY": model.key,
        "RUNAPI_BASE_URL": model.base_url,
        "HOME": str(home),
    }
    command = [sys.executable, str(ROOT / "app.py"), "diff", "--quiet"]
    runs = [
        subprocess.Popen(command, cwd=clone, env=environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for _ in range(3)
    ]
    for run in runs:
        shown, told = run.communicate(timeout=100)
        assert (run.returncode, told, "Division by zero" in shown) == (0, "", True)
    asked = len(model.calls)
    again = subprocess.run(command, cwd=clone, env=environ, capture_output=True, text=True, check=False, timeout=100)
    assert (again.returncode, len(model.calls)) == (0, asked)


def test_second_run_pays_for_what_the_first_lacked(reviewer: Run, model: FakeModel, home: Path) -> None:
    """The credit ended between the passes: later, only the second pass is paid."""
    model.script("findings", json.dumps({"summary": "s", "findings": [ZERO]}))
    model.script("verify", error(402, "insufficient balance (1008)"))
    assert reviewer("diff", HOME=str(home)).returncode == 3
    model.script("verify", '{"verdicts": [{"id": 1, "verdict": "confirmed", "reason": "r"}]}')
    done = reviewer("diff", HOME=str(home))
    assert done.returncode == 0
    assert "1 answer kept from an earlier run" in done.stdout


def test_answers_that_cannot_be_read_are_not_kept(reviewer: Run, model: FakeModel, home: Path) -> None:
    """Otherwise the same command would fail for a week."""
    model.script("findings", "I cannot say.", "I cannot say.")
    assert reviewer("diff", HOME=str(home)).returncode == 3
    find(model, ZERO)
    assert "Division by zero" in reviewer("diff", HOME=str(home)).stdout
