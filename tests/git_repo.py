"""A real git repository for tests, made with real git and shielded from the settings of the person who runs them."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

#: No settings of the machine, a fixed author, a fixed language.
ENVIRONMENT = {
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_AUTHOR_NAME": "Ada",
    "GIT_AUTHOR_EMAIL": "ada@example.org",
    "GIT_COMMITTER_NAME": "Ada",
    "GIT_COMMITTER_EMAIL": "ada@example.org",
    "LC_ALL": "C",
}


class Repo:
    """A repository at `path`, on the branch `main`."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @classmethod
    def create(cls, path: Path) -> Repo:
        path.mkdir(parents=True, exist_ok=True)
        repo = cls(path)
        repo.git("init", "-q", "-b", "main")
        return repo

    def git(
        self, *args: str, stdin: bytes = b"", settings: Mapping[str, str] = {}, ok: tuple[int, ...] = (0,)
    ) -> bytes:
        """Run git here and return what it prints; `ok` are the exit codes that are no failure."""
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        environment = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")} | ENVIRONMENT
        done = subprocess.run(
            ["git", *options, *args], cwd=self.path, env=environment, input=stdin, capture_output=True, check=False
        )
        assert done.returncode in ok, done.stderr.decode("utf-8", "replace")
        return done.stdout

    def write(self, name: str, content: bytes | str) -> None:
        file = self.path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content.encode() if isinstance(content, str) else content)

    def commit(self, message: str = "a commit") -> str:
        """Commit everything and return the commit's id."""
        self.git("add", "--all")
        self.git("commit", "-q", "--allow-empty", "--cleanup=verbatim", "-F", "-", stdin=message.encode())
        return self.head()

    def head(self) -> str:
        return self.git("rev-parse", "HEAD").decode().strip()

    def import_trees(self, *trees: Mapping[str, bytes]) -> list[str]:
        """Make one commit of each tree (path to content) without touching the files, and return their ids."""
        stream = bytearray()
        for mark, tree in enumerate(trees, start=1):
            stream += b"commit refs/heads/imported\nmark :%d\n" % mark
            stream += b"committer Ada <ada@example.org> %d +0000\ndata 0\ndeleteall\n" % (1700000000 + mark)
            for path, content in tree.items():
                quoted = "".join(f"\\{byte:03o}" for byte in os.fsencode(path))
                stream += b'M 100644 inline "%s"\ndata %d\n%s\n' % (quoted.encode(), len(content), content)
        marks = self.path / ".git" / "marks"
        self.git("fast-import", "--quiet", "--force", f"--export-marks={marks}", stdin=bytes(stream))
        ids = dict(line.split() for line in marks.read_text().splitlines())
        return [ids[f":{mark}"] for mark in range(1, len(trees) + 1)]
