"""Tell from a file's path what it is: code, documentation, a test, or what nobody writes by hand."""

from __future__ import annotations

import re

from reviewer.languages.registry import language_of

#: Files written by package managers: their names are exact.
LOCK_FILES = frozenset(
    {
        "package-lock.json",
        "npm-shrinkwrap.json",
        "yarn.lock",
        "pnpm-lock.yaml",
        "bun.lock",
        "bun.lockb",
        "deno.lock",
        "poetry.lock",
        "uv.lock",
        "pdm.lock",
        "Pipfile.lock",
        "Cargo.lock",
        "go.sum",
        "go.work.sum",
        "Gemfile.lock",
        "composer.lock",
        "mix.lock",
        "pubspec.lock",
        "Podfile.lock",
        "packages.lock.json",
        "gradle.lockfile",
        "flake.lock",
        "Package.resolved",
        ".terraform.lock.hcl",
        "conan.lock",
        "pixi.lock",
        "MODULE.bazel.lock",
        "Chart.lock",
        "paket.lock",
        "stack.yaml.lock",
        "cabal.project.freeze",
        "rebar.lock",
        "shard.lock",
        "symfony.lock",
        "conda-lock.yml",
        "Cartfile.resolved",
        "buildscript-gradle.lockfile",
    }
)
_VENDORED = re.compile(r"(?:^|/)(?:vendor|third_party|node_modules|bower_components|\.yarn|Godeps)/")
_GENERATED_NAME = re.compile(
    r"\.min\.(?:js|css)$|\.map$|\.pb\.(?:gw\.)?(?:go|cc|h)$|_pb2(?:_grpc)?\.pyi?$|\.g\.dart$|\.freezed\.dart$|\.designer\.cs$"
    r"|\.generated\.\w+$|(?:^|/)__snapshots__/|\.snap$|(?:^|/)(?:dist|__generated__)/"
    r"|[._]gen\.go$|_generated\.go$|(?:^|/)zz_generated\.|\.pbxproj$|(?:^|/)\.pnp\.c?js$",
    re.IGNORECASE,
)
_DATA_NAME = re.compile(
    r"\.(?:svg|csv|tsv|ipynb|geojson|po|pot|wasm|pem|crt|key|ttf|woff2?|eot|excalidraw|drawio|parquet|jsonl|ndjson)$",
    re.IGNORECASE,
)
#: Folders of translations, and names of files that hold one language.
_LOCALE_FOLDER = re.compile(r"(?:^|/)(?:locales?|i18n|l10n|translations?|langs?|lproj)/", re.IGNORECASE)
_LOCALE_NAME = re.compile(
    r"(?:^|[._/-])[a-z]{2,3}(?:[-_][A-Za-z]{2,4})?\.[a-z]+$|\.(?:po|pot|arb|xlf|xliff|resx|strings|ftl)$"
)
_TEST_WORDS = re.compile(r"(?i:(?:^|[._-])(?:tests?|specs?)(?=[._-]|$))|(?<=[a-z0-9])(?:Tests?|Spec)(?=\.|$)")


def is_code(path: str) -> bool:
    """Whether the path is program text, by its ending."""
    language = language_of(path)
    return language is not None and language.is_code


def is_prose(path: str) -> bool:
    """Whether the path is documentation, by its ending."""
    language = language_of(path)
    return language is not None and language.is_prose


def is_test(path: str) -> bool:
    """Whether the path looks like a test, by the names of its folders and its own."""
    directory, _, name = path.rpartition("/")
    return bool(re.search(r"(?:^|/)(?:tests?|specs?|__tests__)(?:/|$)", directory) or _TEST_WORDS.search(name))


def is_named_test(path: str) -> bool:
    """Whether the file itself is named as a test, unlike one that helps tests."""
    return bool(_TEST_WORDS.search(path.rpartition("/")[2]))


def unit_stem(path: str) -> str:
    """Return the name of a file without its ending, and without the part that marks it as a test."""
    return _TEST_WORDS.sub("", path.rpartition("/")[2].rsplit(".", 1)[0]).strip("._-").lower()


def is_vendored(path: str) -> bool:
    """Whether the path lies in a folder of other people's code."""
    return _VENDORED.search(path) is not None


def is_generated(path: str) -> bool:
    """Whether the path is named like what a program wrote, minified code included."""
    return _GENERATED_NAME.search(path) is not None


def is_data(path: str) -> bool:
    """Whether the path is named like data."""
    return _DATA_NAME.search(path) is not None


def is_locale(path: str) -> bool:
    """Whether the path is named like the texts of one language of a program."""
    if path.rpartition(".")[2] in ("po", "pot", "arb", "xlf", "xliff", "resx"):
        return True
    return bool(_LOCALE_FOLDER.search(path) and (not is_code(path) or _LOCALE_NAME.search(path)))


def is_written_by_hand(path: str) -> bool:
    """Whether the path is named like text that people of this repository write: it is none of the above."""
    name = path.rpartition("/")[2]
    return not (name in LOCK_FILES or is_vendored(path) or is_generated(path) or is_data(path) or is_locale(path))
