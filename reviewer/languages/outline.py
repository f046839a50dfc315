"""Find what a text defines and which names its lines use, by grammar if there is one, else by indentation.

Pure and linear in the text. Definitions that cannot be recognised are left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from reviewer.languages.registry import family_of, language_of
from reviewer.languages.treesitter import Definition, definitions

#: Only so many characters of a line are read: longer lines are data.
MAX_LINE = 400

_KEYWORD = re.compile(
    r"\s*(?:(?:export|default|pub(?:\([a-z ]{1,20}\))?|public|private|protected|internal|abstract|final|async|override"
    r"|open|sealed|virtual|unsafe|inline|declare|partial|static(?=\s+\w+\s+[\w*])|const(?=\s+(?:fn|enum)\b))\s+)*"
    r"(?:def|class|func|fun|fn|function\*?|interface|type|struct|enum|trait|module|record|protocol|union|const|let|var"
    r"|val|static(?=\s+(?:mut\s+)?\w+\s*:)|\#\s*define)\s+(?:mut\s+)?(?:\([^()]{0,80}\)\s*)?(?:self\.)?(?P<name>[A-Za-z_$][\w$]*[?!]?)"
)
#: A function that Kotlin or Swift adds to a type stands under its own name, not under the type's.
_EXTENSION = re.compile(
    r"(?:(?!(?:func?|va[lr])\b)[a-z]{2,12}\s++){0,6}(?:func?|va[lr])\s+(?:<[^<>()]{1,80}>\s*)?[A-Z]\w{0,80}(?:\.[A-Z]\w{0,80}){0,3}"
    r"(?:<[^<>()]{0,80}>)?\??\.(?P<name>\w+)"
)
_TYPED = re.compile(
    r"\s*(?!\*\s)(?P<first>[\w:<>\[\],.*&?@]++)(?:\s++[\w:<>\[\],.*&?@]++)*?\s++[*&]*(?:\w+::)?(?P<name>\w+)\s*\("
)
_METHOD = re.compile(r"\s+(?:(?:async|static|get|set)\s+)*(?P<name>[\w$]+)\s*\([^()]{0,200}\)[^;]{0,80}\{\s*$")
_CONSTANT = re.compile(r"(?P<name>[A-Z][A-Z0-9_]{2,})\s*(?::[^=]{1,80})?=(?!=)")
_SQL = re.compile(
    r"\s*create\s+(?:or\s+replace\s+)?(?:temp(?:orary)?\s+)?(?:table|view|materialized\s+view|function|procedure|type"
    r"|trigger)\s+(?:if\s+not\s+exists\s+)?(?:(?:\{\{[^{}]{1,80}\}\}|[\"`\[]?\w+[\"`\]]?)\.)?[\"`\[]?(?P<name>\w+)",
    re.IGNORECASE,
)
#: What SQL writes before a table; a schema before a name, also one that a template fills in; and quotes around a name.
_SQL_TABLE = re.compile(
    r"\b(?:from|into|update|join|references|table(?:\s+(?:only|if(?:\s+not)?\s+exists))?"
    r"|on(?=\s+\w+\s*(?:\(|using\b)))\s+(?!(?:conflict|delete|update|select|set)\b)(?P<name>[A-Za-z_]\w*)",
    re.IGNORECASE,
)
#: A block of Terraform that others name by its label, and how they name it, also inside of texts.
_BLOCK = re.compile(r'\s*(?:variable|module|output)\s+"(?P<name>[\w-]{1,100})"\s*\{')
_BLOCK_USE = re.compile(r"(?<![\w.-])(?:var|module)\.(?P<name>[A-Za-z_][\w-]*)")
_SQL_SCHEMA = re.compile(r"(?:\{\{[^{}]{1,80}\}\}|\b\w{1,80})\.(?=\w)")
_SQL_QUOTES = re.compile(r"[\"`\[\]]")
#: Words before a parenthesis that show that the line defines nothing.
_CONTROL_WORDS = """
    return new else throw await yield delete case goto if while for switch catch and or not in is assert raise
    print echo from import using require include elif unless until when match with super this typeof sizeof do try
"""
CONTROL = frozenset(_CONTROL_WORDS.split())
_WORD = re.compile(r"[A-Za-z_$][\w$]*")
_MEMBER = re.compile(r"(?P<of>[A-Za-z_$][\w$]*)(?:\(\))?\s*(?:\.|::|->)\s*(?=(?P<name>[A-Za-z_$][\w$]*))")
_BARE = re.compile(r"(?<![\w$.])(?<!->)(?<!::)(?P<name>[A-Za-z_$][\w$]*)")
_STRING = re.compile(r"\"(?:[^\"\\]|\\.)*+\"|'(?:[^'\\]|\\.)*+'|`(?:[^`\\]|\\.)*+`")
_SQL_STRING = re.compile(r"'(?:[^'\\]|\\.|'')*+'")
_VARIABLE = re.compile(r"\s*(?:const|let|va[lr])\s")
_FUNCTION = re.compile(r"\s*(?:[a-z]{2,12}\s+){0,6}?(?:func?|fn|function|def|sub)\s")
_TRIPLE, _DOCUMENTS = re.compile(r"\"{3}|'{3}"), re.compile(r"\s*[rRuU]?(?:\"{3}|'{3})")
#: A name of PHP's global namespace, as in `\DateTime`: it is built in, whatever a class of the project is called.
_GLOBAL_NAME = re.compile(r"(?<![\w\\])\\\w+(?![\w\\])")
_COMMENT = {
    "//": re.compile(r"//.*|/\*.*?(?:\*/|$)|^\s*\*.*"),
    "#": re.compile(r"(?<![\w$&])#(?!\{).*"),
    "--": re.compile(r"--.*|/\*.*?(?:\*/|$)"),
}


@dataclass(frozen=True, slots=True)
class Outline:
    """The lines of a text and what it defines, the outer before the inner."""

    lines: tuple[str, ...]
    spots: tuple[Definition, ...]

    def around(self, line: int) -> tuple[Definition, ...]:
        """Return the definitions around the 1-based line, the outermost first."""
        return tuple(spot for spot in self.spots if spot.first <= line <= spot.last)

    def named(self, name: str) -> tuple[Definition, ...]:
        """Return the definitions of that name."""
        return tuple(spot for spot in self.spots if spot.name == name)


def outline_of(path: str, text: str) -> Outline:
    """Return the outline of a file's text."""
    lines = tuple(text.split("\n"))
    language = language_of(path)
    spots = definitions(language.grammar, text) if language and language.grammar else None
    return Outline(lines, _by_indentation(lines) if spots is None else spots)


def defined_on(line: str) -> str | None:
    """Return the name that the line seems to define, in any language."""
    line = line[:MAX_LINE]
    if found := _EXTENSION.match(line.lstrip()):
        return found["name"]
    if found := _KEYWORD.match(line) or _CONSTANT.match(line) or _SQL.match(line) or _BLOCK.match(line):
        return found["name"]
    found = _TYPED.match(line)
    if found and found["first"] not in CONTROL and found["name"] not in CONTROL and not line.rstrip().endswith(";"):
        return found["name"]
    found = _METHOD.match(line)
    return found["name"] if found and found["name"] not in CONTROL else None


def used_on(path: str, lines: Iterable[str]) -> dict[str, bool]:
    """Return the names on the lines, in order, and whether each is called there. Strings and comments do not count.

    Of SQL they are the tables. What Terraform calls `var.name` counts as called, also inside of a text.
    """
    if _names_tables(path):
        return {match["name"]: True for code in code_on(path, lines) for match in _SQL_TABLE.finditer(code)}
    lines = list(lines)
    names = dict.fromkeys(_blocks_on(path, lines), True)
    for code in code_on(path, lines):
        for match in _WORD.finditer(code):
            rest = code[match.end() :].lstrip()
            names[match.group()] = names.get(match.group(), False) or rest.startswith(("(", "{", "!("))
    return names


def members_on(path: str, lines: Iterable[str]) -> frozenset[tuple[str, str]]:
    """Return pairs of an object and its member on the lines: both words of `Base.run` and of `self.get()`."""
    if family_of(path) == "terraform":
        return frozenset()
    return frozenset((match["of"], match["name"]) for code in code_on(path, lines) for match in _MEMBER.finditer(code))


def bare_on(path: str, lines: Iterable[str]) -> frozenset[str]:
    """Return the names that stand on the lines without an object before them: `run` of `run()`, not of `job.run()`."""
    lines = list(lines)
    found = (match["name"] for code in code_on(path, lines) for match in _BARE.finditer(code))
    return frozenset((*found, *_blocks_on(path, lines)))


def _blocks_on(path: str, lines: Iterable[str]) -> list[str]:
    """Return the variables and modules that lines of Terraform name; nothing for another language."""
    if family_of(path) != "terraform":
        return []
    code = (_COMMENT["#"].sub("", line[:MAX_LINE]) for line in lines)
    return [match["name"] for line in code for match in _BLOCK_USE.finditer(line)]


def _names_tables(path: str) -> bool:
    language = language_of(path)
    return language is not None and language.names_tables


def code_on(path: str, lines: Iterable[str]) -> Iterator[str]:
    """Yield the lines without their strings and comments."""
    language = language_of(path)
    comment = _COMMENT[language.comment if language else "//"]
    if _names_tables(path):
        texts = (comment.sub("", _SQL_STRING.sub("''", line[:MAX_LINE])) for line in lines)
        yield from (_SQL_SCHEMA.sub("", _SQL_QUOTES.sub("", text)) for text in texts)
        return
    code = (comment.sub("", _STRING.sub('""', line[:MAX_LINE])) for line in lines)
    yield from (_GLOBAL_NAME.sub("", line) for line in code) if family_of(path) == "php" else code


def remarks_of(path: str, lines: Sequence[str]) -> frozenset[int]:
    """Return the 1-based lines that are nothing but a comment or a text that documents, with all lines inside it.

    A block comment counts where it begins a line, so that a pattern such as `src/**/*.ts` opens none.
    """
    language = language_of(path)
    mark = language.comment if language else "//"
    if language is not None and language.family == "python":
        return _python_remarks(lines)
    found, inside = [], False
    for number, line in enumerate(lines, 1):
        bare = line.strip()
        if not inside and mark != "#" and bare.startswith("/*"):
            inside, bare = True, bare[2:]
        if inside:
            _, end, rest = bare.partition("*/")
            inside = not end
            found += [] if rest.strip() else [number]
        elif bare.startswith(mark):
            found.append(number)
    return frozenset(found)


def _python_remarks(lines: Sequence[str]) -> frozenset[int]:
    """Return the lines of comments and of triple-quoted texts that begin a line; one that is a value is none."""
    found, quote, documents = [], "", False
    for number, line in enumerate(lines, 1):
        begins = _DOCUMENTS.match(line) is not None
        if documents if quote else begins or line.lstrip().startswith("#"):
            found.append(number)
        for mark in _TRIPLE.findall(line) if quote or not line.lstrip().startswith("#") else ():
            if not quote:
                quote, documents = mark, begins
            elif mark == quote:
                quote = ""
    return frozenset(found)


def _by_indentation(lines: Sequence[str]) -> tuple[Definition, ...]:
    """Return the definitions, known by the words of their first line, each with the indented lines below it.

    A variable inside a function is none: nobody else can mean it.
    """
    depths = [_depth(line) for line in lines]
    last_text = _last_texts(depths)
    spots: list[Definition] = []
    open_: list[tuple[int, int, str]] = []  # depth, number of the first line, name
    for number, (line, depth) in enumerate(zip(lines, depths, strict=True), 1):
        if depth is None:
            continue
        closer = line.lstrip()[:1] in ")]}" or line.lstrip().startswith("end")
        while open_ and depth <= open_[-1][0]:
            level, first, name = open_.pop()
            last = number if closer and depth == level else last_text[number - 1]
            spots.append(Definition(name, "block", first, last, first))
        local = bool(open_) and _VARIABLE.match(line) and _FUNCTION.match(lines[open_[-1][1] - 1][:MAX_LINE])
        if not local and (defined := defined_on(line)):
            open_.append((depth, number, defined))
    end = last_text[len(lines)]
    spots += [Definition(name, "block", first, end, first) for _, first, name in open_]
    return tuple(sorted(spots, key=lambda spot: (spot.first, -spot.last)))


def _last_texts(depths: Sequence[int | None]) -> list[int]:
    """Return for each line number, and for 0, the last line up to it that is not blank, or 1."""
    found = [0, 1]
    for number, depth in enumerate(depths[1:], 2):
        found.append(found[-1] if depth is None else number)
    return found


def _depth(line: str) -> int | None:
    """Return the width of the white space at the front, None for a blank line; a tab counts as four."""
    if not line.strip():
        return None
    expanded = line[:MAX_LINE].expandtabs(4)
    return len(expanded) - len(expanded.lstrip(" "))
