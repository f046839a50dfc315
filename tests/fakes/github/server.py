"""Serve the double over HTTP: read a request, find its route, check the caller, answer, and record the call.

It answers as GitHub does at the level of HTTP: headers, rate limits, ETags, redirects, error bodies. Requests
are handled one at a time under the world's lock, so that a test that waits on it sees whole states.
"""

from __future__ import annotations

import hashlib
import json
import re
import socket
import struct
import threading
import traceback
import uuid
from contextlib import nullcontext
from email.utils import formatdate
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, unquote

from tests.fakes.github import refusals
from tests.fakes.github.faults import Fault, Reply, Trouble, secondary_limit
from tests.fakes.github.model.access import Caller, app_of_jwt, authorise
from tests.fakes.github.model.records import Call, Records
from tests.fakes.github.refusals import Refusal
from tests.fakes.github.routes import (
    apps,
    branches,
    checks,
    graphql_api,
    issues,
    pulls,
    registration,
    repositories,
    reviews,
)
from tests.fakes.github.routes.routing import Answer, Request, Route, find

#: The first that fits is taken, so the narrower ones stand first.
ROUTES = (
    *apps.ROUTES,
    *registration.ROUTES,
    *checks.ROUTES,
    *reviews.ROUTES,
    *pulls.ROUTES,
    *branches.ROUTES,
    *issues.ROUTES,
    *repositories.ROUTES,
    Route("POST", "/graphql", graphql_api.answer),
)

VERSIONS = ("2022-11-28", "2026-03-10")

NO_AGENT = b"""Request forbidden by administrative rules. Please make sure your request has a User-Agent header \
(https://docs.github.com/en/rest/overview/resources-in-the-rest-api#user-agent-required). \
Check https://developer.github.com for other possible causes.
"""


def answer(world: Records, request: Request, stopping: threading.Event) -> Reply | None:
    """Answer a request and remember the call. None: the connection is to be cut."""
    found = find(ROUTES, request.method, request.path)
    if found is not None:
        request.route, request.params = found
    trouble = _trouble(world, request)
    if trouble is not None:
        _wait(trouble, stopping)
    with world.changed:
        reply: Reply | None
        if trouble is not None and trouble.before is not None:
            trouble.before(world, request)
        if trouble is not None and trouble.reset == "before":
            reply = None
        elif trouble is not None and trouble.answer is not None:
            reply = _reply(world, request, trouble.answer)
        else:
            reply = _handled(world, request, trouble)
            reply = None if trouble is not None and trouble.reset == "after" else reply
        _remember(world, request, reply)
        world.changed.notify_all()
    return reply


def _trouble(world: Records, request: Request) -> Trouble | None:
    with world.changed:
        fault: Fault | None = next((one for one in world.faults if one.meets(request.method, request.path)), None)
        if fault is None:
            return None
        fault.hits += 1
        return fault.trouble


def _wait(trouble: Trouble, stopping: threading.Event) -> None:
    if trouble.wait:
        stopping.wait(trouble.wait)
    while trouble.gate is not None and not trouble.gate.wait(0.05) and not stopping.is_set():
        continue


def _remember(world: Records, request: Request, reply: Reply | None) -> None:
    route = request.route.template if request.route else ""
    login = request.caller.user.login if request.caller.user else request.caller.app.slug if request.caller.app else ""
    status = reply.status if reply else 0
    call = Call(request.method, request.path, request.query, status, route, login, request.data, world.now())
    world.calls.append(call)


# -- handling ---------------------------------------------------------------------------------------------------


def _handled(world: Records, request: Request, trouble: Trouble | None) -> Reply:
    if "user-agent" not in request.headers:
        return Reply(403, NO_AGENT, {"Content-Type": "text/html"})
    try:
        request.caller = _caller(world, request)
        _check_request(world, request)
        around = trouble.around(world, request) if trouble is not None and trouble.around else nullcontext()
        with around:
            return _reply(world, request, _routed(world, request))
    except Refusal as refused:
        return _reply(world, request, refused)
    except Exception:  # noqa: BLE001  # a mistake of the double itself must fail the test, not a thread
        world.violations.append(f"the double failed at {request.method} {request.path}:\n{traceback.format_exc()}")
        return _reply(world, request, Refusal(500, "Server Error"))


def _routed(world: Records, request: Request) -> Answer:
    route = request.route
    if route is None:
        world.violations.append(f"no such endpoint: {request.method} {request.path}")
        raise refusals.not_found()
    strange = sorted(set(request.query) - route.parameters)
    if strange:
        world.violations.append(f"{request.method} {route.template} has no parameter {', '.join(strange)}")
    if route.login == "app":
        if request.caller.kind != "app":
            raise Refusal(401, "A JSON web token could not be decoded")
    elif route.login:
        if request.caller.kind != route.login:
            raise Refusal(403, "You must authenticate with an installation access token in order to list repositories.")
    elif "{owner}" in route.template:
        authorise(request.caller, request.repository, route.needs)
    return route.handler(request)


def _caller(world: Records, request: Request) -> Caller:
    """Return who the `Authorization` header names. Raises Refusal (401)."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if not scheme:
        return Caller()
    if scheme.lower() not in ("bearer", "token"):
        raise refusals.bad_credentials()
    if token.startswith("ey") and scheme.lower() == "bearer":
        return Caller("app", app=app_of_jwt(token, world.app, world.now()))
    caller = world.tokens.get(token)
    expired = caller is not None and caller.expires_at is not None and caller.expires_at <= world.now()
    if caller is None or expired or (caller.installation is not None and caller.installation.deleted):
        raise refusals.bad_credentials()
    return caller


def _check_request(world: Records, request: Request) -> None:
    """Check what is the same for every endpoint: the version asked for and the limits. Raises Refusal."""
    version = request.headers.get("x-github-api-version", VERSIONS[0])
    if version not in VERSIONS:
        raise Refusal(400, f'The version "{version}" is not supported. Supported versions: {", ".join(VERSIONS)}.')
    key = request.headers.get("authorization", "")
    used = world.spent.get(key, 0)
    if used >= request.caller.limit and request.path != "/rate_limit":
        raise Refusal(403, "API rate limit exceeded for installation.", headers={"X-RateLimit-Remaining": "0"})
    if request.path != "/rate_limit":
        world.spent[key] = used + 1
    if request.method == "POST" and re.search(r"/(comments|reviews|replies)$", request.path):
        recent = [one for one in world.creations.get(key, []) if one > world.now() - 60]
        world.creations[key] = [*recent, world.now()]
        limited = secondary_limit(403, retry_after=60).answer
        if len(recent) >= world.limits.contents_per_minute and isinstance(limited, Refusal):
            raise limited


def _reply(world: Records, request: Request, given: Answer | Refusal | Reply) -> Reply:
    headers = _common_headers(world, request)
    if isinstance(given, Reply):
        return Reply(given.status, given.body, headers | given.headers)
    if isinstance(given, Refusal):
        body = given.body() | ({"url": given.headers["Location"]} if "Location" in given.headers else {})
        return Reply(given.status, json.dumps(body).encode(), headers | _timed(world, given.headers))
    if given.raw is not None:
        data = given.raw
    else:
        data = b"" if given.status == 204 else json.dumps(given.body, ensure_ascii=False).encode("utf-8", "replace")
    headers |= given.headers
    if request.method == "GET" and given.status == 200:
        headers["ETag"] = f'W/"{hashlib.sha256(data).hexdigest()}"'
        if request.headers.get("if-none-match") == headers["ETag"]:
            key = request.headers.get("authorization", "")
            world.spent[key] = max(0, world.spent.get(key, 0) - 1)
            return Reply(304, b"", headers)
    return Reply(given.status, data, headers)


def _timed(world: Records, headers: dict[str, str]) -> dict[str, str]:
    """Return the headers with `+60` of a reset as a time."""
    return {
        name: str(int(world.now()) + int(text[1:])) if text.startswith("+") else text for name, text in headers.items()
    }


def _common_headers(world: Records, request: Request) -> dict[str, str]:
    limit = request.caller.limit
    used = world.spent.get(request.headers.get("authorization", ""), 0)
    return {
        "Server": "github.com",
        "Date": formatdate(world.now(), usegmt=True),
        "Content-Type": "application/json; charset=utf-8",
        "X-GitHub-Media-Type": f"github.v3; format={request.media}",
        "X-GitHub-Api-Version-Selected": request.headers.get("x-github-api-version", VERSIONS[0]),
        "X-GitHub-Request-Id": uuid.uuid4().hex[:16].upper(),
        "X-RateLimit-Limit": str(limit),
        "X-RateLimit-Remaining": str(max(0, limit - used)),
        "X-RateLimit-Used": str(used),
        "X-RateLimit-Reset": str(int(world.now()) + 3600),
        "X-RateLimit-Resource": "core",
    }


# -- HTTP -------------------------------------------------------------------------------------------------------


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Listener

    def setup(self) -> None:
        super().setup()
        self.server.connections.add(self.connection)

    def finish(self) -> None:
        self.server.connections.discard(self.connection)
        super().finish()

    def handle_one_request(self) -> None:
        try:
            super().handle_one_request()
        except OSError:  # the client, or the end of the test, closed the connection
            self.close_connection = True

    def _serve(self) -> None:
        world = self.server.world
        length = int(self.headers.get("Content-Length") or 0)
        data = self.rfile.read(length)
        if len(data) < length:  # the client was killed while it was sending
            self.close_connection = True
            return
        target, _, query = self.path.partition("?")
        path = unquote(target, errors="surrogateescape")
        if path == "/api/graphql":
            path = f"{world.prefix}/graphql"
        elif find(registration.PAGES, self.command, path) is not None:
            path = f"{world.prefix}{path}"
        inside = path.startswith(world.prefix)
        request = Request(
            world=world,
            method=self.command,
            path=path.removeprefix(world.prefix) if inside else f"(outside {world.prefix}){path}",
            query=dict(parse_qsl(query, keep_blank_values=True)),
            headers={name.lower(): value for name, value in self.headers.items()},
            data=data,
        )
        reply = answer(world, request, self.server.stopping)
        if reply is None:
            self._cut()
        else:
            self._send(reply)

    do_GET = do_POST = do_PATCH = do_PUT = do_DELETE = _serve  # noqa: N815  # names http.server looks for

    def _send(self, reply: Reply) -> None:
        headers = reply.headers | {"Content-Length": str(len(reply.body))}
        if reply.status in (204, 304):
            headers.pop("Content-Type", None)
            headers["Content-Length"] = "0"
        lines = [f"HTTP/1.1 {reply.status} {_phrase(reply.status)}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        # One write, so that no delayed acknowledgement comes between the headers and the body.
        self.wfile.write("\r\n".join([*lines, "", ""]).encode("latin-1", "replace") + reply.body)

    def _cut(self) -> None:
        """Reset the connection: with a linger time of zero, closing sends RST instead of FIN."""
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.server.connections.discard(self.connection)
        self.close_connection = True
        socket.socket(fileno=self.connection.detach()).close()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  # the parent's name for it
        """Say nothing: the calls are in the world."""


def _phrase(status: int) -> str:
    return HTTPStatus(status).phrase if status in HTTPStatus._value2member_map_ else "Unknown"


class _Listener(ThreadingHTTPServer):
    daemon_threads = False
    block_on_close = True
    request_queue_size = 64

    def __init__(self, world: Records, port: int) -> None:
        super().__init__(("127.0.0.1", port), _Handler)
        self.world = world
        self.stopping = threading.Event()
        self.connections: set[socket.socket] = set()


class Server:
    """The double on a port of 127.0.0.1; `port` 0 takes a free one. `start` sets the world's `url`."""

    def __init__(self, world: Records, port: int = 0) -> None:
        self._world = world
        self._port = port
        self._listener: _Listener | None = None
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Listen, in a thread."""
        self._listener = _Listener(self._world, self._port)
        self._world.url = f"http://127.0.0.1:{self._listener.server_port}{self._world.prefix}"
        serve = self._listener.serve_forever
        self._thread = threading.Thread(target=serve, kwargs={"poll_interval": 0.02}, name="github", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Stop listening, close every connection and wait for the requests in work."""
        if self._listener is None or self._thread is None:
            return
        self._listener.stopping.set()
        self._listener.shutdown()
        self._thread.join()
        for connection in list(self._listener.connections):
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue
        self._listener.server_close()
        self._listener = None
