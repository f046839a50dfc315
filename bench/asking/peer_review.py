"""PR-Agent's command line, beside which `cli` measures ours: `/review` of the same change, answered at once.

It is installed once, in its own environment, with a Python from 3.12 on (BENCH_PEER_PYTHON names one). Its tokeniser
would be downloaded when it starts; here one of bytes stands in, which is quicker. It reads a diff and no repository.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from tests.paths import ROOT

HOME = ROOT / ".bench" / "pr-agent-cli"
VERSION = "0.49.0"

_TOKENISER = """
import tiktoken


def of_bytes(name="bytes"):
    ranks = {bytes([number]): number for number in range(256)}
    return tiktoken.Encoding(name, pat_str=r"\\w+|\\W", mergeable_ranks=ranks, special_tokens={})


tiktoken.get_encoding = tiktoken.encoding_for_model = of_bytes
"""
_ANSWER = """```yaml
review:
  estimated_effort_to_review_[1-5]: |
    2
  relevant_tests: |
    No
  key_issues_to_review:
    - relevant_file: |
        pkg3/m3.py
      issue_header: |
        Possible Bug
      issue_content: |
        `f3([])` divides by zero.
      start_line: 5
      end_line: 6
  security_concerns: |
    No
```"""


class NoPeerCommand(Exception):
    """It cannot be installed here; the message says why."""


@dataclass(frozen=True, slots=True)
class PeerCommand:
    """Its command without the words for what is reviewed, what it needs in the environment, and its size in MB."""

    words: tuple[str, ...]
    environment: dict[str, str]
    megabytes: int


class _Model(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        """Answer any request for a completion with the same review."""
        model = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["model"]
        choice = {"index": 0, "message": {"role": "assistant", "content": _ANSWER}, "finish_reason": "stop"}
        usage = {"prompt_tokens": 10, "completion_tokens": 10, "total_tokens": 20}
        reply = {"id": "1", "object": "chat.completion", "created": 1, "model": model, "choices": [choice]}
        data = json.dumps({**reply, "usage": usage}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: object) -> None:
        """Print nothing."""


@contextmanager
def peer_command() -> Iterator[PeerCommand]:
    """Give the command, with a model that answers at once, after installing it. Raises NoPeerCommand."""
    python = _installed()
    size = sum(path.lstat().st_size for path in HOME.rglob("*") if path.is_file() and not path.is_symlink())
    with ThreadingHTTPServer(("127.0.0.1", 0), _Model) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        environment = {
            "OPENAI__KEY": "none", "OPENAI__API_BASE": f"http://127.0.0.1:{server.server_port}",
            "CONFIG__MODEL": "gpt-4o", "LITELLM_LOCAL_MODEL_COST_MAP": "True", "PYTHONPATH": str(HOME / "stand-in"),
        }  # fmt: skip
        try:
            yield PeerCommand((python, "-m", "pr_agent.cli"), environment, size // 1_000_000)
        finally:
            server.shutdown()


def _installed() -> str:
    """Return the interpreter that has it, after installing it where that was not done yet."""
    python = str(HOME / "bin" / "python")
    if (HOME / "stand-in").exists():
        return python
    print("Installing PR-Agent's command line into .bench (once, some minutes)", file=sys.stderr, flush=True)
    pip = (python, "-m", "pip", "install", "--quiet", "--no-input", "--disable-pip-version-check")
    for step in ([_new_python(), "-m", "venv", "--clear", str(HOME)], [*pip, f"pr-agent=={VERSION}"]):
        _output(step)
    (HOME / "stand-in").mkdir()
    (HOME / "stand-in" / "sitecustomize.py").write_text(_TOKENISER, encoding="utf-8")
    return python


def _new_python() -> str:
    if named := os.environ.get("BENCH_PEER_PYTHON"):
        return named
    try:
        return _output([str(Path(sys.executable).with_name("uv")), "python", "find", "--no-project", ">=3.12"])
    except NoPeerCommand as error:
        raise NoPeerCommand("no Python from 3.12 on was found: name one in BENCH_PEER_PYTHON") from error


def _output(step: list[str]) -> str:
    done = subprocess.run(step, capture_output=True, text=True, check=False, timeout=1_200)
    if done.returncode:
        raise NoPeerCommand((done.stderr.strip().splitlines() or [f"{step[0]} failed"])[-1])
    return done.stdout.strip()
