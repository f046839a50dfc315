"""The demo's page: a pull request of the double, drawn so that a person sees what was posted and where."""

from __future__ import annotations

import html
from collections.abc import Iterable, Sequence
from typing import Any, cast

from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token

from reviewer.diff.model import FileDiff
from reviewer.diff.parser import parse_diff
from tests.fakes.github.model.state import CheckRun, IssueComment, Pull, ReviewComment

_STYLE = """
body { font: 14px/1.5 -apple-system, "Segoe UI", Helvetica, Arial, sans-serif; color: #1f2328; background: #fff;
  max-width: 980px; margin: 24px auto; padding: 0 16px }
h1 { font-size: 24px; font-weight: 400; margin: 0 0 4px } h1 span { color: #59636e; font-weight: 300 }
.meta { color: #59636e; margin-bottom: 16px } .open { background: #1f883d; color: #fff; border-radius: 2em;
  padding: 4px 12px; font-weight: 500; margin-right: 8px }
.box { border: 1px solid #d1d9e0; border-radius: 6px; margin: 16px 0; overflow: hidden }
.head { background: #f6f8fa; border-bottom: 1px solid #d1d9e0; padding: 8px 16px; font-weight: 600 }
.head small { color: #59636e; font-weight: 400 } .body { padding: 4px 16px }
.file .head { font: 12px ui-monospace, SFMono-Regular, Menlo, monospace }
table { border-collapse: collapse; width: 100%; font: 12px/20px ui-monospace, SFMono-Regular, Menlo, monospace }
td { padding: 0 8px; white-space: pre-wrap; vertical-align: top }
td.n { width: 1%; min-width: 32px; text-align: right; color: #59636e; user-select: none }
tr.add td { background: #dafbe1 } tr.del td { background: #ffebe9 } tr.hunk td { background: #ddf4ff; color: #59636e }
tr.note > td { background: #fff; padding: 8px 16px; white-space: normal;
  font: 14px/1.5 -apple-system, "Segoe UI", Helvetica, Arial, sans-serif }
tr.note .box { margin: 0; max-width: 760px } .bot { border: 1px solid #d1d9e0; border-radius: 2em; padding: 0 6px;
  font-size: 11px; font-weight: 400; color: #59636e; margin-left: 4px }
pre { background: #f6f8fa; border-radius: 6px; padding: 12px; overflow: auto }
code { font: 12px ui-monospace, SFMono-Regular, Menlo, monospace; background: #eff1f3; padding: 2px 4px;
  border-radius: 6px }
pre code { padding: 0; background: none } a { color: #0969da; text-decoration: none } details { margin: 8px 0 }
.suggestion { border: 1px solid #d1d9e0; border-radius: 6px; margin: 8px 0 12px; overflow: hidden }
.suggestion b { display: block; background: #f6f8fa; padding: 4px 12px; font-weight: 500;
  border-bottom: 1px solid #d1d9e0 }
sub { color: #59636e; font-size: 12px; vertical-align: baseline }
.check { padding: 8px 16px } .dot { display: inline-block; width: 10px; height: 10px; border-radius: 50%;
  background: #59636e; margin-right: 8px } .dot.failure { background: #cf222e } .dot.success { background: #1f883d }
"""


def page(pull: Pull, checks: Iterable[CheckRun]) -> str:
    """Return the HTML page of a pull request: check runs, conversation, and files with their inline comments."""
    source = pull.repository.git.diff(pull.merge_base(), pull.head)
    talked_about = {comment.thread.place.path for comment in pull.review_comments()}
    files = sorted(parse_diff(source).files, key=lambda file: file.path not in talked_about)
    drawn = "\n".join(_file(file, pull) for file in files)
    talk = "\n".join(_comment(comment) for comment in pull.issue.comments.values())
    runs = "\n".join(_check(run) for run in checks if run.head_sha == pull.head)
    title = html.escape(pull.issue.title)
    return f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{title}</title><style>{_STYLE}</style></head><body>
<h1>{title} <span>#{pull.number}</span></h1>
<div class="meta"><span class="open">Open</span> <b>{pull.user.login}</b> wants to merge into
<code>{pull.base_ref}</code> from <code>{html.escape(pull.head_ref)}</code></div>
<div class="box"><div class="head">Checks</div>{runs}</div>
{talk}
{drawn}
</body></html>
"""


def _check(run: CheckRun) -> str:
    said = html.escape(str(run.output.get("title") or ""))
    return (
        f'<div class="check"><span class="dot {run.conclusion}"></span><b>{run.name}</b> {run.conclusion}: {said}</div>'
    )


def _comment(comment: IssueComment | ReviewComment) -> str:
    who = html.escape(comment.user.login.removesuffix("[bot]"))
    bot = '<span class="bot">bot</span>' if comment.user.kind == "Bot" else ""
    return f'<div class="box"><div class="head">{who}{bot}</div><div class="body">{_markdown(comment.body)}</div></div>'


def _markdown(text: str) -> str:
    """Render Markdown as GitHub would, suggestion blocks as what they replace the lines with."""
    parser = MarkdownIt("commonmark", {"html": True}).enable("table")
    rules = cast("RendererHTML", parser.renderer).rules
    plain = rules["fence"]

    def fence(tokens: Sequence[Token], index: int, options: Any, env: Any) -> str:
        if tokens[index].info.strip() != "suggestion":
            return str(plain(tokens, index, options, env))
        rows = "".join(
            f'<tr class="add"><td>+ {html.escape(line)}</td></tr>' for line in tokens[index].content.splitlines()
        )
        return f'<div class="suggestion"><b>Suggested change</b><table>{rows}</table></div>'

    cast("dict[str, Any]", rules)["fence"] = fence
    return str(parser.render(text))


def _file(file: FileDiff, pull: Pull) -> str:
    comments: dict[tuple[str, int], list[ReviewComment]] = {}
    for comment in pull.review_comments():
        place = comment.thread.place
        if place.path == file.path and place.line is not None:
            comments.setdefault((str(place.side), place.line), []).append(comment)
    rows: list[str] = []
    for hunk in file.hunks:
        rows.append(
            f'<tr class="hunk"><td class="n"></td><td class="n"></td><td>@@ {html.escape(hunk.section)}</td></tr>'
        )
        for line in hunk.lines:
            kind = {"+": "add", "-": "del"}.get(line.kind, "")
            rows.append(
                f'<tr class="{kind}"><td class="n">{line.old or ""}</td><td class="n">{line.new or ""}</td>'
                f"<td>{line.kind} {html.escape(line.text)}</td></tr>"
            )
            for side, number in (("RIGHT", line.new), ("LEFT", line.old if line.kind == "-" else None)):
                notes = comments.get((side, number or 0), ())
                rows += [f'<tr class="note"><td colspan="3">{_comment(note)}</td></tr>' for note in notes]
    name = html.escape(file.path if file.path == file.old_path else f"{file.old_path} → {file.path}")
    content = f"<table>{''.join(rows)}</table>" if rows else f'<div class="body">{file.status}</div>'
    return f'<div class="box file"><div class="head">{name}</div>{content}</div>'
