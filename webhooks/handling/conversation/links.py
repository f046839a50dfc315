"""Turn places such as `src/cart.py:27` in an answer into links to those lines. Pure but for the list of paths."""

from __future__ import annotations

import re
from urllib.parse import quote

from reviewer.domain.change import Change
from webhooks.github.types import Pull

_PLACE = re.compile(r"(?<![`\[])`(?P<path>[\w./@+-]{1,300}):(?P<first>\d{1,6})(?:-(?P<last>\d{1,6}))?`(?!`)")
_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})")

#: Links of one answer.
_MOST_LINKS = 40


def with_links(markdown: str, change: Change, pull: Pull) -> str:
    """Return the answer with links to lines of files at the head; what names no such file stays as it is."""
    page, _, number = pull.web_url.rpartition("/pull/")
    if not page or not number:
        return markdown
    known = {file.path for file in change.diff.files} | set(change.sources.paths())
    left = _MOST_LINKS

    def link(match: re.Match[str]) -> str:
        nonlocal left
        path = match["path"]
        if path not in known or left <= 0:
            return match[0]
        left -= 1
        lines = f"L{match['first']}" + (f"-L{match['last']}" if match["last"] else "")
        return f"[{match[0]}]({page}/blob/{pull.head_sha}/{quote(path)}#{lines})"

    fence = ""
    lines = []
    for line in markdown.split("\n"):
        mark = _FENCE.match(line)
        if mark is not None:
            fence = "" if fence and mark[1].startswith(fence) else fence or mark[1]
        lines.append(line if fence or mark else _PLACE.sub(link, line))
    return "\n".join(lines)
