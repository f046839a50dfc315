r"""Check that a suggested replacement is safe to apply with one click: apply it in memory and judge the result.

GitHub replaces exactly the anchored lines of the new file
(https://docs.github.com/pull-requests/collaborating-with-pull-requests/reviewing-changes-in-pull-requests/commenting-on-a-pull-request).
A proven suggestion is about exactly those lines: it repeats none around them, leaves nothing out, holds nothing that
only prompts show, keeps indentation and line ends, changes something, and adds no syntax error. What the model added by
habit (a fence, lines around, spaces for tabs) is taken off where there is only one way to read it. Pure; never touches
a file.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from reviewer.diff.model import Anchor, Side
from reviewer.domain.findings import Finding, QuoteMatch
from reviewer.domain.formatting import NO_RULES, FormatRules
from reviewer.languages.elisions import elided
from reviewer.languages.syntax import awaits_in_vain_in, errors_in, is_exact
from reviewer.safety.invisible import holds_bytes
from reviewer.safety.placeholders import new_placeholder, stands_for_secret
from reviewer.tasks.verification.anchoring import LocatedQuote
from reviewer.tasks.verification.replacements.block_words import ends_other_blocks
from reviewer.tasks.verification.replacements.indentation import in_kind, with_first_indent
from reviewer.tasks.verification.replacements.lost_code import leaves_unused, loses_code
from reviewer.tasks.verification.replacements.neighbours import (
    repeats_more,
    trimmed,
    with_known_first,
    without_neighbours,
)
from reviewer.tasks.verification.replacements.other_line import changes_other_line
from reviewer.tasks.verification.replacements.replaced_lines import ReplacedLines
from reviewer.tasks.verification.replacements.unwrapping import breaks_blocks, without_wrapping
from reviewer.tasks.verification.replacements.written_words import no_code, with_plain_blanks


@dataclass(frozen=True, slots=True)
class ProvenSuggestion:
    """The text that may replace the anchored lines; empty deletes them. It has the file's line ends."""

    text: str


@dataclass(frozen=True, slots=True)
class UnprovenSuggestion:
    """Why the suggestion is shown as advice only."""

    reason: str


def prove_suggestion(
    located: LocatedQuote, suggestion: str, head: str | None, rules: FormatRules = NO_RULES
) -> ProvenSuggestion | UnprovenSuggestion:
    """Check a suggestion for the located lines against the whole file at head (None: it could not be read).

    `rules` are what the repository's formatters want of this file.
    """
    if located.anchor.side is Side.LEFT:
        return UnprovenSuggestion("removed lines cannot be replaced")
    if not located.exact:
        is_part = located.match is QuoteMatch.PART
        return UnprovenSuggestion(
            "the quoted code is only a part of its line" if is_part else "the quoted code is only partly in the diff"
        )
    if head is None:
        return UnprovenSuggestion("the file could not be read")
    start, end = (located.anchor.start_line or located.anchor.line) - 1, located.anchor.line
    lines = head.split("\n")
    if [line.text for line in located.lines] != lines[start:end]:
        return UnprovenSuggestion("the file has moved on")
    ends = _line_end(lines, start, end)
    if ends is None:
        return UnprovenSuggestion("the lines end in two different ways")
    plain = tuple(line.removesuffix("\r") for line in lines)
    replaced = ReplacedLines(located.anchor.path, plain, start, end, rules)
    syntax = _Syntax(replaced)
    new = _new_lines(suggestion, replaced, syntax)
    if isinstance(new, UnprovenSuggestion):
        return new
    problem = _problem(new, replaced, syntax)
    if problem:
        return UnprovenSuggestion(problem)
    return ProvenSuggestion("\n".join(_with_ends(new, ends, replaced, head)))


def _new_lines(suggestion: str, replaced: ReplacedLines, syntax: _Syntax) -> list[str] | UnprovenSuggestion:
    """Return the lines that the suggestion means: without a fence, indented as the file is, without those around."""
    text = without_wrapping(suggestion.replace("\r\n", "\n").removesuffix("\r"), replaced)
    if text is None:
        return UnprovenSuggestion("its fence may belong to the document or to the answer")
    text = text.removesuffix("\n")
    if not text:
        return []
    written = _trimmed_ends(with_plain_blanks(text, replaced).split("\n"), replaced)
    if (why := no_code(written, replaced)) is not None:
        return UnprovenSuggestion(why)
    converted = in_kind(written, replaced)
    kept = None if converted is None else without_neighbours(with_known_first(converted, replaced), replaced)
    if converted is not None and kept is None:
        return UnprovenSuggestion("it repeats code around the lines that it replaces")
    kept = None if kept is None else with_first_indent(kept, replaced.old)
    if kept is None:
        return UnprovenSuggestion("its indentation is not the file's")
    kept = without_neighbours(kept, replaced)
    if kept is None or repeats_more(kept, replaced):
        return UnprovenSuggestion("it repeats code around the lines that it replaces")
    if syntax.broken(kept):
        bare = trimmed(kept, replaced)
        return bare if bare != kept and not syntax.broken(bare) else kept
    return kept


def _trimmed_ends(written: list[str], replaced: ReplacedLines) -> list[str]:
    """Return the lines without blanks at their ends, where the repository wants none; those that were there stay."""
    if not replaced.rules.trims_line_ends:
        return written
    return [line if line in replaced.old else line.rstrip(" \t") for line in written]


def _problem(new: Sequence[str], replaced: ReplacedLines, syntax: _Syntax) -> str | None:
    """Return why the lines must not replace the old ones with a click, or None."""
    old = replaced.old
    if list(new) == list(old):
        return "it changes nothing"
    if not new and len(old) == len([*replaced.lines]) - (replaced.lines[-1] == ""):
        return "it would empty the file"
    if (why := _not_shown(new, replaced)) is not None:
        return why
    if not replaced.path.endswith(".pyi") and (line := elided(new, old)) is not None:
        return f"it leaves code out: {line}"
    if (why := _beside_its_point(new, replaced)) is not None:
        return why
    if breaks_blocks(new, replaced):
        return "it changes where a code block begins or ends"
    return syntax.broken(new) or _awaits_in_vain(new, replaced)


def _awaits_in_vain(new: Sequence[str], replaced: ReplacedLines) -> str | None:
    """Return what is wrong with an `await` that the replacement adds, or None."""
    before, after = (sum("await" in line for line in lines) for lines in (replaced.old, new))
    if after <= before:
        return None
    texts = "\n".join(replaced.lines), "\n".join(replaced.with_lines(new))
    had, has = (awaits_in_vain_in(replaced.path, text) for text in texts)
    return "it awaits in a function that is not async" if (has or 0) > (had or 0) else None


def _not_shown(new: Sequence[str], replaced: ReplacedLines) -> str | None:
    """Return why the lines cannot be right for a file of which the model was not shown all, or None."""
    text, before = "\n".join(new), "\n".join(replaced.old)
    if new_placeholder(text, before) or (new and stands_for_secret(text, before)):
        return "it holds a mark that stands for what the model was not shown"
    if not text.isascii() and any(map(holds_bytes, replaced.lines)):
        return "the file is not UTF-8"
    return None


def _beside_its_point(new: Sequence[str], replaced: ReplacedLines) -> str | None:
    """Return what the replacement loses, changes or leaves behind beside what it is for, or None."""
    if (line := loses_code(new, replaced)) is not None:
        return f"it loses what the replaced code does: {line.strip()}"
    if (line := changes_other_line(new, replaced)) is not None:
        return f"it is a change of another line: {line.strip()}"
    if (name := leaves_unused(new, replaced)) is not None:
        return f"it leaves `{name}` declared and unused"
    return None


def _line_end(lines: Sequence[str], start: int, end: int) -> str | None:
    r"""Return what stands before each `\n` of the replaced lines: nothing or a `\r`; None where both do.

    The last line of a file without a newline at its end has none of them: then the rest of the file says it.
    """
    ended = lines[start : min(end, len(lines) - 1)] or lines[:-1]
    found = {line.endswith("\r") for line in ended}
    return None if len(found) > 1 else ("\r" if True in found else "")


def _with_ends(new: Sequence[str], ends: str, replaced: ReplacedLines, head: str) -> list[str]:
    r"""Return the lines with the file's line ends; the last line of a file without a newline at its end gets none."""
    lines = [line + ends for line in new]
    if lines and replaced.end == len(replaced.lines) and not head.endswith("\r"):
        lines[-1] = new[-1]
    return lines


@dataclass(slots=True)
class _Syntax:
    """What replacements of the same lines would break. The file and each replacement are parsed once."""

    replaced: ReplacedLines
    _found: dict[str, str | None] = field(default_factory=dict)
    _before: list[int | None] = field(default_factory=list)

    def broken(self, new: Sequence[str]) -> str | None:
        """Return what the replacement breaks, or None."""
        text = "\n".join(self.replaced.with_lines(new))
        if text not in self._found:
            self._found[text] = self._problem(new, text)
        return self._found[text]

    def _problem(self, new: Sequence[str], text: str) -> str | None:
        """Judge by the parser of the file's language.

        A grammar may not know all of a language, so only new errors count. Near an existing error, and if no parser can
        tell, the brackets must match as well.
        """
        replaced, path = self.replaced, self.replaced.path
        if not self._before:
            self._before.append(errors_in(path, "\n".join(replaced.lines)))
        (first,), second = self._before, errors_in(path, text)
        if first is not None and second is not None:
            if first and is_exact(path):
                return "the file does not parse as it is"
            if second > first:
                return "the file would no longer parse"
            if not first and not ends_other_blocks(new, replaced):
                return None
        if _brackets(replaced.old) != _brackets(new):
            return "its brackets do not match those of the lines it replaces"
        if ends_other_blocks(new, replaced):
            return "it ends more or fewer blocks than the lines it replaces"
        return None


def drop_overlapping(findings: Sequence[Finding]) -> list[Finding]:
    """Return the findings in their order; of suggestions that overlap, only the first stays clickable.

    Whoever commits two suggestions for the same lines at once gets a conflict. The others become advice.
    """
    taken: list[Anchor] = []
    result: list[Finding] = []
    for finding in findings:
        if finding.suggestion is not None and any(finding.anchor.overlaps(other) for other in taken):
            result.append(replace(finding, suggestion=None, advice=finding.suggestion or None))
            continue
        if finding.suggestion is not None:
            taken.append(finding.anchor)
        result.append(finding)
    return result


_STRINGS = re.compile(r'"(?:[^"\\\n]|\\.){0,400}+"|\'(?:[^\'\\\n]|\\.){0,400}+\'|`(?:[^`\\\n]|\\.){0,400}+`|//[^\n]*')
_BRACKETS = re.compile(r"[()\[\]{}]")
_PAIRS = {")": "(", "]": "[", "}": "{"}


def _brackets(lines: Sequence[str]) -> tuple[str, str]:
    """Return the brackets that the lines close and open without a partner, outside of strings."""
    closed: list[str] = []
    opened: list[str] = []
    text = "\n".join(lines)
    for char in _BRACKETS.findall(_STRINGS.sub("", text)) if _BRACKETS.search(text) else ():
        if char in "([{":
            opened.append(char)
        elif opened and opened[-1] == _PAIRS[char]:
            opened.pop()
        else:
            closed.append(char)
    return "".join(closed), "".join(opened)
