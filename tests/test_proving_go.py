"""Suggested tests of Go, really run in the sandbox."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from reviewer.asking import Attempt, Reply
from reviewer.change import Change
from reviewer.diff import parse_diff
from reviewer.proving.evidence import Gate, Proven
from reviewer.proving.session import Checkout, proven_tests
from reviewer.settings import Settings

pytestmark = [
    pytest.mark.skipif(shutil.which("go") is None, reason="this machine has no go"),
    pytest.mark.timeout(400),
]

BASE = """package fees

func Total(items []int) int {
	sum := 0
	for _, one := range items {
		sum += one
	}
	return sum
}
"""
ADDED = """
func Fee(amount, days int) int {
	if days <= 14 {
		return 0
	}
	return amount * 2 + days - 14
}
"""
OLD_TEST = """package fees

import "testing"

func TestTotal(t *testing.T) {
	if Total([]int{1, 2}) != 3 {
		t.Error("wrong")
	}
}
"""
STRONG = """package fees

import "testing"

func TestFee(t *testing.T) {
	for _, one := range []struct{ amount, days, want int }{{100, 14, 0}, {100, 0, 0}, {100, 15, 201}, {10, 20, 26}} {
		if got := Fee(one.amount, one.days); got != one.want {
			t.Errorf("Fee(%d, %d) = %d, want %d", one.amount, one.days, got, one.want)
		}
	}
}
"""
WEAK = """package fees

import "testing"

func TestFeeIsSomething(t *testing.T) {
	if Fee(100, 30) == -1 {
		t.Error("wrong")
	}
}
"""
RED = STRONG.replace("TestFee", "TestWrong").replace("201", "202")


def _git(folder: Path, *words: str) -> bytes:
    return subprocess.run(["git", "-C", str(folder), *words], check=True, capture_output=True).stdout


def test_each_ends_at_its_gate(tmp_path: Path) -> None:
    """The strong test carries its evidence; one that kills nothing and one that fails are stopped, each by name."""
    folder = tmp_path / "fees"
    folder.mkdir()
    (folder / "go.mod").write_text("module example.com/fees\n\ngo 1.19\n")
    (folder / "fees.go").write_text(BASE)
    (folder / "fees_test.go").write_text(OLD_TEST)
    _git(folder, "init", "-q", "-b", "main")
    _git(folder, "add", "-A")
    _git(folder, "-c", "user.name=a", "-c", "user.email=a@b", "commit", "-qm", "Begin")
    (folder / "fees.go").write_text(BASE + ADDED)
    change = Change(parse_diff(_git(folder, "diff")), title="Charge for late returns")
    tests = {"fee_test.go": STRONG, "weak_test.go": WEAK, "red_test.go": RED}
    text = "\n".join(f'<test path="{path}" covers="fees.go:11-16">\n{code}\n</test>' for path, code in tests.items())
    bill = (Attempt("MiniMax-M2.1", "ok", 10, 10),)
    checkout = Checkout(folder, _git(folder, "rev-parse", "HEAD").decode().strip(), Path(sys.executable))
    replies = lambda prompts: [Reply(text, attempts=bill)] * len(prompts)  # noqa: E731
    outcome = proven_tests(change, Settings(), checkout, replies, salt=b"s")
    assert isinstance(outcome, Proven), outcome
    assert [test.path for test in outcome.tests] == ["fee_test.go"], outcome.dropped
    assert "3 of 3 runs; covers" in outcome.tests[0].evidence
    assert {one.path: one.stopped.gate for one in outcome.dropped} == {
        "weak_test.go": Gate.KILLS, "red_test.go": Gate.PASSES,
    }  # fmt: skip
