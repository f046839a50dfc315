"""Choose which classes of defect get a finder of their own for each chunk, within the budget.

The general finder reads every chunk. A closer look is added where the size and the words of the changed lines suggest
one. Closer looks are the first thing to be dropped when the budget is short. Pure: the same chunks give the same looks.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from reviewer.diff.model import FileDiff, Line
from reviewer.languages.paths import is_code, is_test
from reviewer.tasks.planning.chunks import Chunk


class Lens(StrEnum):
    """A class of defect that a finder looks for alone. Its prompt is `prompts/review/lens_NAME.md`."""

    SECURITY = "security"
    CONCURRENCY = "concurrency"
    CONTRACTS = "contracts"
    CORRECTNESS = "correctness"
    TESTS = "tests"
    OPERATION = "operation"


#: From so many changed lines of code, a part gets one, two or three closer looks; below, only the general finder.
DEPTHS = (12, 60, 500)

#: Most closer looks at all parts of one change together.
MOST_LOOKS = 24

#: The cost of one more finder, and of one more falsifier, as a share of the planned cost of all calls about a part.
LOOK_SHARE, OPINION_SHARE = Decimal("0.4"), Decimal("0.25")

#: Instructions and context make a call about a smaller part cost about as much as one about so many tokens.
LEAST_TOKENS = 1_500

#: In a change of at least so many lines of code, a severe claim needs two falsifiers that agree.
LARGE = 150

#: For correctness and tests, so many changed lines count as much as one hit.
_LINES_PER_HIT = 12

#: Hits that a lens needs, and the weight of each hit when looks compete.
_LEAST_HITS = {Lens.SECURITY: 1, Lens.CONCURRENCY: 2, Lens.CONTRACTS: 2, Lens.CORRECTNESS: 4, Lens.TESTS: 1,
               Lens.OPERATION: 2}  # fmt: skip
_WEIGHT = {Lens.SECURITY: 3, Lens.CONCURRENCY: 2, Lens.CONTRACTS: 2, Lens.CORRECTNESS: 2, Lens.TESTS: 1,
           Lens.OPERATION: 2}  # fmt: skip

#: Only so many characters of a line are searched: a longer line is data.
_LOOKED_AT = 400

_SECURITY = re.compile(
    r"\b(?:sql|select\s.{1,80}\sfrom|insert\s+into|delete\s+from|raw_sql|execute\w*|executemany|(?:create|prepare)Statement"
    r"|exec|execSync|spawn\w*|popen|subprocess|os\.system|shell\w*|eval|innerHTML|outerHTML|dangerouslySetInnerHTML"
    r"|html_safe|mark_safe|v-html|sanitiz\w*|escape\w*|unescape\w*|auth\w*|permissions?|authoriz\w*|is_?admin"
    r"|\w*tokens?|passw\w*|\w*secrets?|credentials?|api_?key|cookies?|csrf|cors|jwt|\w*crypt\w*|cipher|hmac|md5|sha1"
    r"|sha256|nonce|signature|pickle|unserialize|deseriali\w*|yaml\.load|ObjectInputStream|Marshal|redirect\w*|urlopen"
    r"|upload\w*|extractall|unzip|tarfile|chmod|mktemp|path\.join|filepath\.Join|File\.join|send_?file"
    r"|render_template_string)\b",
    re.IGNORECASE,
)
_CONCURRENCY = re.compile(
    r"(?<![A-Za-z0-9])(?:threads?|threading|R?Lock|locks?|unlock|mutex|synchronized|volatile|atomic\w*|async|await|asyncio|Promise\.\w+"
    r"|go\s+func|goroutine|chan|select|sync\.\w+|WaitGroup|Executor\w*|concurrent\w*|ConcurrentHashMap|semaphore|queue"
    r"|setTimeout|setInterval|open|close[sd]?|fopen|fclose|connect\w*|\w*pool|acquire|release|dispose|defer|finally"
    r"|socket|transaction|commit|rollback|cursor|timeouts?|retry|retries|cache[sd]?|context\.\w+|free|malloc)\b|\w+Lock\b"
)
_OPERATION = re.compile(
    r"\b(?:(?:alter|create|drop)\s+(?:table|index)|(?:add|remove|rename|change)_(?:column|index|reference)|backfill\w*"
    r"|feature_?flags?|deprecat\w*|rollout|migrat\w*|default_\w{1,40}|max_\w{1,40}|\w{1,40}_(?:limit|timeout|ttl|default)s?"
    r"|time_?zones?|utc(?:now|_now)?|timezone|tzinfo|strftime|locale\w*|toLocale\w*|cron\w*|schedul\w*|rate_?limit\w*"
    r"|urlopen|fetch|axios|requests|http(?:x|_client|Client)|circuit\w*|fallback\w*|unavailable|health_?check\w*"
    r"|aria-\w{1,30}|tabIndex|role=|alt=|onKey\w*|onClick|onSubmit|autoFocus|focus\w*|<(?:form|input|label|button|select|dialog)\b"
    r"|placeholder|disabled|error_?messages?|validation\w*|flash|toast\w*)\b|<(?:form|input|label|button|select|dialog)\b",
    re.IGNORECASE,
)
_OPERATION_PATHS = re.compile(
    r"(?:^|/)(?:migrations?|migrate|deploy\w*|helm|k8s|terraform|views?|templates|components|pages|locales?)/"
    r"|(?:^|/)(?:Dockerfile|docker-compose|Procfile)|\.(?:jsx|tsx|vue|svelte|erb|haml|html|ejs|hbs)$",
    re.IGNORECASE,
)
#: A line that is nothing but a comment, or blank.
_REMARK = re.compile(r"\s*(?://|/\*|\*(?:\s|/|$)|#(?:\s|$)|--\s|$)")
#: Scripts that are no program text by their endings: steps of workflows, and of images.
_SCRIPTS = re.compile(
    r"(?:^|/)\.github/(?:workflows|actions)/.{1,200}\.ya?ml$|(?:^|/)action\.ya?ml$|(?:^|/)\.gitlab-ci\.ya?ml$"
    r"|(?:^|/)(?:Dockerfile(?:\.[\w-]{1,40})?|Jenkinsfile|Containerfile)$|\.dockerfile$",
    re.IGNORECASE,
)
#: What a workflow pastes into a script before it runs.
_PASTED = re.compile(r"\$\{\{")
_DEFINES = re.compile(
    r"^\s*(?:(?:export|public|pub|protected|abstract|static|async|default)\s+){0,4}"
    r"(?:def|func|fn|function|class|interface|struct|type|enum|trait|record|public|export)\b"
)
_CONTRACT = re.compile(
    r"@\w*\.?(?:route|get|post|put|patch|delete)\(|@(?:Get|Post|Put|Delete|Patch|Request)Mapping|\brouter?\.\w+\("
    r"|\b(?:alter|create|drop)\s+table\b|\b(?:add|remove|rename|change)_column\b|\bjson:\"|@Json\w+|\bserializ\w*"
    r"|\bto_json\b|\bfrom_json\b|\bos\.environ\b|\bgetenv\b|\bprocess\.env\b|@deprecated\b",
    re.IGNORECASE,
)
_CONTRACT_PATHS = re.compile(
    r"(?:^|/)(?:migrations?|migrate|schemas?|proto|openapi|swagger|routes?|api|graphql|serializers?|config)(?:[/._-]|$)"
    r"|\.(?:proto|sql|graphql|avsc|thrift)$",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Depth:
    """How closely a change is looked at.

    `looks` holds the lenses for each part; `unpaid` counts the looks that the budget left out; `two_opinions` says
    that severe claims are judged twice.
    """

    looks: tuple[tuple[Lens, ...], ...]
    unpaid: int = 0
    two_opinions: bool = False


def depth_of(parts: Sequence[Chunk], *, cost: Decimal | None, ceiling: Decimal | None) -> Depth:
    """Choose the closer looks at the parts, with what `ceiling` dollars leave after the calls that are always made.

    `cost` is what a thousand tokens of diff cost in those calls. Without a price or a ceiling, all looks are taken.
    Every part gets its first look before any gets its second.
    """
    choices = sorted(
        (rank, index, lens) for index, part in enumerate(parts) for rank, lens in enumerate(lenses_for(part))
    )
    two = sum(_code_lines(part) for part in parts) >= LARGE
    left = None if cost is None or ceiling is None else ceiling - sum(_cost(part, cost) for part in parts)
    if left is not None and cost is not None:
        opinion = sum(_cost(part, cost) * OPINION_SHARE for part in parts)
        two = two and opinion <= left
        left -= opinion if two else 0
    looks: list[list[Lens]] = [[] for _ in parts]
    unpaid = 0
    for _, index, lens in choices[:MOST_LOOKS]:
        price = Decimal(0) if cost is None else _cost(parts[index], cost) * LOOK_SHARE
        if left is not None and price > left:
            unpaid += 1
            continue
        left = None if left is None else left - price
        looks[index].append(lens)
    return Depth(tuple(map(tuple, looks)), unpaid, two)


def billed_tokens(parts: Sequence[Chunk], depth: Depth) -> int:
    """Return for how many tokens of diff the calls about the parts are likely to be billed, closer looks included."""
    total = Decimal(0)
    for part, looks in zip(parts, depth.looks, strict=True):
        shares = 1 + len(looks) * LOOK_SHARE + (OPINION_SHARE if depth.two_opinions else 0)
        total += max(part.tokens, LEAST_TOKENS) * shares
    return int(total)


def _cost(part: Chunk, cost: Decimal) -> Decimal:
    return cost * max(part.tokens, LEAST_TOKENS) / 1000


def lenses_for(part: Chunk) -> tuple[Lens, ...]:
    """Return the lenses that fit a part of a change, best first, chosen by its paths and changed lines."""
    lines = _code_lines(part)
    most = sum(lines >= least for least in DEPTHS)
    hits = {lens: _hits(lens, part) for lens in Lens} if most else {}
    worth = [lens for lens, count in hits.items() if count >= _LEAST_HITS[lens]]
    return tuple(sorted(worth, key=lambda lens: -hits[lens] * _WEIGHT[lens])[:most])


def _hits(lens: Lens, part: Chunk) -> int:
    """Count the changed lines and the paths that match a lens."""
    if lens is Lens.TESTS:
        return sum(is_test(file.path) for file, _ in _changed(part)) // _LINES_PER_HIT
    code = [(file, line) for file, line in _changed(part) if not is_test(file.path)]
    if lens is Lens.CORRECTNESS:
        return len(code) // _LINES_PER_HIT
    scripts = [line for file, line in code if _SCRIPTS.search(file.path)]
    if lens is Lens.SECURITY:
        return sum(_holds(_PASTED, line) for line in scripts) + sum(_holds(_SECURITY, line) for _, line in code)
    if lens is Lens.OPERATION:
        paths = {file.path for file, _ in _changed(part) if _OPERATION_PATHS.search(file.path)}
        return 2 * len(paths) + sum(_holds(_OPERATION, line) for _, line in code)
    code = [(file, line) for file, line in code if is_code(file.path)]  # a script shares no state, and has no callers
    if lens is Lens.CONTRACTS:
        paths = {file.path for file, _ in _changed(part) if _CONTRACT_PATHS.search(file.path)}
        return 2 * len(paths) + sum(_is_contract(line) for _, line in code)
    return sum(_holds(_CONCURRENCY, line) for _, line in code)


def _holds(words: re.Pattern[str], line: Line) -> bool:
    return words.search(line.text[:_LOOKED_AT]) is not None


def _is_contract(line: Line) -> bool:
    """Whether other code may rely on the line: a removed or changed definition, a route, a format, a setting."""
    text = line.text[:_LOOKED_AT]
    return bool((line.kind == "-" and _DEFINES.match(text)) or _CONTRACT.search(text))


def _code_lines(part: Chunk) -> int:
    return sum(1 for _ in _changed(part))


def _changed(part: Chunk) -> Iterator[tuple[FileDiff, Line]]:
    """Yield the changed lines of program text and of scripts, blank ones and comments left out."""
    for file in part.files:
        if is_code(file.path) or _SCRIPTS.search(file.path):
            for hunk in file.hunks:
                yield from ((file, line) for line in hunk.lines if line.kind != " " and not _REMARK.match(line.text))
