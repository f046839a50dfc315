"""What `make dist` builds, installed into a clean environment, and started where a hostile project lies in wait."""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from reviewer import __version__
from tests.fakes.model import FakeModel
from tests.fixtures.app_server import child_environment
from tests.fixtures.git_repo import Repo
from tests.paths import ROOT
from tests.reviewer.cli.local_review import AFTER, BEFORE, ZERO, find

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

#: Names of ours, of packages that we use, of the standard library, and of what Python looks for when it starts.
TRAPS = (
    *("app", "reviewer", "webhooks", "prompts", "minimax_reviewer", "launcher", "yaml", "httpx", "pydantic", "jinja2"),
    *("unidiff", "tree_sitter", "json", "argparse", "re", "runpy", "encodings", "sitecustomize", "usercustomize"),
)

#: Python 3.11.2, which Debian 12 has, does not know the argument yet.
SAFELY: dict[str, Any] = {"filter": "data"} if hasattr(tarfile, "data_filter") else {}


@dataclass(frozen=True, slots=True)
class Archives:
    """The two files that `make dist` builds."""

    wheel: Path
    source: Path


@pytest.fixture(scope="module")
def archives(tmp_path_factory: pytest.TempPathFactory) -> Archives:
    """Build them, and have them checked as the package index would."""
    folder = tmp_path_factory.mktemp("dist")
    done = subprocess.run(
        ["make", "dist", f"DIST={folder}"], cwd=ROOT, capture_output=True, text=True, check=False, timeout=250
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("PASSED") == 2
    (wheel,), (source,) = folder.glob("*.whl"), folder.glob("*.tar.gz")
    return Archives(wheel, source)


@pytest.fixture(scope="module")
def installed(archives: Archives, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the programs of a clean environment that holds the wheel, and the locked packages by reference."""
    environment = tmp_path_factory.mktemp("clean") / "environment"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(environment)], check=True, timeout=100)
    pip = [sys.executable, "-m", "pip", "--python", str(environment / "bin" / "python")]
    done = subprocess.run(
        [*pip, "install", "--quiet", "--no-deps", "--no-index", str(archives.wheel)],
        capture_output=True, text=True, check=False, timeout=100,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    (packages,) = environment.glob("lib/python*/site-packages")
    locked = next(path for path in sys.path if path.endswith("site-packages"))
    (packages / "locked.pth").write_text(f"{locked}\n", encoding="utf-8")
    return environment / "bin"


@pytest.fixture
def hostile(tmp_path: Path) -> Iterator[Repo]:
    """Give a repository with a change, full of modules and folders that must not be run: each leaves a trace."""
    sprung = tmp_path / "sprung"
    repo = Repo.create(tmp_path / "hostile")
    for name in TRAPS:
        trap = f"open({str(sprung)!r}, 'a').write({name + ' '!r})\n"
        repo.write(f"{name}.py", trap)
        repo.write(f"{name}/__init__.py", trap)
    repo.write("minimax_reviewer/__main__.py", f"open({str(sprung)!r}, 'a').write('main ')\n")
    repo.write("stats.py", BEFORE)
    repo.commit()
    repo.write("stats.py", AFTER)
    yield repo
    assert not sprung.exists(), sprung.read_text()


def run(model: FakeModel, repo: Repo, *command: str | Path, **environ: str) -> subprocess.CompletedProcess[str]:
    """Run a command in the repository, as its owner would."""
    known = child_environment() | {"RUNAPI_KEY": model.key, "RUNAPI_BASE_URL": model.base_url, "HOME": str(repo.path)}
    return subprocess.run(
        command, cwd=repo.path, env=known | environ, capture_output=True, text=True, check=False, timeout=100
    )


def test_wheel_holds_the_product_and_its_data_below_one_package(archives: Archives) -> None:
    """Every module and prompt, the scripts beside the tests, and nothing of the tests; no top-level name but one."""
    assert archives.wheel.name == f"minimax_reviewer-{__version__}-py3-none-any.whl"
    names = zipfile.ZipFile(archives.wheel).namelist()
    held = {name for name in names if ".dist-info/" not in name and ".data/" not in name}
    product = {"minimax_reviewer/app.py"}
    for package in ("minimax_reviewer", "reviewer", "webhooks", "prompts"):
        files = (path for path in (ROOT / package).rglob("*") if path.is_file() and "__pycache__" not in path.parts)
        below = "" if package == "minimax_reviewer" else "minimax_reviewer/"
        product |= {f"{below}{path.relative_to(ROOT).as_posix()}" for path in files}
    assert held == product - {"minimax_reviewer/reviewer.sh"}
    assert [name.partition(".data/")[2] for name in names if ".data/" in name] == ["scripts/reviewer"]


def test_source_archive_builds_the_same_wheel(archives: Archives, tmp_path: Path) -> None:
    """What the package index keeps is enough to build from."""
    with tarfile.open(archives.source) as archive:
        archive.extractall(tmp_path, **SAFELY)
    (folder,) = tmp_path.iterdir()
    command = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(tmp_path / "dist")]
    subprocess.run(command, cwd=folder, check=True, capture_output=True, timeout=100)
    (again,) = (tmp_path / "dist").iterdir()
    assert sorted(zipfile.ZipFile(again).namelist()) == sorted(zipfile.ZipFile(archives.wheel).namelist())


def test_requirements_of_the_wheel_are_met(installed: Path) -> None:
    """What the wheel asks for is what is locked."""
    pip = [sys.executable, "-m", "pip", "--python", str(installed / "python"), "check"]
    done = subprocess.run(pip, capture_output=True, text=True, check=False, timeout=100)
    assert "minimax-reviewer" not in done.stdout.lower(), done.stdout


@pytest.mark.parametrize("way", ["command", "link", "bare name"])
def test_nothing_of_the_reviewed_project_is_run(
    installed: Path, hostile: Repo, model: FakeModel, tmp_path: Path, way: str
) -> None:
    """With PYTHONPATH=. and modules named like ours, like Python's and like what it starts with, the review is made."""
    find(model, ZERO)
    link = tmp_path / "links" / "reviewer"  # as pipx makes them
    link.parent.mkdir()
    link.symlink_to(installed / "reviewer")
    commands: dict[str, list[str | Path]]
    commands = {"command": [installed / "reviewer"], "link": [link], "bare name": ["sh", "-c", "reviewer $0"]}
    path = f"{link.parent}{os.pathsep}{os.environ['PATH']}"
    done = run(model, hostile, *commands[way], "diff", PYTHONPATH=f".{os.pathsep}{hostile.path}", PATH=path)
    assert done.returncode == 0, done.stderr
    assert "Division by zero" in done.stdout


def test_module_is_started_without_the_project(installed: Path, hostile: Repo, model: FakeModel) -> None:
    """`python -m minimax_reviewer` beside modules named like ours, with PYTHONPATH leading to more of them."""
    find(model, ZERO)
    for name in ("minimax_reviewer", "runpy", "encodings", "sitecustomize", "usercustomize"):  # Python's own to find
        hostile.git("rm", "-rq", "--cached", f"{name}", f"{name}.py")
        subprocess.run(["rm", "-r", f"{name}", f"{name}.py"], cwd=hostile.path, check=True)
    words = (installed / "python", "-m", "minimax_reviewer", "diff", "--", "stats.py")
    done = run(model, hostile, *words, PYTHONPATH=".")
    assert done.returncode == 0, done.stderr
    assert "Division by zero" in done.stdout


def test_packages_that_pythonpath_alone_leads_to_are_found(installed: Path, tmp_path: Path, model: FakeModel) -> None:
    """Where it was installed into a folder by itself (`pip install --target`), that folder still counts."""
    (packages,) = installed.parent.glob("lib/python*/site-packages")
    locked = (packages / "locked.pth").read_text().strip()
    target = tmp_path / "target"
    target.mkdir()
    for place in (*Path(locked).iterdir(), packages / "minimax_reviewer"):
        (target / place.name).symlink_to(place)
    repo = Repo.create(tmp_path / "repo")
    base = str(Path(sys.executable).resolve())
    done = run(model, repo, base, "-S", "-m", "minimax_reviewer", "--version", PYTHONPATH=str(target))
    assert (done.returncode, done.stdout) == (0, f"minimax-reviewer {__version__}\n"), done.stderr


def test_other_command_of_the_wheel(installed: Path, tmp_path: Path, model: FakeModel) -> None:
    """`minimax-reviewer`, for Windows and `uvx`, is the same command. Without a Python, `reviewer` says so."""
    repo = Repo.create(tmp_path / "repo")
    done = run(model, repo, installed / "minimax-reviewer", "--version")
    assert done.stdout == f"minimax-reviewer {__version__}\n", done.stderr
    alone = tmp_path / "alone"
    alone.mkdir()
    (alone / "reviewer").write_bytes((installed / "reviewer").read_bytes())
    gone = run(model, repo, "/bin/sh", alone / "reviewer", "--version", PATH="/nowhere")
    assert (gone.returncode, "Install it anew" in gone.stderr) == (127, True)
