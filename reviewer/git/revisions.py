"""Which two revisions of a clone a range names: the base and the head of a local change.

Only asks git. Raises WorktreeError, with what to pass instead, for a name that git does not know.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from reviewer.errors import WorktreeError
from reviewer.git.command import git_answer, git_output

_DEFAULT_BRANCHES = ("main", "master", "trunk", "develop")
HOW_TO_NAME_A_RANGE = "Pass a range: A..B, A...B, or one revision to compare with the working tree."
SHALLOW_CLONE = "This clone is shallow. Run git fetch --unshallow, or set fetch-depth: 0 for actions/checkout."


#: The head of a change that ends with what is staged.
INDEX = ":"


@dataclass(frozen=True, slots=True)
class Ends:
    """What is compared: `base` with `head`, or with the working tree where `head` is None. See `LocalChange`."""

    base: str
    head: str | None
    tip: str | None
    description: str


def ends_of(root: Path, range_: str | None) -> Ends:
    """Return the two ends of a range; None means from the merge base with the default branch to the working tree."""
    if range_ is None:
        return _default_ends(root)
    for dots in ("...", ".."):
        if dots in range_:
            old, _, new = range_.partition(dots)
            base, head = object_id(root, old or "HEAD"), object_id(root, new or "HEAD")
            base = _merge_base(root, base, head, range_) if dots == "..." else base
            return Ends(base, head, head, range_)
    return Ends(object_id(root, range_), None, head_commit(root), f"from {range_} to the working tree")


def staged_ends(root: Path, revision: str | None) -> Ends:
    """Return the two ends of what is staged: HEAD, or the revision, and the index."""
    if revision is not None and ".." in revision:
        raise WorktreeError("--staged compares with one revision, or with HEAD: leave the range out, or name one end.")
    head = head_commit(root)
    if revision is not None:
        return Ends(object_id(root, revision), INDEX, head, f"from {revision} to what is staged")
    return Ends(head or _empty_tree(root), INDEX, head, "what is staged")


def _empty_tree(root: Path) -> str:
    return git_output(root, "hash-object", "-t", "tree", "--stdin").decode().strip()


def _default_ends(root: Path) -> Ends:
    head = head_commit(root)
    if head is None:
        return Ends(_empty_tree(root), None, None, "the whole working tree (nothing is committed yet)")
    branch = _default_branch(root)
    if branch is None:
        return Ends(head, None, head, "from HEAD to the working tree (no default branch was found)")
    name = branch[0].removeprefix("refs/heads/").removeprefix("refs/remotes/")
    base = head if branch[1] == head else _merge_base(root, branch[1], head, f"{name}...HEAD")
    return Ends(base, None, head, f"from the merge base with {name} ({base[:10]}) to the working tree")


def head_commit(root: Path) -> str | None:
    """Return the commit that is checked out, None where nothing is committed yet."""
    return git_answer(root, "rev-parse", "--verify", "--quiet", "HEAD^{commit}")


def _default_branch(root: Path) -> tuple[str, str] | None:
    """Return the full name and the commit of the default branch: the remote's, else the first of the usual names."""
    remotes, usual = _configured(root)
    remote = "origin" if "origin" in remotes else remotes[0] if len(remotes) == 1 else ""
    places = ([f"refs/remotes/{remote}/"] if remote else []) + ["refs/heads/"]
    usual_refs = [place + name for name in (*usual, *_DEFAULT_BRANCHES) for place in places]
    remote_head = f"{places[0]}HEAD"  # a symbolic ref, if the remote told git its default branch
    refs = (remote_head, *usual_refs)
    listed = git_answer(root, "for-each-ref", "--format=%(refname) %(objectname) %(symref)", *refs) or ""
    existing: dict[str, tuple[str, str]] = {}
    for line in filter(None, listed.split("\n")):
        name, commit, target = line.split(" ")
        if target or name != remote_head:
            existing[name] = (target or name, commit)
    return next((existing[name] for name in refs if name in existing), None)


def _configured(root: Path) -> tuple[list[str], list[str]]:
    """Return the names of the remotes, and `init.defaultBranch` if it is set."""
    listed = git_answer(root, "config", "-z", "--get-regexp", r"^(init\.defaultbranch|remote\..+\.[^.]+)$") or ""
    settings = [entry.partition("\n") for entry in listed.split("\0") if entry]
    remotes = [key.removeprefix("remote.").rpartition(".")[0] for key, _, _ in settings if key.startswith("remote.")]
    usual = [value for key, _, value in settings if key == "init.defaultbranch"]
    return list(dict.fromkeys(remotes)), [name for name in usual[-1:] if name]


def object_id(root: Path, name: str) -> str:
    """Return the id of the commit, or else of the tree, with that name. Raises WorktreeError if git knows neither."""
    if name.startswith(("-", "^")) or "\0" in name:
        raise WorktreeError(f"{name!r} is not a revision. {HOW_TO_NAME_A_RANGE}")
    for kind in ("commit", "tree") if name else ():
        if found := git_answer(root, "rev-parse", "--verify", "--quiet", f"{name}^{{{kind}}}"):
            return found
    hint = SHALLOW_CLONE if is_shallow(root) else "Is it spelt right, and fetched?"
    if os.path.lexists(name):
        hint = f"Paths come behind two dashes: -- {name}"
    raise WorktreeError(f"Git knows no revision {name!r}. {hint} {HOW_TO_NAME_A_RANGE}")


def _merge_base(root: Path, old: str, new: str, range_: str) -> str:
    base = git_answer(root, "merge-base", old, new)
    if base is None:
        hint = SHALLOW_CLONE if is_shallow(root) else "Pass A..B to compare them as they are."
        raise WorktreeError(f"There is no merge base in {range_}. {hint}")
    return base


def is_shallow(root: Path) -> bool:
    """Return whether the clone lacks older commits."""
    return git_answer(root, "rev-parse", "--is-shallow-repository") == "true"
