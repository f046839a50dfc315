"""Judge a test file of another language, and a repair of it, by the text only. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence

from reviewer.languages.allowed_tests import refused_name
from reviewer.languages.paths import is_test
from reviewer.testgen.evidence import Gate, GateFailure
from reviewer.testgen.working_tree import is_safe_path

MOST_BYTES = 60_000

_SMELLS = (
    (
        re.compile(
            r"\b(?:it|test|describe)\.(?:skip|todo|only)\b|\bx(?:it|describe)\(|\bt\.Skip|#\[ignore|@Disabled|@Ignore\b"
            r"|^[ \t]*+(?:skip|pending)\b",
            re.MULTILINE,
        ),
        "skips tests",
    ),
    (re.compile(r"\bsleep\b|\bsetTimeout\(|time\.Sleep|thread::sleep", re.IGNORECASE), "waits for time to pass"),
    (
        re.compile(r"\bfetch\(|https?://(?!localhost|127\.0\.0\.1|example\.)|net\.Dial|\baxios\b|TcpStream"),
        "uses a network",
    ),
    (
        re.compile(r"child_process|os/exec|\bexec\(|\bspawn\(|process\.exit|os\.Exit|std::process"),
        "starts or ends processes",
    ),
    (re.compile(r"toMatchSnapshot|toMatchInlineSnapshot"), "only compares with a snapshot"),
)
_ASSERTS = re.compile(
    r"\bassert\b|\bassert[.(!_]|\bexpect\(|\bt\.(?:Error|Fatal|Errorf|Fatalf|Fail)\b|\brequire\.\w+\(t|\.should\b"
    r"|\bassert(?:_\w+!?|[A-Z]\w*)[ (]|\bmust_\w+|\bwont_\w+|\brefute"
)

#: Literals of expected values: a number, a text, a truth value.
_LITERAL = re.compile(
    r'"(?:[^"\\\n]|\\.)*+"|\'(?:[^\'\\\n]|\\.)*+\'|`[^`]*+`|(?<![\w.])-?\d[\w.]*+|\b(?:true|false|null|nil|None)\b'
)


def static_violation(path: str, code: str, suffixes: Sequence[str], *, exists: bool) -> GateFailure | None:
    """Return the gate that stops the file because of its text, or None."""
    if not is_safe_path(path) or exists or not is_test(path) or not path.endswith(tuple(suffixes)):
        reason = "It must be a new test file of the same language, named as one, inside the repository."
        return GateFailure(Gate.POLICY, reason, reason)
    if why := refused_name(path):
        return GateFailure(Gate.POLICY, f"Its path {why}.", f"Its path {why}: choose another.")
    if len(code.encode("utf-8", "replace")) > MOST_BYTES:
        return GateFailure(Gate.POLICY, "The file is too large.", "The file is too large.")
    if not _ASSERTS.search(code):
        return GateFailure(Gate.SMELLS, "It asserts nothing.", "It asserts nothing.")
    for pattern, what in _SMELLS:
        if pattern.search(code):
            return GateFailure(Gate.SMELLS, f"It {what}.", f"It {what}.")
    return None


def only_values_changed(before: str, after: str) -> bool:
    """Whether two versions of a test file differ only in literals: then the repair only copied what the code returned.

    Stricter than for Python, where expected values are distinguished from arguments.
    """
    return before != after and _bare(before) == _bare(after)


def _bare(code: str) -> str:
    return " ".join(_LITERAL.sub("?", code).split())
