"""Claims about a Go project."""

from __future__ import annotations

from reviewer.domain.demonstrations import DemonstrationGate as Gate
from tests.samples.demonstrations.claims import DEMONSTRATED, REFUTED, SampleClaim, SampleProject

_FEES = """package fees

// Total returns the sum of the items.
func Total(items []int) int {
	sum := 0
	for _, item := range items {
		sum += item
	}
	return sum
}
"""
_ADDED = """
// Fee returns what a return after so many days costs; two weeks, the fourteenth day included, are free.
func Fee(days int) int {
	if days < 14 {
		return 0
	}
	return days - 14 + 1
}

// Last returns the last item; 0 for no items.
func Last(items []int) int {
	return items[len(items)-1]
}

// First returns the first item; 0 for no items.
func First(items []int) int {
	if len(items) == 0 {
		return 0
	}
	return items[0]
}
"""
GO = SampleProject(
    "go",
    base={
        "go.mod": "module example.com/fees\n\ngo 1.19\n",
        "fees.go": _FEES,
        "fees_test.go": """package fees

import "testing"

func TestTotal(t *testing.T) {
	if Total([]int{1, 2}) != 3 {
		t.Error("wrong")
	}
}
""",
    },
    head={
        "fees.go": _FEES + _ADDED,
        "late_test.go": """package fees

import "testing"

func TestLate(t *testing.T) {
	if Fee(20) != 7 {
		t.Error("wrong")
	}
}
""",
    },
)


def _test(name: str, body: str) -> str:
    return f'package fees\n\nimport "testing"\n\nfunc Test{name}(t *testing.T) {{\n{body}}}\n'


def _equal(call: str, expected: int) -> str:
    return f'\tif got := {call}; got != {expected} {{\n\t\tt.Errorf("{call} = %d, want {expected}", got)\n\t}}\n'


def _claim(name: str, quote: str, claim: str, *tests: str, ends: str, **more: object) -> SampleClaim:
    return SampleClaim(name, GO, "fees.go", quote, claim, tests, ends, "claim_test.go", **more)  # type: ignore[arg-type]


_FEE = "\tif days < 14 {"
_FEE_CLAIM = "`Fee(14)` returns 1, although the fourteenth day is free\nThe comparison is strict."
_LAST = "\treturn items[len(items)-1]"
_LAST_CLAIM = "Last panics for no items\n`Last(nil)` is promised to be 0, but the index is -1."
_FIRST = "\treturn items[0]"

CLAIMS = (
    _claim("go: a right suggestion", _FEE, _FEE_CLAIM, _test("FeeClaim", _equal("Fee(14)", 0)), ends=DEMONSTRATED,
           verdict="confirmed", suggestion="\tif days <= 14 {", fix="button"),
    _claim("go: a suggestion that breaks a test", _FEE, _FEE_CLAIM, _test("FeeClaim", _equal("Fee(14)", 0)),
           ends=DEMONSTRATED, verdict="confirmed", suggestion="\tif days < 30 {", fix="button",
           fixes=[[{"quote": _FEE, "replacement": "\tif days <= 14 {"}]]),
    _claim("go: a panic, and a fix of two lines", _LAST, _LAST_CLAIM, _test("LastClaim", _equal("Last(nil)", 0)),
           ends=DEMONSTRATED, verdict="confirmed", fix="button",
           fixes=[[{"quote": _LAST, "replacement": f"\tif len(items) == 0 {{\n\t\treturn 0\n\t}}\n{_LAST}"}]]),
    _claim("go: a crash that cannot happen", _FIRST,
           "First panics for no items\n`First(nil)` indexes an empty slice.",
           _test("FirstClaim", _equal("First(nil)", 0)),
           _test("FirstAgain", '\tif First(nil) != First([]int{0}) {\n\t\tt.Fatal("not zero")\n\t}\n'),
           ends=REFUTED),
    _claim("go: does not build", _FEE, _FEE_CLAIM, _test("FeeClaim", _equal("Free(14)", 0)), ends=Gate.COLLECTS),
    _claim("go: fails for another reason", _FEE, _FEE_CLAIM,
           _test("FeeClaim", '\tvar m map[string]int\n\tm["x"] = Fee(14)\n\tif m["x"] != 0 {\n\t\tt.Error(1)\n\t}\n'),
           ends=Gate.REASON),
)  # fmt: skip
