"""The signature of a delivery."""

import pytest

from webhooks.server.signature import is_signed, sign

# https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries#testing-the-webhook-payload-validation
OFFICIAL_SECRET = "It's a Secret to Everybody"
OFFICIAL_SIGNATURE = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"


def test_official_vector():
    """GitHub's own example is reproduced and accepted."""
    assert sign(b"Hello, World!", OFFICIAL_SECRET) == OFFICIAL_SIGNATURE
    assert is_signed(b"Hello, World!", OFFICIAL_SIGNATURE, [OFFICIAL_SECRET])


def test_any_of_several_secrets():
    """While a secret is rotated, deliveries under the old and the new one are both accepted, under no other."""
    for secret in ("old", "new"):
        assert is_signed(b"{}", sign(b"{}", secret), ["old", "new"])
    assert not is_signed(b"{}", sign(b"{}", "third"), ["old", "new"])


@pytest.mark.parametrize(
    "header",
    [
        "",
        "sha256=",
        OFFICIAL_SIGNATURE.removeprefix("sha256="),
        OFFICIAL_SIGNATURE.upper(),
        OFFICIAL_SIGNATURE[:-1],
        OFFICIAL_SIGNATURE + "0",
        OFFICIAL_SIGNATURE + " ",
        OFFICIAL_SIGNATURE.replace("sha256", "sha1"),
        "sha256=" + "é" * 64,
        "sha256=\udcff",
        "sha256=\u0661" + OFFICIAL_SIGNATURE[8:],
    ],
)
def test_anything_else_is_refused(header):
    """A header that is not exactly the signature is refused without an exception, also when it is not ASCII."""
    assert not is_signed(b"Hello, World!", header, [OFFICIAL_SECRET])


def test_one_changed_byte_is_refused():
    """The signature covers the raw bytes: the same JSON with another space is not signed."""
    signature = sign(b'{"a": 1}', "s")
    assert is_signed(b'{"a": 1}', signature, ["s"])
    assert not is_signed(b'{"a":1}', signature, ["s"])


def test_without_a_secret_nothing_is_signed():
    """No secret, or an empty one, accepts nothing: not even a signature made with the empty secret."""
    assert not is_signed(b"{}", sign(b"{}", ""), [])
    assert not is_signed(b"{}", sign(b"{}", ""), ["", ""])
    assert not is_signed(b"{}", sign(b"{}", ""), ["real"])


def test_secrets_beyond_ascii():
    """A secret in any script is its UTF-8 bytes, as at GitHub."""
    assert is_signed(b"{}", sign(b"{}", "пароль🔑"), ["пароль🔑"])


def test_secrets_and_headers_that_are_not_utf_8():
    """A secret in the environment may hold any byte, and a header any character: nothing crashes."""
    secret = b"s\xff".decode("utf-8", "surrogateescape")
    assert is_signed(b"x", sign(b"x", secret), [secret])
    assert not is_signed(b"x", "sha256=\ud800", [secret])
