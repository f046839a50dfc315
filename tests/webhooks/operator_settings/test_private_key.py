"""The App's private key in the forms in which people and tools put it into a variable."""

from __future__ import annotations

import base64
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from reviewer.errors import SettingsError
from webhooks.operator_settings.private_key import is_rsa_key, read_private_key

_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)


def _pem(form: serialization.PrivateFormat, password: bytes = b"") -> str:
    kind = serialization.BestAvailableEncryption(password) if password else serialization.NoEncryption()
    return _KEY.private_bytes(serialization.Encoding.PEM, form, kind).decode()


PKCS1, PKCS8 = _pem(serialization.PrivateFormat.TraditionalOpenSSL), _pem(serialization.PrivateFormat.PKCS8)


def b64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


FORMS: dict[str, Callable[[str], str]] = {
    "as it is": str,
    "without its last line end": str.strip,
    "with more line ends": lambda pem: f"\n\n{pem}\n\n",
    "Windows line ends": lambda pem: pem.replace("\n", "\r\n"),
    "line ends written out": lambda pem: pem.replace("\n", "\\n"),
    "Windows line ends written out": lambda pem: pem.replace("\n", "\\r\\n"),
    "written out twice": lambda pem: pem.replace("\n", "\\\\n"),
    "written out and real": lambda pem: pem.replace("\n", "\\n\n"),
    "line ends are blanks": lambda pem: pem.replace("\n", " "),
    "line ends are missing": lambda pem: pem.replace("\n", ""),
    "indented": lambda pem: pem.replace("\n", "\n    "),
    "double quotes": lambda pem: f'"{pem}"',
    "single quotes": lambda pem: f"'{pem}'",
    "double quotes, written out": lambda pem: '"' + pem.replace("\n", "\\n") + '"',
    "quotes in quotes": lambda pem: f"'\"{pem}\"'",
    "a line end behind the quotes": lambda pem: f'"{pem}"\n',
    "a byte order mark": lambda pem: "\ufeff" + pem,
    "base64": b64,
    "base64 with line ends": lambda pem: base64.encodebytes(pem.encode()).decode(),
    "base64 with a line end written out": lambda pem: b64(pem) + "\\n",
    "base64 with blanks": lambda pem: " ".join(base64.encodebytes(pem.encode()).decode().split()),
    "base64 in quotes": lambda pem: f'"{b64(pem)}"',
    "base64 without padding": lambda pem: b64(pem).rstrip("="),
    "base64 for addresses": lambda pem: base64.urlsafe_b64encode(pem.encode()).decode(),
    "base64 of base64": lambda pem: b64(b64(pem)),
    "base64 of quotes": lambda pem: b64(f'"{pem}"'),
    "base64 of line ends written out": lambda pem: b64(pem.replace("\n", "\\n")),
    "base64 of Windows line ends": lambda pem: b64(pem.replace("\n", "\r\n")),
    "only the lines between": lambda pem: "".join(pem.splitlines()[1:-1]),
    "only the lines between, as lines": lambda pem: "\n".join(pem.splitlines()[1:-1]),
    "a comment before it": lambda pem: f"# the key of the App\n{pem}",
    "a certificate before it": lambda pem: f"-----BEGIN CERTIFICATE-----\nTUlJ\n-----END CERTIFICATE-----\n{pem}",
}


@pytest.mark.parametrize("pem", [PKCS1, PKCS8], ids=["PKCS1", "PKCS8"])
@pytest.mark.parametrize("form", FORMS)
@pytest.mark.slow
def test_the_same_key_in_every_form(form: str, pem: str, tmp_path: Path) -> None:
    """In the variable, or in the file that it names, it becomes the key that GitHub generated."""
    value = FORMS[form](pem)
    assert read_private_key(value) == pem
    path = tmp_path / "app.private-key.pem"
    path.write_text(value, encoding="utf-8")
    for name in (str(path), f'"{path}"', f"{path}\n"):
        assert read_private_key(name) == pem
    assert is_rsa_key(read_private_key(value))


ENCRYPTED = [
    _pem(serialization.PrivateFormat.PKCS8, b"pw"),
    _pem(serialization.PrivateFormat.TraditionalOpenSSL, b"pw"),
]
PUBLIC = (
    _KEY.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo).decode()
)


@pytest.mark.parametrize(
    ("value", "words"),
    [
        *((pem, "passphrase") for pem in ENCRYPTED),
        *((b64(pem), "passphrase") for pem in ENCRYPTED),
        (PUBLIC, "holds no private key"),
        (b64(PUBLIC), "holds no private key"),
        (PKCS1[:900], "whole, from its BEGIN line"),
        (PKCS1[40:], "looks like base64"),
        (b64(PKCS1)[:400], "whole, from its BEGIN line"),
        (b64(PKCS1)[101:], "looks like base64"),
        (b64("no key at all, but long enough to be taken for a key"), "looks like base64"),
        ("x" * 5_000, "looks like base64"),
        ("MIIEpAIBAAKCAQEA", "neither PEM text nor a file"),
        ("/no/such/key.pem", "neither PEM text nor a file"),
        ("/", "neither PEM text nor a file"),
        ("key\0.pem", "neither PEM text nor a file"),
        ("ssh-rsa AAAAB3NzaC1yc2E me@here", "neither PEM text nor a file"),
        ('""', "neither PEM text nor a file"),
    ],
)
def test_anything_else_is_refused_with_what_to_do(value: str, words: str) -> None:
    """Nothing of the value is shown."""
    with pytest.raises(SettingsError, match=words) as caught:
        read_private_key(value)
    body = [line for line in value.splitlines() if len(line) > 30]
    assert not any(line[:30] in str(caught.value) for line in body)
    assert "MII" not in str(caught.value)
