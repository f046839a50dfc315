"""The Dockerfile, read and carried out as far as that needs no Docker: its sources, its rules, its commands."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.fixtures.waiting import reserved_port, wait_until
from tests.paths import ROOT

pytestmark = pytest.mark.slow

#: Stands where the App stands: healthy while the file `well` exists.
APP = """
import pathlib

def create_app():
    def answer(environ, start_response):
        well = environ["PATH_INFO"] == "/healthz" and pathlib.Path("well").exists()
        start_response("200 OK" if well else "503 Service Unavailable", [("Content-Type", "text/plain")])
        return [b"."]
    return answer
"""


def instructions() -> list[tuple[str, str]]:
    """Return the Dockerfile's instructions in order, continuation lines joined, comments left out."""
    lines = (ROOT / "Dockerfile").read_text(encoding="utf-8").splitlines()
    joined = "\n".join(line for line in lines if line.strip() and not line.startswith("#")).replace("\\\n", " ")
    return [(name, rest.strip()) for name, _, rest in (line.partition(" ") for line in joined.splitlines())]


def only(name: str) -> str:
    """Return the one instruction of this name; a second would win over the first without a word."""
    (found,) = [rest for one, rest in instructions() if one == name]
    return found


def environment() -> dict[str, str]:
    """Return what the image's ENV sets."""
    return dict(pair.split("=", 1) for pair in shlex.split(only("ENV")))


def copied() -> list[str]:
    """Return what COPY takes from the build context."""
    sources = [shlex.split(rest)[:-1] for name, rest in instructions() if name == "COPY" and "--from" not in rest]
    return [source for group in sources for source in group]


def health_command() -> list[str]:
    """Return the health check's command, which has to be in exec form: the image need not have a shell."""
    return json.loads(only("HEALTHCHECK").partition("CMD ")[2])


def test_copied_files_exist_and_are_in_the_context():
    """Every source of a COPY is in the repository, and .dockerignore lets it through and nothing else."""
    ignore = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    let_through = [line[1:] for line in ignore if line.startswith("!")]
    assert "*" in ignore
    assert sorted(copied()) == sorted(let_through)
    assert [source for source in copied() if not (ROOT / source).exists()] == []


def test_image_is_not_root_and_keeps_its_data_in_a_volume():
    """The user is a number that is not 0, the store and temporary files lie in the volume, bases have a version."""
    user, group = only("USER").split(":")
    assert int(user) > 0
    assert int(group) > 0
    assert only("VOLUME") == environment()["REVIEWER_DATA_DIR"] == environment()["TMPDIR"]
    bases = [rest.split()[0] for name, rest in instructions() if name == "FROM"]
    assert len(bases) == 2
    assert all(base.partition(":")[2] not in {"", "latest"} for base in bases)


@contextmanager
def served(folder: Path, programs: Path, port: int) -> Iterator[dict[str, str]]:
    """Run the image's CMD in `folder` with its ENV; yield that environment."""
    path = environment()["PATH"].replace("/venv/bin", str(programs)).replace("$PATH", os.environ["PATH"])
    env = environment() | {"PATH": path, "PORT": str(port), "REVIEWER_DATA_DIR": str(folder), "TMPDIR": str(folder)}
    (folder / "gunicorn.log").touch()
    with (folder / "gunicorn.log").open("ab") as log:
        process = subprocess.Popen(json.loads(only("CMD")), cwd=folder, env=env, stdout=log, stderr=log)
    try:
        yield env
    finally:
        process.terminate()
        process.wait(30)


def healthy(env: dict[str, str]) -> bool:
    """Run the health check once."""
    return subprocess.run(health_command(), env=env, capture_output=True, timeout=30, check=False).returncode == 0


@pytest.mark.timeout(400)
def test_image_installs_serves_and_knows_its_health(tmp_path):
    """The RUN lines for Python install the server's lock; CMD then serves, and the health check tells well from ill."""
    moved = {"/venv": str(tmp_path / "venv"), "/tmp/server.txt": str(ROOT / "requirements" / "server.txt")}
    builds = [rest for name, rest in instructions() if name == "RUN" and rest.startswith("python ")]
    assert len(builds) == 2
    for line in builds:
        command = [sys.executable, *shlex.split(line)[1:]]
        for path, here in moved.items():
            command = [part.replace(path, here) for part in command]
        subprocess.run(command, cwd=tmp_path, check=True, timeout=380)
    (tmp_path / "app.py").write_text(APP, encoding="utf-8")
    (tmp_path / "gunicorn.conf.py").write_bytes((ROOT / "gunicorn.conf.py").read_bytes())
    for package in ("prompts", "reviewer", "webhooks"):
        shutil.copytree(ROOT / package, tmp_path / package, ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / "well").touch()
    with reserved_port() as port, served(tmp_path, tmp_path / "venv" / "bin", port) as env:
        wait_until(lambda: healthy(env), "its health", 60, log=(tmp_path / "gunicorn.log").read_text)
        (tmp_path / "well").unlink()
        assert not healthy(env)
    assert not healthy(env)
