"""A hostile clone or checkout: programs that it names, files that the model asks for, folders that it shows."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import venv
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path

import pytest

from reviewer.cli.setup_consent import allowed_command, confirm
from reviewer.errors import NoSandbox, ReviewerError, WorktreeError
from reviewer.git.command import run_git
from reviewer.git.sources import checkout_of
from reviewer.git.worktree import open_worktree
from reviewer.sandbox.api import SandboxCommand
from reviewer.sandbox.bubblewrap import Privilege, SandboxMethod
from reviewer.sandbox.sandbox import run
from reviewer.sandbox.staging import stage_revision
from reviewer.tasks.conversation.lookups import read_request, render_lookup
from reviewer.testgen.python.harness_client import interpreter_folders
from reviewer.testgen.python.interpreter import python_of
from tests.fakes.model import FakeModel
from tests.fixtures.app_server import child_environment
from tests.fixtures.git_repo import Repo, without_git_settings
from tests.paths import ROOT

pytestmark = pytest.mark.slow

SECRET = "the-word-that-nobody-may-read"


@pytest.fixture(autouse=True)
def _no_settings_of_the_machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    without_git_settings(monkeypatch, tmp_path)


@pytest.fixture
def repo(tmp_path: Path) -> Repo:
    """Make a repository whose files have the attributes that a hostile clone gives them."""
    repo = Repo.create(tmp_path / "clone")
    repo.write(".gitattributes", "*.bin filter=evil diff=evil\n*.lfs filter=lfs\n*.odd filter=a.b-c\n")
    for name in ("x.bin", "x.lfs", "x.odd", "sub/y.bin"):
        repo.write(name, "1\n")
    repo.commit("first")
    repo.git("branch", "base")
    return repo


@pytest.fixture
def trap(tmp_path: Path) -> Iterator[tuple[Path, Path]]:
    """Make a program that leaves a mark when it runs, and name the mark."""
    program, mark = tmp_path / "trap.sh", tmp_path / "it-ran"
    program.write_text(f'#!/bin/sh\nenv > "{mark}"\ncat "$@" 2>/dev/null\n')
    program.chmod(0o755)
    yield program, mark
    mark.unlink(missing_ok=True)


def use(repo: Repo, folder: Path | None = None) -> None:
    """Do with the clone everything that a review does; errors are allowed, programs are not."""
    for range_ in (None, "base", "base..HEAD", "HEAD"):
        try:
            tree = open_worktree(folder or repo.path)
            change = tree.diff(range_)
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
        open_worktree(repo.path).diff()
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
        open_worktree(repo.path).diff("base..HEAD")
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
    open_worktree(repo.path).diff()
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
    before = tree.diff("base")
    found = checkout_of(tree, before).search(["line"])
    assert found
    repo.git("config", key, value)
    after = tree.diff("base")
    assert re.sub(rb"\nindex [^\n]*", b"", after.diff_bytes) == re.sub(rb"\nindex [^\n]*", b"", before.diff_bytes)
    assert checkout_of(tree, after).search(["line"]) == found


def test_one_module_starts_git() -> None:
    """No other module names the program."""
    files = [ROOT / "app.py", *(ROOT / "reviewer").rglob("*.py"), *(ROOT / "webhooks").rglob("*.py")]
    naming = [path for path in files if re.search(r"""["']git["']|["']git (?!apply)\w+ -""", path.read_text())]
    assert naming == [ROOT / "reviewer" / "git" / "command.py"]


#: What a model may ask to read, and may not get from a working tree.
FORBIDDEN = [
    ".env", "./.env", "deep/.env", "excluded.txt", "late.txt", ".git/config", ".GIT/config", ".git/info/exclude",
    "linked", "linkdir/secret", "../secret", "ABSOLUTE", "clone/../.env", ".env:1-5", "base:.env", "base:late.txt",
    "base:linked", "nested/secret", ".ENV", ".env ", "was-dir/tracked", "node_modules/x/.npmrc", "secret.pem",
]  # fmt: skip


@pytest.fixture
def hiding(repo: Repo, tmp_path: Path) -> Repo:
    """Make a working tree with the secret in ignored and untracked files, outside, and behind links."""
    (tmp_path / "outside").mkdir()
    for place in (tmp_path / "secret", tmp_path / "outside" / "secret", tmp_path / "outside" / "tracked"):
        place.write_text(SECRET)
    repo.write(".gitignore", ".env\nnode_modules/\n*.pem\n")
    (repo.path / "linked").symlink_to("../secret")
    (repo.path / "linkdir").symlink_to("../outside")
    repo.write("was-dir/tracked", "harmless\n")
    repo.write("open.py", "harmless\n")
    repo.commit()
    for name in (".env", "deep/.env", "excluded.txt", "node_modules/x/.npmrc", "secret.pem"):
        repo.write(name, SECRET)
    (repo.path / ".git" / "info" / "exclude").write_text(f"excluded.txt\n# {SECRET}\n")
    repo.git("config", "user.token", SECRET)
    Repo.create(repo.path / "nested").write("secret", SECRET)
    shutil.rmtree(repo.path / "was-dir")
    (repo.path / "was-dir").symlink_to("../outside")
    repo.write("open.py", "chosen\n")
    repo.write("chosen.py", "chosen too\n")
    return repo


@pytest.mark.parametrize("range_", [None, "base", "base..HEAD"])
@pytest.mark.parametrize("path", FORBIDDEN)
def test_only_listed_files_reach_the_model(hiding: Repo, path: str, range_: str | None) -> None:
    """What is ignored, untracked, outside or behind a link is no such file, whatever the model calls it."""
    tree = open_worktree(hiding.path)
    change = tree.diff(range_)
    hiding.write("late.txt", SECRET)  # written after the person chose what is reviewed
    sources = checkout_of(tree, change)
    wanted = path.replace("ABSOLUTE", str(hiding.path.parent / "secret"))
    request = read_request(f'{{"read": ["{wanted}", "open.py"], "search": ["{SECRET}", "word"]}}', complete=True)
    assert request
    sent = render_lookup(request, sources)
    assert "### open.py, at the head" in sent
    assert SECRET not in sent
    assert SECRET not in change.diff_bytes.decode()
    assert not any(SECRET in text for text in sources.read([wanted, *sources.paths()]).values())
    assert not sources.search(["nobody"])


def test_changed_files_that_the_person_chose_can_be_read(hiding: Repo) -> None:
    """An untracked file that is part of the change is read and found like a tracked one."""
    tree = open_worktree(hiding.path)
    sources = checkout_of(tree, tree.diff())
    assert sources.read(["chosen.py", "open.py"]) == {"chosen.py": "chosen too\n", "open.py": "chosen\n"}
    assert {hit.path for hit in sources.search(["chosen"])} == {"chosen.py", "open.py"}


def marked(folder: Path) -> str:
    """Return a command that leaves a mark in a folder."""
    return f"touch {folder}/setup-ran"


#: Where the change puts its own `tests.setup`, and what the person calls.
@pytest.mark.parametrize("range_", [(), ("HEAD~1",), ("HEAD~1..HEAD",), ("main",)])
@pytest.mark.parametrize("command", ["tests", "diff"])
def test_a_setup_command_of_the_repository_does_not_run(
    tmp_path: Path, model: FakeModel, command: str, range_: tuple[str, ...]
) -> None:
    """It is shown with how to allow it, whichever commit the person calls the base."""
    repo = Repo.create(tmp_path / "clone")
    repo.write("stats.py", "def mean(xs):\n    return 0\n")
    repo.write(".github/reviewer.yml", f"tests:\n  setup: {marked(tmp_path)}\n")
    repo.commit("settings")
    repo.write("stats.py", "def mean(xs):\n    return sum(xs) / len(xs)\n")
    repo.commit("change")
    if range_ in ((), ("main",)):
        repo.git("checkout", "-q", "-b", "feature")
        repo.write("stats.py", "def mean(xs):\n    return sum(xs) / max(1, len(xs))\n")
    model.answers("tests", lambda _: "NONE")
    model.answers("findings", lambda _: '{"summary": "", "findings": []}')
    words = [command, *range_, "--python", sys.executable, *(["--tests"] if command == "diff" else [])]
    done = reviewer_in(repo.path, model, tmp_path, *words)
    assert not (tmp_path / "setup-ran").exists()
    assert "tests.setup is not run" in done.stderr
    assert "--setup COMMAND" in done.stderr


def reviewer_in(folder: Path, model: FakeModel, home: Path, *words: str) -> subprocess.CompletedProcess[str]:
    known = {**child_environment(), "RUNAPI_KEY": model.key, "RUNAPI_BASE_URL": model.base_url}
    return subprocess.run(
        [sys.executable, str(ROOT / "app.py"), *words],
        cwd=folder, env={**known, "XDG_CONFIG_HOME": str(home / "config")},
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip


def test_a_setup_command_runs_once_the_person_confirmed_it(tmp_path: Path) -> None:
    """For this command in this repository only; what is kept is a hash, in a file that only the person can read."""
    environ = {"XDG_CONFIG_HOME": str(tmp_path / "config")}
    root, other = tmp_path / "clone", tmp_path / "other"
    assert allowed_command("make it", None, root, environ)[0] is None
    assert allowed_command("make it", "make that", root, environ)[0] == "make that"
    assert allowed_command("make it", "", root, environ)[0] is None
    confirm("make it", root, environ)
    assert allowed_command("make it", None, root, environ)[0] == "make it"
    for command, folder in (("make it ", root), ("make it; evil", root), ("make it", other), ("MAKE IT", root)):
        assert allowed_command(command, None, folder, environ)[0] is None
    kept = tmp_path / "config" / "minimax-reviewer" / "confirmed-setup"
    assert re.fullmatch(r"[0-9a-f]{64}\n", kept.read_text())
    assert kept.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("place", ["IN", "IN/.config", "relative", "", "LINK"])
def test_a_checkout_cannot_confirm_its_own_setup(tmp_path: Path, place: str) -> None:
    """A settings folder inside the checkout, or a link to one, counts for nothing."""
    root = tmp_path / "clone"
    confirm("evil", root, {"XDG_CONFIG_HOME": str(tmp_path / "elsewhere")})
    for folder in (root, root / ".config", root / "relative"):
        shutil.copytree(tmp_path / "elsewhere", folder, dirs_exist_ok=True)
    (tmp_path / "link").symlink_to(root / ".config")
    config = place.replace("IN", str(root)).replace("LINK", str(tmp_path / "link"))
    environ = {"XDG_CONFIG_HOME": config, "HOME": str(root) if not place else ""}
    assert allowed_command("evil", None, root, environ)[0] is None


#: What a committed `.venv` names beside itself: `home` of its pyvenv.cfg, or the target of a link in it.
PRIVATE = ["", ".ssh", ".aws", "work/other", "work/other/.venv/bin", ".local/bin", "work/bin"]


@pytest.mark.parametrize("named", PRIVATE)
@pytest.mark.parametrize("way", ["home", "home-copy", "bin", "lib", "venv", "python", "two-links"])
def test_a_committed_environment_shows_nothing_of_the_machine(tmp_path: Path, named: str, way: str) -> None:
    """Only the checkout and installed Pythons may be shown; a person's folder ends the run before it begins."""
    home, root = tmp_path / "home" / "ann", tmp_path / "clone"
    target = home / named
    target.mkdir(parents=True, exist_ok=True)
    (target / "python").write_text(SECRET)
    (target / "python").chmod(0o755)
    bin_ = root / ".venv" / "bin"
    if way == "venv":
        root.mkdir()
        (root / ".venv").symlink_to(target)
        (target / "bin").mkdir(exist_ok=True)
        (target / "bin" / "python").write_text(SECRET)
    else:
        bin_.mkdir(parents=True)
        if way.startswith("home"):
            (root / ".venv" / "pyvenv.cfg").write_text(f"home = {target}\n")
        if way in ("python", "two-links"):
            (bin_ / "python").symlink_to("python3" if way == "two-links" else target / "python")
            (bin_ / "python3").symlink_to(target / "python")
        else:
            (bin_ / "python").write_text("")
        if way == "lib":
            (root / ".venv" / "lib").symlink_to(target)
        if way == "bin":
            shutil.rmtree(bin_)
            bin_.symlink_to(target)
    shown: tuple[Path, ...] = ()
    with suppress(NoSandbox):
        shown = interpreter_folders(bin_ / "python", root)
    assert all(folder.resolve().is_relative_to(root) for folder in shown), shown


def test_a_real_environment_in_the_checkout_still_works(tmp_path: Path) -> None:
    """Its own folder and the installed Python that it was made from are shown."""
    venv.create(tmp_path / "clone" / ".venv", symlinks=True)
    shown = interpreter_folders(tmp_path / "clone" / ".venv" / "bin" / "python", tmp_path / "clone")
    assert tmp_path / "clone" / ".venv" in shown
    base = Path(sys.base_prefix).resolve()
    assert any(folder.resolve() == base / "lib" for folder in shown) or base == Path("/usr")


@pytest.mark.parametrize("where", ["", ".", "IN", "IN/node_modules/.bin", "LINK"])
def test_the_interpreter_is_no_program_of_the_checkout(tmp_path: Path, trap: tuple[Path, Path], where: str) -> None:
    """A shim is run to say what it stands for, so it never comes from a relative folder or from the checkout."""
    program, mark = trap
    root = tmp_path / "clone"
    for folder in (root, root / "node_modules" / ".bin"):
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "python").symlink_to(program)
        (folder / "python3").symlink_to(program)
    (tmp_path / "link").symlink_to(root)
    place = where.replace("IN", str(root)).replace("LINK", str(tmp_path / "link"))
    environ = {"PATH": f"{place}{os.pathsep}{os.environ['PATH']}"}
    for choice in ("", "python3"):
        assert not python_of(root, environ, choice).resolve().is_relative_to(root)
    assert not mark.exists()


@pytest.mark.parametrize(
    "place",
    [
        "/etc/shadow", "/etc/ssl/private", "/etc/ssh", "/etc", "/root", "/home", "/", "/var", "/run/secrets", "/proc/1",
        "HOME", "HOME/.ssh", "HOME/.ssh/keys", "HOME/.aws", "HOME/.config/gh", "HOME/.docker", "HOME/.gnupg/x",
        "HOME/.kube", "HOME/.netrc", "TEMP", "TEMP/runner", "TEMP/a/b", "LINK-HOME", "LINK-SSH", "LINK-TEMP",
        "LINK-ETC",
    ],
)  # fmt: skip
def test_private_places_are_never_shown(tmp_path: Path, place: str) -> None:
    """Neither they, nor what lies in them, nor a link to them."""
    home, temp = tmp_path / "home" / "ann", tmp_path / "runner-temp"
    for folder in (home / ".ssh" / "keys", temp / "a" / "b", tmp_path / "tree"):
        folder.mkdir(parents=True)
    links = {"LINK-HOME": home, "LINK-SSH": home / ".ssh", "LINK-TEMP": temp / "a", "LINK-ETC": Path("/etc/ssl")}
    for name, target in links.items():
        (tmp_path / name).symlink_to(target)
    path = tmp_path / place if place in links else Path(place.replace("HOME", str(home)).replace("TEMP", str(temp)))
    method = SandboxMethod(
        privilege=Privilege.USER, prefix=(), python=Path(sys.executable), python_home=Path(sys.prefix), code=ROOT,
        bwrap="/nowhere/bwrap", options=frozenset(), system=(), filter=None, ids=range(0), private=(home,),
        hidden=(temp,),
    )  # fmt: skip
    command = SandboxCommand(("/bin/true",), tmp_path / "tree", Path("/home/ada/project"), read_only=(path,))
    with pytest.raises(NoSandbox, match="cannot be shown to untrusted code"):
        run(command, method)
