"""Read the App's private key as it stands in an environment variable or a file.

Accepted besides PEM text: quotes around it, line ends that are written out, turned into blanks or missing, and base64
of it, as secret stores and hosters make them. Every message says what to do, and none shows the value.
"""

from __future__ import annotations

import base64
import binascii
import re
from pathlib import Path

from reviewer.errors import SettingsError
from reviewer.llm.client_settings import unquoted

NAME = "GITHUB_APP_PRIVATE_KEY"

#: Longer than any key, in whatever form: what is longer is not read.
_LONGEST = 100_000

_PEM = re.compile(
    r"-----BEGIN ([A-Z0-9 ]{0,40})PRIVATE KEY-----([^-]{1,60000})-----END ([A-Z0-9 ]{0,40})PRIVATE KEY-----"
)
_BASE64 = re.compile(r"[A-Za-z0-9+/_=-]{40,}")
#: The beginning of an RSA key in DER: a sequence, its version, then the modulus (PKCS #1) or an algorithm (PKCS #8).
_DER = re.compile(rb"0\x82..\x02\x01\x00([\x02\x30])", re.DOTALL)


def read_private_key(value: str) -> str:
    """Return the PEM text of the key in that variable, or in the file that it names. Raises SettingsError."""
    text = unquoted(value)[:_LONGEST]
    if (pem := _pem_in(text)) is not None:
        return pem
    try:
        inside = Path(text).read_text(encoding="utf-8-sig")
    except (OSError, ValueError) as error:
        if _BASE64.fullmatch("".join(text.split())) and not text.startswith(("/", ".", "~")):
            raise SettingsError(_IN_BASE64) from None
        reason = error.strerror if isinstance(error, OSError) else "it is not text"
        raise SettingsError(f"{NAME} is neither PEM text nor a file that can be read ({reason})") from None
    if (pem := _pem_in(unquoted(inside)[:_LONGEST])) is not None:
        return pem
    raise SettingsError(_NO_KEY)


_IN_BASE64 = (
    f"{NAME} looks like base64, but holds no whole private key: set it to the text of the .pem file that GitHub "
    "generated, with its first and last line, or to the path of that file"
)
_NO_KEY = f"{NAME} holds no private key: use the .pem file that GitHub generated"


def _pem_in(text: str, *, depth: int = 0) -> str | None:
    """Return the key in that text; None where it holds neither PEM nor base64 of a key. Raises SettingsError."""
    text = text.replace("\\r", "").replace("\\n", "\n")
    if "-----BEGIN" in text:
        return _normal(text)
    decoded = _decoded(text)
    if decoded is None:
        return None
    if der := _DER.match(decoded):
        kind = "RSA " if der[1] == b"\x02" else ""
        return _normal(f"-----BEGIN {kind}PRIVATE KEY-----{''.join(text.split())}-----END {kind}PRIVATE KEY-----")
    inside = unquoted(decoded.decode("ascii", "replace"))
    return _pem_in(inside, depth=depth + 1) if depth < _MOST_LAYERS else None


#: How often base64 may be put around a key: a secret store does it once, a person who copies from it once more.
_MOST_LAYERS = 2


def _decoded(text: str) -> bytes | None:
    """Return what base64 stands for, in either alphabet and with or without its padding."""
    packed = "".join(text.split()).rstrip("=").replace("-", "+").replace("_", "/")
    if not _BASE64.fullmatch(packed):
        return None
    try:
        return base64.b64decode(packed + "=" * (-len(packed) % 4), validate=True)
    except binascii.Error:
        return None


def _normal(text: str) -> str:
    """Return the key with lines of 64 characters, as tools write it. Raises SettingsError."""
    found = _PEM.search(text)
    if found is None or found[1] != found[3]:
        if "PRIVATE KEY-----" in text and "Proc-Type" in text:
            raise SettingsError(_ENCRYPTED)
        raise SettingsError(f"{_NO_KEY}, whole, from its BEGIN line to its END line")
    if found[1].startswith("ENCRYPTED") or "Proc-Type" in found[2]:
        raise SettingsError(_ENCRYPTED)
    body = "".join(found[2].split()).replace("\\", "")
    lines = [body[start : start + 64] for start in range(0, len(body), 64)]
    return "\n".join((f"-----BEGIN {found[1]}PRIVATE KEY-----", *lines, f"-----END {found[1]}PRIVATE KEY-----", ""))


_ENCRYPTED = f"{NAME} is encrypted with a passphrase: use the .pem file as GitHub generated it"


def is_rsa_key(text: str) -> bool:
    """Whether GitHub's kind of key can be made of it, which is what signs as the App (RS256)."""
    from jwt.algorithms import RSAAlgorithm  # noqa: PLC0415 - only a server has a key
    from jwt.exceptions import InvalidKeyError  # noqa: PLC0415

    try:
        RSAAlgorithm(RSAAlgorithm.SHA256).prepare_key(text)
    except (ValueError, TypeError, InvalidKeyError):
        return False
    return True
