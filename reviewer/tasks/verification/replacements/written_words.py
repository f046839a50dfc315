r"""Recognise replacements that are no code: instructions, diffs, numbered rows, text escaped once too often. Pure."""

from __future__ import annotations

import html
import re
from collections.abc import Sequence

from reviewer.languages.paths import is_prose
from reviewer.languages.syntax import refuses_sentences
from reviewer.tasks.conversation.markdown_fences import fence_marks
from reviewer.tasks.verification.replacements.replaced_lines import ReplacedLines

#: Words of a sentence that no programming language has between two other words.
_SENTENCE = re.compile(
    r"\b(?:the|a|an|to|of|instead|should|that|be|you|your|because|so|here|it|which|into|before|after)\b", re.IGNORECASE
)
_VERB = re.compile(
    r"\s*(?:[-*>]\s+|\d+[.)]\s+)?(?:please\s+|you\s+(?:should|can|could|must|need\s+to)\s+|consider\s+|instead,?\s+)?"
    r"(?:use|chang(?:e|ing)|replac(?:e|ing)|consider|add(?:ing)?|remove|rename|move|fix|ensure|make|instead|please|delete"
    r"|wrap|check|call|set|update|refactor|extract|avoid|should|return|validate|handle|see|keep|rewrite|do|don't|pass"
    r"|this|the|there|it|you|we|if|when|as|to|in|a|no|not)\b",
    re.IGNORECASE,
)
_PLAIN_WORDS = re.compile(r"[A-Za-z][a-z'\u2019-]*+[,.;:!?)]*")
_CODE_SPAN = re.compile(r"`[^`\n]*+`|\"[^\"\n]*+\"|'[^'\n]*+'")
_INSTRUCTION = re.compile(
    r"\s*(?:please\s+)?(?:(?:chang|replac|renam|remov|delet|consider|rewrit|updat|add|fix)\w*\s.{0,200}"
    r"\b(?:this|the|that)\s+(?:\w+\s+)?(?:line|word|sentence|paragraph|heading|link|text|block|item|entry|section|typo)"
    r"|(?:us(?:e|ing)|call|wrap|mov|keep|put|insert|ensur|mak|return|check|pass|writ|correct|simplif|avoid)\w*\s.{0,200}"
    r"\b(?:this|that)\s+(?:\w+\s+)?(?:line|sentence|paragraph))s?\b",
    re.IGNORECASE,
)
#: What is said to the author of the change, not to readers of the text.
_ADDRESS = re.compile(
    r"[ \t]*+(?:(?://|[-*>#])[ \t]*+)?(?:please|you[ \t]+(?:should|could|must|need[ \t]+to)|consider|instead)\b",
    re.IGNORECASE,
)
_COMMENT_LINE = re.compile(
    r"\s*(?:#(?=[\s#]|$)(?!\s*(?:include\s*[<\"]|(?:define|ifn?def|undef|pragma)\s|endif\b))"
    r"|//|--(?=\s|$)|[;%](?=\s)|/\*|\*(?=[\s/]|$)|<!--|REM\b)"
)
#: What comes before a block with the answer in it.
_ANNOUNCEMENT = re.compile(r"[^\n]{0,80}:[ \t]*$")
_ENTITY = re.compile(r"&(?:lt|gt|amp|quot|apos|nbsp|#\d{1,5}|#x[0-9a-fA-F]{1,5});")
_STRING = re.compile(r'"(?:[^"\\\n]|\\.){0,400}+"|\'(?:[^\'\\\n]|\\.){0,400}+\'|`(?:[^`\\\n]|\\.){0,400}+`')
_CODE_IN_PROSE = re.compile(r"`[^`\n]{0,400}+`")
_WRITTEN_OUT = re.compile(r"\\n(?=[ \t]|\\|[\w}#</*-]|$)|\\\"")
_WRITTEN_OUT_ANYHOW = re.compile(r"\\n|\\\"")
_MARKUP = re.compile(
    r"\.(?:html?|xml|xhtml|svg|vue|svelte|jsx|tsx|mdx?|markdown|php|erb|ejs|jinja2?|j2|twig|hbs|plist|csproj)$"
)
#: What editing tools write around the old lines and the new ones, and names of elements around an answer.
_OPENED = re.compile(r"[ \t]*+<{5,9}(?: ?[A-Z]{4,10}\b.{0,80}+)?[ \t]*+")
_CLOSED = re.compile(r"[ \t]*+>{5,9}(?: ?[A-Z]{4,10}\b.{0,80}+)?[ \t]*+")
_ELEMENT = re.compile(
    r"\s*+<(suggest(?:ion|ed(?:_code)?)|new(?:_code|_lines?)?|replace(?:ment)?|answer|after|fix(?:ed)?)>.*</\1>\s*+",
    re.DOTALL,
)
_BEFORE = re.compile(r"[ \t]*+(?:[*_]{0,2})(?:before|old|original)[*_]{0,2}[ \t]?:", re.IGNORECASE)
_AFTER = re.compile(r"[ \t]*+(?:[*_]{0,2})(?:after|new|fixed)[*_]{0,2}[ \t]?:", re.IGNORECASE)
_ARROW = re.compile(r"[ \t](?:->|=>|-->|\u2192)[ \t]+(\S+)")
#: Spaces and opening quotation marks of prose.
_NO_BREAK, _CURLY = re.compile("[\u00a0\u202f]"), re.compile("[\u2018\u201c\u201e]")
_HEAD = re.compile(r"@@ -\d+|--- (?:a/|/dev)|\+\+\+ b/")
_ROW = re.compile(r"[ \t]*(?:\d{1,7}[ \t]+)?\d{1,7}[ \t]*\|[-+ ]|[ \t]*L?\d{1,7}(?::|\|)[ \t]")


def with_plain_blanks(text: str, replaced: ReplacedLines) -> str:
    """Return the text with blanks for no-break spaces, which models write in code and most languages refuse there.

    A file that has such spaces, and prose, may want them.
    """
    if _NO_BREAK.search(text) is None or is_prose(replaced.path) or any(map(_NO_BREAK.search, replaced.lines)):
        return text
    return _NO_BREAK.sub(" ", text)


def no_code(new: Sequence[str], replaced: ReplacedLines) -> str | None:
    """Return why the lines are not what should stand in the file, None if nothing speaks against them."""
    if _is_diff(new, replaced.old):
        return "it is written as a diff"
    full = [line for line in new if line.strip()]
    if (
        full
        and all(_ROW.match(line) for line in full)
        and not all(_ROW.match(line) for line in replaced.old if line.strip())
    ):
        return "its lines have numbers"
    if _shows_both(full, replaced.old):
        return "it shows the change, not the new lines"
    if _has_curly_quotes(full, replaced):
        return "its quotation marks are those of prose"
    if _is_escaped(new, replaced):
        return "it is escaped once too often"
    if _is_instruction(full, replaced):
        return "it says in words what to do"
    return None


def _is_diff(new: Sequence[str], old: Sequence[str]) -> bool:
    """Whether the lines have the marks of a diff: one that is removed is an old line."""
    had = {line.strip() for line in old}
    removed = [line for line in new if line.startswith("-") and line[1:].strip() in had and line.strip() not in had]
    heads = [line for line in new if line.startswith(("@@ -", "--- ", "+++ ")) and _HEAD.match(line)]
    full = [line for line in new if line.strip()]
    marked = bool(full) and all(line.startswith("+") for line in full) and not any(line.startswith("+") for line in old)
    return bool(removed or heads or marked)


def _shows_both(new: Sequence[str], old: Sequence[str]) -> bool:
    """Whether the old lines stand beside the new ones, as tools for editing and people write a change down."""
    if not new or any(mark.match(line) for line in old for mark in (_OPENED, _BEFORE, _AFTER)):
        return False
    if all(mark.fullmatch(line) for mark, line in ((_OPENED, new[0]), (_CLOSED, new[-1]))):
        return True
    if _ELEMENT.fullmatch("\n".join(new)) and not _ELEMENT.fullmatch("\n".join(old)):
        return True
    if _BEFORE.match(new[0]) and any(_AFTER.match(line) for line in new[1:]):
        return True
    before = old[0].strip() if len(new) == len(old) == 1 else ""
    rest = new[0].strip().removeprefix(before)
    arrow = _ARROW.match(rest) if before and rest != new[0].strip() else None
    return arrow is not None and before[:2] == arrow[1][:2]


def _has_curly_quotes(new: Sequence[str], replaced: ReplacedLines) -> bool:
    """Whether quotation marks of prose stand in place of straight ones, in a file that is none."""
    if is_prose(replaced.path) or not any(map(_CURLY.search, new)) or any(map(_CURLY.search, replaced.old)):
        return False
    straight, before = (sum(line.count('"') + line.count("'") for line in lines) for lines in (new, replaced.old))
    return straight < before


def _is_escaped(new: Sequence[str], replaced: ReplacedLines) -> bool:
    r"""Whether the lines hold entities, or a written-out `\n`, outside of texts, where the old ones hold none."""
    text, old = "\n".join(new), "\n".join(replaced.old)
    if _has_entities(text, old, replaced.path):
        return True
    if "\\" not in text:
        return False
    had = set(replaced.old)
    if any(line not in had and line.replace('\\"', '"') in had for line in new):
        return True
    if text.count('"') == text.count('\\"') > 1 and '"' in old and '\\"' not in old:
        return True
    escape = _WRITTEN_OUT if refuses_sentences(replaced.path) else _WRITTEN_OUT_ANYHOW
    prose = is_prose(replaced.path)
    if escape.search(_outside(text, prose=prose)) and not escape.search(_outside(old, prose=prose)):
        return True
    whole = text.strip()
    return len(new) == 1 and whole[:1] == whole[-1:] == '"' and "\\" in whole and not old.strip().startswith('"')


def _has_entities(text: str, old: str, path: str) -> bool:
    """Whether the text has entities in place of the signs that they stand for, where the file shows entities."""
    if _MARKUP.search(path):  # markup shows them in comments and in spans of code only
        text, old = (_shown_as_written(each, prose=is_prose(path)) for each in (text, old))
    if not _ENTITY.search(text) or _ENTITY.search(old):
        return False
    if not _MARKUP.search(path) and (
        _ENTITY.search(_STRING.sub("", text)) or _ENTITY.search(_STRING.sub("", html.unescape(text)))
    ):
        return True
    signs = {html.unescape(entity) for entity in _ENTITY.findall(text)}
    if any(text.count(sign) < old.count(sign) for sign in signs):
        return True
    inside = _STRING.findall(old)
    return any(html.unescape(part) in inside for part in _STRING.findall(text) if _ENTITY.search(part))


def _outside(text: str, *, prose: bool) -> str:
    """Return the text without strings, or in prose without spans of code; it may begin inside of such a span."""
    if not prose:
        return _STRING.sub("", text)
    # An apostrophe begins no text there.
    return _CODE_IN_PROSE.sub("", text[text.index("`") + 1 :] if text.count("`") % 2 else text)


def _shown_as_written(text: str, *, prose: bool) -> str:
    """Return what of markup is shown to the letter: lines of comments, or in prose what stands between back-ticks."""
    parts = _CODE_IN_PROSE.findall(text) if prose else [line for line in text.split("\n") if _COMMENT_LINE.match(line)]
    return "\n".join(parts)


def _is_instruction(new: Sequence[str], replaced: ReplacedLines) -> bool:
    """Whether the lines tell somebody what to do instead of doing it."""
    old = [line for line in replaced.old if line.strip()]
    added = [line for line in new if line not in old]
    if _announces_block(new):
        return new[0] in added and new[1] in added
    if is_prose(replaced.path):
        return any(_INSTRUCTION.match(line) for line in new) and not any(_INSTRUCTION.match(line) for line in old)
    bare = [_uncommented(line) for line in added]
    if any(map(_INSTRUCTION.match, bare)) or (any(map(_ADDRESS.match, bare)) and not any(map(_ADDRESS.match, old))):
        return True
    if new and all(map(_COMMENT_LINE.match, new)) and not all(map(_COMMENT_LINE.match, old)):
        return not _comments_out(new, old)
    if _in_text(replaced):
        return any(map(_is_sentence, new)) and not _shares_words(new, old)
    return not refuses_sentences(replaced.path) and any(map(_is_sentence, new)) and not any(map(_is_sentence, old))


def _announces_block(new: Sequence[str]) -> bool:
    return bool(len(new) > 1 and _ANNOUNCEMENT.match(new[0]) and fence_marks(new[1]) and fence_marks(new[-1]))


def _uncommented(line: str) -> str:
    """Return the line without the sign of a comment at its beginning."""
    sign = _COMMENT_LINE.match(line)
    return line[sign.end() :] if sign else line


def _comments_out(new: Sequence[str], old: Sequence[str]) -> bool:
    """Whether the comment is the old code, as it was or nearly so."""
    words = {word for line in old for word in re.findall(r"\w+", line)}
    theirs = [word for line in new for word in re.findall(r"\w+", line)]
    return bool(theirs) and sum(word in words for word in theirs) * 2 >= len(theirs)


def _shares_words(new: Sequence[str], old: Sequence[str]) -> bool:
    """Whether a quarter of the new words stood there before, or half of the old words still do; short ones aside."""
    had, words = ([word.lower() for line in lines for word in re.findall(r"\w{4,}", line)] for lines in (old, new))
    same = {*had} & {*words}
    return 4 * sum(word in same for word in words) >= len(words) or 2 * sum(word in same for word in had) > len(had)


def _in_text(replaced: ReplacedLines) -> bool:
    """Whether the lines stand inside a text or a comment of several lines, as far as their marks tell."""
    above = "\n".join(replaced.above)
    if above.rfind("/*") > above.rfind("*/"):
        return True
    return any(above.count(mark) % 2 for mark in ('"""', "'''"))


def _is_sentence(line: str) -> bool:
    """Whether a line without signs of code reads as an English sentence that says what to do."""
    if _COMMENT_LINE.match(line) or not _VERB.match(line):
        return False
    bare = _CODE_SPAN.sub("X", line[:1_000]).strip()
    words = bare.split()
    if len(words) < 4 or re.search(r"[=;{}$|\\]|\w\(|\)\s*$", bare):
        return False
    plain = sum(_PLAIN_WORDS.fullmatch(word) is not None for word in words)
    return plain * 10 >= len(words) * 7 and len(_SENTENCE.findall(bare)) >= 1
