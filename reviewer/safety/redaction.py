r"""Secrets out of text: what goes to the model, and what the model says.

Promises: the number of lines stays, everything around a secret stays, the replacement depends on nothing but the kind
of secret, and redacting twice changes nothing. Each line is judged by itself, so a line redacts to the same text alone
and inside its file: code that the model quotes from redacted text is found by redacting the lines it is compared with.
The one exception: the short last line of a private key, and key lines of unusual length, are known only by the lines
above them.

Time is linear in the length of the text: every repetition is bounded, possessive, or starts at a word boundary only.

Never proves the absence of secrets: a password that looks like a word stays. Never reads a file or makes a call.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from itertools import pairwise

#: Kinds of secret that are known by their form. Each begins at a boundary, so that one word is scanned once.
#: GitHub: https://github.blog/engineering/behind-githubs-new-authentication-token-formats/ and, for the stateless
#: `ghs_APPID_JWT` form of about 520 characters with dots, the changelog of 2026-04-24.
_FORMS: tuple[tuple[str, re.Pattern[str]], ...] = tuple(
    (kind, re.compile(r"(?<![A-Za-z0-9_])" + form))
    for kind, form in (
        ("github token", r"gh[pousr]_[A-Za-z0-9._-]{35,}[A-Za-z0-9_-]"),
        ("github token", r"github_pat_[A-Za-z0-9_]{22,}"),
        ("gitlab token", r"gl(?:pat|ptt|rt|dt|cbt)-[A-Za-z0-9_-]{20,}"),
        ("aws key", r"(?:AKIA|ASIA)[A-Z0-9]{16}(?![A-Za-z0-9])"),
        ("slack token", r"xox[abeoprs]-[A-Za-z0-9-]{10,}"),
        ("slack token", r"xapp-\d-[A-Z0-9]{8,40}-\d{8,40}-[a-f0-9]{32,}"),
        ("slack webhook", r"https://hooks\.slack\.com/(?:services|workflows)/[A-Za-z0-9/_-]{20,}"),
        ("stripe key", r"(?:sk|rk)_live_[A-Za-z0-9]{16,}"),
        ("stripe key", r"whsec_[A-Za-z0-9+/]{24,}"),
        ("google api key", r"AIza[A-Za-z0-9_-]{35}"),
        ("google token", r"(?:ya29\.|GOCSPX-)[A-Za-z0-9_-]{20,}"),
        ("npm token", r"npm_[A-Za-z0-9]{36}"),
        ("pypi token", r"pypi-AgE[A-Za-z0-9_-]{50,}"),
        ("hugging face token", r"hf_[A-Za-z0-9]{30,}"),
        ("sendgrid key", r"SG\.[A-Za-z0-9_-]{16,64}\.[A-Za-z0-9_-]{30,}"),
        ("jwt", r"eyJ[A-Za-z0-9_-]{8,}+\.eyJ[A-Za-z0-9_-]{8,}+\.[A-Za-z0-9_-]{8,}"),
    )
)

#: OpenAI, Anthropic, RunAPI and their like; also the form of CSS classes, hence the look at the longest run.
_SK = re.compile(r"(?<![A-Za-z0-9_-])sk-[A-Za-z0-9_-]{20,}")
_AWS_SECRET = re.compile(
    r"(?i:aws|amazon)(?i:[\w.-]{0,20}secret[\w.-]{0,20})['\"]?\s{0,8}(?::=|=>|[=:,])\s{0,8}['\"]?"
    r"([A-Za-z0-9/+=]{40})(?![A-Za-z0-9/+=])"
)
_URL_PASSWORD = re.compile(
    r"(?<![A-Za-z0-9+.-])[A-Za-z][A-Za-z0-9+.-]{1,30}://[^\s/:@\"'`]{0,256}:([^\s/@\"'`]{1,256})@"
)
_BEARER = re.compile(r"(?i:\b(?:bearer|basic))\s{1,4}([A-Za-z0-9._~+/=-]{16,2048})(?![A-Za-z0-9._~+/=-])")

_NAME = (
    r"(?i:pass(?:word|wd|phrase)|pwd|secret|token|api[_-]?key|access[_-]?key|private[_-]?key|signing[_-]?key"
    r"|encryption[_-]?key|credentials?)"
)
_ASSIGN = r"[\w-]{0,40}+['\"]?+\]?+\s{0,20}+(?::\s{0,4}+[A-Za-z_]{1,20}+\s{0,4}+=|:=|=>|={1,3}+|:)\s{0,20}+"
_QUOTED = re.compile(rf"({_NAME}){_ASSIGN}[A-Za-z]{{0,2}}(['\"`])([^'\"`\s]{{6,512}})\2")
_BARE = re.compile(rf"({_NAME}){_ASSIGN}([A-Za-z0-9_+/=~-]{{16,512}}+)(?=[\s,;'\"]|$)", re.MULTILINE)
#: `DB_PASSWORD=S3cret!` in an environment file, `password: S3cret!` in YAML: the value is the rest of the line.
_BARE_PASSWORD = re.compile(
    r"^[\s\d|+-]{0,200}(?:export\s{1,4}|set\s{1,4}|-\s)?[\w.-]{0,60}"
    r"(?i:password|passwd|pwd|passphrase)[\w.-]{0,40}(?:=|:\s{1,8})([^\s'\"]{6,256})\s*$",
    re.MULTILINE,
)
_PASSWORD_NAME = re.compile(r"(?i)pass|pwd")
#: Text that stands for a value: templates, variables, calls, paths, regular expressions, our own replacements.
_CODE = re.compile(r"[(){}\[\]<>\\^|]|^\$|%[sdr(]|\*{3}|://|\.{3}|^[./~@]")
_PLACEHOLDER = re.compile(
    r"(?i)example|placeholder|change.?me|dummy|redacted|your|sample|insert|replace|todo|fake|n0t|not[-_]|"
    r"^x+$|^(?:pass(?:word|wd|phrase)?|secret|token)$|(.)\1{5}|0123456|1234567|abcdef[^0-9]|deadbeef"
)

_KEY_BEGIN = re.compile(r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----")
_KEY_END = re.compile(r"-----END [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----")
_KEY_HEADER = re.compile(r"^[\s\d|+\-\"'#*/]*(?:Proc-Type|DEK-Info|Version|Comment|Hash|Charset):")
#: A line that is nothing but base64, whatever stands around it: line numbers, diff marks, quotes, `\n`, `+`, commas.
_KEY_LEAD = r"^(?P<lead>\s{0,40}(?:\d{1,7}[\s|:]{1,8}){0,2}[-+]?\s{0,200}(?:#|\*|//)?\s{0,20}[\"'`]?)"
_KEY_TAIL = r"(?P<tail>(?:\\[nr]){0,4}[\"'`]?[\s,;+\\.)]{0,20})$"
#: RFC 7468 wraps at 64 characters, OpenSSH at 70: full lines, which are key material whatever stands around them.
_FULL_KEY_LINE = re.compile(_KEY_LEAD + r"(?P<body>[A-Za-z0-9+/=]{64}(?:[A-Za-z0-9+/=]{6})?)" + _KEY_TAIL, re.MULTILINE)
_ANY_KEY_LINE = re.compile(_KEY_LEAD + r"(?P<body>[A-Za-z0-9+/]{1,1024}+={0,2})" + _KEY_TAIL)
_LONG_RUN = re.compile(r"[A-Za-z0-9+/=]{16,}")
_KEY_MATERIAL = "key material"

#: Words in lower case of which one must occur for a pattern to match: looking for them is far cheaper than searching.
_NAMES = ("pass", "pwd", "secret", "token", "key", "credential")
_NEEDLES = (
    *(
        "gh",
        "github_pat_",
        "gl",
        "akia",
        "asia",
        "xox",
        "xapp-",
        "hooks.slack.com",
        "_live_",
        "whsec_",
        "aiza",
        "ya29",
        "gocspx",
    ),
    *("npm_", "pypi-", "hf_", "sg.", "eyj", "sk-", "bearer", "basic"),
)

#: All patterns. They run over single lines and, in `_may_hold`, over whole texts, so `^` and `$` mean lines in them.
_SEARCHED: tuple[tuple[tuple[str, ...], tuple[re.Pattern[str], ...]], ...] = (
    (_NEEDLES, (*(form for _, form in _FORMS), _SK, _BEARER)),
    (("secret",), (_AWS_SECRET,)),
    (("://",), (_URL_PASSWORD,)),
    (_NAMES, (_QUOTED, _BARE, _BARE_PASSWORD)),
    (("private key",), (_KEY_BEGIN, _KEY_END)),
    (("",), (_FULL_KEY_LINE,)),
)


def redact(text: str) -> tuple[str, int]:
    r"""Return the text with every secret replaced by `[redacted: KIND]`, and how many were replaced.

    Lines are ended by `\n` alone and their number stays. The lines of one private key count as one secret.
    """
    if not _may_hold(text):
        return text, 0
    lines, count = [], 0
    for line, found in _without_keys(text.split("\n")):
        clean, more = _redact_line(line)
        lines.append(clean)
        count += found + more
    return "\n".join(lines), count


def _may_hold(text: str) -> bool:
    """Whether any pattern matches anywhere: most text holds no secret, and one search of it all is far cheaper."""
    low = text.lower()
    return any(
        pattern.search(text)
        for needles, patterns in _SEARCHED
        if any(needle in low for needle in needles)
        for pattern in patterns
    )


def _mark(kind: str) -> str:
    return f"[redacted: {kind}]"


# --- one line -------------------------------------------------------------------------------------------------------


def _redact_line(line: str) -> tuple[str, int]:
    count = 0
    for kind, form in _FORMS:
        line, more = form.subn(_mark(kind), line)
        count += more
    for pattern, group, kind, wanted in (
        (_SK, 0, "api key", _like_sk),
        (_AWS_SECRET, 1, "aws key", _anything),
        (_URL_PASSWORD, 1, "password", _not_code),
        (_BEARER, 1, "token", _random),
        (_QUOTED, 3, "secret", _like_quoted),
        (_BARE, 2, "secret", _like_bare),
        (_BARE_PASSWORD, 1, "secret", _like_password),
    ):
        line, more = _replace(line, pattern, group, kind, wanted)
        count += more
    return line, count


def _replace(
    line: str, pattern: re.Pattern[str], group: int, kind: str, wanted: Callable[[re.Match[str], str], bool]
) -> tuple[str, int]:
    """Replace that group of every match that is wanted."""
    pieces, done, count = [], 0, 0
    for match in pattern.finditer(line):
        if wanted(match, match[group]):
            pieces += [line[done : match.start(group)], _mark(kind)]
            done = match.end(group)
            count += 1
    return ("".join([*pieces, line[done:]]), count) if count else (line, 0)


def _anything(_match: re.Match[str], _value: str) -> bool:
    return True


def _like_sk(_match: re.Match[str], value: str) -> bool:
    longest = max(re.split(r"[_-]", value), key=len)
    return len(longest) >= 16 and any(c.isdigit() for c in longest) and any(c.isalpha() for c in longest)


def _not_code(_match: re.Match[str], value: str) -> bool:
    return not _CODE.search(value) and bool(value.strip("*xX"))


def _like_quoted(match: re.Match[str], value: str) -> bool:
    if _CODE.search(value) or _PLACEHOLDER.search(value):
        return False
    if _PASSWORD_NAME.match(match[1]):
        return any(c.isdigit() for c in value) and any(not c.isdigit() for c in value)
    return _random(match, value)


def _like_bare(match: re.Match[str], value: str) -> bool:
    return not _CODE.search(value) and not _PLACEHOLDER.search(value) and _random(match, value)


def _like_password(_match: re.Match[str], value: str) -> bool:
    value = value.rstrip(",;")
    if len(value) < 6 or _CODE.search(value) or _PLACEHOLDER.search(value):
        return False
    kinds = (str.islower, str.isupper, str.isdigit, lambda c: not c.isalnum() and c not in "_-.")
    return any(c.isdigit() for c in value) and sum(any(kind(c) for c in value) for kind in kinds) >= 3


def _random(_match: re.Match[str], value: str) -> bool:
    """Whether the value looks drawn by lot: 16 or more characters that change between letter and digit, or case, often.

    Names change class at the start of a word only: `sha256_of_the_token`, `getAccessTokenFromHeader`.
    """
    if len(value) < 16 or not any(c.isalpha() for c in value):
        return False
    pairs = [(a, b) for a, b in pairwise(value) if a.isalnum() and b.isalnum()]
    digits = sum(a.isdigit() != b.isdigit() for a, b in pairs)
    cases = sum(a.isalpha() and b.isalpha() and a.isupper() != b.isupper() for a, b in pairs)
    return (digits >= 3 and digits >= 0.12 * len(value)) or (digits > 0 and digits + cases >= 0.5 * len(value))


# --- private keys, line by line -------------------------------------------------------------------------------------


def _without_keys(lines: list[str]) -> Iterator[tuple[str, int]]:
    """Yield each line without key material, and 1 where a key's material begins."""
    inside = body = before = False  # inside a key block; after a full line of it; the line before was key material
    for line in lines:
        clean, begin = line, bool(_KEY_BEGIN.search(line))
        if begin:
            clean = _one_line_key(line)
            inside, body = not _KEY_END.search(line), clean != line
        elif _KEY_END.search(line):
            inside = body = False
        elif match := _key_line(line, inside=inside, body=body):
            clean = match["lead"] + _mark(_KEY_MATERIAL) + match["tail"]
            body = inside
        elif inside and not _belongs(line):
            inside = body = False
        here = clean != line
        yield clean, int(here and (begin or not before))
        before = here or (before and inside)


def _one_line_key(line: str) -> str:
    r"""Replace the material that stands on the same line as its BEGIN, often with `\n` for line ends."""
    begin = _KEY_BEGIN.search(line)
    assert begin is not None
    end = _KEY_END.search(line, begin.end())
    stop = end.start() if end else len(line)
    material = line[begin.end() : stop]
    if not _LONG_RUN.search(material):
        return line
    clean = _mark(_KEY_MATERIAL) if end else _LONG_RUN.sub(_mark(_KEY_MATERIAL), material)
    return line[: begin.end()] + clean + line[stop:]


def _key_line(line: str, *, inside: bool, body: bool) -> re.Match[str] | None:
    """Return the match of a line of key material: a full one anywhere, any other only where a key is expected."""
    full = _FULL_KEY_LINE.match(line)
    if full and all(any(kind(c) for c in full["body"]) for kind in (str.isupper, str.islower, str.isdigit)):
        return full
    other = _ANY_KEY_LINE.match(line) if inside else None
    return other if other and (body or len(other["body"]) >= 40) else None


def _belongs(line: str) -> bool:
    """Whether the line may stand in a key block without being material: a header, an empty line, a checksum."""
    bare = line.strip(" \t\r+-|\"'\\n0123456789")
    return not bare or bare.startswith("=") or bool(_KEY_HEADER.match(line))
