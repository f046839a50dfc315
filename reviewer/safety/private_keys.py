r"""Find private keys in a text, line by line: PEM, OpenSSH, PGP and PuTTY blocks, however they are quoted or wrapped.

Between a BEGIN line and its END, lines of base64 are key material whatever stands around them: line numbers, diff
marks, quotes, `\n`, `+`, commas, comment signs. Outside of a block only lines of the usual full width are, since a hunk
may show just the middle of a key; not so in blocks that hold no secret (certificates, public keys, signatures).

Every expression here is possessive or bounded and never crosses a line.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator

MATERIAL = "[redacted: key material]"

_BEGIN = re.compile(r"(?:-----|---- )BEGIN ([A-Z0-9 ]{0,60}?)(?:-----| ----)")
_END = re.compile(r"(?:-----|---- )END [A-Z0-9 ]{0,60}?(?:-----| ----)")
_PUTTY = re.compile(r"Private-Lines: \d{1,4}")
_HEADER = re.compile(r"(?:Proc-Type|DEK-Info|Version|Comment|Hash|Charset|Subject|x-[a-z-]{1,30}):")
#: What may stand before key material on its line, and behind it.
_LEAD = re.compile(r"(?:[ \t]|\d{1,7}(?=[ \t|:]))[ \t\d|:]{0,80}+|")
_MARKS = re.compile(r"[ \t>|]{0,200}+[-+]?(?:[ \t]{0,200}+)(?:#|\*|//|--|[;%.&])?[ \t]{0,200}+(?:[brfu@$]{0,2}['\"`])?")
_TAIL = re.compile(r"(?:\\[nr]){0,4}+['\"`]?+[\s,;+\\.)&_|]{0,40}+(?:\\n\\)?\s*$")
_BODY = re.compile(r"[A-Za-z0-9+/]++={0,2}+")
_LONG_RUN = re.compile(r"[A-Za-z0-9+/=]{16,}+")
#: RFC 7468 wraps at 64 characters, OpenSSH at 70, MIME and PGP at 76.
_FULL_WIDTHS = frozenset({64, 70, 76})
#: The DER of a certificate begins with two long sequences, that of a private key with a sequence and a number.
_CERTIFICATE = re.compile(r"(?<![A-Za-z0-9+/])MII[A-Za-z0-9+/]{3}CC[A-Za-z0-9+/]{50,}+")
#: A whole PEM file once more in base64, as in Kubernetes: `-----BEGIN ` encoded.
_ENCODED_BEGIN = re.compile(r"(?<![A-Za-z0-9+/])LS0tLS1CRUdJTi[A-Za-z0-9+/]{20,}+={0,2}")


def may_hold_keys(text: str, low: str) -> bool:
    """Whether `without_keys` may change the text. `low` is the text in lower case."""
    return (
        "private" in low
        or "ls0tls1crudjti" in low
        or re.search(r"(?<![A-Za-z0-9/])[A-Za-z0-9+/]{62,}+", text) is not None
    )


def without_keys(lines: list[str]) -> Iterator[tuple[str, int]]:
    """Yield each line without key material, and 1 where a key's material begins."""
    block, body, before = "", False, False  # "secret" or "public" block; after its first material; the line before was
    last = set(_last_lines(lines))
    for number, line in enumerate(lines):
        if number in last and not block:
            block, body = "secret", True
        clean, begin = _ENCODED_BEGIN.sub(_encoded, line), _BEGIN.search(line)
        if begin:
            secret = "PRIVATE KEY" in begin[1]
            clean = _one_line_key(line, begin.end()) if secret else clean
            block = "" if _END.search(line, begin.end()) else ("secret" if secret else "public")
            body = clean != line
        elif _END.search(line):
            block, body = "", False
        elif not block and _CERTIFICATE.search(line):
            block, body = "public", False
        elif _PUTTY.search(line):
            block, body = "secret", True
        elif span := _material(line, block, body=body):
            clean = line[: span[0]] + MATERIAL + line[span[1] :]
            body = bool(block)
        elif block and not _belongs(line, block):
            block, body = "", False
        here = clean != line
        yield clean, int(here and (begin is not None or not before))
        before = here or (before and bool(block))


def _last_lines(lines: list[str]) -> Iterator[int]:
    """Yield where a short last line of a private key stands before its END: its BEGIN may be in another hunk."""
    for number, line in enumerate(lines[1:]):
        end = _END.search(line)
        if end and "PRIVATE KEY" in end[0] and _material(lines[number], "secret", body=True):
            yield number


def _one_line_key(line: str, start: int) -> str:
    r"""Replace the material that stands on the same line as its BEGIN, often with `\n` for line ends."""
    end = _END.search(line, start)
    stop = end.start() if end else len(line)
    material = line[start:stop]
    if not _LONG_RUN.search(material):
        return line
    return line[:start] + (MATERIAL if end else _LONG_RUN.sub(MATERIAL, material)) + line[stop:]


def _encoded(match: re.Match[str]) -> str:
    """Replace a PEM file in base64 where it is a private key; a certificate stays."""
    try:
        head = base64.b64decode(match[0][:80])
    except binascii.Error:
        return match[0]
    return MATERIAL if b"PRIVATE KEY" in head else match[0]


def _material(line: str, block: str, *, body: bool) -> tuple[int, int] | None:
    """Return where key material stands on the line: a full line anywhere, any other only where a key is expected."""
    if block == "public" or len(line) > 2_000:
        return None
    lead = _LEAD.match(line)
    marks = _MARKS.match(line, lead.end() if lead else 0)
    start = marks.end() if marks else 0
    if start and line[start - 1] == "+" and _BODY.match(line, start - 1):
        # The mark of a diff, or the first character of the material: the width tells.
        whole = _BODY.match(line, start - 1)
        if whole and len(whole[0].rstrip("=")) in _FULL_WIDTHS:
            start -= 1
    found = _BODY.match(line, start)
    if found is None or not _TAIL.match(line, found.end()):
        return None
    length = len(found[0])
    if length in _FULL_WIDTHS and _is_mixed(found[0]):
        return found.span()
    if block == "secret" and (body or length >= 40 or (length >= 16 and _is_mixed(found[0]))):
        return found.span()
    return None


def _is_mixed(text: str) -> bool:
    if "abcdefghijklmnop" in text.lower():  # the alphabet itself, as code for base64 has it
        return False
    return all(any(kind(char) for char in text) for kind in (str.isupper, str.islower, str.isdigit))


def _belongs(line: str, block: str) -> bool:
    """Whether the line may stand in a block without being material: a header, an empty line, a checksum."""
    if block == "public" and (_LONG_RUN.search(line) or "[redacted: " in line):  # redacted before: it was such a run
        return True
    bare = line.strip(" \t\r+-|\"'`\\n0123456789>#*/;,.")
    return not bare or bare.startswith("=") or _HEADER.match(bare) is not None
