"""The App served by gunicorn in a process of its own, and deliveries to it as GitHub makes them."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import uuid
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from tests.desk import eventually
from webhooks.signature import sign

ROOT = Path(__file__).parent.parent
SECRET = "hush"


class Server:
    """gunicorn serving `app:create_app()` with that environment."""

    def __init__(self, directory: Path, **values: str) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.url = f"sqlite:///{directory}/reviewer.sqlite3"
        environment = {
            "PATH": os.environ["PATH"],
            "GITHUB_WEBHOOK_SECRET": f"old {SECRET}",
            "REVIEWER_DATA_DIR": str(directory),
            "PORT": str(self.port),
            **values,
        }
        command = [sys.executable, "-m", "gunicorn", "--config", "gunicorn.conf.py", "app:create_app()"]
        self.log = directory / "log"
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(command, cwd=ROOT, env=environment, stderr=log, start_new_session=True)
        eventually(self._answers, "gunicorn answers", 30)

    def _answers(self) -> bool:
        assert self.process.poll() is None, self.log.read_text()
        try:
            return self.get("/healthz")[0] == 200
        except OSError:
            return False

    def get(self, path: str, method: str = "GET") -> tuple[int, Any]:
        return self._exchange(method, path, b"", {})

    def deliver(self, payload: Any, event: str = "pull_request", **changes: Any) -> tuple[int, Any]:
        """Deliver as GitHub does; `changes` replace headers (None removes one) or, as `body`, the signed bytes."""
        body = changes.pop("body", json.dumps(payload).encode())
        headers = {
            "Content-Type": "application/json",
            "User-Agent": "GitHub-Hookshot/044aadd",
            "X-GitHub-Event": event,
            "X-GitHub-Delivery": str(uuid.uuid4()),
            "X-Hub-Signature-256": sign(body, SECRET),
            **{name.replace("_", "-"): value for name, value in changes.items()},
        }
        given = {name: value for name, value in headers.items() if value is not None}
        return self._exchange("POST", "/webhooks/github", body, given)

    def _exchange(self, method: str, path: str, body: bytes, headers: dict[str, str]) -> tuple[int, Any]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.request(method, path, body, headers)
            response = connection.getresponse()
            text = response.read()
        finally:
            connection.close()
        is_json = response.headers.get_content_type() == "application/json"
        return response.status, json.loads(text) if is_json else text.decode()

    def raw(self, head: str, body: Iterable[bytes]) -> bytes:
        """Send bytes as they are and return the status line; stop sending when the server answers."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=30) as connection:
            connection.sendall(head.replace("\n", "\r\n").encode())
            try:
                for piece in body:
                    connection.sendall(piece)
            except (BrokenPipeError, ConnectionResetError):
                pass  # it answered and hung up, as it should
            try:
                return connection.makefile("rb").readline()
            except ConnectionResetError:
                return b""

    def close(self) -> None:
        """Kill gunicorn and its worker at once: a worker that outlives its master would keep the store's lock."""
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait(10)
