"""PR-Agent's webhook server, with which `durable` compares: installed once, in its own environment.

It answers before it has stored anything: a delivery lives in its memory only. Its later work fails here, because
its App has no key; only how it accepts deliveries is measured.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection

from tests.fixtures.waiting import reserved_port, wait_until
from tests.paths import ROOT

HOME = ROOT / ".bench" / "pr-agent"

VERSION = "0.2.4"

#: Today's installers cannot resolve its own pins, so it gets what it imports, in versions that work.
NEEDS = (
    *("aiohttp", "anthropic<0.40", "atlassian-python-api", "azure-devops==7.1.0b4", "azure-identity", "boto3"),
    *("dynaconf", "fastapi", "GitPython", "google-cloud-storage", "jinja2", "litellm<1.60", "loguru", "msrest"),
    *("openai", "PyGithub<2", "pyyaml", "python-gitlab", "retry", "starlette-context", "tiktoken", "ujson"),
    *("uvicorn", "tenacity"),
)
PATH = "/api/v1/github_webhooks"


class NoPeer(Exception):
    """It cannot be installed or started here; the message says why."""


@contextmanager
def serving(secret: str) -> Iterator[int]:
    """Serve it with that webhook secret; give the port. Raises NoPeer."""
    python = _installed()
    with reserved_port() as port:
        settings = {
            "GITHUB__WEBHOOK_SECRET": secret, "GITHUB__DEPLOYMENT_TYPE": "app", "GITHUB__APP_ID": "1",
            "GITHUB__PRIVATE_KEY": "none", "OPENAI__KEY": "none",
            "GITHUB__BASE_URL": f"http://127.0.0.1:{port}/nowhere",
        }  # fmt: skip
        app = ["--port", str(port), "--log-level", "error", "pr_agent.servers.github_app:app"]
        server = subprocess.Popen(
            [python, "-m", "uvicorn", *app],
            cwd=HOME,
            env={"PATH": os.environ["PATH"], **settings},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            wait_until(lambda: server.poll() is not None or _answers(port), "PR-Agent", 60, pause=0.2)
            if server.poll() is not None:
                raise NoPeer("it does not start")
            yield port
        finally:
            server.kill()
            server.wait()


def _installed() -> str:
    """Return the interpreter that has it, after installing it where that was not done yet."""
    python = HOME / "bin" / "python"
    if not (HOME / "installed").exists():
        print("Installing PR-Agent into .bench (once, some minutes)", file=sys.stderr, flush=True)
        pip = [str(python), "-m", "pip", "install", "--quiet", "--no-input", "--disable-pip-version-check"]
        for step in (
            [sys.executable, "-m", "venv", "--clear", str(HOME)],
            [*pip, *NEEDS],
            [*pip, "--no-deps", f"pr-agent=={VERSION}"],
        ):
            done = subprocess.run(step, capture_output=True, text=True, check=False, timeout=900)
            if done.returncode:
                raise NoPeer((done.stderr.strip().splitlines() or ["pip failed"])[-1])
        (HOME / "installed").touch()
    return str(python)


def _answers(port: int) -> bool:
    connection = HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", "/")
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()
