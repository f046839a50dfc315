"""A clone that hides files, names a set-up command or commits an environment: what the model and the sandbox see."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import venv
from contextlib import suppress
from pathlib import Path

import pytest

from reviewer.cli.proving.setup_consent import allowed_command, confirm
from reviewer.diff.parser import parse_diff
from reviewer.domain.change import Change
from reviewer.errors import NoSandbox
from reviewer.git.sources import checkout_of
from reviewer.git.worktree import open_worktree
from reviewer.sandbox.api import SandboxCommand
from reviewer.sandbox.bubblewrap import Privilege, SandboxMethod
from reviewer.sandbox.sandbox import run
from reviewer.tasks.lookups.handler import LookupHandler
from reviewer.tasks.lookups.requests import read_request
from reviewer.testgen.python.harness_client import interpreter_folders
from reviewer.testgen.python.interpreter import python_of
from tests.attacks.clone.hostile import SECRET
from tests.fakes.model import FakeModel
from tests.fixtures.app_server import child_environment
from tests.fixtures.git_repo import UNTRACKED_TOO, Repo
from tests.paths import ROOT

pytestmark = pytest.mark.slow


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
    change = tree.diff(range_, UNTRACKED_TOO)
    hiding.write("late.txt", SECRET)  # written after the person chose what is reviewed
    sources = checkout_of(tree, change)
    wanted = path.replace("ABSOLUTE", str(hiding.path.parent / "secret"))
    request = read_request(f'{{"read": ["{wanted}", "open.py"], "search": ["{SECRET}", "word"]}}', complete=True)
    assert request
    handler = LookupHandler.of(Change(parse_diff(change.diff_bytes), sources=sources), "data-0")
    sent = handler.look_up(request).replace(f"search {SECRET}", "")
    assert "### read open.py: 1 lines in all" in sent
    assert SECRET not in sent
    assert SECRET not in change.diff_bytes.decode()
    assert not any(SECRET in text for text in sources.read([wanted, *sources.paths()]).values())
    assert not sources.search(["nobody"])


def test_changed_files_that_the_person_chose_can_be_read(hiding: Repo) -> None:
    """An untracked file that is part of the change is read and found like a tracked one."""
    tree = open_worktree(hiding.path)
    sources = checkout_of(tree, tree.diff(selection=UNTRACKED_TOO))
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
