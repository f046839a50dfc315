"""`reviewer doctor` and `reviewer config`: what works, what is missing, and what to do about it."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.fakes.model import Answer, FakeModel, error
from tests.fixtures.waiting import reserved_port
from tests.reviewer.cli.local_review import Run


def rows(done: subprocess.CompletedProcess[str]) -> dict[str, tuple[str, str]]:
    """Return the printed results: what was checked, how it stands, and the text."""
    lines = [line for line in done.stdout.splitlines() if not line.startswith("     ")]
    marks = [(line[:4].strip(), *line[5:].split(": ", 1)) for line in lines]
    return {about: (mark, text) for mark, about, text in marks}


def test_doctor_proves_key_model_and_streaming(reviewer: Run, model: FakeModel) -> None:
    """One small call is paid, and what it cost is shown."""
    model.script("ask", "ready")
    done = reviewer("doctor")
    assert done.returncode == 0, done.stdout + done.stderr
    found = rows(done)
    assert {mark for mark, _ in found.values()} <= {"ok", "note"}
    assert "MiniMax-M2.1 is listed" in found["models"][1]
    assert "streamed an answer in" in found["model"][1]
    assert found["repository"][1].startswith("this is a repository (git version ")
    assert found["settings"] == ("ok", "no file: defaults hold")
    assert "sandbox" in found
    assert model.calls[0].body["max_tokens"] <= 1_024
    assert done.stderr == ""


def test_doctor_lets_a_model_think(reviewer: Run, model: FakeModel) -> None:
    """Tokens that ended while it thought prove the connection as well."""
    model.script("ask", Answer("", thinking="Let me see", finish="length"))
    assert rows(reviewer("doctor"))["model"][0] == "ok"


def test_doctor_names_every_failure(reviewer: Run, model: FakeModel, tmp_path: Path) -> None:
    """Each says what to do; the exit code tells settings from the model."""
    outside = tmp_path / "outside"
    outside.mkdir()
    model.script("ask", "ready", error(402, "insufficient balance (1008)"))
    done = reviewer("doctor", cwd=outside)
    assert (done.returncode, rows(done)["repository"][0], rows(done)["model"][0]) == (2, "FAIL", "ok")
    assert "Run this inside a clone" in rows(done)["repository"][1]
    broke = reviewer("doctor")
    assert (broke.returncode, rows(broke)["model"][0], "credit" in rows(broke)["model"][1]) == (3, "FAIL", True)
    missing = reviewer("doctor", RUNAPI_KEY="")
    assert (missing.returncode, "Set RUNAPI_KEY" in missing.stdout) == (3, True)
    assert reviewer("doctor", RUNAPI_KEY="sk-wrong").returncode == 3
    with reserved_port() as port:
        away = reviewer("doctor", RUNAPI_BASE_URL=f"http://127.0.0.1:{port}/v1")
    assert (away.returncode, "127.0.0.1" in rows(away)["model"][1]) == (3, True)
    assert (away.stderr, "Traceback" in away.stdout) == ("", False)


def test_doctor_checks_the_settings(reviewer: Run, model: FakeModel, clone: Path) -> None:
    """A mistake in the working tree is named with its line before it is committed."""
    settings(clone, "review:\n  colour: blue\n")
    model.script("ask", "ready")
    done = reviewer("doctor")
    assert (done.returncode, rows(done)["settings"][0]) == (2, "FAIL")
    assert "     .github/reviewer.yml:2: `review.colour`" in done.stdout


def settings(clone: Path, text: str, name: str = ".github/reviewer.yml") -> None:
    (clone / name).parent.mkdir(exist_ok=True)
    (clone / name).write_text(text)


def test_config_shows_what_holds_and_where_from(reviewer: Run, clone: Path, model: FakeModel) -> None:
    """Every setting, with the line of the file that sets it; nothing is asked, and no key is needed."""
    settings(clone, "review:\n  drafts: true\n  exclude:\n    - docs/**\nbudget:\n  per_review_usd: 0.50\n")
    done = reviewer("config", RUNAPI_KEY="")
    lines = done.stdout.splitlines()
    assert done.returncode == 0, done.stdout
    assert "review.drafts: true  # .github/reviewer.yml:2" in lines
    assert 'review.exclude: ["docs/**"]  # .github/reviewer.yml:3' in lines
    assert "review.auto: true" in lines
    assert any(line.startswith('budget.per_review_usd: "0.5') and ":6" in line for line in lines)
    assert "counts once it is merged there" in lines[-1]
    assert model.calls == []


def test_config_without_a_file(reviewer: Run) -> None:
    """The defaults hold, and are shown."""
    done = reviewer("config")
    assert (done.returncode, "the defaults hold" in done.stdout, "review.auto: true" in done.stdout) == (0, True, True)


@pytest.mark.parametrize(
    ("name", "text", "shown"),
    [
        (".github/reviewer.yml", "review:\n  colour: blue\n", ".github/reviewer.yml:2: `review.colour`"),
        (".github/reviewer.yml", "review: [\n", ".github/reviewer.yml:2"),
        (
            ".github/reviewer.yml",
            "budget:\n  per_review_usd: much\n",
            "Nothing would be reviewed until this is corrected.",
        ),
        (".reviewer.yml", "review:\n  drafts: true\n", "move them there"),
        (".github/reviewer.yml", "\0\udcff", "not a file of UTF-8 text"),
    ],
)
def test_config_names_mistakes(reviewer: Run, clone: Path, name: str, text: str, shown: str) -> None:
    """With file and line, and the exit code of wrong settings."""
    settings(clone, "", name)
    (clone / name).write_bytes(text.encode("utf-8", "surrogateescape"))
    done = reviewer("config")
    assert (done.returncode, shown in done.stdout) == (2, True), done.stdout
    assert "Traceback" not in done.stderr


def test_config_of_one_file(reviewer: Run, tmp_path: Path) -> None:
    """Any file, from anywhere; one that cannot be read is named."""
    (tmp_path / "other.yml").write_text("review:\n  auto: false\n")
    done = reviewer("config", str(tmp_path / "other.yml"), cwd=tmp_path)
    assert (done.returncode, f"review.auto: false  # {tmp_path / 'other.yml'}:2" in done.stdout) == (0, True)
    missing = reviewer("config", "nowhere.yml")
    assert (missing.returncode, "Cannot read the settings nowhere.yml" in missing.stderr) == (2, True)
