"""A bad entry of a list costs itself: the good ones hold, and the bad one is named with its own line."""

from __future__ import annotations

import pytest

from reviewer.domain.path_patterns import PathPatterns
from reviewer.domain.settings import parse_settings

#: Entries that are no patterns, and a word of what is said of them.
BAD = {
    "5": "put it in quotes",
    "2024": "put it in quotes",
    "1.5": "put it in quotes",
    "012": "`012`",
    "0x1f": "`0x1f`",
    "1:30": "`1:30`",
    "true": "`true`",
    "on": "`on`",
    "No": "`No`",
    "2001-02-03": "`2001-02-03`",
    "null": "is empty",
    "~": "is empty",
    "": "is empty",
    "{a: b}": "is not a pattern",
    "[x, y]": "is not a pattern",
    "[]": "is not a pattern",
    "a: b": "is not a pattern",
    "'x['": "is not closed",
    "'[z-a]'": "cannot be read",
    "'x\\'": "backslash",
    "'" + "y" * 301 + "'": "at most 300",
}


@pytest.mark.parametrize("key", ["exclude", "include"])
@pytest.mark.parametrize("place", [0, 1, 2])
@pytest.mark.parametrize("entry", BAD)
def test_the_good_entries_hold(entry: str, place: int, key: str) -> None:
    """Wherever the bad entry stands, the others match what they match, and it is named with its number and line."""
    entries = ["'private/**'", "'*.pem'"]
    entries.insert(place, entry)
    settings, (problem,) = parse_settings(f"review:\n  {key}:\n" + "".join(f"  - {text}\n" for text in entries))
    patterns = getattr(settings.review, key)
    assert {"private/**", "*.pem"} <= set(patterns)
    assert PathPatterns(patterns)("private/x.py")
    assert not PathPatterns(patterns)("src/x.py")
    assert (problem.key, problem.line) == (f"review.{key}", 3 + place)
    assert f"entry {place + 1}" in problem.message
    assert BAD[entry] in problem.message
    assert not problem.stops


@pytest.mark.parametrize("word", ["5", "2024", "1.5", "012", "on", "2001-02-03", "1:30"])
def test_a_folder_whose_name_yaml_takes_for_something_else_is_excluded(word: str) -> None:
    """What stands in the file is the pattern, not what YAML makes of it."""
    settings, _ = parse_settings(f"review:\n  exclude: [{word}]\n")
    assert settings.review.exclude == (word,)


@pytest.mark.parametrize(
    ("entry", "instead", "excluded"),
    [
        ("keys/[a", "/keys/**", "keys/x"),
        ("/keys/[a", "/keys/**", "keys/x"),
        ("a/b/c[/d", "/a/b/**", "a/b/q"),
        ("a/[b/c", "/a/**", "a/z"),
        ("a/" + "b" * 300, "/a/**", "a/" + "b" * 300),
        ("**/keys/[a", "/**/keys/**", "x/keys/y"),
    ],
)
def test_an_entry_of_exclude_is_widened_where_its_folder_is_known(entry: str, instead: str, excluded: str) -> None:
    """More is left out rather than less, and the message says what holds."""
    settings, (problem,) = parse_settings(f"review:\n  exclude: ['{entry}']\n")
    assert settings.review.exclude == (instead,)
    assert PathPatterns(settings.review.exclude)(excluded)
    assert f"it counts as `{instead}`" in problem.message


def test_an_entry_that_takes_back_is_never_dropped_to_let_more_in() -> None:
    """`!` in `exclude` lets in, so it may go; `!` in `include` keeps out, so it is widened, or nothing is reviewed."""
    settings, (problem,) = parse_settings("review:\n  exclude: ['a/**', '!a/[b']\n")
    assert (settings.review.exclude, problem.stops) == (("a/**",), False)
    settings, (problem,) = parse_settings("review:\n  include: ['a/**', '!a/[b']\n")
    assert (settings.review.include, problem.stops) == (("a/**", "!/a/**"), False)
    _, (problem,) = parse_settings("review:\n  include: ['a/**', '![b']\n")
    assert problem.stops


RULE = "  - path: a\n    instructions: Mind a.\n"


@pytest.mark.parametrize(
    ("entry", "line", "words"),
    [
        ("  - path: b\n", 5, "`instructions`: field required"),
        ("  - instructions: b\n", 5, "`path`: field required"),
        ("  - path: b\n    instructions: 5\n", 6, "`instructions`: input should be a valid string"),
        ("  - path: b\n    instructions: ''\n", 6, "at least 1 character"),
        ("  - path: b\n    instructions:\n", 6, "valid string"),
        ("  - path: 'b['\n    instructions: x\n", 5, "not closed"),
        ("  - path: 5\n    instructions: x\n", 5, "`path`"),
        ("  - path: ''\n    instructions: x\n", 5, "`path`"),
        ("  - 5\n", 5, "must be path and instructions"),
        ("  - text\n", 5, "must be path and instructions"),
        ("  - [a, b]\n", 5, "must be path and instructions"),
        ("  -\n", 5, "must be path and instructions"),
        ("  - {}\n", 5, "field required"),
        ("  - path: b\n    instruction: x\n", 6, "unknown key `instruction`"),
        ("  - path: b\n    colour: blue\n    instructions: x\n", 6, "unknown key `colour`; known here are path"),
        ("  - path: b\n    instructions: x\n    5: y\n", 7, "unknown key `5`"),
        ("  - path: b\n    instructions: x\n    on: y\n", 7, "unknown key `"),
    ],
)
@pytest.mark.parametrize("first", [True, False])
def test_a_bad_rule_costs_itself(entry: str, line: int, words: str, first: bool) -> None:  # noqa: FBT001
    """The other rules hold, and what is wrong is named with the line on which it stands."""
    rules = [entry, RULE] if first else [RULE, entry]
    settings, problems = parse_settings("review:\n  path_instructions:\n" + "".join(rules))
    assert "a" in [rule.path for rule in settings.review.path_instructions]
    found = [problem for problem in problems if words in problem.message]
    assert [(problem.key, problem.line) for problem in found] == [
        ("review.path_instructions", line - 2 if first else line)
    ]
    assert f"entry {1 if first else 2}" in found[0].message
    assert not any(problem.stops for problem in problems)


def test_a_rule_with_an_unknown_key_is_kept_without_it() -> None:
    """Path and instructions are there, so they hold."""
    settings, _ = parse_settings("review:\n  path_instructions:\n  - {path: b, instructions: x, colour: blue}\n")
    assert [rule.path for rule in settings.review.path_instructions] == ["b"]


def test_rules_as_a_mapping() -> None:
    """`pattern: text`: each line stands alone."""
    text = "review:\n  path_instructions:\n    a: Mind a.\n    b: 5\n    'c[': x\n    d: Mind d.\n"
    settings, problems = parse_settings(text)
    assert [rule.path for rule in settings.review.path_instructions] == ["a", "d"]
    assert [problem.line for problem in problems] == [4, 5]


def test_too_many_rules() -> None:
    """The first hold: rules do not narrow a review."""
    settings, (problem,) = parse_settings("review:\n  path_instructions:\n" + "  - {path: a, instructions: b}\n" * 201)
    assert len(settings.review.path_instructions) == 200
    assert "the first 200 hold" in problem.message


@pytest.mark.parametrize(
    ("written", "patterns"),
    [
        ("'**/*.json, **/*.md'", ("**/*.json", "**/*.md")),
        ("'*.lock,*.snap'", ("*.lock", "*.snap")),
        ("docs, tests", ("docs", "tests")),
        ("'*.lock *.snap'", ("*.lock", "*.snap")),
        ("|\n    *.lock\n    dist/**\n", ("*.lock", "dist/**")),
        ("['*.lock, dist/**', a]", ("*.lock", "dist/**", "a")),
        ("['**/*.{js,ts}', '!{a,b}.md']", ("**/*.js", "**/*.ts", "!a.md", "!b.md")),
        ("'{a,b}{c,d}, e'", ("ac", "ad", "bc", "bd", "e")),
        ("./dist/**", ("/dist/**",)),
        (r"['src\gen\*.cs', 'dist\**']", ("src/gen/*.cs", "dist/**")),
        # Names with these signs in them.
        ("'*,v'", ("*,v",)),
        ("'My Docs/**'", ("My Docs/**",)),
        ("['{{cookiecutter.name}}/**']", ("{{cookiecutter.name}}/**",)),
        (r"['a\*b', '\#x', '*$py.class']", (r"a\*b", r"\#x", "*$py.class")),
    ],
)
def test_patterns_of_other_tools_mean_what_they_mean_there(written: str, patterns: tuple[str, ...]) -> None:
    """In .gitignore they would match nothing, without a word, and what they leave out would be sent."""
    settings, problems = parse_settings(f"review:\n  exclude: {written}\n")
    assert (settings.review.exclude, problems) == (patterns, ())


@pytest.mark.parametrize("written", [r".*\.lock$", "^src/gen/", r"gen/.*\.py", ".+", "{a,b}" * 7])
def test_what_is_no_pattern_of_gitignore_is_named(written: str) -> None:
    """A regular expression, or too many choices, matches nothing: where nothing else is left, nothing is reviewed."""
    settings, (problem,) = parse_settings(f"review:\n  exclude: ['{written}']\n")
    assert (settings.review.exclude, problem.stops) == (("**",), True)


def test_other_lists_in_one_text() -> None:
    """Rules for paths and lists of words are written in one text too."""
    text = "review:\n  labels: a, b\n  skip_title: WIP\n  path_instructions:\n    '*.{js,ts}, x': Mind.\n"
    settings, problems = parse_settings(text)
    assert (settings.review.labels, settings.review.skip_title, problems) == (("a", "b"), ("WIP",), ())
    assert [rule.path for rule in settings.review.path_instructions] == ["*.js", "*.ts", "x"]
