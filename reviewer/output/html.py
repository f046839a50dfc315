"""Write a review as one web page that needs nothing else: the diff with the findings at their lines.

The page loads nothing and runs nothing. It follows the reader's choice of dark or light, and fits a phone. The same
review gives the same bytes, and nothing is left out. Returns text; writes no file.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from importlib import resources

from reviewer.diff.model import Diff, FileDiff, Hunk, Side
from reviewer.domain.findings import Finding, Review, TestSuggestion
from reviewer.output.evidence import evidence_words
from reviewer.output.html_markdown import escaped, inline_to_html, markdown_to_html
from reviewer.output.wording import (
    advice_title,
    also_text,
    headline,
    one_line,
    place_text,
    rejections_text,
    suggestion_diff,
    usage_text,
)
from reviewer.safety.redaction import redact

#: Rows of files without findings that are drawn; of the rest only the names.
_MOST_ROWS = 5_000


def to_html(review: Review, diff: Diff, *, title: str | None = None) -> str:
    """Return the page of a review; `diff` is what was reviewed. `title` stands above it instead of its headline."""
    head = escaped(one_line(title or headline(review)))
    below = [_below(finding) for finding in review.below]
    skipped = [f"<code>{escaped(file.path)}</code>: {inline_to_html(one_line(file.reason))}" for file in review.skipped]
    parts = [
        f"<h1>{head}</h1>",
        f'<div class="box summary">{markdown_to_html(review.summary)}</div>' if review.summary.strip() else "",
        *_files(review.findings, diff),
        _listed("Below the line", below),
        *(_test(test) for test in review.tests),
        _listed("Skipped", skipped),
        _listed("Notes", [inline_to_html(one_line(note)) for note in review.notes]),
        f'<p class="foot">{escaped(rejections_text(review))}</p>' if review.rejected else "",
        f'<p class="foot">{escaped(one_line(usage_text(review.usage, review.models, chain=review.chain)))}</p>',
    ]
    return _PAGE.format(title=head, style=_style(), body="\n".join(part for part in parts if part))


#: Nothing is loaded, whatever stands in the page.
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
_PAGE = f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="{_POLICY}"><meta name="color-scheme" content="light dark">
<title>{{title}}</title><style>
{{style}}</style></head><body><main>
{{body}}
</main></body></html>
"""


def _style() -> str:
    return resources.files("reviewer.output").joinpath("page.css").read_text(encoding="utf-8")


def _files(findings: Sequence[Finding], diff: Diff) -> Iterable[str]:
    """Yield the files, those with findings first, the file of the best finding at the top; the others are closed."""
    by_path: dict[str, list[Finding]] = {}
    for finding in findings:
        by_path.setdefault(finding.anchor.path, []).append(finding)
    ranks = {path: rank for rank, path in enumerate(by_path)}
    drawn = 0
    for file in sorted(diff.files, key=lambda file: ranks.get(file.path, len(ranks))):
        about = by_path.get(file.path, [])
        drawn += 0 if about else sum(len(hunk.lines) for hunk in file.hunks)
        yield _file(file, about, is_drawn=bool(about) or drawn <= _MOST_ROWS)
    known = {file.path for file in diff.files}
    yield from (_comment(finding) for path, group in by_path.items() if path not in known for finding in group)


def _file(file: FileDiff, findings: Sequence[Finding], *, is_drawn: bool) -> str:
    name = file.path if file.path == file.old_path or not file.old_path else f"{file.old_path} → {file.path}"
    comments: dict[tuple[Side, int], list[Finding]] = {}
    for finding in findings:
        comments.setdefault((finding.anchor.side, finding.anchor.line), []).append(finding)
    rows = "".join(_hunk(hunk, comments) for hunk in file.hunks) if is_drawn else ""
    left = "".join(_comment(finding) for group in comments.values() for finding in group)  # at no line that is shown
    head = f"<summary>{escaped(name)} <small>{file.status.value}</small></summary>"
    table = f"<table>{rows}</table>" if rows else ""
    return f'<details class="box file"{" open" if findings else ""}>{head}{table}{left}</details>'


def _hunk(hunk: Hunk, comments: dict[tuple[Side, int], list[Finding]]) -> str:
    """Return the rows of a hunk, each comment below its line; comments that were drawn are taken out."""
    texts = redact("\n".join(line.text for line in hunk.lines))[0].split("\n")
    section = escaped(redact(hunk.section)[0])
    rows = [f'<tr class="hunk"><td class="n"></td><td class="n"></td><td>@@ {section}</td></tr>']
    for line, text in zip(hunk.lines, texts, strict=True):
        kind = {"+": "add", "-": "del"}.get(line.kind, "same")
        rows.append(
            f'<tr class="{kind}"><td class="n">{line.old or ""}</td><td class="n">{line.new or ""}</td>'
            f"<td>{line.kind} {escaped(text.removesuffix(chr(13)))}</td></tr>"
        )
        for side, number in ((Side.RIGHT, line.new), (Side.LEFT, line.old)):
            here = comments.pop((side, number), []) if number is not None else []
            rows += [f'<tr class="note"><td colspan="3">{_comment(finding)}</td></tr>' for finding in here]
    return "".join(rows)


def _comment(finding: Finding) -> str:
    """Return a finding as a comment."""
    anchor = finding.anchor
    where = f"{place_text(anchor)}, {finding.category}, {finding.confidence} confidence"
    parts = [
        (
            f'<div class="head"><span class="level {finding.severity}">{finding.severity}</span> '
            f"{inline_to_html(one_line(finding.title))} <small>{escaped(where)}</small></div>"
        ),
        markdown_to_html(finding.body) if finding.body.strip() else "",
        markdown_to_html(also_text(finding)) if finding.also_at else "",
    ]
    if finding.suggestion is not None:
        rows = (
            f'<tr class="{"add" if line[0] == "+" else "del" if line[0] == "-" else "same"}">'
            f"<td>{escaped(line[0])} {escaped(line[1:])}</td></tr>"
            for line in suggestion_diff(finding)
        )
        parts.append(f'<div class="suggestion"><b>Suggestion, proven to apply</b><table>{"".join(rows)}</table></div>')
    elif finding.advice is not None:
        parts += [f"<p>{escaped(advice_title(finding))}</p>", _code(finding.advice)]
    parts += _evidence(finding)
    if finding.reproduction is not None:
        parts += ["<p>Reproduced by a test that was run and fails:</p>", _code(finding.reproduction.failure)]
        parts.append(_code(finding.reproduction.code))
    return f'<div class="comment">{"".join(parts)}</div>'


def _evidence(finding: Finding) -> list[str]:
    """Return what running tests showed: a badge, and below it, folded, the command, the failing lines and the test."""
    words = evidence_words(finding)
    if not words.code:
        return [f"<p><small>{escaped(text)}</small></p>" for text in (words.headline, words.fix) if text]
    head = f"<summary><b>demonstrated</b> {escaped(words.headline)}</summary>"
    body = (
        f"<p><code>{escaped(words.command)}</code></p>{_code(words.failure)}<p><code>{escaped(words.path)}</code></p>"
    )
    parts = [f'<details class="box">{head}<div class="body">{body}{_code(words.code)}</div></details>']
    parts += [f"<p>{escaped(words.fix)}</p>"] if words.fix else []
    return [*parts, _code(words.patch)] if words.patch else parts


def _below(finding: Finding) -> str:
    place = escaped(f"{finding.anchor.path}:{finding.anchor.line}")
    level = f'<span class="level {finding.severity}">{finding.severity}</span>'
    return f"{level} <code>{place}</code> {inline_to_html(one_line(finding.title))}"


def _test(test: TestSuggestion) -> str:
    path, code = test.path, test.code
    if test.appendix is not None:
        path, code = f"The end of {test.appendix.anchor.path}", test.appendix.code.strip("\n")
    evidence = inline_to_html(one_line(test.evidence) or "It was not run.")
    if test.patch:
        head = f"<summary>Suggested update of <code>{escaped(path)}</code></summary>"
        return f'<details class="box" open>{head}<div class="body"><p>{evidence}</p>{_code(test.patch)}</div></details>'
    head = f"<summary>Suggested test <code>{escaped(path)}</code> <small>for {escaped(test.covers)}</small></summary>"
    return f'<details class="box" open>{head}<div class="body"><p>{evidence}</p>{_code(code)}</div></details>'


def _code(text: str) -> str:
    return f"<pre><code>{escaped(redact(text)[0])}</code></pre>"


def _listed(title: str, items: Sequence[str]) -> str:
    rows = "".join(f"<li>{item}</li>" for item in items)
    return f'<div class="box"><div class="head">{title}</div><ul>{rows}</ul></div>' if items else ""
