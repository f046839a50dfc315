"""What a path says about a file: whether it is code, whether it is a test. Looks at the name only."""

from __future__ import annotations

import re

_TEST_WORDS = re.compile(r"(?i:(?:^|[._-])(?:tests?|specs?)(?=[._-]|$))|(?<=[a-z0-9])(?:Tests?|Spec)(?=\.|$)")


_CODE = re.compile(
    r"\.(?:py|pyi|js|jsx|mjs|cjs|ts|tsx|vue|svelte|go|java|kt|kts|scala|rb|rs|c|h|cc|cpp|hpp|cxx|cs|fs|php|swift|m|mm"
    r"|ex|exs|erl|hs|ml|clj|lua|pl|pm|sh|bash|zsh|ps1|sql|dart|r|jl|zig|nim|sol|groovy|gradle|tf)$",
    re.IGNORECASE,
)


def is_code(path: str) -> bool:
    """Whether the path is program text, by its ending."""
    return bool(_CODE.search(path))


def is_test(path: str) -> bool:
    """Whether the path looks like a test, by the names of its folders and its own."""
    directory, _, name = path.rpartition("/")
    return bool(re.search(r"(?:^|/)(?:tests?|specs?|__tests__)(?:/|$)", directory) or _TEST_WORDS.search(name))


def unit_stem(path: str) -> str:
    """Return the name of a file without its ending and without what makes it the name of a test."""
    return _TEST_WORDS.sub("", path.rpartition("/")[2].rsplit(".", 1)[0]).strip("._-").lower()
