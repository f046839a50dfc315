"""Write a case as a git repository, with one commit for `base/` and one for `head/`, to review it like a clone.

The objects are written as git stores them (https://git-scm.com/book/en/v2/Git-Internals-Git-Objects): no process is
started, no setting, template or hook of the machine is used, and the same case always gives the same commits.
"""

from __future__ import annotations

import hashlib
import os
import stat
import zlib
from pathlib import Path

# Git stores no empty folders.
_EMPTY_TREE = hashlib.sha1(b"tree 0\0", usedforsecurity=False).hexdigest()
_AUTHOR = "Case <case@example.org> 1700000000 +0000"


def write_case_repository(case: Path, at: Path, message: str) -> str:
    """Write the case's two trees to a new repository in the folder `at`, and return the range between its commits.

    `message` is the message of the last commit: title, blank line, description. Files named `.git` are left out;
    symbolic links are stored as links and not followed. Raises OSError.
    """
    git = at / ".git"
    for name in ("objects", "refs"):
        (git / name).mkdir(parents=True)
    base = _commit(git, _tree(git, case / "base"), "", "Begin")
    head = _commit(git, _tree(git, case / "head"), base, message)
    (git / "HEAD").write_text(f"{head}\n")
    return f"{base}..{head}"


def _tree(git: Path, folder: Path) -> str:
    entries = []
    for entry in folder.iterdir():
        if entry.name == ".git":
            continue
        if entry.is_symlink():
            mode, id_ = b"120000", _object(git, "blob", os.fsencode(entry.readlink()))
        elif entry.is_dir():
            mode, id_ = b"40000", _tree(git, entry)
        else:
            mode = b"100755" if entry.stat().st_mode & stat.S_IXUSR else b"100644"
            id_ = _object(git, "blob", entry.read_bytes())
        if id_ != _EMPTY_TREE:
            entries.append((os.fsencode(entry.name), mode, id_))
    # Git sorts a folder as if its name ended with a slash.
    entries.sort(key=lambda entry: entry[0] + (b"/" if entry[1] == b"40000" else b""))
    return _object(
        git, "tree", b"".join(b"%s %s\0%s" % (mode, name, bytes.fromhex(id_)) for name, mode, id_ in entries)
    )


def _commit(git: Path, tree: str, parent: str, message: str) -> str:
    lines = [f"tree {tree}", *([f"parent {parent}"] if parent else []), f"author {_AUTHOR}", f"committer {_AUTHOR}"]
    return _object(git, "commit", "\n".join([*lines, "", message.strip(), ""]).encode("utf-8", "replace"))


def _object(git: Path, kind: str, data: bytes) -> str:
    whole = f"{kind} {len(data)}\0".encode() + data
    id_ = hashlib.sha1(whole, usedforsecurity=False).hexdigest()
    path = git / "objects" / id_[:2] / id_[2:]
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(zlib.compress(whole, 1))
    return id_
