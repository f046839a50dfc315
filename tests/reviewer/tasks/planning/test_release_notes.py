"""What needs no review costs no call, and nothing else is taken for it."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from reviewer.diff.parser import parse_diff
from reviewer.domain.change import Change
from reviewer.domain.findings import Review
from reviewer.domain.settings import Settings, parse_settings
from reviewer.llm.errors import ModelError
from reviewer.llm.messages import Prompt, Reply
from reviewer.output.wording import headline
from reviewer.tasks.planning.file_filter import select
from reviewer.tasks.review import review

TOKEN = "ghp_" + "a1B2" * 9
NOTE = ("## 2.1.0", "", "- Orders keep their discount after a refund ([#12](https://example.com/12)).")


def diff_of(path: str, *lines: str, beside: str = "## 2.0.0") -> bytes:
    """Return a diff that adds lines above another line."""
    head = f"diff --git a/{path} b/{path}\n--- a/{path}\n+++ b/{path}\n@@ -1 +1,{len(lines) + 1} @@\n"
    return (head + "".join(f"+{line}\n" for line in lines) + f" {beside}\n").encode()


def renamed(old: str, new: str) -> bytes:
    return f"diff --git a/{old} b/{new}\nsimilarity index 100%\nrename from {old}\nrename to {new}\n".encode()


LOCK = diff_of("yarn.lock", "left-pad@1:", beside="right-pad@1:")
MODE = b"diff --git a/run.py b/run.py\nold mode 100644\nnew mode 100755\n"


def nobody(batch: Sequence[Prompt]) -> list[Reply | ModelError]:
    raise AssertionError(f"asked {len(batch)} prompts")


def reviewed(data: bytes, settings: Settings | None = None) -> Review:
    """Return the review of a diff by a model that must not be asked."""
    return review(Change(parse_diff(data)), settings or Settings(), nobody, salt=b"s")


@pytest.mark.parametrize(
    ("data", "kinds"),
    [
        (diff_of("CHANGELOG.md", *NOTE), "release notes"),
        (diff_of("packages/cart/changes.rst", "2.1", "===", "", "* Refunds keep the discount."), "release notes"),
        (diff_of("newsfragments/12.bugfix.rst", "Refunds keep the discount."), "release notes"),
        (LOCK, "lock files"),
        (renamed("src/a.py", "src/b.py"), "renames without changes"),
        (MODE, "file modes"),
        (LOCK + diff_of("NEWS", *NOTE) + renamed("a.c", "b.c"), "lock files, renames without changes, release notes"),
    ],
)
def test_what_needs_no_review_asks_nothing_and_says_so(data: bytes, kinds: str) -> None:
    """Each file stands among the skipped ones with its reason."""
    done = reviewed(data)
    assert headline(done) == f"Nothing here needs a review: {kinds}."
    assert (done.usage.calls, done.findings, done.files_reviewed) == (0, (), 0)
    assert len(done.skipped) == len(parse_diff(data).files)


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ("CHANGELOG.md", "```"),
        ("CHANGELOG.md", "pip install --upgrade cart"),
        ("CHANGELOG.md", "- Run `npm audit fix` after the update."),
        ("CHANGELOG.md", "# sudo rm -rf /var/cart"),
        ("CHANGELOG.md", "$ ./migrate"),
        ("CHANGELOG.md", "    cart.migrate()"),
        ("CHANGELOG.md", "<script>alert(1)</script>"),
        ("CHANGELOG.md", "Refunds \u202ekeep\u202c the discount."),
        ("CHANGES.rst", ".. raw:: html"),
        ("CHANGES.rst", "Use it like this::"),
        ("README.md", "Refunds keep the discount."),
        ("docs/changes.py", "x = 1"),
        ("history.py", "x = 1"),
        ("CHANGELOG.json", "1,"),
        ("changelog.yml", "- fixed: refunds"),
        ("debian/changelog", "cart (2.1.0) unstable; urgency=low"),
        (".changeset/kind-cats.md", "Refunds keep the discount."),
        ("pyproject.toml", "version = '2.1.0'"),
        (".github/workflows/ci.yml", "  - run: make"),
    ],
)
def test_what_may_be_more_than_notes_is_reviewed(path: str, line: str) -> None:
    """Code, settings, commands, hidden characters: each keeps its file among those to review."""
    assert [file.path for file in select(parse_diff(diff_of(path, line)), Settings().review)[0]] == [path]
    if path in ("CHANGELOG.md", "CHANGES.rst"):
        beside = parse_diff(diff_of(path, "Refunds keep the discount.", beside=line))
        assert select(beside, Settings().review)[0], "a line beside the change may begin the code it stands in"


def test_a_removed_or_renamed_note_is_reviewed() -> None:
    """A package may name the file that is gone."""
    gone = b"diff --git a/NEWS b/NEWS\ndeleted file mode 100644\n--- a/NEWS\n+++ /dev/null\n@@ -1 +0,0 @@\n-## 2.0.0\n"
    assert select(parse_diff(gone), Settings().review)[0]


def test_release_notes_are_read_beside_what_they_tell_of() -> None:
    """The model sees whether they are true."""
    both = parse_diff(diff_of("CHANGELOG.md", *NOTE) + diff_of("src/a.py", "x = 1", beside="y = 2"))
    assert [file.path for file in select(both, Settings().review)[0]] == ["CHANGELOG.md", "src/a.py"]


def test_release_notes_are_reviewed_where_the_maintainers_say_how() -> None:
    """Instructions for their path are a wish that they be read."""
    settings, _ = parse_settings("review:\n  path_instructions:\n    'CHANGELOG.md': Every entry names its issue.\n")
    assert select(parse_diff(diff_of("CHANGELOG.md", *NOTE)), settings.review)[0]


@pytest.mark.parametrize("path", ["CHANGELOG.md", "yarn.lock", "deploy/dump.csv", "notes.ipynb"])
def test_a_secret_is_found_wherever_it_is_added(path: str) -> None:
    """That takes no call, so nothing is too small for it; nothing is said to need no review then."""
    done = reviewed(diff_of(path, f'- token: "{TOKEN}"'))
    assert [finding.title for finding in done.findings] == ["A secret is added: github token"]
    assert "needs a review" not in headline(done)


@pytest.mark.parametrize("path", ["vendor/lib/keys.go", "dist/app.min.js", "docs/a.md"])
def test_no_secret_is_looked_for_where_nobody_asked(path: str) -> None:
    """Other people's code, what a program wrote, and what the settings leave out."""
    settings, _ = parse_settings("review:\n  exclude: ['docs/**']\n")
    assert reviewed(diff_of(path, f'token: "{TOKEN}"'), settings).findings == ()
