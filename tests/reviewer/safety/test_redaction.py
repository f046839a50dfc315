"""Secrets leave, code stays, lines stay, and time is linear."""

from __future__ import annotations

import base64
import importlib
import time

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from reviewer.safety.prompt_text import printable_code
from reviewer.safety.redaction import SHORTEST, SHORTEST_FORM, redact
from reviewer.safety.secret_contexts import CONTEXTS, SecretContext
from reviewer.safety.secret_forms import FORMS, SecretForm

# Written in halves, so that no scanner takes this file for a leak.
JWT = "eyJhbGciOiJSUzI1NiJ9" + ".eyJpc3MiOiIxMjM0NTYiLCJleHAiOjE3fQ." + "c2lnbmF0dXJl-_c2lnbmF0dXJl"
KEY = [
    base64.b64encode(bytes((i * 37 + k * 91 + i * i) % 256 for i in range(48))).decode() for k in range(1, 4)
]  # full lines of 64 characters
PEM = ["-----BEGIN RSA " + "PRIVATE KEY-----", *KEY, "q83vEjRWeJA=", "-----END RSA PRIVATE KEY-----"]

SECRETS = {
    "classic github token": ("gh" + "p_" + "a1B2c3D4e5" * 4, "github token"),
    "fine-grained github token": ("github" + "_pat_11ABCDEFG0" + "aB3" * 22, "github token"),
    "stateless installation token": ("gh" + "s_123456_" + JWT + "x9" * 200, "github token"),
    "openai key": ("sk" + "-proj-" + "aB3dE5" * 8, "api key"),
    "openai key whose longest part has no digit": (
        "sk" + "-proj-OMPepqydMzKkxBoMWTVNyFngfPqYgOZiO-kqfREvdHZ1O8mtr_BBi5wT3HZlTUEhSmlfpRz1",
        "api key",
    ),
    "openai key of short parts": ("sk" + "-proj-OMPep-qydM_zKkx-BoMWT3BlbkFJ_TUEh-SmlfpR_z1Mr", "api key"),
    "anthropic key": ("sk" + "-ant-api03-" + "aB3dE5" * 8, "anthropic key"),
    "runapi key": ("sk" + "-" + "0a1b2c3d4e5f" * 3, "api key"),
    "aws key id": ("AKIA" + "IOSFODNN7EXAMPLE", "aws key"),
    "slack token": ("xox" + "b-123456789012-abcdefGHIJ", "slack token"),
    "slack webhook": ("https://hooks.slack.com" + "/services/T00000000/B00000000/abcdefGHIJ12", "slack webhook"),
    "stripe key": ("sk" + "_live_" + "aB3dE5gH7jK9mN1p", "stripe key"),
    "google key": ("AI" + "za" + "SyA1b2C3d4E5f6G7h8I9j0K1l2M3n4O5p6Q"[:35], "google api key"),
    "jwt": (JWT, "jwt"),
    "gitlab token": ("gl" + "pat-" + "aB3dE5gH7jK9mN1pQrSt", "gitlab token"),
    "npm token": ("np" + "m_" + "aB3dE5" * 6, "npm token"),
}


@pytest.mark.parametrize("name", SECRETS)
def test_secrets_of_a_known_form_leave_wherever_they_stand(name: str) -> None:
    """A secret of a known form is replaced by its kind; the text on both sides and the line itself stay."""
    secret, kind = SECRETS[name]
    for before, after in (("", ""), ("x = '", "'  # why"), ("+    call(", ", 1)"), ("curl -H 'X: ", "' \\")):
        assert redact(before + secret + after) == (f"{before}[redacted: {kind}]{after}", 1)


ASSIGNED = {
    'password = "hunter2!"': 'password = "[redacted: secret]"',
    "  'db_password': 'Sommer2024',": "  'db_password': '[redacted: secret]',",
    "export API_KEY=abc123def456ghi789jkl": "export API_KEY=[redacted: secret]",
    "client_secret: 8f14e45fceea167a5a36dedd4bea2543": "client_secret: [redacted: secret]",
    'const token: string = "abc123def456ghi789jk";': 'const token: string = "[redacted: secret]";',
    'config["secret_key"] = b"4f2d9a8c1e7b6035x8z1"': 'config["secret_key"] = b"[redacted: secret]"',
    'String apiKey = "Zq3xT8vLk2Wm9RbN5cYd";': 'String apiKey = "[redacted: secret]";',
    "DB_PASSWORD=S3cr3t!x": "DB_PASSWORD=[redacted: secret]",
    "+  password: S3cr3t!x": "+  password: [redacted: secret]",
    "Authorization: Bearer abc123def456ghi789": "Authorization: Bearer [redacted: token]",
    "DSN=postgres://app:s3cret@db:5432/x": "DSN=postgres://app:[redacted: password]@db:5432/x",
    "git clone https://bot:pw@host/r.git": "git clone https://bot:[redacted: password]@host/r.git",
    "aws_secret_access_key = wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY": "aws_secret_access_key = [redacted: aws key]",
}


@pytest.mark.parametrize("line", ASSIGNED)
def test_values_given_to_telling_names_leave(line: str) -> None:
    """A value that looks drawn by lot and is given to a name of a secret is replaced, its name and quotes stay."""
    assert redact(line) == (ASSIGNED[line], 1)


CODE = [
    "token = get_token()",
    "token = self.tokens[position2]",
    'password = os.environ["DB_PASSWORD"]',
    'password = getpass("Password: ")',
    'parser.add_argument("--token", help="token2use")',
    'secret_name = "projects/123/secrets/my-secret-1"',
    "access_token=base64_encoded_sha256_hash_v2",
    'token_url = "https://example.com/oauth2/token1"',
    'password: "your_password_here1"',
    'api_key = "xxxxxxxxxxxxxxxxxxxx"',
    'api_key = "YOUR_API_KEY_123456789"',
    "API_KEY=${{ secrets.API_KEY_V2_TOKEN1 }}",
    "API_KEY=$API_KEY_FROM_VAULT_123456",
    "url = f'postgres://{user}:{password}@{host}'",
    "postgres://app:${DB_PW}@db/x",
    "postgres://app:<password>@db/x",
    "password: string;",
    "password: bytes32,",
    "def login(password: str = '') -> Token:",
    'if password == "":',
    'type: "password"',
    'class="sk-folding-cube-loader-big-1"',
    "getAccessTokenFromRequestHeader(token)",
    "sha = '8f14e45fceea167a5a36dedd4bea2543'",
    "integrity sha512-abcDEF123abcDEF123abcDEF123==",
    "max_tokens=16384, token_count: 1234567890123456",
    "ssh://git@github.com:22/o/r.git",
    'if "-----BEGIN PRIVATE KEY-----" in text:\n    pass',
    "-----BEGIN CERTIFICATE-----",
    "mkdir -p out/v2 && cd out/v2",
    'const ALPHABET = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";',
    f'"{"A" * 86}" +',
    "main.rs:1234:56:error:E0308xx",
    "core.py:1034:5:C0103:invalid-name1",
    "aa:55:6666:dd:ee:ff0011",
    "redis:6379:db:x",
    "next=%2Freset%3Ftoken%3D%7Btoken%7D%26page%3D2",
    "url=https%3A%2F%2Fhost.net%3A8080%2Fpath%3Fmail%3Da%40host.net",
    'variable "secret_name" { default = "my-app/prod/database" }',
    'variable "token_ttl" { default = "3600s" }',
    '  default = "us-east-1-my-bucket-Name1"',
    "  value: ami-0a1b2c3d4e5f67890",
    "  value: 8f14e45fceea167a5a36dedd4bea2543",
    "  value: org.apache.kafka.clients.V2Producer",
    '  "value": "getAccessTokenFromHeader2",',
    "digest: 00c3ab8ff13720e8ad9047dd39466b3c8974e592c2fa",
]


@pytest.mark.parametrize("line", CODE)
def test_code_and_placeholders_stay(line: str) -> None:
    """What only mentions a secret, reads it from somewhere or stands for one is left alone."""
    assert redact(line) == (line, 0)


@pytest.mark.parametrize("prefix", ["", "+", "-", " ", "   12 + ", "    "])
def test_private_keys_leave_line_by_line(prefix: str) -> None:
    """Each inner line of a private key is replaced, also in a diff; its first and last line and all others stay."""
    text = "\n".join(prefix + line for line in ["before", *PEM, "after"])
    clean, count = redact(text)
    assert count == 1
    mark = prefix + "[redacted: key material]"
    expected = [prefix + "before", prefix + PEM[0], *[mark] * 4, prefix + PEM[-1], prefix + "after"]
    assert clean.split("\n") == expected


def test_private_keys_in_source_code_leave() -> None:
    r"""Keys written as strings, over several lines or on one with `\n`, are replaced inside their quotes."""
    joined = "\n".join(f'    "{line}\\n" +' for line in PEM)
    clean, count = redact(joined)
    assert count == 1
    assert clean.split("\n")[1] == '    "[redacted: key material]\\n" +'
    assert not any(line in clean for line in PEM[1:-1])
    one = 'key = "' + "\\n".join(PEM) + '"'
    assert redact(one) == (f'key = "{PEM[0]}[redacted: key material]{PEM[-1]}"', 1)
    cut = 'key = "' + "\\n".join(PEM[:3])
    assert not any(line in redact(cut)[0] for line in KEY)


def test_a_hunk_that_shows_only_the_middle_of_a_key_does_not_show_it() -> None:
    """Full key lines are replaced without their BEGIN, which a hunk may leave out."""
    clean, count = redact("\n".join(["@@ -3,2 +3,2 @@", "-" + KEY[0], "+" + KEY[1]]))
    assert (clean.split("\n")[1:], count) == (["-[redacted: key material]", "+[redacted: key material]"], 1)


def test_code_after_a_key_that_never_ends_stays() -> None:
    """A BEGIN without END does not swallow the code that follows."""
    text = "\n".join([PEM[0], KEY[0], "}", "pass", "return"])
    assert redact(text)[0].split("\n")[2:] == ["}", "pass", "return"]


LINES = st.one_of(
    st.sampled_from([secret for secret, _ in SECRETS.values()]),
    st.sampled_from([*ASSIGNED, *CODE, *KEY]).filter(lambda line: "\n" not in line),
    st.text(alphabet="ab1+/=_-.:@ '\"[]$\t\r\f\u2028", max_size=30),
)


@pytest.mark.parametrize("mark", ["", "+", " ", "  12 | "])
def test_the_last_line_of_a_key_is_known_by_its_end(mark: str) -> None:
    """A short last line is replaced too where the hunk leaves out how the key begins."""
    text = "\n".join(
        f"{mark}{line}" for line in ("x = 1", "q83vEjRWeJA=", "-----END RSA " + "PRIVATE KEY-----", "y = 2")
    )
    clean, count = redact(text)
    assert ("q83vEjRWeJA" in clean, count) == (False, 1)
    assert clean.count("\n") == 3
    assert "x = 1" in clean
    assert "y = 2" in clean


@settings(deadline=None)
@given(st.lists(LINES, max_size=8))
def test_a_line_redacts_alone_as_in_its_file(lines: list[str]) -> None:
    """Redacting a text or each of its lines gives the same, so that a quote of redacted code can be found again."""
    clean, _ = redact("\n".join(lines))
    assert clean.split("\n") == [redact(line)[0] for line in lines] if lines else clean == ""


CERTIFICATE_WITH_TOKEN = (
    "-----BEGIN CERTIFICATE-----\nghp_a1B2c3D4e5a1B2c3D4e5a1B2c3D4e5a1B2c3D4e5\n"
    "W4Gp0/8tXY/D+TFrp+UlZ6vxOYPPHW2/E2nBG3fVNZf7Yckznw1972PZUctHxUXH"
)


@example(CERTIFICATE_WITH_TOKEN)
@settings(deadline=None)
@given(st.lists(st.one_of(LINES, st.sampled_from(PEM)), max_size=8).map("\n".join))
def test_lines_stay_and_twice_is_once(text: str) -> None:
    """The number of lines never changes, and redacted text has nothing left to redact."""
    clean, count = redact(text)
    assert clean.count("\n") == text.count("\n")
    assert redact(clean) == (clean, 0)
    assert (clean != text) == (count > 0)


@pytest.mark.parametrize(
    "unit",
    ["a", "eyJ", "token=", "://:@", "password", " ", '"', "awssecret", "sk-", "ghp_.", "-----BEGIN PRIVATE KEY-----"],
)
@pytest.mark.slow
def test_time_is_linear(unit: str) -> None:
    """A line of one megabyte made to provoke backtracking takes seconds at most, not minutes."""
    text = unit * (1_000_000 // len(unit))
    start = time.process_time()
    redact(text)
    assert time.process_time() - start < 10


@pytest.mark.parametrize("rows", [FORMS, CONTEXTS])
def test_nothing_is_a_secret_on_a_shorter_line(rows: tuple[SecretForm, ...] | tuple[SecretContext, ...]) -> None:
    """Short lines and texts are not searched: no expression matches any that short."""
    parse = importlib.import_module("re._parser").parse
    least = min(parse(row.expression).getwidth()[0] for row in rows)
    assert least == (SHORTEST_FORM if rows is FORMS else SHORTEST)


def test_the_shortest_secrets_are_found() -> None:
    """A secret may be all of a line, and a line all of a text."""
    token = "xox" + "b-a1B2c3D4e5"
    assert len(token) == SHORTEST_FORM
    for text in (token, f"a\n{token}\nb"):
        assert redact(text) == (text.replace(token, "[redacted: slack token]"), 1)
    assert redact("ab://:1@") == ("ab://:[redacted: password]@", 1)


@pytest.mark.parametrize("mark", ["\ufeff", "\x0c", "\u200b"])
def test_a_certificate_stays_where_an_invisible_character_stands_elsewhere(mark: str) -> None:
    """Only lines that hold what nobody sees are looked at by themselves, without it."""
    certificate = ["-----BEGIN CERTIFICATE-----", *["a1B2c3D4" * 8] * 3, "-----END CERTIFICATE-----"]
    shown = printable_code("\n".join([f"a = 1{mark}", *certificate]))
    assert shown.split("\n")[1:] == certificate
