"""A clone that names programs, remotes and repositories: git runs and fetches nothing of it, and gets no key."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Mapping
from pathlib import Path

import pytest

from reviewer.errors import ReviewerError, WorktreeError
from reviewer.git.command import run_git
from reviewer.git.sources import checkout_of
from reviewer.git.worktree import open_worktree
from reviewer.sandbox.staging import stage_revision
from tests.attacks.clone.hostile import SECRET
from tests.fixtures.git_repo import UNTRACKED_TOO, Repo
from tests.paths import ROOT

pytestmark = pytest.mark.slow


def use(repo: Repo, folder: Path | None = None) -> None:
    """Do with the clone everything that a review does; errors are allowed, programs are not."""
    for range_ in (None, "base", "base..HEAD", "HEAD"):
        try:
            tree = open_worktree(folder or repo.path)
            change = tree.diff(range_, UNTRACKED_TOO)
        except ReviewerError:
            continue
        tree.title_and_description(change)
        tree.holds(change)
        sources = checkout_of(tree, change)
        sources.read(sources.paths())
        sources.search(["one", "two"])
    try:
        with stage_revision(repo.path, repo.head()):
            pass
    except ReviewerError:
        pass


#: Settings of the clone that name a program; TRAP is its path.
PROGRAMS = [
    {"filter.evil.clean": "TRAP"},
    {"filter.evil.smudge": "TRAP"},
    {"filter.evil.process": "TRAP"},
    {"filter.evil.clean": "TRAP", "filter.evil.smudge": "TRAP", "filter.evil.required": "true"},
    {"filter.lfs.clean": "TRAP", "filter.lfs.smudge": "TRAP", "filter.lfs.process": "TRAP"},
    {"filter.a.b-c.clean": "TRAP", "filter.a.b-c.smudge": "TRAP"},
    {"FILTER.evil.CLEAN": "TRAP"},
    {"diff.external": "TRAP"},
    {"diff.evil.command": "TRAP"},
    {"diff.evil.textconv": "TRAP", "diff.evil.cachetextconv": "true"},
    {"core.fsmonitor": "TRAP"},
    {"core.fsmonitor": "true", "fsmonitor.socketdir": "TRAP"},
    {"core.pager": "TRAP", "pager.diff": "TRAP", "pager.log": "TRAP"},
    {"core.editor": "TRAP", "sequence.editor": "TRAP"},
    {"core.askPass": "TRAP", "credential.helper": "!TRAP"},
    {"gpg.program": "TRAP", "log.showSignature": "true"},
    {"core.hooksPath": "HOOKS"},
    {"diff.algorithm": "TRAP"},
    {"alias.diff": "!TRAP", "alias.log": "!TRAP", "alias.ls-files": "!TRAP"},
    {"merge.evil.driver": "TRAP", "core.alternateRefsCommand": "TRAP"},
]


HOOKS = (
    "post-index-change",
    "post-checkout",
    "pre-commit",
    "reference-transaction",
    "pre-auto-gc",
    "fsmonitor-watchman",
)


def armed(repo: Repo, settings: Mapping[str, str], program: Path) -> None:
    hooks = repo.path.parent / "hooks"
    hooks.mkdir(exist_ok=True)
    for name in HOOKS:
        (hooks / name).unlink(missing_ok=True)
        (hooks / name).symlink_to(program)
    for name, value in settings.items():
        repo.git("config", name, value.replace("TRAP", str(program)).replace("HOOKS", str(hooks)))


def touched(repo: Repo) -> None:
    """Change files in every way, so that git has to look into them."""
    for name in ("x.bin", "x.lfs", "x.odd", "new.bin", "new.lfs"):
        (repo.path / name).write_text("one\ntwo\n")
    (repo.path / "sub/y.bin").touch()


@pytest.mark.parametrize("settings", PROGRAMS, ids="+".join)
@pytest.mark.parametrize("place", ["config", "include"])
def test_no_program_of_the_clone_runs(
    repo: Repo, trap: tuple[Path, Path], settings: Mapping[str, str], place: str
) -> None:
    """Filters, drivers, hooks, pagers and helpers that the clone's settings name do not run."""
    program, mark = trap
    armed(repo, settings, program)
    if place == "include":
        (repo.path / ".git" / "config").rename(repo.path / ".git" / "more")
        (repo.path / ".git" / "config").write_text("[include]\n\tpath = more\n")
    touched(repo)
    use(repo)
    assert not mark.exists()


def test_a_filter_that_cannot_be_switched_off_is_refused(repo: Repo, trap: tuple[Path, Path]) -> None:
    """A name with `=` would end the setting's name on the command line."""
    program, mark = trap
    (repo.path / ".gitattributes").write_text("*.bin filter=a=b\n")
    repo.git("config", "filter.a=b.clean", str(program))
    touched(repo)
    mark.unlink(missing_ok=True)
    with pytest.raises(WorktreeError, match="Remove it from the clone"):
        open_worktree(repo.path).diff(selection=UNTRACKED_TOO)
    assert not mark.exists()


REMOTES = [
    {"remote.o.url": "ext::TRAP", "protocol.ext.allow": "always"},
    {"remote.o.url": "ext::TRAP", "protocol.allow": "always"},
    {"remote.o.url": "ssh://host.invalid/x", "core.sshCommand": "TRAP"},
    {"remote.o.url": "ssh://host.invalid/x", "core.sshCommand": "TRAP", "protocol.ssh.allow": "always"},
    {"remote.o.url": "CLONE", "remote.o.uploadpack": "TRAP", "protocol.file.allow": "always"},
    {"remote.o.url": "git://host.invalid/x", "core.gitProxy": "TRAP", "protocol.git.allow": "always"},
    {"remote.o.url": "https://host.invalid/x", "credential.helper": "!TRAP", "core.askPass": "TRAP"},
    {"remote.o.url": "x", "remote.o.vcs": "ext", "protocol.ext.allow": "always"},
    {"remote.o.url": "y:z", "url.ext::TRAP .insteadOf": "y:", "protocol.ext.allow": "always"},
]


@pytest.mark.parametrize("settings", REMOTES, ids="+".join)
@pytest.mark.parametrize("gone", ["blob", "tree"])
def test_nothing_is_fetched(repo: Repo, trap: tuple[Path, Path], settings: Mapping[str, str], gone: str) -> None:
    """A partial clone whose remote names a program: the missing object is an error that says what to do."""
    program, mark = trap
    repo.write("x.bin", "2\n")
    repo.write("sub/y.bin", "2\n")
    repo.commit()
    name = {"blob": "base:x.bin", "tree": "base:sub"}[gone]
    id_ = repo.git("rev-parse", name).decode().strip()
    (repo.path / ".git" / "objects" / id_[:2] / id_[2:]).unlink()
    for key, value in settings.items():
        repo.git("config", key.replace("TRAP", str(program)), value.replace("TRAP", str(program)).replace("CLONE", "."))
    for key, value in {
        "remote.o.promisor": "true",
        "remote.o.partialCloneFilter": "blob:none",
        "core.repositoryFormatVersion": "1",
        "extensions.partialClone": "o",
    }.items():
        repo.git("config", key, value)
    use(repo)
    with pytest.raises(WorktreeError, match="nothing is fetched for a review"):
        open_worktree(repo.path).diff("base..HEAD", UNTRACKED_TOO)
    assert not mark.exists()


@pytest.mark.parametrize("settings", [*PROGRAMS[:8], *PROGRAMS[10:12], {"core.worktree": "CLONE"}], ids="+".join)
def test_a_bare_repository_inside_the_clone_is_not_used(
    repo: Repo, trap: tuple[Path, Path], settings: Mapping[str, str]
) -> None:
    """A folder of the change that looks like a repository: its settings are not read."""
    program, mark = trap
    inner = repo.path / "vendor" / "kit"
    inner.parent.mkdir()
    shutil.copytree(repo.path / ".git", inner)
    inner_repo = Repo(inner)
    for key, value in {"core.bare": "false", "core.worktree": str(repo.path), **settings}.items():
        put = value.replace("TRAP", str(program)).replace("CLONE", str(repo.path))
        inner_repo.git("config", "--file", str(inner / "config"), key, put)
    touched(repo)
    use(repo, inner)
    use(repo, inner / "hooks")
    assert not mark.exists()
    assert open_worktree(inner).root == repo.path.resolve()


@pytest.mark.parametrize("where", ["", ".", "bin", "IN/bin", "IN/.venv/bin", "LINK"])
def test_git_itself_never_comes_from_the_clone(
    repo: Repo, trap: tuple[Path, Path], where: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Relative folders of the PATH, and those inside the clone, are passed over."""
    program, mark = trap
    for folder in ("", "bin", ".venv/bin"):
        (repo.path / folder).mkdir(parents=True, exist_ok=True)
        (repo.path / folder / "git").symlink_to(program)
    (repo.path.parent / "link").symlink_to(repo.path / "bin")
    place = where.replace("IN", str(repo.path)).replace("LINK", str(repo.path.parent / "link"))
    monkeypatch.setenv("PATH", f"{place}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.chdir(repo.path)
    open_worktree(repo.path).diff(selection=UNTRACKED_TOO)
    assert not mark.exists()


KEYS = {
    "RUNAPI_KEY": SECRET, "GITHUB_TOKEN": SECRET, "ACTIONS_RUNTIME_TOKEN": SECRET, "AWS_SECRET_ACCESS_KEY": SECRET,
    "GITHUB_APP_PRIVATE_KEY": SECRET, "DATABASE_URL": SECRET, "SSH_AUTH_SOCK": SECRET, "LD_PRELOAD_X": SECRET,
    "LD_AUDIT_X": SECRET, "DYLD_INSERT_LIBRARIES": SECRET, "BASH_ENV": SECRET, "ENV": SECRET, "PYTHONPATH": SECRET,
    "GIT_SSH_COMMAND": SECRET, "GIT_ASKPASS": SECRET, "SSH_ASKPASS": SECRET, "GIT_EXTERNAL_DIFF": SECRET,
    "GIT_PAGER": SECRET, "PAGER": SECRET, "GIT_EDITOR": SECRET, "EDITOR": SECRET, "GIT_PROXY_COMMAND": SECRET,
    "GIT_CONFIG_PARAMETERS": f"'diff.external={SECRET}'", "GIT_TEMPLATE_DIR": SECRET, "GIT_DIR": SECRET,
    "GIT_WORK_TREE": SECRET, "GIT_INDEX_FILE": SECRET, "GIT_TRACE2_EVENT": SECRET, "GIT_TRACE": SECRET,
    "HTTPS_PROXY": SECRET, "GIT_HTTP_PROXY_AUTHMETHOD": SECRET, "GIT_SSL_NO_VERIFY": SECRET, "GIT_EXEC_PATH": SECRET,
}  # fmt: skip


@pytest.mark.parametrize("name", KEYS)
def test_git_gets_no_key(
    name: str, trap: tuple[Path, Path], repo: Repo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever is in our environment: a program named git that prints its own environment prints nothing of it."""
    program, mark = trap
    (tmp_path / "tools").mkdir()
    (tmp_path / "tools" / "git").symlink_to(program)
    monkeypatch.setenv("PATH", f"{tmp_path / 'tools'}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv(name, KEYS[name])
    run_git(repo.path, "status")
    assert SECRET not in mark.read_text()


def test_of_variables_for_settings_only_trusted_folders_count(
    trap: tuple[Path, Path], repo: Repo, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`GIT_CONFIG_COUNT` may name folders to trust, as workflows do; a program it names does not run."""
    program, mark = trap
    entries = {"safe.directory": str(repo.path), "core.fsmonitor": str(program), "filter.evil.clean": str(program)}
    monkeypatch.setenv("GIT_CONFIG_COUNT", str(len(entries)))
    for number, (key, value) in enumerate(entries.items()):
        monkeypatch.setenv(f"GIT_CONFIG_KEY_{number}", key)
        monkeypatch.setenv(f"GIT_CONFIG_VALUE_{number}", value)
    touched(repo)
    use(repo)
    assert not mark.exists()
    assert run_git(repo.path, "config", "safe.directory").stdout.decode().strip() == str(repo.path)
    assert run_git(repo.path, "config", "filter.evil.clean").returncode == 1


def test_a_clone_cannot_name_another_folder_as_its_own(repo: Repo, tmp_path: Path) -> None:
    """With `core.worktree` the person's home would be the change."""
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "id_rsa").write_text(SECRET)
    repo.git("config", "core.worktree", str(tmp_path / "home"))
    with pytest.raises(WorktreeError, match=r"core\.worktree"):
        open_worktree(repo.path)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("diff.renames", "copies"), ("diff.renameLimit", "1"), ("diff.algorithm", "patience"), ("diff.context", "0"),
        ("diff.suppressBlankEmpty", "true"), ("diff.noprefix", "true"), ("diff.mnemonicPrefix", "true"),
        ("diff.relative", "true"), ("core.bigFileThreshold", "1"), ("diff.ignoreSubmodules", "all"),
        ("core.quotePath", "false"), ("color.ui", "always"), ("diff.wsErrorHighlight", "all"), ("core.abbrev", "4"),
        ("diff.interHunkContext", "99"), ("diff.colorMoved", "zebra"), ("diff.external", "false"),
        ("diff.indentHeuristic", "false"), ("diff.srcPrefix", "q/"), ("grep.column", "true"),
        ("core.whitespace", "cr-at-eol"),
    ],
)  # fmt: skip
def test_settings_of_the_clone_do_not_change_what_is_reviewed(repo: Repo, key: str, value: str) -> None:
    """The diff and what a search finds are the same to the byte."""
    repo.write("old.py", "".join(f"line {n}\n\n" for n in range(40)))
    repo.commit()
    repo.git("mv", "old.py", "new.py")
    repo.write("new.py", "".join(f"line {n}\n\n" for n in range(40) if n != 20))
    tree = open_worktree(repo.path)
    before = tree.diff("base", UNTRACKED_TOO)
    found = checkout_of(tree, before).search(["line"])
    assert found
    repo.git("config", key, value)
    after = tree.diff("base", UNTRACKED_TOO)
    assert re.sub(rb"\nindex [^\n]*", b"", after.diff_bytes) == re.sub(rb"\nindex [^\n]*", b"", before.diff_bytes)
    assert checkout_of(tree, after).search(["line"]) == found


def test_one_module_starts_git() -> None:
    """No other module names the program."""
    files = [ROOT / "app.py", *(ROOT / "reviewer").rglob("*.py"), *(ROOT / "webhooks").rglob("*.py")]
    naming = [path for path in files if re.search(r"""["']git["']|["']git (?!apply)\w+ -""", path.read_text())]
    assert naming == [ROOT / "reviewer" / "git" / "command.py"]
