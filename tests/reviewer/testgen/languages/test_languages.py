"""Test runners of other languages: found in files, called for real where they are installed, read as untrusted."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from reviewer.sandbox.api import SandboxCommand, SandboxResult
from reviewer.testgen.languages import coverage, test_reports
from reviewer.testgen.languages.canaries import throwing
from reviewer.testgen.languages.coverage import LineCoverage
from reviewer.testgen.languages.execution import LARGEST_REPORT, FileRun, ProjectRunner
from reviewer.testgen.languages.mutants import text_mutants
from reviewer.testgen.languages.static_gates import only_values_changed, static_violation
from reviewer.testgen.languages.test_runners import (
    BUNDLED,
    CARGO,
    GO,
    JEST,
    MAVEN,
    MINITEST,
    NODE,
    RSPEC,
    VITEST,
    VITEST_COVERED,
    Project,
    Toolchain,
    project_of,
)


@pytest.mark.parametrize(
    ("path", "row", "made"),
    [
        ("a.js", "if (low > high) {", ["if (low <= high) {", "if (low >= high) {"]),
        ("a.js", "return n == 3 && m;", ["return n != 3 && m;", "return n == 3 || m;", "return n == 31 && m;"]),
        ("a.ts", "if (open(door)) {", ["if (!(open(door))) {"]),
        ("A.java", 'return "open";', ['return "XX";']),
        ("a.js", "return total(x);", ["return null;"]),
        ("a.go", "if err := f(); err != nil {", ["if err := f(); err == nil {"]),
        ("a.go", "if ok {", ["if !(ok) {"]),
        ("a.go", 'return 0, errors.New("x")', ['return 1, errors.New("x")']),
        ("a.rs", "if let Some(x) = y {", []),
        ("a.rs", "if x.is_empty() {", ["if !(x.is_empty()) {"]),
        ("a.rb", "return low if small?", ["return low unless small?", "return nil if small?"]),
        ("a.go", "// a < b", []),
    ],
)
def test_mutants_by_text(path: str, row: str, made: list[str]) -> None:
    """A condition is turned round before its boundary is moved; what means the same twice is made once."""
    assert [one.after for one in text_mutants(path, row, [1], most=9)] == made


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
        ('{"devDependencies": {"vitest": "2", "@vitest/coverage-v8": "2"}}', VITEST_COVERED),
        ('{"scripts": {"test": "node --test"}}', NODE),
        ('{"scripts": {"test": "echo none"}}', None),
        ("[" * 100_000, None),
        ('{"scripts": 3}', None),
    ],
)
def test_javascript_is_run_as_its_manifest_says(tmp_path: Path, manifest: str, row: Toolchain | None) -> None:
    """The test script wins over dependencies; a manifest that says nothing, or is broken, gives no runner."""
    (tmp_path / "package.json").write_text(manifest)
    assert project_of(tmp_path, "src/a.ts") == (row and Project(row, ""))


@pytest.mark.parametrize(
    ("markers", "path", "row"),
    [
        (["go.mod"], "a.go", GO),
        (["Cargo.toml"], "src/a.rs", CARGO),
        (["pom.xml"], "src/main/java/A.java", MAVEN),
        (["Gemfile", "spec"], "a.rb", RSPEC),
        (["Rakefile", "test"], "lib/a.rb", MINITEST),
        (["a.gemspec", "test", "Gemfile.lock"], "lib/a.rb", BUNDLED[MINITEST]),
    ],
)
def test_other_languages_are_known_by_their_project_file(
    tmp_path: Path, markers: list[str], path: str, row: Toolchain
) -> None:
    """Without its project file a language has no runner; with it, the one of the table, from the nearest folder."""
    assert project_of(tmp_path, f"services/fees/{path}") is None
    below = tmp_path / "services" / "fees"
    below.mkdir(parents=True)
    for marker in markers:
        (below / marker).write_text("")
    project = project_of(tmp_path, f"services/fees/{path}")
    assert project == Project(row, "services/fees")
    assert project.holds(f"services/fees/{path}")
    assert not project.holds(path)
    assert project.outside(project.within(f"services/fees/{path}")) == f"services/fees/{path}"
    assert project_of(tmp_path, path) is None
    (tmp_path / "away").symlink_to(below)
    assert project_of(tmp_path, f"away/{path}") is None


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("node") is None, reason="node is not installed")
def test_node_is_run_and_read(tmp_path: Path) -> None:
    """Of a real run: each test's end, whether an assertion failed it, and the lines that ran."""
    (tmp_path / "test").mkdir()
    (tmp_path / "sign.mjs").write_text(SOURCE)
    (tmp_path / "test" / "sign.test.mjs").write_text(TESTS)
    assert NODE.first is not None
    subprocess.run(NODE.first("test/sign.test.mjs", str(tmp_path)), cwd=tmp_path, check=False, timeout=60)
    found = {item.id: item for item in NODE.reads((tmp_path / NODE.report).read_bytes())}
    assert {name: item.verdict for name, item in found.items()} == {
        "test right": "passed",
        "test wrong": "failed",
        "test later": "skipped",
        "test crash": "failed",
    }
    assert found["test wrong"].asserted
    assert not found["test crash"].asserted
    lines = coverage.lcov((tmp_path / NODE.coverage).read_bytes(), [str(tmp_path)])["sign.mjs"]
    assert 3 in lines.run
    assert 5 in lines.can - lines.run


def test_go_tells_a_failed_assertion_from_a_package_that_did_not_build() -> None:
    """A line of the test file speaks for an assertion; a package that fails with no test named is a crash."""
    raw = (
        b'{"Action":"output","Package":"m","Test":"TestA","Output":"    a_test.go:5: got 1\\n"}\n'
        b'{"Action":"fail","Package":"m","Test":"TestA"}\n{"Action":"pass","Package":"m","Test":"TestB"}\n'
        b'{"Action":"fail","Package":"m"}\n{"Action":"fail","Package":"broken"}\nFAIL\n'
    )
    found = [(item.id, item.verdict, item.asserted) for item in test_reports.go(raw)]
    assert found == [("m TestA", "failed", True), ("m TestB", "passed", False), ("broken", "failed", False)]


def test_jest_counts_a_file_that_could_not_be_loaded() -> None:
    """A suite that failed before its first test is a failed outcome, not an empty success."""
    raw = (
        b'{"testResults": [{"name": "a.test.ts", "status": "failed", "message": "SyntaxError","assertionResults": []}]}'
    )
    assert [(item.id, item.verdict, item.asserted) for item in test_reports.jest(raw)] == [
        ("a.test.ts", "failed", False)
    ]


def test_cargo_and_rspec_are_read() -> None:
    """Passed, failed by an assertion, and skipped are told apart."""
    text = (
        b"running 3 tests\ntest a ... ok\ntest b ... FAILED\ntest c ... ignored\n\n---- b stdout ----\n"
        b"thread 'b' panicked at tests/t.rs:3:5:\nassertion `left == right` failed\n"
    )
    expected = [("a", "passed", False), ("b", "failed", True), ("c", "skipped", False)]
    assert [(item.id, item.verdict, item.asserted) for item in test_reports.cargo(text)] == expected
    raw = (
        b'{"examples": [{"full_description": "a", "status": "passed"}, {"full_description": "b", "status": "failed",'
        b'"exception": {"class": "RSpec::Expectations::ExpectationNotMetError", "message": "expected: 1"}},'
        b'{"full_description": "c", "status": "pending"}]}'
    )
    assert [(item.id, item.verdict, item.asserted) for item in test_reports.rspec(raw)] == expected


@pytest.mark.parametrize(
    "read", [test_reports.junit, test_reports.jest, test_reports.rspec, test_reports.cargo, test_reports.minitest]
)
@pytest.mark.parametrize(
    "raw",
    [
        *(b"", b"{}", b"<a", b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>', b"\xff"),
        '<?xml version="1.0" encoding="UTF-16"?><!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>'.encode("utf-16"),
    ],
)
def test_a_broken_report_is_an_error_and_never_a_success(read: test_reports.Reads, raw: bytes) -> None:
    """Bytes that are no report raise ValueError."""
    with pytest.raises(ValueError, match=r"."):
        read(raw)


def test_a_go_profile_gives_the_lines_that_ran() -> None:
    """Blocks with no hits, malformed ones and absurdly long ones add no line."""
    raw = b"mode: set\nm/a.go:3.10,5.2 1 1\nm/a.go:7.1,9.2 1 0\nm/a.go:x\nm/a.go:1.1,9999999.2 1 1\n"
    assert coverage.go_profile(raw, "m") == {"a.go": LineCoverage(frozenset({3, 4, 5}), frozenset({3, 4, 5, 7, 8, 9}))}


def test_lcov_names_files_as_the_repository_does() -> None:
    """Names are relative to the project, wherever the run had its copy of it."""
    raw = b"SF:/srv/shop/src/a.js\nDA:1,2\nSF:/tmp/home/project/src/b.js\nDA:2,0\nSF:src/c.js\nDA:x\nDA:3,1\n"
    assert coverage.lcov(raw, ["/srv/shop"]) == {
        "src/a.js": LineCoverage(frozenset({1}), frozenset({1})),
        "src/b.js": LineCoverage(frozenset(), frozenset({2})),
        "src/c.js": LineCoverage(frozenset({3}), frozenset({3})),
    }


def test_minitest_is_read() -> None:
    """Passed, failed by an assertion, crashed and skipped are told apart."""
    raw = (
        b"# Running:\n\nA#test_a = 0.00 s = .\nA#test_b = 0.00 s = F\nA::c#test_0001_adds up = 0.01 s = E\n"
        b"A#test_d = 0.00 s = S\n\n  1) Failure:\nA#test_b [test/a_test.rb:9]:\nExpected: 1\n  Actual: 2\n\n"
        b"  2) Error:\nA::c#test_0001_adds up:\nNoMethodError: x\n    a.rb:1\n\n4 runs, 2 assertions\n"
    )
    assert [(item.id, item.verdict, item.asserted) for item in test_reports.minitest(raw)] == [
        ("A#test_a", "passed", False),
        ("A#test_b", "failed", True),
        ("A::c#test_0001_adds up", "failed", False),
        ("A#test_d", "skipped", False),
    ]


@pytest.mark.parametrize(
    ("language", "text", "lines", "expected"),
    [
        ("go", "package a\n", [1], 'package a\n\nfunc init() { panic("canary") }\n'),
        ("rust", "fn a() {\n}\nfn b(\n) -> i64 {\n 1\n}\n", [5],
         'fn a() {\n}\nfn b(\n) -> i64 { if true { panic!("canary"); }\n 1\n}\n'),
        ("rust", "const A: i64 = 1;\n", [1], None),
        ("java", "class A {\n class B {\n  int b;\n }\n}\n", [1],
         'class A { static { if (true) throw new IllegalStateException("canary"); }\n class B {\n  int b;\n }\n}\n'),
        ("java", "interface A {\n}\n", [1], None),
    ],
)  # fmt: skip
def test_a_canary_is_put_where_it_throws_when_the_code_is_used(
    language: str, text: str, lines: list[int], expected: str | None
) -> None:
    """At the end of what runs when it is loaded; else into the function or the classes that hold the line."""
    assert throwing(language, text, lines) == expected


def test_a_repair_that_changes_values_alone_is_told() -> None:
    """Other numbers, texts and truth values are no other test; another call is."""
    before = "expect(fee(100, 15)).toBe(202); // 'why'\n"
    assert only_values_changed(before, before.replace("202", "-201.5"))
    assert only_values_changed('assert_eq!(name(), "a");', 'assert_eq!(name(),  "b \\" c");')
    assert not only_values_changed(before, before)
    assert not only_values_changed(before, before.replace("fee(100, 15)", "fee(100, days(15))"))


@pytest.mark.parametrize(
    "code",
    ["  skip\n assert_equal 1, 1", "@Disabled class A { void a() { assertEquals(1, 1); } }", "it.skip(); expect(1)"],
)
def test_a_file_that_skips_is_refused(code: str) -> None:
    """Whatever the language calls it."""
    wrong = static_violation("test/a_test.rb", code, (".rb",), exists=False)
    assert wrong is not None
    assert "skips" in wrong.reason


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("test.skipIf(true)('a', () => { expect(f(1)).toBe(1) })", "skips"),
        ("it.fails('a', () => { expect(f(1)).toBe(2) })", "skips"),
        ("test.failing('a', () => { expect(f(1)).toBe(2) })", "skips"),
        ("fit('a', () => { expect(f(1)).toBe(1) })", "skips"),
        ("test('a', { skip: true }, () => { expect(f(1)).toBe(1) })", "skips"),
        ("test('a', (ctx) => { ctx.skip(); expect(f(1)).toBe(1) })", "skips"),
        ("//go:build ignore\nfunc TestA(t *testing.T) { t.Error(1) }", "skips"),
        ("expect(f(Math.random())).toBe(1)", "chance"),
        ("if Fee(rand.Intn(3)) != 0 { t.Error(1) }", "chance"),
        ("expect(f(new Date().getFullYear())).toBe(2026)", "time"),
        ("if Fee(time.Now().Day()) != 0 { t.Error(1) }", "time"),
        ("if testing.CoverMode() != `` { return }; t.Error(1)", "asks"),
        ("expect(process.env.VITEST ? 1 : f(1)).toBe(1)", "asks"),
        ("expect(() => f(1)).toThrowErrorMatchingSnapshot()", "snapshot"),
        ("expect(fs.readFileSync('src/f.ts', 'utf8')).toContain('x')", "reads"),
        ("vi.useFakeTimers(); expect(f(Date.now())).toBe(1)", ""),
        ("expect(f(new Date(2026, 1, 2))).toBe(1)", ""),
        ("r := rand.New(rand.NewSource(1)); if Fee(r.Intn(3)) != 0 { t.Error(1) }", ""),
        ("expect(fs.readFileSync('data/a.json', 'utf8')).toBe(f(1))", ""),
        ("expect(grand(1)).toBe(model.fit(1))", ""),
        ("expect(page({ skip: 10 })).toBe(rows.skip(10))", ""),
    ],
)
def test_what_a_test_of_another_language_must_not_do_is_refused(code: str, reason: str) -> None:
    """Tests that are not run, that differ from run to run, and that ask how they are run."""
    wrong = static_violation("src/a.test.ts", code, (".ts",), exists=False)
    assert reason in (wrong.reason if wrong else "")
    assert bool(wrong) is bool(reason)


@pytest.mark.parametrize("word", ["assert_equal 1, a", "assertEquals(1, a)", "_(a).must_equal 1", "assert_ne!(1, a)"])
def test_assertions_of_other_languages_are_known(word: str) -> None:
    """A test file that has one of them asserts something."""
    assert static_violation("test/a_test.rb", word, (".rb",), exists=False) is None


def test_no_run_sees_what_stands_beside_the_programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a person's home only programs and fetched packages are shown: tokens stand in the same folders."""
    for name in ("bin/cargo", "registry/index", "credentials.toml"):
        place = tmp_path / ".cargo" / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text("#!/bin/sh\n")
        place.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}/.cargo/bin:/usr/bin:/bin")
    orders: list[SandboxCommand] = []

    def execute(order: SandboxCommand) -> SandboxResult:
        orders.append(order)
        return SandboxResult(0, "running 0 tests\n", {}, 0.1, 0.1)

    came = ProjectRunner(execute, Project(CARGO, ""), tmp_path, Path("/srv/shop"), tmp_path).run("tests/a.rs")
    assert not came.is_green
    shown = orders[0].read_only
    assert {tmp_path / ".cargo/bin", tmp_path / ".cargo/registry"} <= set(shown)
    assert not any((tmp_path / ".cargo/credentials.toml").is_relative_to(folder) for folder in shown)


def test_a_huge_report_is_not_read(tmp_path: Path) -> None:
    """The code under test may write one, and to read it would take many times its size in memory."""
    test = b'{"fullName": "a", "status": "passed"}'
    report = b'{"testResults": [{"name": "a", "status": "passed", "assertionResults": [' + test + b"]}]}"

    def run_with(size: int) -> FileRun:
        results = {str(JEST.report): report.rjust(size), str(JEST.coverage): b"SF:a.js\nDA:1,1\n".ljust(size)}
        execute = lambda _: SandboxResult(0, "", results, 0.1, 0.1)  # noqa: E731
        return ProjectRunner(execute, Project(JEST, ""), tmp_path, tmp_path, tmp_path).run("tests/a.test.js")

    assert run_with(1_000).is_green
    assert run_with(1_000).measured
    assert run_with(LARGEST_REPORT + 1) == FileRun((), None, "")


def test_files_of_a_coverage_report_are_counted() -> None:
    """A report that names very many files is read in part: coverage is never too high."""
    assert len(coverage.lcov(b"".join(b"SF:%d\nDA:1,1\n" % number for number in range(30_000)), ())) == 20_000
    assert len(coverage.go_profile(b"".join(b"%d:1.1,2.1 1 1\n" % number for number in range(30_000)), "m")) == 20_000
