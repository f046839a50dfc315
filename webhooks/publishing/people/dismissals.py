"""Recognise a reply that rejects a finding, such as "won't fix" or "false positive", and whose word counts.

Promises: in doubt a reply rejects nothing. A refusal counts only as a clause of its own ("the default is intended"),
never beside agreement, doubt, a promise or the report of a repair. Only people with write access dismiss a finding.
GitHub is asked for the permission of each person once, and for at most `MAX_ASKED` people; the word of the others does
not count.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable
from enum import IntEnum

from reviewer.safety.redaction import redact
from webhooks.github.errors import Forbidden
from webhooks.publishing.people.dismissal_words import (
    ADVERBS,
    AS_PLANNED,
    CLAUSE_END,
    CLOSINGS,
    CONTRACTIONS,
    CONTRAST,
    COPULAS,
    DENIALS,
    DENIED,
    DOING,
    DOUBTS,
    IT,
    MOST_IN_SUBJECT,
    NOT_IN_SUBJECT,
    NOTHING,
    OBJECTS,
    OPENINGS,
    REASONS,
    REFUSALS,
    REFUSERS,
    SUBJECT_BEGINS,
    UNSEEN,
    VERDICTS,
    WHOLE_REPLIES,
    WORD,
    WORKS,
    Words,
)

#: Characters of a reply that is read as a refusal. Whoever writes more says more than that.
_MOST_CHARACTERS = 400

_COMMAND = re.compile(r"[ \u00a0\u3000]{0,3}[/\uff0f]dismiss[.,:;!]{0,3}+(?:[ \t\u00a0\u3000].*)?+", re.IGNORECASE)
_DISMISS_WORD = re.compile(r"[/\uff0f]dismiss(?![\w-])", re.IGNORECASE)

#: Characters of a reason.
_LONGEST_REASON = 200
_ADDRESS = re.compile(r"https?://\S+")
_MENTIONED = re.compile(r"`[^`\n]{0,200}`|\"[^\"\n]{0,200}\"|\u201c[^\u201d\n]{0,200}\u201d")


def is_dismissal(reply: str) -> bool:
    """Whether a person's reply rejects the finding: a short statement, not a question.

    What is quoted, as a line, between quotation marks or as code, does not count. `/dismiss` at the start of a line
    always does.
    """
    lines = _own_lines(reply)
    if any(_COMMAND.fullmatch(line) for line in lines):
        return True
    text = _MENTIONED.sub(" it ", _ADDRESS.sub("", "\n".join(lines))).strip()
    if not text or len(text) > _MOST_CHARACTERS or "?" in text or "\uff1f" in text:
        return False
    return _turns_down(text)


def reason_of(reply: str) -> str:
    """Return what a reply that dismisses a finding says, in a line, without secrets; empty where it gives no reason."""
    text = " ".join(" ".join(_own_lines(reply)).split())
    text = _DISMISS_WORD.sub("", text, count=1).strip(" .,:;-")
    return redact(text)[0][:_LONGEST_REASON]


def _own_lines(reply: str) -> list[str]:
    """Return the lines that the person wrote: without quotes, blocks of code and hidden comments."""
    text = _HIDDEN.sub("", reply.replace("\r\n", "\n"))
    kept: list[str] = []
    is_code = False
    for line in text.split("\n"):
        if line.lstrip().startswith(("```", "~~~")):
            is_code = not is_code
        elif not is_code and not line.lstrip().startswith(">"):
            kept.append(line)
    return kept


_HIDDEN = re.compile(r"<!--.*?(?:-->|\Z)", re.DOTALL)


def _turns_down(text: str) -> bool:
    """Whether the text turns a finding down: it has such a clause, and nothing in it casts doubt on that."""
    plain = _plain(text)
    if plain.strip(" .,!\u3001\u3002") in WHOLE_REPLIES:
        return True
    *limited, last = CONTRAST.split(plain)
    refusals, rest = _read(last)
    for part in limited:
        rest += _read(part)[1]
    return refusals > 0 and not any(DOUBTS.search(clause) for clause in rest)


def _read(text: str) -> tuple[int, list[str]]:
    """Return how many clauses of the text are refusals, and all that is said beside them."""
    refusals = 0
    rest: list[str] = []
    for clause in CLAUSE_END.split(text):
        words = _words(clause)
        beside = _beside_refusal(words)
        refusals += beside is not None
        rest.append(" ".join(words if beside is None else beside))
    return refusals, rest


def _plain(text: str) -> str:
    """Return the text in small letters, with contractions written out and without pictures."""
    text = unicodedata.normalize("NFKC", text).lower().translate(_QUOTES)
    text = "".join(letter for letter in text if unicodedata.category(letter) not in ("So", "Sk", "Mn", "Cf"))
    for pattern, written in CONTRACTIONS:
        text = pattern.sub(written, text)
    return text


_QUOTES = str.maketrans({"\u2019": "'", "\u2018": "'", "\u00b4": "'", "*": " ", "_": " ", "~": " "})


def _words(clause: str) -> Words:
    """Return the words of a clause. A compound such as "by-design" is two words, a path or a name is one."""
    found = (word.strip(".'%") for word in WORD.findall(clause))
    plain = [word for word in found if word and not word.startswith("@")]
    return tuple(part for word in plain for part in ([word] if "/" in word or "." in word else word.split("-")) if part)


def _beside_refusal(words: Words) -> Words | None:
    """Return the words of a clause beside the refusal in it, such as its reason; None where it is none."""
    begins = _openings(words)
    for end in [len(words), *(n for n, word in enumerate(words) if n and word in REASONS)]:
        clauses = [words[start:end] for start in begins if start < end]
        if any(clause in NOTHING or _is_refusal(_without_last(clause, CLOSINGS)) for clause in clauses):
            return words[end:]
    return None


def _openings(words: Words) -> list[int]:
    """Return the places where the clause proper may begin: at its first word, or after words such as "yes" or "so"."""
    found = [0]
    while count := next((n for n in range(4, 0, -1) if words[found[-1] : found[-1] + n] in OPENINGS), 0):
        # The last word of an opening such as "no this" is the subject.
        found.append(found[-1] + (1 if words[found[-1]] == "no" else count))
    return [start for start in found if start < len(words)]


def _is_refusal(words: Words) -> bool:
    if words in NOTHING or (words[:2] == ("there", "is") and words[2:] in NOTHING):
        return True
    if _denies(words):
        return True
    plain = _without_last(words, OBJECTS)
    for count in range(2, 6):
        if plain[-count:] in REFUSALS and plain[:-count] in REFUSERS:
            return True
    for count in range(2, 6):
        if words[-count:] in AS_PLANNED and len(words) > count and words[-count - 1 : -count] in WORKS:
            return _is_subject(_without_adverbs(words[: -count - 1]))
    for count in range(6, 0, -1):
        if words[-count:] in VERDICTS:
            return _is_subject(_without_adverbs(words[:-count]))
    return False


def _denies(words: Words) -> bool:
    """Whether somebody denies a fault in the first person: "I do not think this is a bug", "I see no issue"."""
    for count in range(3, 6):
        if words[:count] in DENIALS:
            fault = words[count:]
            at = next((n for n, word in enumerate(fault) if word in COPULAS), len(fault))
            return ("not", *fault[at + 1 :]) in DENIED and _is_subject(fault[: at + 1])
    if words[:2] == ("i", "see"):
        return words[2:] in DENIED
    return words[:4] in UNSEEN and ("not", *words[4:]) in DENIED


def _is_subject(words: Words) -> bool:
    """Whether the words before a verdict name what it is about, with or without a verb, and nothing else."""
    if words[:1] in (("we",), ("i",)):  # "we do this", and the refusal after it
        return 1 < len(words) <= 4 and words[1] in DOING and IT.issuperset(words[2:])
    if words and words[-1] in COPULAS:
        words = words[:-1]
    elif len(words) > 2:  # without a verb, only "this" or "this finding"
        return False
    if not words:
        return True
    begins = words[0] in SUBJECT_BEGINS or (words[0].endswith("ing") and len(words[0]) > 4)
    stops = NOT_IN_SUBJECT - {"you"} if words[0] in ("what", "how") else NOT_IN_SUBJECT
    return begins and len(words) <= MOST_IN_SUBJECT and not stops.intersection(words)


def _without_adverbs(words: Words) -> Words:
    while words and words[-1] in ADVERBS and not (words[-1] in ("this", "that", "all", "both") and len(words) == 1):
        words = words[:-1]
    return words


def _without_last(words: Words, phrases: frozenset[Words]) -> Words:
    while count := next((n for n in range(4, 0, -1) if words[-n:] in phrases and len(words) > n), 0):
        words = words[:-count]
    return words


#: The collaborator permissions of people with write access: `maintain` counts as `write`, `triage` as `read`.
_WRITERS = frozenset({"admin", "write"})

#: People whose permission is asked for in one run: strangers could otherwise make us spend all our requests.
MAX_ASKED = 50


class Say(IntEnum):
    """How much somebody's dismissal of a finding counts: not at all, for the comment only, or also for the check."""

    NOTHING = 0
    SILENCES = 1
    DISMISSES = 2


class Voices:
    """Says how much each person's word counts on one pull request.

    `permission` returns a person's permission by GitHub, never what the person's comments say of it.
    """

    def __init__(self, permission: Callable[[str], str], author: str, *, author_may_dismiss: bool) -> None:
        """Store the function, who opened the pull request, and the repository's setting. Makes no request."""
        self._permission = permission
        self._author = author.lower()
        self._author_say = Say.DISMISSES if author_may_dismiss else Say.SILENCES
        self._known: dict[str, Say] = {}
        self._asked = 0

    def of(self, login: str) -> Say:
        """Return how much the person's word counts."""
        who = login.lower()
        if who not in self._known:
            self._known[who] = self._find(who)
        return self._known[who]

    def strongest(self, logins: Iterable[str]) -> tuple[Say, str]:
        """Return how much the word of these people counts together, and whose counts most.

        Asks about nobody after the first writer.
        """
        best, who = Say.NOTHING, ""
        for login in logins:
            if (say := self.of(login)) > best:
                best, who = say, login
            if best is Say.DISMISSES:
                break
        return best, who

    def _find(self, who: str) -> Say:
        # `ghost` stands for every deleted account.
        if who.endswith("[bot]") or who == "ghost":
            return Say.NOTHING
        is_author = who == self._author
        if is_author and self._author_say is Say.DISMISSES:
            return Say.DISMISSES
        if not is_author:
            if self._asked >= MAX_ASKED:
                return Say.NOTHING
            self._asked += 1
        try:
            writes = self._permission(who) in _WRITERS
        except Forbidden:  # a person whose permission is unknown cannot dismiss
            writes = False
        if writes:
            return Say.DISMISSES
        return self._author_say if is_author else Say.NOTHING
