"""Replace an old test by the model's version of it, with as few changed lines as its meaning allows. Pure.

Models reformat code: they drop comments, join lines and move indentation. Lines that mean the same stay as they
were, lines inside a text are never moved, and an update that loses a comment is recognised.
"""

from __future__ import annotations

import ast
import difflib
import io
import re
import token
import tokenize
from collections import Counter
from collections.abc import Iterator

from reviewer.languages.parsers import python_tree

#: The most places at which two versions of a test are compared one by one.
MOST_PLACES = 60

#: Comments that tools obey.
_DIRECTIVE = re.compile(r"#+\s{0,4}(?:type:|noqa|pragma|fmt:|pylint:|mypy:|pyright:|ruff:|isort:|nosec|doctest:)")


def indented(code: str, margin: str) -> str:
    """Return the lines of a function moved so that its first line has that indentation; texts inside it stay.

    Raises SyntaxError if it cannot be read.
    """
    rows = code.split("\n")
    own = _margin(rows[0])
    if own == margin:
        return code
    inside = _inside_texts(code)

    def moved(row: str) -> str:
        return margin + (row.removeprefix(own) if row.startswith(own) else row.lstrip())

    return "\n".join(row if number in inside or not row.strip() else moved(row) for number, row in enumerate(rows))


def _margin(row: str) -> str:
    return row[: len(row) - len(row.lstrip())]


def _inside_texts(code: str) -> set[int]:
    """Return the numbers of the rows, from 0, that begin inside a text of several lines."""
    found: set[int] = set()
    starts: list[int] = []
    for part in _tokens(code):
        name = token.tok_name[part.type]
        if name.endswith("STRING_START"):
            starts.append(part.start[0])
        elif name == "STRING" or (name.endswith("STRING_END") and starts):
            found |= set(range(part.start[0] if name == "STRING" else starts.pop(), part.end[0]))
    return found


def _tokens(code: str) -> Iterator[tokenize.TokenInfo]:
    try:
        yield from tokenize.generate_tokens(io.StringIO(code, newline="\n").readline)
    except tokenize.TokenError as error:
        raise SyntaxError(str(error)) from error


def parsed_alone(function: str) -> ast.Module:
    """Parse the lines of a function, whatever their indentation. Raises SyntaxError."""
    return python_tree(f"if True:\n{function}" if function[:1] in " \t" else function)


def least_edit(old: str, new: str) -> str:
    """Return the new lines of a function; where the old ones mean the same, those. Raises SyntaxError."""
    meaning = ast.dump(parsed_alone(new))
    before, after = old.split("\n"), _with_old_statements(old, new).split("\n")
    places = list(_places(before, after))
    if len(places) > MOST_PLACES:
        return "\n".join(after)
    parts = [there for _, there in places]
    for number, (here, there) in enumerate(places):
        tried = [*parts[:number], here, *parts[number + 1 :]]
        if here != there and not _is_reworded(here, there) and _means(_joined(tried), meaning):
            parts = tried
    return _joined(parts)


def _is_reworded(here: list[str], there: list[str]) -> bool:
    """Whether a comment on a line of its own has other words: it may say what was expected."""
    return len(here) == len(there) == 1 and here[0].lstrip()[:1] == there[0].lstrip()[:1] == "#"


def _with_old_statements(old: str, new: str) -> str:
    """Return the new lines, with the old ones of each statement of the body that means the same."""
    before, after = _statements(old), _statements(new)
    if len(before) != len(after):
        return new
    parts = [rows if was == now else there for (was, rows), (now, there) in zip(before, after, strict=True)]
    text = _joined(parts)
    return text if _means(text, ast.dump(parsed_alone(new))) else new


def _statements(code: str) -> list[tuple[str, list[str]]]:
    """Return the head and the statements of a function: the meaning and the lines of each, with comments above it."""
    outer = parsed_alone(code).body[0]
    shift = isinstance(outer, ast.If)
    function = outer.body[0] if isinstance(outer, ast.If) else outer
    if not isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
        return []
    rows = code.split("\n")
    body = function.body
    head = ast.dump(function).partition("body=[")[0] + "".join(map(ast.dump, function.decorator_list))
    last = body[0].lineno - 1 - shift
    found = [(head, rows[:last])]
    for node in body:
        end = max(last, (node.end_lineno or node.lineno) - shift)  # two statements may share a line
        found.append((ast.dump(node), rows[last:end]))
        last = end
    return found


def _places(before: list[str], after: list[str]) -> Iterator[tuple[list[str], list[str]]]:
    """Yield the old and the new rows of each place; as many rows for as many others one by one."""
    for tag, a, b, c, d in difflib.SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        if tag == "replace" and b - a == d - c:
            yield from (([here], [there]) for here, there in zip(before[a:b], after[c:d], strict=True))
        else:
            yield before[a:b], after[c:d]


def _joined(parts: list[list[str]]) -> str:
    return "\n".join(row for part in parts for row in part)


def _means(code: str, meaning: str) -> bool:
    try:
        return ast.dump(parsed_alone(code)) == meaning
    except (SyntaxError, ValueError, RecursionError):
        return False


def lost_comment(old: str, new: str) -> str:
    """Return a comment of the old lines that the new ones lack; words may change, what tools obey may not."""
    before, after = _comments(old), _comments(new)
    gone = before - after
    changed = next((text for text in (*gone, *(after - before)) if _DIRECTIVE.match(text)), "")
    return changed or (next(iter(gone)) if sum(after.values()) < sum(before.values()) else "")


def _comments(code: str) -> Counter[str]:
    return Counter(part.string.rstrip() for part in _tokens(code) if part.type == token.COMMENT)
