r"""Read a key as people and tools put it into a variable: in quotes, with `\n` at its end, in base64. Pure.

A file for `docker --env-file` keeps quotes, a secret store adds a line end, Kubernetes shows its secrets in base64.
What can be nothing else is taken off; what cannot be a key is refused with what to do, and its value is not shown.
"""

from __future__ import annotations

import base64
import re

from reviewer.errors import SettingsError

#: A key: what may stand in a header without quotes. Bounded, since a key is one line of text.
_TOKEN = re.compile(r"[A-Za-z0-9._~+/=:@-]{16,4096}")
_BASE64 = re.compile(r"[A-Za-z0-9+/]{20,8192}={0,2}")
_PREFIX = r"(?:export +)?{name} *= *|(?:authorization: *)?bearer +"


def unquoted(value: str) -> str:
    r"""Return the value without blanks, quotes around it, a byte order mark, and line ends written as `\n`."""
    before = None
    while before != value:
        before = value
        value = value.strip().strip("\ufeff\u200b")
        while value.endswith(("\\n", "\\r")):
            value = value[:-2]
        if len(value) > 1 and value[0] == value[-1] and value[0] in "\"'`":
            value = value[1:-1]
    return value


def read_key(name: str, value: str) -> str:
    """Return the key in the variable of that name. Raises SettingsError where it cannot be a key."""
    key = unquoted(value)
    if prefix := re.match(_PREFIX.format(name=re.escape(name)), key, re.IGNORECASE):
        key = unquoted(key[prefix.end() :])
    if wrong := next((character for character in key if not "!" <= character <= "~"), ""):
        what = "white space" if wrong.isspace() else "a character that is not ASCII or cannot be seen"
        raise SettingsError(f"{name} holds {what}, which no key does: set it to the key alone, on one line")
    if _BASE64.fullmatch(key) and len(key) % 4 == 0:
        decoded = base64.b64decode(key).decode("ascii", "replace").rstrip("\r\n")
        # A key of random letters decodes to bytes that are no text.
        if _TOKEN.fullmatch(decoded):
            return decoded
    return key
