"""Find secrets by what stands around them: a telling name, a header, a connection string, a tool's syntax.

Each search starts at a literal (a name such as `password`, `://`, `-u`), and what follows is matched with bounded or
possessive repetitions on the same line, so time is linear in the length of the line.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from urllib.parse import unquote

from reviewer.safety.secret_forms import compiled, is_random

_NAME = (
    r"(?i:pass(?:word|wd|phrase|code)|passwd|pwd|_pass|secret|token|api[_-]?key|access[_-]?key|auth[_-]?key"
    r"|private[_-]?key|signing[_-]?key|encryption[_-]?key|master[_-]?key|account[_-]?key|license[_-]?key|app[_-]?key"
    r"|subscription[_-]?key|storage[_-]?key|webhook[_-]?url|client[_-]?key|credentials?|connection[_-]?string)"
)
_PASSWORD_NAME = re.compile(r"(?i)pass|pwd")
#: What stands between a name and its value: the rest of the name, a quote, a type, an operator.
_REST = r"[\w.-]{0,40}+['\"`]?+\]?+"
_TYPE = (
    r"(?::[ \t]{0,4}+&?+(?:'static[ \t]{1,4}+)?+[A-Za-z_][\w.<>]{0,24}+[ \t]{0,4}+="
    r"|(?<=[ \t])(?:string|String|str)[ \t]{0,4}+=)"
)
_OPERATOR = rf"[ \t]{{0,20}}+(?:{_TYPE}|:=|=>|={{1,3}}+|:)[ \t]{{0,20}}+"
_ASSIGN = rf"{_REST}{_OPERATOR}"
_QUOTED = rf"({_NAME}){_ASSIGN}(?:String\.raw|[A-Za-z@$]{{0,2}}+)(['\"`])([^'\"`\s]{{6,512}}+)\2"
_BARE = rf"({_NAME}){_ASSIGN}([A-Za-z0-9_+/=~.-]{{16,512}}+)(?=[ \t,;'\"&<)\]}}]|\\|$)"
#: `DB_PASSWORD=S3cret!` in an environment file, `password: S3cret!` in YAML: the value is the rest of the line.
_REST_OF_LINE = (
    r"^[\s\d|+>-]{0,80}+(?:(?:export|setx?(?:[ \t]-[a-zA-Z]{1,3})?|ENV|ARG)[ \t]{1,4}+|-[ \t])?+"
    r"[\w.-]{0,60}?(?i:password|passwd|pwd|passphrase|_pass|secret|token|api_?key)[\w.-]{0,40}"
    r"(?:[ \t]{0,8}=[ \t]{0,8}|:[ \t]{1,8}|[ \t]{1,4})([^\s'\"]{6,256})\s*$"
)
#: The same where code holds code: `"{\"password\": \"x\"}"`.
_ESCAPED = rf"({_NAME})[\w.-]{{0,40}}+\\['\"][ \t]{{0,4}}+[:=][ \t]{{0,4}}+\\(['\"])([^'\"`\s\\]{{6,512}}+)\\\2"
_DEFINED = (
    rf"#[ \t]{{0,4}}+define[ \t]{{1,8}}+\w{{0,60}}?({_NAME})\w{{0,40}}+[ \t]{{1,40}}+(['\"])([^'\"\s]{{6,512}}+)\2"
)
_FLAG = r"(?i:--(?:[a-z]{1,20}-)?(?:password|passwd|pass|token|secret|api-key)|-p)[ \t=]{1,4}+['\"]?+([^\s'\"]{6,256}+)"
#: `define('DB_PASSWORD', 'x')`, `setenv("TOKEN", "x")`
_CALL = (
    r"(?i:define|setenv|putenv|set)[ \t]{0,2}+\([ \t]{0,2}+['\"][\w.-]{0,60}?"
    rf"({_NAME})[\w.-]{{0,40}}+['\"][ \t]{{0,4}}+,"
    r"[ \t]{0,4}+(['\"])([^'\"\s]{6,512}+)\2"
)
_ELEMENT = rf"<[\w:.-]{{0,40}}?{_NAME}[\w:.-]{{0,40}}+(?:[ \t][^<>]{{0,200}}+)?>([^<>\s]{{6,512}}+)</"
_ATTRIBUTE = (
    rf"(?i:key|name|id)[ \t]{{0,2}}+=[ \t]{{0,2}}+['\"][\w:.-]{{0,60}}?{_NAME}[\w:.-]{{0,40}}+['\"][ \t]{{1,4}}+"
    r"(?i:value)[ \t]{0,2}+=[ \t]{0,2}+['\"]([^'\"\s]{6,512}+)['\"]"
)
_ENTRY = (
    rf"(?i:name|key)['\"]?+[ \t]{{0,2}}+:[ \t]{{0,2}}+['\"]?+[\w.-]{{0,60}}?{_NAME}[\w.-]{{0,40}}+['\"]?+,[ \t]{{0,4}}+"
    r"['\"]?+(?i:value)['\"]?+[ \t]{0,2}+:[ \t]{0,2}+['\"]?+([^'\"\s,}]{6,512}+)"
)
_QUERY = (
    r"[?&](?i:password|passwd|pwd|token|access_token|auth_token|api_?key|apikey|secret|client_secret|sig|signature|key)"
    r"=([^&\s'\"`<>#]{6,512}+)"
)
_CONNECTION = r"(?:[;'\"` \t]|^)(?i:password|pwd|accountkey|sharedaccesskey)[ \t]?=[ \t]?([^;'\"`\s]{4,256}+)[ \t]?;"
_CONNECTION_END = r";[ \t]{0,4}+(?i:password|pwd|accountkey|sharedaccesskey)[ \t]?=[ \t]?([^;'\"`\s]{4,256}+)"
#: `host=db password=x dbname=shop`
_DSN = r"(?:^|[ \t'\"`])(?i:password)=([^\s'\"`;&,]{6,256}+)(?=['\"`]?(?:[ \t]|$))"
_SET_FLAG = (
    r"--(?:set(?:-string)?|from-literal|build-arg|env)[ \t=]{1,4}+"
    rf"[\w.-]{{0,60}}?{_NAME}[\w.-]{{0,40}}+=([^\s'\",]{{6,256}}+)"
)
_CLIENT = r"(?:^|[ \t])(?:-p|-a[ \t]{1,4}+)([^\s'\"-][^\s'\"]{5,256}+)"
_SECURE_STRING = r"(?i:SecureString[ \t]{1,4}+(?:-String[ \t]{1,4}+)?)['\"]([^'\"\s]{6,256}+)['\"]"
#: Where a scheme may begin; a `+` before it is the mark of a diff there.
_SCHEME = r"(?:(?<![A-Za-z0-9+.-])|(?<=^\+)|(?<=\|\+))[A-Za-z][A-Za-z0-9+.-]{1,30}+"
#: A token alone in place of a name and a password.
_URL_USER = rf"{_SCHEME}://([A-Za-z0-9_-]{{20,256}}+)@"
_URL = rf"{_SCHEME}://[^\s/:@\"'`]{{0,256}}+:([^\s/@\"'`]{{1,256}}+)@"
_AUTHORIZATION = r"(?i:\b(?:bearer|basic|token|apikey))[ \t]{1,4}+([A-Za-z0-9._~+/=-]{16,2048}+)(?![A-Za-z0-9._~+/=-])"
_BASIC = r"(?i:authorization['\"]?[ \t]{0,4}+[:=,][ \t]{0,4}+['\"]?basic)[ \t]{1,4}+([A-Za-z0-9+/=]{8,512}+)"
_HEADER = (
    r"(?i:x-[a-z-]{0,30}?(?:api-?key|token|secret|auth)[a-z-]{0,20}+|api-?key|private-token)['\"]?+[ \t]{0,4}+[:,]"
    r"[ \t]{0,4}+['\"]?+([A-Za-z0-9._~+/=-]{16,512}+)"
)
_AWS = (
    r"(?i:aws|amazon)(?i:[\w.-]{0,20}secret[\w.-]{0,20})['\"]?[ \t]{0,8}+(?::=|=>|[=:,]|[ \t])[ \t]{0,8}+['\"]?"
    r"([A-Za-z0-9/+=]{40})(?![A-Za-z0-9/+=])"
)
_NETRC = r"(?:^|[ \t])(?:login|account)[ \t]{1,8}+\S{1,100}+[ \t]{1,8}+password[ \t]{1,8}+(\S{3,256}+)"
_NPMRC = r"(?:^|[:/ \t+|-])_(?:auth|authToken|password)[ \t]{0,2}+=[ \t]{0,2}+['\"]?+([^\s'\"]{8,512}+)"
_DOCKER_AUTH = r"\"auth\"[ \t]{0,4}+:[ \t]{0,4}+\"([A-Za-z0-9+/]{8,1024}+={0,2})\""
_CURL_USER = r"(?:^|[ \t])(?:-u|--user)[ \t=]{0,4}+['\"]?+[^\s:'\"]{1,100}+:([^\s'\"]{3,256}+)"
_IDENTIFIED_BY = r"(?i:identified[ \t]++by|with[ \t]++password|[ \t]password)[ \t]++'([^'\s]{4,256}+)'"
_JWK = r"\"(?:d|dp|dq|qi|k)\"[ \t]{0,4}+:[ \t]{0,4}+\"([A-Za-z0-9_-]{40,2048}+)\""
_XML_KEY = r"<(?:D|P|Q|DP|DQ|InverseQ)>([A-Za-z0-9+/=]{40,2048}+)</"
#: Kubernetes: the values of a Secret are base64 under names of their own.
_ENCODED = (
    r"^[\s\d|+>-]{0,80}+[\w.-]{0,60}?(?i:password|passwd|secret|token|key|credential)[\w.-]{0,40}:[ \t]{1,4}+['\"]?+"
    r"([A-Za-z0-9+/]{12,2048}+={1,2})['\"]?+\s*$"
)

#: PostgreSQL's `.pgpass`: host, port, database, user, password.
_PGPASS = (
    r"^[\s\d|+>-]{0,80}?(?:[A-Za-z0-9][\w.-]{0,100}+|\*):(?:[1-9]\d{3,4}|\*):(?:[A-Za-z_][\w-]{0,62}+|\*)"
    r":[A-Za-z_][\w.-]{0,62}+:([^\s:]{6,256}+)\s*$"
)
#: `password%3Dx%26`, and `app%3Ax%40host`: a query, and a connection string, inside the parameter of a URL.
_ENCODED_VALUE = r"((?:[^&\s'\"`<>#%]|%(?!26|40)[0-9A-Fa-f]{2}){6,512})"
_ENCODED_QUERY = (
    r"(?i:password|passwd|pwd|token|auth_?key|api_?key|access_?key|secret|accountkey|client_secret|signature)%3[Dd]"
    rf"{_ENCODED_VALUE}"
)
_ENCODED_URL = (
    r"%3[Aa]%2[Ff]%2[Ff][\w.+-]{0,100}+%3[Aa]"
    r"((?:[^&\s'\"`<>#%/]|%(?!26|40|2[Ff]|3[AaFf])[0-9A-Fa-f]{2}){6,512})%40"
)
#: Terraform on one line: `variable "db_password" { default = "x" }`
_VARIABLE = (
    rf"variable[ \t]{{1,4}}+\"[\w.-]{{0,60}}?{_NAME}[\w.-]{{0,40}}+\"[ \t]{{0,4}}+\{{[^{{}}]{{0,200}}?"
    r"default[ \t]{0,8}+=[ \t]{0,8}+\"([^\"\s]{6,512}+)\""
)
#: The kind of a value whose name stands on another line: `env` of Kubernetes, variables of Terraform and of CI systems.
#: It may as well be data, so it is kept from the model, and nobody is told that a secret was added.
NAMELESS = "random value"
_NAMELESS = (
    r"^[\s\d|+>-]{0,80}+(?:-[ \t]{1,4}+)?['\"]?(?:[Vv]alue|default)['\"]?[ \t]{0,20}+[:=][ \t]{0,20}+(['\"]?)"
    r"([A-Za-z0-9_+/=~.!@#$%^&*-]{16,512}+)\1,?\s*$"
)

#: Text that stands for a value: templates, variables, calls, paths, regular expressions, our own replacements.
_CODE = re.compile(r"[(){}\[\]<>\\^|]|^\$|%[sdr(]|\*{3}|://|\.{3}|^[./~@]|^%\w|^&")
_PLACEHOLDER = re.compile(
    r"(?i)example|placeholder|change.?me|dummy|redacted|your|sample|insert|replace|todo|fake|n0t|not[-_]|"
    r"^x+$|^(?:pass(?:word|wd|phrase)?|secret|token|test|abc|foo|demo|admin|user|hello|qwerty)[-_!]?\d{0,4}$|(.)\1{5}"
    r"|0123456|1234567|abcdef[^0-9]|deadbeef"
)


_PLAIN_WORDS = frozenset(("pass", "password", "passwd", "pwd", "secret", "user", "foo", "bar", "baz", "test", "token"))
_PATH = re.compile(r"~?/?(?:[a-z0-9_.@-]{1,60}/){1,20}[A-Za-z0-9_.@-]{0,60}")
_EXAMPLE_HOST = re.compile(r"(?:[\w-]{1,30}\.)?example\.(?:com|org|net)")


def _anything(_match: re.Match[str], _value: str) -> bool:
    return True


def _not_code(_match: re.Match[str], value: str) -> bool:
    return not _CODE.search(value) and bool(value.strip("*xX"))


def _in_url(match: re.Match[str], value: str) -> bool:
    """Whether the password of a URL is one: not a word that stands for it, and not for a host of the documentation."""
    host = match.string[match.end() : match.end() + 80].lower()
    return _not_code(match, value) and value.lower() not in _PLAIN_WORDS and not _EXAMPLE_HOST.match(host)


def _no_placeholder(_match: re.Match[str], value: str) -> bool:
    return not _CODE.search(value) and not _PLACEHOLDER.search(value)


def _random(_match: re.Match[str], value: str) -> bool:
    return is_random(value)


def _like_quoted(match: re.Match[str], value: str) -> bool:
    if not _no_placeholder(match, value):
        return False
    if _PASSWORD_NAME.search(match[1]):
        return any(c.isdigit() for c in value) and any(not c.isdigit() for c in value)
    return is_random(value)


def _like_bare(match: re.Match[str], value: str) -> bool:
    return _no_placeholder(match, value) and is_random(value)


def _like_password(_match: re.Match[str], value: str) -> bool:
    """Whether the value looks like a password that somebody chose: a digit among three kinds of characters."""
    bare = value.rstrip(",;")
    if bare != value and bare.isidentifier():
        return False  # a variable in a list of arguments
    value = bare
    if len(value) < 6 or _CODE.search(value) or _PLACEHOLDER.search(value):
        return False
    kinds = (str.islower, str.isupper, str.isdigit, lambda c: not c.isalnum() and c not in "_-.")
    return any(c.isdigit() for c in value) and sum(any(kind(c) for c in value) for kind in kinds) >= 3


def _like_flag(match: re.Match[str], value: str) -> bool:
    """Whether a flag's value is a password; behind `-p` often stands a path, as in `mkdir -p out/v2`."""
    return _like_password(match, value) and not (match[0].startswith("-p") and _PATH.fullmatch(value))


def _in_tool(match: re.Match[str], value: str) -> bool:
    """Whether the value is one where the syntax leaves no doubt that it is a secret, if it is a value at all."""
    return _no_placeholder(match, value) and (any(c.isdigit() for c in value) or len(value) >= 12)


def _with_digit(match: re.Match[str], value: str) -> bool:
    return _no_placeholder(match, value) and any(c.isdigit() for c in value)


def _mixed(match: re.Match[str], value: str) -> bool:
    """Whether a value without a name can be nothing else: drawn by lot from capitals, small letters and digits."""
    kinds = (str.isupper, str.islower, str.isdigit)
    return _like_bare(match, value) and all(any(kind(char) for char in value) for kind in kinds)


def _encoded(match: re.Match[str], value: str) -> bool:
    return _in_tool(match, unquote(value))


def _to_database(match: re.Match[str], value: str) -> bool:
    return _with_digit(match, value) and re.search(r"\b(?:host|dbname|hostaddr|sslmode)=", match.string) is not None


@dataclass(frozen=True, slots=True)
class SecretContext:
    """A place where secrets stand. One of `needles`, in lower case, must occur; `group` is the value."""

    kind: str
    needles: tuple[str, ...]
    expression: str
    group: int
    accepts: Callable[[re.Match[str], str], bool]

    def spans(self, line: str) -> Iterator[tuple[int, int]]:
        """Yield where values stand on the line."""
        for match in compiled(self.expression).finditer(line):
            if self.accepts(match, match[self.group]):
                yield match.span(self.group)


_NAMES = ("pass", "pwd", "secret", "token", "key", "credential", "webhook", "connection")

CONTEXTS: tuple[SecretContext, ...] = (
    SecretContext("aws key", ("secret",), _AWS, 1, _anything),
    SecretContext("password", ("://",), _URL, 1, _in_url),
    SecretContext("token", ("basic",), _BASIC, 1, _not_code),
    SecretContext("token", ("bearer", "basic", "token", "apikey"), _AUTHORIZATION, 1, _random),
    SecretContext("token", ("key", "token", "secret", "auth"), _HEADER, 1, _like_bare),
    SecretContext("password", ("password",), _NETRC, 1, _no_placeholder),
    SecretContext("token", ("_auth", "_password"), _NPMRC, 1, _with_digit),
    SecretContext("password", ('"auth"',), _DOCKER_AUTH, 1, _in_tool),
    SecretContext("password", ("curl", "wget"), _CURL_USER, 1, _no_placeholder),
    SecretContext("password", ("identified", "password"), _IDENTIFIED_BY, 1, _with_digit),
    SecretContext("key material", ('"d', '"q', '"k'), _JWK, 1, _random),
    SecretContext("key material", ("<",), _XML_KEY, 1, _random),
    SecretContext("secret", ("=",), _QUERY, 1, _in_tool),
    SecretContext("password", ("password=",), _DSN, 1, _to_database),
    SecretContext("token", ("://",), _URL_USER, 1, _random),
    SecretContext("password", ("mysql", "mariadb", "redis-cli"), _CLIENT, 1, _like_password),
    SecretContext("password", ("securestring",), _SECURE_STRING, 1, _with_digit),
    SecretContext("secret", ("--set", "--from-literal", "--build-arg", "--env"), _SET_FLAG, 1, _like_password),
    SecretContext("secret", ('\\"', "\\'"), _ESCAPED, 3, _like_quoted),
    SecretContext("secret", ("#define", "# define"), _DEFINED, 3, _like_quoted),
    SecretContext("password", ("password", "pwd", "key"), _CONNECTION, 1, _no_placeholder),
    SecretContext("password", ("password", "pwd", "key"), _CONNECTION_END, 1, _no_placeholder),
    SecretContext("secret", _NAMES, _QUOTED, 3, _like_quoted),
    SecretContext("secret", _NAMES, _BARE, 2, _like_bare),
    SecretContext("secret", ("define", "setenv", "putenv", "set("), _CALL, 3, _like_quoted),
    SecretContext("secret", ("</",), _ELEMENT, 1, _in_tool),
    SecretContext("secret", ("value",), _ATTRIBUTE, 1, _in_tool),
    SecretContext("secret", ("value",), _ENTRY, 1, _in_tool),
    SecretContext("secret", ("--", "-p"), _FLAG, 1, _like_flag),
    SecretContext("secret", ("pass", "pwd", "secret", "token", "key"), _REST_OF_LINE, 1, _like_password),
    SecretContext("secret", _NAMES, _ENCODED, 1, _random),
    SecretContext("password", (":5", ":6", ":2", ":*:"), _PGPASS, 1, _with_digit),
    SecretContext("secret", ("%3d",), _ENCODED_QUERY, 1, _encoded),
    SecretContext("password", ("%3a%2f%2f",), _ENCODED_URL, 1, _encoded),
    SecretContext("secret", ("variable",), _VARIABLE, 1, _with_digit),
    SecretContext(NAMELESS, ("value", "default"), _NAMELESS, 2, _mixed),
)
