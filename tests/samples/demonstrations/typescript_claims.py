"""Claims about a TypeScript project with vitest, whose runner measures no coverage here: a canary shows the place."""

from __future__ import annotations

from reviewer.domain.demonstrations import DemonstrationGate as Gate
from tests.samples.demonstrations.claims import DEMONSTRATED, REFUTED, SampleClaim, SampleProject

_PRICE = """export function total(items: number[]): number {
  return items.reduce((sum, item) => sum + item, 0);
}
"""
_ADDED = """
/** The fee of a return after so many days: two weeks, the fourteenth day included, are free. */
export function fee(days: number): number {
  return days < 14 ? 0 : days - 13;
}

/** The initials of a name, in capitals; an empty text for none. */
export function initials(name: string | null): string {
  return name!.split(" ").map((part) => part[0].toUpperCase()).join("");
}

/** The larger of two numbers. */
export function larger(a: number, b: number): number {
  return a > b ? a : b;
}
"""
TYPESCRIPT = SampleProject(
    "typescript",
    base={
        "package.json": '{"type": "module", "scripts": {"test": "vitest run"}, "devDependencies": {"vitest": "2"}}',
        "src/price.ts": _PRICE,
        "test/total.test.ts": """import { expect, test } from "vitest";
import { total } from "../src/price";

test("adds", () => expect(total([1, 2])).toBe(3));
""",
    },
    head={
        "src/price.ts": _PRICE + _ADDED,
        "test/late.test.ts": """import { expect, test } from "vitest";
import { fee } from "../src/price";

test("late", () => expect(fee(20)).toBe(7));
""",
    },
)


def _test(body: str, *names: str, more: str = "") -> str:
    imports = f'import {{ expect, test{more} }} from "vitest";\nimport {{ {", ".join(names)} }} from "../src/price";\n'
    return f'{imports}\ntest("the claim", () => {{\n  {body}\n}});\n'


def _claim(name: str, quote: str, claim: str, *tests: str, ends: str, **more: object) -> SampleClaim:
    return SampleClaim(
        name,
        TYPESCRIPT,
        "src/price.ts",
        quote,
        claim,
        tests,
        ends,
        "test/claim.test.ts",
        **more,  # type: ignore[arg-type]
    )


_FEE = "  return days < 14 ? 0 : days - 13;"
_FEE_CLAIM = "`fee(14)` returns 1, although the fourteenth day is free\nThe comparison is strict."
_FEE_TEST = _test("expect(fee(14)).toBe(0);", "fee")
_NAME = '  return name!.split(" ").map((part) => part[0].toUpperCase()).join("");'
_NAME_CLAIM = "`initials(null)` throws a TypeError\nThe comment promises an empty text for no name."

CLAIMS = (
    _claim("typescript: a right suggestion", _FEE, _FEE_CLAIM, _FEE_TEST, ends=DEMONSTRATED, verdict="confirmed",
           suggestion="  return days <= 14 ? 0 : days - 13;", fix="button"),
    _claim("typescript: an exception that the claim names", _NAME, _NAME_CLAIM,
           _test('expect(initials(null)).toBe("");', "initials"), ends=DEMONSTRATED, verdict="confirmed", fix="button",
           fixes=[[{"quote": "name!.split", "replacement": '(name ?? "").split'}],
                  [{"quote": _NAME, "replacement": '  if (!name) {\n    return "";\n  }\n' + _NAME.replace("!", "")}]]),
    _claim("typescript: two numbers compared rightly", "  return a > b ? a : b;",
           "`larger(2, 2)` does not return 2\nThe comparison is strict.",
           _test("expect(larger(2, 2)).toBe(2);", "larger"),
           _test("expect([larger(2, 2)]).toEqual([2]);", "larger"), ends=REFUTED),
    _claim("typescript: replaces the code under test", _FEE, _FEE_CLAIM,
           _test("expect(fee(14)).toBe(0);", "fee", more=", vi")
           + 'vi.mock("../src/price", () => ({ fee: () => 3 }));\n', ends=Gate.SMELLS),
    _claim("typescript: imports what is not there", _FEE, _FEE_CLAIM, _FEE_TEST.replace("src/price", "src/prices"),
           ends=Gate.COLLECTS),
)  # fmt: skip
