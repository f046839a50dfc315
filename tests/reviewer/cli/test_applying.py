"""`--apply`: each proven suggestion is written after a question; nothing else is touched."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from reviewer.cli.applying import apply_suggestions
from reviewer.domain.findings import Finding
from tests.fakes.model import FakeModel
from tests.fixtures.app_server import child_environment
from tests.fixtures.factories import anchor, finding
from tests.paths import ROOT
from tests.reviewer.cli.local_review import AFTER, ZERO, Run, find


def suggested(line: int, quote: str, suggestion: str, *, start: int | None = None, path: str = "src/app.py") -> Finding:
    """Return a finding whose suggestion replaces those lines; the path is set afterwards, where it is another."""
    made = finding(anchor("src/app.py", 12), quote=quote, suggestion=suggestion)
    object.__setattr__(made, "anchor", anchor("src/app.py", 12))
    for name, value in (("line", line), ("start_line", start), ("path", path)):
        object.__setattr__(made.anchor, name, value)
    return made


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "app.py").write_text("".join(f"line {n}\n" for n in range(1, 9)))
    return tmp_path


def answers(*words: str) -> Iterator[str]:
    yield from words


FIRST = suggested(2, "line 2", "two\nand a half")
SECOND = suggested(5, "line 4\nline 5", "four and five", start=4)
THIRD = suggested(8, "line 8", "")


@pytest.mark.parametrize(
    ("words", "count", "text"),
    [
        (["y\n", "n\n", "y\n"], 2, "line 1|two|and a half|line 3|line 4|line 5|line 6|line 7|"),
        (["n\n", "y\n", "n\n"], 1, "line 1|line 2|line 3|four and five|line 6|line 7|line 8|"),
        (["a\n"], 3, "line 1|two|and a half|line 3|four and five|line 6|line 7|"),
        (["y\n", "d\n"], 1, "line 1|two|and a half|line 3|line 4|line 5|line 6|line 7|line 8|"),
        (["y\n", "q\n"], 1, "line 1|two|and a half|line 3|line 4|line 5|line 6|line 7|line 8|"),
        (["?\n", "maybe\n", "Y\n", ""], 1, "line 1|two|and a half|line 3|line 4|line 5|line 6|line 7|line 8|"),
    ],
)
def test_answers(root: Path, words: list[str], count: int, text: str) -> None:
    """As `git add -p` has them; later places move with what was written before."""
    given = answers(*words)
    assert apply_suggestions([THIRD, FIRST, SECOND], root, lambda _: next(given)) == count
    assert (root / "src" / "app.py").read_text() == text.replace("|", "\n")


def test_line_ends_and_rights_stay(root: Path) -> None:
    """Of Windows, and a file without a newline at its end; an executable stays one."""
    place = root / "src" / "app.py"
    place.write_bytes(b"line 1\r\nline 2\r\nl\xffne 3")
    place.chmod(0o755)
    last = suggested(3, "l\udcffne 3", "three\nfour")
    assert apply_suggestions([FIRST, last], root, lambda _: "y\n") == 2
    assert place.read_bytes() == b"line 1\r\ntwo\r\nand a half\r\nthree\nfour"
    assert place.stat().st_mode & 0o777 == 0o755
    assert [entry.name for entry in place.parent.iterdir()] == ["app.py"]


@pytest.mark.parametrize("what", ["changed", "link", "folder behind a link", "gone", "overlap", "git"])
def test_what_is_not_written(root: Path, what: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Lines that changed, links, files that are gone, lines of an earlier suggestion, git's own folder."""
    place, chosen = root / "src" / "app.py", [FIRST]
    if what == "changed":
        place.write_text("line 1\nline two\n")
    elif what == "link":
        place.rename(root / "real.py")
        place.symlink_to(root / "real.py")
    elif what == "folder behind a link":
        (root / "src").rename(root / "real")
        (root / "src").symlink_to(root / "real")
    elif what == "gone":
        place.unlink()
    elif what == "overlap":
        chosen = [FIRST, suggested(3, "line 2\nline 3", "x", start=2)]
    else:
        (root / ".git").mkdir()
        (root / ".git" / "config").write_text("line 1\nline 2\n")
        chosen = [suggested(2, "line 2", "x", path=".git/config")]
    expected = int(what == "overlap")
    assert apply_suggestions(chosen, root, lambda _: "y\n") == expected
    assert "not applied to " in capsys.readouterr().err


def test_on_a_terminal(model: FakeModel, clone: Path) -> None:
    """The whole way: the review is shown, the question comes, and the file is mended."""
    find(model, ZERO)
    ours, theirs = pty.openpty()
    known = child_environment() | {"RUNAPI_KEY": model.key, "RUNAPI_BASE_URL": model.base_url, "TERM": "dumb"}
    os.write(ours, b"y\n")
    with subprocess.Popen(
        [sys.executable, str(ROOT / "app.py"), "diff", "--apply", "--quiet"],
        cwd=clone, env=known, stdin=theirs, stderr=theirs, stdout=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        os.close(theirs)
        shown, _ = process.communicate(timeout=100)
    told = os.read(ours, 65_536).decode()
    os.close(ours)
    assert process.returncode == 0, told
    assert "Division by zero" in shown
    assert "(1/1) Apply this suggestion [y,n,q,a,d,?]? " in told
    assert "1 suggestion applied" in told
    assert (clone / "stats.py").read_text() == AFTER.replace("len(xs)", "max(len(xs), 1)")


def test_without_a_terminal_nothing_is_paid(reviewer: Run, model: FakeModel) -> None:
    """Nobody could answer, so that is said first."""
    done = reviewer("diff", "--apply")
    assert (done.returncode, "needs a terminal" in done.stderr, model.calls) == (2, True, [])
    done = reviewer("diff", "--apply", "--diff", "-")
    assert (done.returncode, "with --diff there is none" in done.stderr) == (2, True)
