"""Ask the model for unit tests of a change, as text: they are not run here."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace

from reviewer.domain.change import Change
from reviewer.domain.findings import Rejected, Review, TestSuggestion
from reviewer.domain.settings import Settings
from reviewer.languages.elisions import is_cut_short
from reviewer.languages.paths import is_code, is_test
from reviewer.llm.messages import Ask
from reviewer.llm.usage import Usage
from reviewer.safety.placeholders import has_placeholder
from reviewer.safety.redaction import redact
from reviewer.tasks.context.related import gather_related
from reviewer.tasks.conversation.divisions import DivisionByCode
from reviewer.tasks.conversation.follow_ups import Answer, ask_and_read
from reviewer.tasks.conversation.prompts import Prompter, fence_of
from reviewer.tasks.conversation.replies import read_tests
from reviewer.tasks.planning.chunks import Chunk, chunk
from reviewer.tasks.planning.file_filter import select

#: Most parts of a change that tests are asked for, and most test files that are shown.
MAX_TEST_PROMPTS, MAX_TESTS = 3, 5


def suggest_tests(change: Change, settings: Settings, ask: Ask, *, salt: bytes) -> Review:
    """Ask for tests of the change and nothing else; `salt` is as in `review`.

    Raises ModelError if no prompt was answered.
    """
    prompter, parts = parts_to_test(change, settings, salt)
    if not parts:
        return Review(summary="", notes=("The change adds no code that could be tested.",))
    divide = DivisionByCode(read_tests, join_tests)
    batch = [(divide.prompt(part, prompter.tests), read_tests) for part in parts]
    answers = ask_and_read(batch, ask, divide=divide)
    errors = [answer.error for answer in answers if answer.error]
    if errors and all(answer.value is None for answer in answers):
        raise errors[0]
    notes = [f"No test suggestions for {len(errors)} of {len(answers)} parts: {errors[0]}"] if errors else []
    tests, rejected = usable_tests(answers)
    usage = sum((answer.usage for answer in answers), Usage())
    models = tuple(sorted(frozenset().union(*(answer.models for answer in answers))))
    return Review(summary="", tests=tests, rejected=rejected, notes=tuple(notes), usage=usage, models=models)


def parts_to_test(
    change: Change, settings: Settings, salt: bytes, *, only: Collection[str] | None = None
) -> tuple[Prompter, list[Chunk]]:
    """Return the parts of the change, or of some of its files, that tests are asked for, and their Prompter."""
    files, _ = select(change.diff, settings.review)
    parts = testable(chunk([file for file in files if only is None or file.path in only])[0])
    gathered = gather_related(change, parts)
    prompter = Prompter(replace(change, head=gathered.head), settings, fence_of(salt, change), gathered.related)
    return prompter, parts


def join_tests(answers: Sequence[tuple[TestSuggestion, ...]]) -> tuple[TestSuggestion, ...]:
    """Join the tests of several answers."""
    return tuple(test for tests in answers for test in tests)


def testable(parts: Sequence[Chunk]) -> list[Chunk]:
    """Return the parts that add code, up to the number that tests are asked for."""
    return [part for part in parts if added_code(part)][:MAX_TEST_PROMPTS]


def added_code(part: Chunk) -> int:
    """Count the added lines of program text in the part that are not tests."""
    files = [file for file in part.files if is_code(file.path) and not is_test(file.path)]
    return sum(
        line.kind == "+" and bool(line.text.strip()) for file in files for hunk in file.hunks for line in hunk.lines
    )


def usable_tests(
    answers: Sequence[Answer[tuple[TestSuggestion, ...]]],
) -> tuple[tuple[TestSuggestion, ...], tuple[Rejected, ...]]:
    """Return the suggested test files, one for each path, and reject those at a place where no test belongs."""
    kept: dict[str, TestSuggestion] = {}
    rejected: list[Rejected] = []
    for answer in answers:
        for test in answer.value or ():
            path = test.path
            if path.startswith("/") or ".." in path.split("/") or not path.isprintable() or "\\" in path:
                rejected.append(Rejected("bad test path", path[:300], "suggested test", "it leaves the repository"))
            elif has_placeholder(test.code) or is_cut_short(path, test.code):
                detail = "it leaves code out, or holds a mark that stands for hidden text"
                rejected.append(Rejected("incomplete test", path, "suggested test", detail))
            elif path in kept or len(kept) == MAX_TESTS:
                rejected.append(Rejected("one test too many", path, "suggested test"))
            else:
                kept[path] = replace(test, code=redact(test.code)[0])
    return tuple(kept.values()), tuple(rejected)
