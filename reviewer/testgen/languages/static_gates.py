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
            r"\b(?:it|test|describe|suite)\.(?:concurrent\.)?(?:skip|todo|only|fails|failing|skipIf|runIf)\b"
            r"|(?<![\w.])[xf](?:it|describe|test|context|specify|example)\(|\b(?:ctx|context|t|this)\.skip\("
            r"|\{\s?(?:skip|todo)\s?:\s?true\b"
            r"|\bt+\.Skip|#\[ignore|@Disabled|@Ignore\b"
            r"|^[ \t]*+(?:skip|pending)\b|^//go:build\b",
            re.MULTILINE,
        ),
        "skips tests",
    ),
    (re.compile(r"\bsleep\b|\bsetTimeout\(|time\.Sleep|thread::sleep", re.IGNORECASE), "waits for time to pass"),
    (
        re.compile(
            r"\bMath\.random\(|\brandomUUID\(|\brand\.(?!New|Source|Rand|Seed)[A-Z]\w{0,30}\(|\bnew Random\(\)"
            r"|\brand::(?:random|thread_rng)|\bSecureRandom\b|\bUUID\.randomUUID|(?<![\w.])rand\("
        ),
        "uses chance",
    ),
    (
        re.compile(r"\bfetch\(|https?://(?!localhost|127\.0\.0\.1|example\.)|net\.Dial|\baxios\b|TcpStream"),
        "uses a network",
    ),
    (
        re.compile(
            r"child_process|worker_threads|os/exec|\bexec\(|\bspawn\(|process\.(?:exit|kill)|os\.Exit|std::process"
            r"|\bsyscall\."
        ),
        "starts or ends processes",
    ),
    (re.compile(r"\bto(?:Throw\w{0,20})?Match\w{0,20}Snapshot"), "only compares with a snapshot"),
    (
        re.compile(
            r"\bprocess\.env\.(?:VITEST|JEST|NODE_V8_COVERAGE|NODE_ENV|CI\b)|\bprocess\.(?:argv|execArgv)|__coverage__"
            r"|\btesting\.(?:CoverMode|Short|Testing|Coverage)\(|\bos\.Args\b|\bGOCOVERDIR\b|\bREVIEWER_"
        ),
        "asks how it is run",
    ),
    (
        re.compile(
            r"\b(?:readFile(?:Sync)?|ReadFile|File\.read|read_to_string|include_str!)[ (]{1,2}[^)\n]{0,200}"
            r"\.(?:[cm]?[jt]sx?|go|rb|rs|java|kt)[\"'`]"
        ),
        "reads code instead of running it",
    ),
)
#: The current time, unless the file sets a clock of its own.
_CLOCK = re.compile(
    r"\bDate\.now\(|\bnew Date\(\)|\bperformance\.now\(|\btime\.Now\(|\bTime\.(?:now|current)\b"
    r"|\bDate\.(?:today|current)\b|\b(?:SystemTime|Instant)::now|\bLocal(?:Date|DateTime|Time)\.now\(|\bInstant\.now\(|\bcurrentTimeMillis\("
)
_OWN_CLOCK = re.compile(r"useFakeTimers|setSystemTime|mock\.timers|\btravel_to\b|Timecop|freeze_time")
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
    if _CLOCK.search(code) and not _OWN_CLOCK.search(code):
        return GateFailure(Gate.SMELLS, "It uses the current time.", "It uses the current time: give fixed times.")
    return None


def only_values_changed(before: str, after: str) -> bool:
    """Whether two versions of a test file differ only in literals: then the repair only copied what the code returned.

    Stricter than for Python, where expected values are distinguished from arguments.
    """
    return before != after and _bare(before) == _bare(after)


def _bare(code: str) -> str:
    return " ".join(_LITERAL.sub("?", code).split())


#: A call with its arguments, without calls of assertion libraries.
_CALL = re.compile(
    r"(?<![\w.])(?!(?:expect|assert|equal|test|it|describe|require|if|for|while|func|function|t)\b)[\w.]{1,80}\("
)

#: Words that demand the same of equal values.
_EQUAL = re.compile(
    r"\b(?:toBe|toEqual|toStrictEqual|strictEqual|deepStrictEqual|deepEqual|equal|Equal|Fatalf|Errorf)\b"
)


def same_inputs(before: str, after: str) -> bool:
    """Whether both texts of a test call something of the repository with the same arguments."""
    return bool(_inputs(before) & _inputs(after))


def turned(before: str, after: str) -> bool:
    """Whether the second text demands something else where it calls with the same arguments as a failing test.

    Every call of the failing test must be there again, and something beside the calls must differ.
    """
    ours = _inputs(before)
    return bool(ours) and ours <= _inputs(after) and demand_text(before) != demand_text(after)


def demand_text(text: str) -> str:
    """Return the text of a test without layout, and with one word for all comparisons of equal values."""
    return _EQUAL.sub("equal", " ".join(text.split()))


def _inputs(text: str) -> frozenset[str]:
    """Return the calls with literal arguments, with the values of names that the text assigns."""
    values = dict(re.findall(r"\b(?:const |let |var )?(\w{1,60}) :?= ([^\n;{}]{1,200});?$", text, re.MULTILINE))
    found: set[str] = set()
    for call in _CALL.finditer(text):
        arguments = _until_closed(text, call.end())
        if arguments is not None and not call[0].rstrip("(").rpartition(".")[2].startswith(_MATCHERS):
            written = re.sub(r"(?<![\w.\"'])\w+\b", lambda name: values.get(name[0], name[0]), arguments)
            found.add("".join(f"{call[0]}{written})".split()))
    return frozenset(found)


#: How the names of methods that compare begin.
_MATCHERS = ("to", "equal", "strictEqual", "deepEqual", "Error", "Fatal", "Log", "Equal", "Helper", "Run", "not", "ok")


def _until_closed(text: str, start: int) -> str | None:
    """Return the text up to the bracket that closes; None if none does."""
    depth = 1
    for place in range(start, min(len(text), start + 500)):
        depth += {"(": 1, ")": -1}.get(text[place], 0)
        if not depth:
            return text[start:place]
    return None
