"""Find the issues that a pull request closes when it is merged, by GitHub's closing words. Pure.

https://docs.github.com/issues/tracking-your-work-with-issues/linking-a-pull-request-to-an-issue
"""

from __future__ import annotations

import re

#: Issues of one pull request that are read, and characters of its description that are searched.
MOST_ISSUES, LONGEST_TEXT = 3, 20_000

_CLOSES = re.compile(
    r"\b(?:close[sd]?|fix(?:es|ed)?|resolve[sd]?)\b:?[ \t]{1,4}"
    r"(?:(?P<short>[\w.-]{1,100}/[\w.-]{1,100})?#|https?://[\w.:-]{1,200}/(?P<long>[\w.-]{1,100}/[\w.-]{1,100})/issues/)"
    r"(?P<number>[1-9]\d{0,8})\b",
    re.IGNORECASE,
)
_HTML_COMMENT = re.compile(r"<!--.*?(?:-->|\Z)", re.DOTALL)


def closed_by(description: str, repository: str) -> tuple[int, ...]:
    """Return the numbers of the repository's issues that the description closes, each once, the first few.

    `repository` is `owner/name`. Issues of other repositories are left out: they may not be ours to read.
    """
    text = _HTML_COMMENT.sub("", description[:LONGEST_TEXT])
    found = (
        int(match["number"])
        for match in _CLOSES.finditer(text)
        if (match["short"] or match["long"] or repository).lower() == repository.lower()
    )
    return tuple(dict.fromkeys(found))[:MOST_ISSUES]
