"""The release workflow's scripts, carried out with stand-ins for `gh` and `docker`, and what they publish."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from reviewer import __version__

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]
JOBS = yaml.safe_load((ROOT / ".github" / "workflows" / "release.yml").read_text(encoding="utf-8"))["jobs"]
#: Stands where a program stands that talks to GitHub or Docker: writes down how it is called, and fails where asked to.
PROGRAM = """#!/usr/bin/env bash
printf '%s %s\\n' "${0##*/}" "$*" >>"$CALLS"
[ "$1" != login ] || { cat; echo; } >>"$CALLS"
[[ "${0##*/} $*" != $FAILS ]]
"""
CHANGELOG = """# Changelog

## [Unreleased]

## [9.8.7] - 2026-01-31

### Added

- A thing.

## [9.8.6] - 2025-12-01

- An older thing.
"""


def script_of(job: str, name: str) -> str:
    """Return the script of the step with that name."""
    (found,) = [step["run"] for step in JOBS[job]["steps"] if step.get("name") == name]
    return found


class Bench:
    """A folder in which scripts run as on a runner, and what they called."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.log = folder / "calls"
        (folder / "bin").mkdir()
        for name in ("gh", "docker"):
            program = folder / "bin" / name
            program.write_text(PROGRAM, encoding="utf-8")
            program.chmod(0o755)

    def run(self, script: str, fails: str = "", tag: str = "v9.8.7") -> list[str]:
        """Run a script and return the calls it made; `fails` is a pattern of those that fail."""
        self.log.write_text("", encoding="utf-8")
        env = os.environ | {
            "PATH": f"{self.folder / 'bin'}{os.pathsep}{os.environ['PATH']}",
            "CALLS": str(self.log),
            "FAILS": fails,
            "TOKEN": "ghs_secret",
            "GITHUB_ACTOR": "mona",
            "GITHUB_REF_NAME": tag,
            "GITHUB_REPOSITORY": "Octo/Reviewer",
            "GITHUB_SERVER_URL": "https://github.com",
            "GITHUB_SHA": "c0ffee",
            "RUNNER_TEMP": str(self.folder),
        }
        command = ["bash", "--noprofile", "--norc", "-e", "-o", "pipefail", "-c", script]
        subprocess.run(command, cwd=self.folder, env=env, check=True, capture_output=True, timeout=60)
        return self.log.read_text(encoding="utf-8").splitlines()


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    """Return a runner's folder."""
    return Bench(tmp_path)


def notes(folder: Path, tag: str) -> subprocess.CompletedProcess[str]:
    """Run .ci/release-notes in a project of version 9.8.7."""
    if not (folder / ".ci").exists():
        shutil.copytree(ROOT / ".ci", folder / ".ci")
        (folder / "reviewer").mkdir()
        (folder / "reviewer" / "__init__.py").write_text('"""A."""\n\n__version__ = "9.8.7"\n', encoding="utf-8")
        (folder / "CHANGELOG.md").write_text(CHANGELOG, encoding="utf-8")
    command = [str(folder / ".ci" / "release-notes"), tag]
    return subprocess.run(command, cwd="/", capture_output=True, text=True, timeout=60, check=False)


def test_notes_are_the_section_of_the_version(tmp_path: Path) -> None:
    """Only this version's section, without its heading."""
    done = notes(tmp_path, "v9.8.7")
    assert done.returncode == 0, done.stderr
    assert done.stdout == "### Added\n\n- A thing.\n"


def test_wrong_tag_is_refused(tmp_path: Path) -> None:
    """A tag that is not the version's says what to do."""
    done = notes(tmp_path, "v9.8.6")
    assert (done.returncode, done.stdout) == (1, "")
    assert "reviewer.__version__ is 9.8.7" in done.stderr


def test_version_without_a_section_is_refused(tmp_path: Path) -> None:
    """Nothing is released that the changelog does not tell users of; an empty section counts as none."""
    notes(tmp_path, "v9.8.7")
    for changelog in (
        CHANGELOG.replace("[9.8.7]", "[9x8x7]"),
        "## [9.8.7] - 2026-01-31\n\n## [9.8.6]\n\n- An older thing.\n",
    ):
        (tmp_path / "CHANGELOG.md").write_text(changelog, encoding="utf-8")
        done = notes(tmp_path, "v9.8.7")
        assert done.returncode == 1
        assert "no section [9.8.7]" in done.stderr


def test_version_of_the_product_is_one_that_a_tag_can_name() -> None:
    """The workflow starts for tags of three numbers; the product's version has that form."""
    assert re.fullmatch(r"\d+\.\d+\.\d+", __version__)


def test_image_is_pushed_with_its_version(bench: Bench) -> None:
    """The password goes by standard input; the image's name is in small letters, its tags are both versions."""
    login, token, build, push = bench.run(script_of("image", "Build and push"))
    assert login == "docker login ghcr.io --username mona --password-stdin"
    assert token == "ghs_secret"
    assert "--tag ghcr.io/octo/reviewer:9.8.7 --tag ghcr.io/octo/reviewer:9 ." in build
    assert push == "docker push --all-tags ghcr.io/octo/reviewer"


def test_release_is_made_once(bench: Bench) -> None:
    """A release has the notes and both archives; a second run of the workflow leaves it as it is."""
    (bench.folder / "dist").mkdir()
    for name in ("r-9.8.7-py3-none-any.whl", "r-9.8.7.tar.gz", "notes.md"):
        (bench.folder / "dist" / name).touch()
    script = script_of("release", "Publish")
    _, create = bench.run(script, fails="gh release view*")
    assert create.startswith("gh release create v9.8.7 --verify-tag ")
    assert create.endswith(" --notes-file dist/notes.md dist/r-9.8.7-py3-none-any.whl dist/r-9.8.7.tar.gz")
    assert bench.run(script) == ["gh release view v9.8.7"]


def test_major_tag_moves_or_is_made(bench: Bench) -> None:
    """`v9` moves to the released commit; where there is none yet, it is made."""
    script = script_of("release", "Move the tag of the major version")
    move = "gh api --method PATCH repos/Octo/Reviewer/git/refs/tags/v9 --field sha=c0ffee --field force=true"
    assert bench.run(script) == [move]
    make = "gh api --method POST repos/Octo/Reviewer/git/refs --field ref=refs/tags/v9 --field sha=c0ffee"
    assert bench.run(script, fails="* PATCH *") == [move, make]
