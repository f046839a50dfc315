"""Claims about projects tested with rspec, minitest, cargo, JUnit (Maven) and jest: a true and a false one of each.

The suggestion of the true one mends nothing, so that a fix is asked for: a wrong one and a right one are run.
"""

from __future__ import annotations

from tests.samples.demonstrations.claims import DEMONSTRATED, REFUTED, SampleClaim, SampleProject
from tests.samples.languages import CARGO, JEST, MAVEN, MINITEST, RSPEC
from tests.samples.languages import Sample as LanguageSample

_RUBY = """module Price
  def self.total(items)
    items.sum
  end
end
"""
_RUBY_ADDED = """module Price
  def self.total(items)
    items.sum
  end

  # The fee for a return after so many days; two weeks, the fourteenth day included, are free.
  def self.fee(days)
    return 0 if days < 14

    days - 13
  end

  # The last item; 0 for no items.
  def self.last(items)
    items.fetch(-1, 0)
  end
end
"""
_RUST = """pub fn total(items: &[i64]) -> i64 {
    items.iter().sum()
}
"""
_RUST_ADDED = """
/// The fee for a return after so many days; two weeks, the fourteenth day included, are free.
pub fn fee(days: i64) -> i64 {
    if days < 14 {
        return 0;
    }
    days - 13
}

/// The last item; 0 for no items.
pub fn last(items: &[i64]) -> i64 {
    items.last().copied().unwrap_or(0)
}
"""
_JAVA = """package shop;

public class Price {
    static int total(int a, int b) {
        return a + b;
    }
}
"""
_JAVA_ADDED = """package shop;

public class Price {
    static int total(int a, int b) {
        return a + b;
    }

    /** The fee for a return after so many days; two weeks, the fourteenth day included, are free. */
    static int fee(int days) {
        if (days < 14) {
            return 0;
        }
        return days - 13;
    }

    /** The last item; 0 for no items. */
    static int last(int... items) {
        return items.length == 0 ? 0 : items[items.length - 1];
    }
}
"""
JS = "function total(items) {\n  return items.reduce((sum, item) => sum + item, 0);\n}\n\nexports.total = total;\n"
JS_ADDED = """
/** The fee for a return after so many days; two weeks, the fourteenth day included, are free. */
function fee(days) {
  if (days < 14) return 0;
  return days - 13;
}

/** The last item; 0 for no items. */
function last(items) {
  return items.at(-1) ?? 0;
}

exports.fee = fee;
exports.last = last;
"""
_JUNIT = """package shop;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

class {name} {{
    @Test void holds() {{ {body} }}
}}
"""
_JEST = 'const {{ fee, last }} = require("../src/price.js");\n\ntest("{name}", () => {{\n  {body}\n}});\n'
_SPEC = 'require_relative "../lib/price"\n\nRSpec.describe Price do\n  it "{name}" do\n    {body}\n  end\nend\n'
_MINI = (
    'require "minitest/autorun"\nrequire_relative "../lib/price"\n\n'
    "class Test{name} < Minitest::Test\n  def test_{name}\n    {body}\n  end\nend\n"
)
_CRATE = "#[test]\nfn {name}() {{\n    {body}\n}}\n"

FEE_CLAIM = "`fee(14)` returns 1, although the fourteenth day is free\nThe comparison is strict."
_LAST_CLAIM = "`last({no_items})` raises an error for no items\nThere is no last item to return."


def _ruby(name: str, files: dict[str, str]) -> SampleProject:
    base = {"Rakefile": "", "lib/price.rb": _RUBY, **files}
    return SampleProject(name, base=base, head={"lib/price.rb": _RUBY_ADDED})


RUBY_SPECS = _ruby(
    "rspec", {"spec/total_spec.rb": _SPEC.format(name="adds", body="expect(Price.total([1, 2])).to eq(3)")}
)
RUBY_MINITEST = _ruby(
    "minitest", {"test/test_total.rb": _MINI.format(name="adds", body="assert_equal 3, Price.total([1, 2])")}
)
JUNIT = SampleProject(
    "junit", base={**MAVEN.files, "src/main/java/shop/Price.java": _JAVA},
    head={"src/main/java/shop/Price.java": _JAVA_ADDED},
)  # fmt: skip
JEST_TESTS = SampleProject(
    "jest", base={**JEST.files, "src/price.js": JS}, head={"src/price.js": JS + JS_ADDED},
)  # fmt: skip
CRATE = SampleProject(
    "cargo",
    base={
        "Cargo.toml": '[package]\nname = "fees"\nversion = "0.1.0"\nedition = "2021"\n',
        "Cargo.lock": 'version = 3\n\n[[package]]\nname = "fees"\nversion = "0.1.0"\n',
        "src/lib.rs": _RUST,
        "tests/total.rs": _CRATE.format(name="adds", body="assert_eq!(fees::total(&[1, 2]), 3);"),
    },
    head={"src/lib.rs": _RUST + _RUST_ADDED},
)


def _pair(
    project: SampleProject, path: str, fee: tuple[str, str], last: str, form: str, place: str, demands: tuple[str, ...]
) -> tuple[SampleClaim, SampleClaim]:
    """Return a true claim about `fee` with a wrong suggestion and a right fix, and a false one about `last`."""
    name = "ClaimTest" if project is JUNIT else "claim_{number}"  # Java names the class as its file
    first, second, third = (
        form.format(name=name.format(number=number), body=body) for number, body in enumerate(demands)
    )
    quote, mended = fee
    right = SampleClaim(
        f"{project.name}: a wrong suggestion, then a right fix", project, path, quote, FEE_CLAIM, (first,),
        DEMONSTRATED, place, verdict="confirmed", suggestion=quote.replace("14", "13"),
        fixes=[[{"quote": quote, "replacement": mended}]], fix="button",
    )  # fmt: skip
    claim = _LAST_CLAIM.format(no_items="&[]" if project is CRATE else "new int[0]" if project is JUNIT else "[]")
    wrong = SampleClaim(
        f"{project.name}: an error that cannot happen", project, path, last, claim, (second, third), REFUTED, place
    )
    return right, wrong


CLAIMS: tuple[tuple[LanguageSample, SampleClaim], ...] = (
    *((RSPEC, claim) for claim in _pair(
        RUBY_SPECS, "lib/price.rb",
        ("    return 0 if days < 14", "    return 0 if days <= 14"), "    items.fetch(-1, 0)", _SPEC,
        "spec/claim_spec.rb",
        ("expect(Price.fee(14)).to eq(0)", "expect(Price.last([])).to eq(0)",
         "expect(Price.last([]).zero?).to be(true)"),
    )),
    *((MINITEST, claim) for claim in _pair(
        RUBY_MINITEST, "lib/price.rb",
        ("    return 0 if days < 14", "    return 0 if days <= 14"), "    items.fetch(-1, 0)", _MINI,
        "test/test_claim.rb",
        ("assert_equal 0, Price.fee(14)", "assert_equal 0, Price.last([])", "assert Price.last([]).zero?"),
    )),
    *((CARGO, claim) for claim in _pair(
        CRATE, "src/lib.rs",
        ("    if days < 14 {", "    if days <= 14 {"), "    items.last().copied().unwrap_or(0)", _CRATE,
        "tests/claim.rs",
        ("assert_eq!(fees::fee(14), 0);", "assert_eq!(fees::last(&[]), 0);", "assert!(fees::last(&[]) == 0);"),
    )),
    *((MAVEN, claim) for claim in _pair(
        JUNIT, "src/main/java/shop/Price.java",
        ("        if (days < 14) {", "        if (days <= 14) {"),
        "        return items.length == 0 ? 0 : items[items.length - 1];", _JUNIT,
        "src/test/java/shop/ClaimTest.java",
        ("assertEquals(0, Price.fee(14));", "assertEquals(0, Price.last(new int[0]));",
         "assertTrue(Price.last(new int[0]) == 0);"),
    )),
    *((JEST, claim) for claim in _pair(
        JEST_TESTS, "src/price.js",
        ("  if (days < 14) return 0;", "  if (days <= 14) return 0;"), "  return items.at(-1) ?? 0;", _JEST,
        "test/claim.test.js",
        ("expect(fee(14)).toBe(0);", "expect(last([])).toBe(0);", "expect(last([])).toEqual(0);"),
    )),
)  # fmt: skip
