"""Test runners of other languages: found in files, called for real where they are installed, read as untrusted."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from reviewer.proving.foreign import measured, outcomes
from reviewer.proving.foreign.toolchains import CARGO, GO, JEST, NODE, RSPEC, VITEST, Toolchain, toolchain_for

SOURCE = "export function sign(n) {\n  if (n > 0) {\n    return 1;\n  }\n  return -1;\n}\n"
TESTS = """import test from "node:test";
import assert from "node:assert";
import { sign } from "../sign.mjs";
test("right", () => assert.equal(sign(2), 1));
test("wrong", () => assert.equal(sign(2), 7));
test("later", { skip: true }, () => {});
test("crash", () => missing());
"""


@pytest.mark.parametrize(
    ("manifest", "row"),
    [
        ('{"scripts": {"test": "vitest run"}, "devDependencies": {"jest": "1"}}', VITEST),
        ('{"devDependencies": {"jest": "29"}}', JEST),
        ('{"scripts": {"test": "node --test"}}', NODE),
        ('{"scripts": {"test": "echo none"}}', None),
        ("[" * 100_000, None),
        ('{"scripts": 3}', None),
    ],
)
def test_javascript_is_run_as_its_manifest_says(tmp_path: Path, manifest: str, row: Toolchain | None) -> None:
    """The test script wins over dependencies; a manifest that says nothing, or is broken, gives no runner."""
    (tmp_path / "package.json").write_text(manifest)
    assert toolchain_for(tmp_path, "src/a.ts") is row


@pytest.mark.parametrize(
    ("marker", "path", "row"), [("go.mod", "a.go", GO), ("Cargo.toml", "src/a.rs", CARGO), ("Gemfile", "a.rb", RSPEC)]
)
def test_other_languages_are_known_by_their_project_file(
    tmp_path: Path, marker: str, path: str, row: Toolchain
) -> None:
    """Without its project file a language has no runner; with it, the one of the table."""
    (tmp_path / "spec").mkdir()
    assert toolchain_for(tmp_path, path) is None
    (tmp_path / marker).write_text("")
    assert toolchain_for(tmp_path, path) is row


@pytest.mark.skipif(shutil.which("node") is None, reason="node is not installed")
def test_node_is_run_and_read(tmp_path: Path) -> None:
    """Of a real run: each test's end, whether an assertion failed it, and the lines that ran."""
    (tmp_path / "test").mkdir()
    (tmp_path / "sign.mjs").write_text(SOURCE)
    (tmp_path / "test" / "sign.test.mjs").write_text(TESTS)
    subprocess.run(NODE.command("test/sign.test.mjs", str(tmp_path)), cwd=tmp_path, check=False, timeout=60)
    found = {item.id: item for item in NODE.reads((tmp_path / NODE.report).read_bytes())}
    assert {name: item.verdict for name, item in found.items()} == {
        "test right": "passed",
        "test wrong": "failed",
        "test later": "skipped",
        "test crash": "failed",
    }
    assert found["test wrong"].asserted
    assert not found["test crash"].asserted
    hits = measured.lcov((tmp_path / NODE.coverage).read_bytes(), str(tmp_path))["sign.mjs"]
    assert 3 in hits
    assert 5 not in hits


def test_go_tells_a_failed_assertion_from_a_package_that_did_not_build() -> None:
    """A line of the test file speaks for an assertion; a package that fails with no test named is a crash."""
    raw = (
        b'{"Action":"output","Package":"m","Test":"TestA","Output":"    a_test.go:5: got 1\\n"}\n'
        b'{"Action":"fail","Package":"m","Test":"TestA"}\n{"Action":"pass","Package":"m","Test":"TestB"}\n'
        b'{"Action":"fail","Package":"m"}\n{"Action":"fail","Package":"broken"}\nFAIL\n'
    )
    found = [(item.id, item.verdict, item.asserted) for item in outcomes.go(raw)]
    assert found == [("m TestA", "failed", True), ("m TestB", "passed", False), ("broken", "failed", False)]


def test_jest_counts_a_file_that_could_not_be_loaded() -> None:
    """A suite that failed before its first test is a failed outcome, not an empty success."""
    raw = (
        b'{"testResults": [{"name": "a.test.ts", "status": "failed", "message": "SyntaxError","assertionResults": []}]}'
    )
    assert [(item.id, item.verdict, item.asserted) for item in outcomes.jest(raw)] == [("a.test.ts", "failed", False)]


def test_cargo_and_rspec_are_read() -> None:
    """Passed, failed by an assertion, and skipped are told apart."""
    text = (
        b"running 3 tests\ntest a ... ok\ntest b ... FAILED\ntest c ... ignored\n\n---- b stdout ----\n"
        b"thread 'b' panicked at tests/t.rs:3:5:\nassertion `left == right` failed\n"
    )
    expected = [("a", "passed", False), ("b", "failed", True), ("c", "skipped", False)]
    assert [(item.id, item.verdict, item.asserted) for item in outcomes.cargo(text)] == expected
    raw = (
        b'{"examples": [{"full_description": "a", "status": "passed"}, {"full_description": "b", "status": "failed",'
        b'"exception": {"class": "RSpec::Expectations::ExpectationNotMetError", "message": "expected: 1"}},'
        b'{"full_description": "c", "status": "pending"}]}'
    )
    assert [(item.id, item.verdict, item.asserted) for item in outcomes.rspec(raw)] == expected


@pytest.mark.parametrize("read", [outcomes.junit, outcomes.jest, outcomes.rspec, outcomes.cargo])
@pytest.mark.parametrize("raw", [b"", b"{}", b"<a", b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>', b"\xff"])
def test_a_broken_report_is_an_error_and_never_a_success(read: outcomes.Reads, raw: bytes) -> None:
    """Bytes that are no report raise ValueError."""
    with pytest.raises(ValueError, match=r"."):
        read(raw)


def test_a_go_profile_gives_the_lines_that_ran() -> None:
    """Blocks with no hits, malformed ones and absurdly long ones add no line."""
    raw = b"mode: set\nm/a.go:3.10,5.2 1 1\nm/a.go:7.1,9.2 1 0\nm/a.go:x\nm/a.go:1.1,9999999.2 1 1\n"
    assert measured.go_profile(raw, "m") == {"a.go": frozenset({3, 4, 5})}
