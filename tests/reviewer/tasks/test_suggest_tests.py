"""Suggested tests are whole: what leaves code out, or holds a mark of ours, is rejected and never committed."""

from __future__ import annotations

import pytest

from reviewer.domain.findings import TestSuggestion
from reviewer.languages.elisions import is_cut_short, stands_for_code
from reviewer.llm.usage import Usage
from reviewer.tasks.conversation.follow_ups import Answer
from reviewer.tasks.suggest_tests import usable_tests
from webhooks.publishing.suggested_tests.allowed_files import choose_allowed

WHOLE = "def test_load():\n    assert load('a') == 1\n"
SPOILT = [
    WHOLE + "\n# ... existing tests ...\n",
    "# existing imports\n" + WHOLE,
    WHOLE.replace("'a'", "'[redacted: password]'"),
    WHOLE.replace("'a'", "'[REDACTED: github token]'"),
    WHOLE + "\n# rest of the tests unchanged\n",
]


def answered(*tests: TestSuggestion) -> Answer[tuple[TestSuggestion, ...]]:
    return Answer(tests, None, Usage(), frozenset())


@pytest.mark.parametrize("code", SPOILT)
def test_a_test_that_is_not_whole_is_rejected(code: str) -> None:
    """It is not shown to be copied, and `/tests commit` leaves it out with the reason."""
    answer = answered(TestSuggestion("tests/test_load.py", "load.py:1-2", code))
    kept, rejected = usable_tests([answer])
    assert kept == ()
    assert [claim.reason for claim in rejected] == ["incomplete test"]
    chosen = choose_allowed([TestSuggestion("tests/test_load.py", "load.py:1-2", code, "it was run")], {"": {}})
    assert chosen.tests == ()
    assert any(reason in chosen.left_out[0] for reason in ("leaves code out", "hidden text"))


def test_a_whole_test_is_kept() -> None:
    """Dots as a body, and words such as `rest` in other places, leave nothing out."""
    stub = "class Stub(Protocol):\n    def run(self) -> int:\n        ...\n"
    code = f"{WHOLE}\n\n{stub}\n\n# the rest is 3, as 10 / 7 leaves it\n"
    answer = answered(TestSuggestion("tests/test_load.py", "load.py:1-2", code))
    assert [test.code for test in usable_tests([answer])[0]] == [code]
    assert not is_cut_short("tests/test_load.py", code)


LEFT_OUT = """\
...
    ...
\u2026
# ...
// ...
/* ... */
-- ...
<!-- ... -->
% ...
;; ...
{/* ... */}
# existing code
// rest of the function
/* unchanged */
-- rest of the query
<!-- existing content -->
// ... existing code ...
# ... (unchanged)
    # remaining code stays the same
// the rest remains the same
[...]
// snip
# same as before
x = 1  # ... rest unchanged
{{!-- ... --}}
(* ... *)
{- ... -}
... rest of the code ...
// other methods here
# code omitted for brevity
# implementation goes here
"""
CODE = """\
x = [1, 2]
def f(*args: int) -> tuple[int, ...]:
  ...rest,
  ...rest
f(...args)
# Loading the rest
print("...")
echo waiting...
# Waits for the existing lock.
// Other users may write.
case ...:
a..b
for i in 0...n {
# Keep this in step with the table.
// the same value twice is an error
Wait for it...
log("existing code")
rest = total % 7
existing = find(code)
# unchanged files are skipped
// previous = 3
# same_as_before = 1
-- a comment about the rest of the orders that were sold
int f(const char *format, ...);
"""


@pytest.mark.parametrize("line", LEFT_OUT.splitlines())
def test_lines_that_stand_for_code(line: str) -> None:
    """The words and dots that models write for code, in the comments of many languages."""
    assert stands_for_code(line)


@pytest.mark.parametrize("line", CODE.splitlines())
def test_lines_that_are_code(line: str) -> None:
    """Spreads, ranges, variadic parameters, texts and ordinary comments leave nothing out."""
    assert not stands_for_code(line)
