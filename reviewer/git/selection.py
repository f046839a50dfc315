"""Which part of a local change is reviewed: paths, what is staged, and which files that git does not track yet. Pure.

Untracked files are reviewed only on request, since nobody decided yet that others may see them; of those whose names
say that they hold secrets, only the ones that are named.
"""

from __future__ import annotations

import fnmatch
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from reviewer.errors import UsageError

#: Names, in lower case, of files that hold secrets or data: environments, keys, password files, dumps.
_PRIVATE = (
    ".env*", "*.env", "*.env.*", ".netrc", "_netrc", ".pgpass", ".my.cnf", ".htpasswd", ".npmrc", ".pypirc",
    ".git-credentials", ".dockercfg", "id_*", "*.pem", "*.key", "*.p8", "*.p12", "*.pfx", "*.jks", "*.keystore",
    "*.kdbx", "*.ppk", "*.gpg", "*.asc", "credentials", "credentials.*", "secrets.*", "*.tfstate", "*.tfvars",
    "*.dump", "*.dump.*", "*.dmp", "*.sql", "*.sql.*", "*.rdb", "*.bak", "*.sqlite", "*.sqlite3", "*.db", "*.pcap",
    "*.har", "core", "core.[0-9]*", "*.hprof",
)  # fmt: skip
#: Endings of files that show how such a file is written, without its secrets.
_SAMPLES = (".example", ".sample", ".template", ".dist", ".pub")


@dataclass(frozen=True, slots=True)
class Selection:
    """What of a local change is reviewed.

    `paths` are pathspecs as `pathspecs` makes them; none: the whole repository. `staged`: the index instead of the
    working tree. `untracked`: also files that git does not track yet; private ones only if a pattern of `include` fits.
    `left_out` are paths in the repository that are never part of the change: files and folders that the reviewer itself
    writes.
    """

    paths: tuple[str, ...] = ()
    staged: bool = False
    untracked: bool = False
    include: tuple[str, ...] = ()
    left_out: frozenset[str] = frozenset()

    def leaves_out(self, path: str) -> bool:
        """Whether the reviewer itself writes that file."""
        return any(path == own or path.startswith(f"{own}/") for own in self.left_out)

    def accepts_untracked(self, path: str) -> bool:
        """Whether an untracked file of that path is part of the change."""
        if self.leaves_out(path):
            return False
        named = any(fnmatch.fnmatchcase(path, pattern) or path == pattern for pattern in self.include)
        return named or (self.untracked and not is_private(path))


def is_private(path: str) -> bool:
    """Whether the name of a file says that it holds secrets, keys or dumped data."""
    name = path.rpartition("/")[2].lower()
    return not name.endswith(_SAMPLES) and any(fnmatch.fnmatchcase(name, pattern) for pattern in _PRIVATE)


def pathspecs(words: list[str], folder: Path, root: Path) -> tuple[str, ...]:
    """Return git's pathspecs for paths that a person gave in a folder of the clone, as after `--` of `git diff`.

    A path that exists is taken to the letter, another as a pattern; `:!` or `:^` before it leaves it out.
    https://git-scm.com/docs/gitglossary#Documentation/gitglossary.txt-aiddefpathspecapathspec
    Raises UsageError for a path outside of the clone.
    """
    return tuple(_pathspec(word, folder, root) for word in words)


def _pathspec(word: str, folder: Path, root: Path) -> str:
    excluded = word.startswith((":!", ":^"))
    path = word[2:] if excluded else word
    place = Path(os.path.normpath(folder.resolve() / path))
    if not place.is_relative_to(root):
        raise UsageError(f"{path} is outside of the repository {root}. Name paths inside of it.")
    inside = place.relative_to(root).as_posix()
    kind = "literal" if os.path.lexists(place) or not any(sign in path for sign in "*?[") else "glob"
    magic = ["top", kind, *(["exclude"] if excluded else [])]
    return f":({','.join(magic)}){'' if inside == '.' else inside}"


def untracked_left_out(paths: Sequence[str]) -> str:
    """Say which files are not reviewed because git does not track them, and how to have them reviewed."""
    private = [path for path in paths if is_private(path)]
    named = ", ".join(paths[:5]) + (f" and {len(paths) - 5} more" if len(paths) > 5 else "")
    verb = "file is" if len(paths) == 1 else "files are"
    how = "--untracked reviews them" if len(private) < len(paths) else ""
    more = f"--include {private[0]} shows one that may hold secrets" if private else ""
    return f"{len(paths)} untracked {verb} left out: {named}. {'; '.join(filter(None, (how, more)))}."
