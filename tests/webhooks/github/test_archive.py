"""The head as one archive: fetched once where it is cheaper than calls, never a link or a path of its own, bounded."""

from __future__ import annotations

import hashlib
import io
import tarfile
from collections.abc import Iterator, Mapping

import pytest

from reviewer.git.archive import Archive, UnusableArchive, unpack
from tests.fakes.github import World, default_world, faults
from tests.fakes.github.model.git import Entry
from tests.webhooks.github.test_sources import made, sources_of
from webhooks.github.sources import BATCH, FEW_BATCHES

FILES = BATCH * FEW_BATCHES + 20


@pytest.fixture
def github() -> Iterator[World]:
    """Give a world with one open pull request, whose base has more files than a few calls can read."""
    with default_world(strict=False) as world:
        many = {f"src/many/m{n:04}.py": f"def rate_{n}():\n    return {n}\n" for n in range(FILES)}
        odd: dict[str, bytes | str | Entry | None] = {
            "src/link.py": Entry("../../../../etc/passwd", "120000"),
            "src/bin.dat": b"\0rate_7",
            "docs/rates.md": "See rate_7.\n",
            ".gitattributes": "src/hidden.py export-ignore\nsrc/stamp.py export-subst\n",
            "src/hidden.py": "def hidden():\n    return rate_7()\n",
            "src/stamp.py": "STAMP = '$Format:%H$'  # rate_7\n",
        }
        world.push_to_base(world.repo, {**odd, **many})
        world.repo.commit({"src/new.py": "def new():\n    return rate_7()\n"}, "Add", branch="feature")
        world.opened = world.open_pull(world.repo, "feature", title="Add")
        yield world


def test_a_search_of_many_files_takes_one_archive(github: World) -> None:
    """Every text is searched, in three calls with the listing; a second search and reads take none."""
    sources = sources_of(github)
    before = len(github.calls)
    hits = sources.search(["rate_7"], sorted(sources.paths()))
    assert {hit.path for hit in hits} == {"src/many/m0007.py", "docs/rates.md", "src/new.py"}
    assert sources.unsearched() == 0
    assert [path.split("/")[4 if "_codeload" not in path else 1] for path in made(github, before)] == [
        "git", "tarball", "_codeload",
    ]  # fmt: skip
    many = [f"rate_{n}" for n in range(100)]
    assert len(sources.search(many, ())) == 102
    assert sources.read(["src/many/m0003.py"]) == {"src/many/m0003.py": "def rate_3():\n    return 3\n"}
    assert len(made(github, before)) == 3
    assert github.violations == []


def test_what_the_archive_lacks_is_read_by_call(github: World) -> None:
    """A file that git leaves out of archives or changes in them has the text of the commit."""
    sources = sources_of(github)
    sources.search(["rate_7"], ())
    found = sources.read(["src/hidden.py", "src/stamp.py", "src/link.py"])
    assert found == {
        "src/hidden.py": "def hidden():\n    return rate_7()\n",
        "src/stamp.py": "STAMP = '$Format:%H$'  # rate_7\n",
    }


@pytest.mark.parametrize("path", ["/tarball/", "/_codeload/"])
def test_without_an_archive_calls_are_made(github: World, path: str) -> None:
    """Where GitHub does not give it, the nearest files are searched, and what was not searched is said."""
    github.fault(f"GET {path}", faults.server_error(500), times=4)
    sources = sources_of(github)
    before = len(github.calls)
    hits = sources.search(["rate_7"], ["src/many/m0007.py"])
    assert [hit.path for hit in hits] == ["src/many/m0007.py"]
    assert sources.unsearched() > FILES / 2
    sources.search(["rate_8"], ["src/many/m0008.py"])
    assert sum("tarball" in call for call in made(github, before)) == 1


def packed(entries: Mapping[str, bytes], **links: str) -> io.BytesIO:
    """Return an archive with these files and links."""
    sent = io.BytesIO()
    with tarfile.open(fileobj=sent, mode="w:gz") as tar:
        for name, data in entries.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            tar.addfile(entry, io.BytesIO(data))
        for name, target in links.items():
            entry = tarfile.TarInfo(f"top/{name}")
            entry.type, entry.linkname = tarfile.SYMTYPE, target
            tar.addfile(entry)
    sent.seek(0)
    return sent


def blob(data: bytes) -> str:
    return hashlib.sha1(b"blob %d\0%s" % (len(data), data), usedforsecurity=False).hexdigest()


def test_only_regular_files_of_the_tree_are_kept() -> None:
    """Links, paths that lead out, unknown files, other contents and binary files are left out."""
    data = b"x = 1\n"
    names = ["top/a.py", "top/../b.py", "/c.py", "top/.git/config", "top/other.py", "top/d.py"]
    sent = packed(dict.fromkeys(names, data) | {"top/bin": b"\0"}, link="/etc/passwd")
    known = dict.fromkeys(["a.py", "../b.py", "c.py", ".git/config", "link"], blob(data)) | {"d.py": blob(b"y")}
    archive = unpack(sent, known | {"bin": blob(b"\0")})
    assert list(archive.places) == ["a.py", "c.py"]
    assert archive.data("a.py") == data
    assert archive.data("link") is None


@pytest.mark.parametrize("cut", [0, 40])
def test_a_broken_archive_is_said(cut: int) -> None:
    """Cut off, or no archive at all."""
    whole = packed({"top/a.py": b"x" * 5000}).getvalue()
    with pytest.raises(UnusableArchive):
        unpack(io.BytesIO(whole[: len(whole) - cut] if cut else b"<html>"), {"a.py": ""})


def test_a_bomb_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """What unpacks to too much, or to too many entries, is given up."""
    monkeypatch.setattr("reviewer.git.archive.MAX_UNPACKED", 10_000)
    with pytest.raises(UnusableArchive, match="too large"):
        unpack(packed({f"top/{n}.py": b"0" * 4000 for n in range(9)}), {})
    monkeypatch.setattr("reviewer.git.archive.MAX_ENTRIES", 5)
    with pytest.raises(UnusableArchive, match="too large"):
        unpack(packed({f"top/{n}.py": b"" for n in range(9)}), {})


def test_an_empty_archive_holds_nothing() -> None:
    """No file was kept."""
    archive = unpack(packed({}), {})
    assert isinstance(archive, Archive)
    assert list(archive.holding(["x"])) == []
