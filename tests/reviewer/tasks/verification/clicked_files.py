"""Files of several languages, true edits of them, and the ways in which models spoil a suggestion."""

from __future__ import annotations

import html
import random
import re
import textwrap
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from reviewer.diff.model import Diff
from reviewer.diff.parser import parse_diff
from reviewer.languages.syntax import errors_in
from reviewer.tasks.verification.anchoring import LocatedQuote, locate

FILES = {
    "src/load.py": '''\
import os


class Loader:
    """Reads the settings."""

    def __init__(self, path, limit=10):
        self.path = path
        self.limit = limit

    def load(self, strict):
        # Read the settings.
        text = open(self.path).read()
        if strict and len(text) > self.limit:
            raise ValueError("too long")
        return text.strip()


def total(rows):
    result = 0
    for row in rows:
        if row.price > 100 and row.amount < 7:
            result += row.price * row.amount
    return result
''',
    "web/mean.js": """\
import { total } from "./total";

export function mean(values) {
  const n = values.length;
  if (n > 100 && values[0] < 7) {
    console.warn("too many values");
    return null;
  }
  return total(values) / n;
}

export function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  return sorted[middle];
}
""",
    "pkg/f.go": """\
package m

func f(x int) int {
\tfor i := 0; i < x; i++ {
\t\tif i > 3 {
\t\t\treturn 10 / (i - 4)
\t\t}
\t\tlogged(i, x)
\t}
\treturn 1
}

func g(name string) error {
\tif name == "" {
\t\treturn errEmpty
\t}
\tfirst := strings.ToLower(name)
\treturn save(first, 3)
}
""",
    "Makefile": """\
PYTHON = python3
OUT = build/out.txt

all: $(OUT)
\techo all is built
\ttouch $(OUT)

clean:
\trm -rf $(OUT)
\trm -rf .cache

test: all
\t$(PYTHON) -m pytest -q tests
\t$(PYTHON) -m mypy src
""",
    "deploy/app.yaml": """\
service: shop
image: registry.example.org/shop:latest
replicas: 3
resources:
  limits:
    memory: 512Mi
    cpu: 2
ports:
  - name: web
    port: 8080
  - name: metrics
    port: 9090
""",
    "docs/guide.md": """\
# Shop

Install the shop with these commands:

```sh
make install
make test
```

The shop listens on port 8080.

- orders are stored in the database
- prices are read once a day

~~~python
shop.run(port=8080)
~~~

More is in the manual.
""",
    "scripts/run.sh": """\
#!/bin/sh
set -e

target="$1"
if [ -z "$target" ]; then
  echo "no target" >&2
  exit 2
fi
for name in one two three; do
  cp "$name.txt" "$target/$name.txt"
  echo "copied $name"
done
""",
    "db/schema.sql": """\
CREATE TABLE orders (
  id INTEGER PRIMARY KEY,
  customer TEXT NOT NULL,
  amount INTEGER NOT NULL
);

SELECT customer, sum(amount) AS total
FROM orders
WHERE amount > 100 AND customer <> 'test'
GROUP BY customer
ORDER BY total DESC;
""",
    "src/Shop.java": """\
package shop;

public class Shop {
    private int limit = 10;

    public int price(int amount, int price) {
        if (amount > limit && price < 7) {
            return amount * price;
        }
        int rest = amount - limit;
        return rest * price;
    }

    public void close() {
        store.flush();
        store.close();
    }
}
""",
    "src/queue.kt": """\
package shop

class Queue(private val limit: Int) {
    fun push(item: Item): Boolean {
        if (items.size >= limit && item.weight < 7) {
            return false
        }
        items.add(item)
        return true
    }

    fun clear() {
        items.clear()
        log.info("cleared")
    }
}
""",
    "lib/shop.rb": """\
class Shop
  def initialize(limit)
    @limit = limit
    @items = []
  end

  def add(item)
    raise ArgumentError, "too many" if @items.size > @limit
    @items << item
    item.price * 2
  end
end
""",
    "src/style.css": """\
.header {
  color: #333333;
  margin: 0 auto;
}

.header > a {
  color: #0000ee;
  padding: 4px 8px;
}
""",
    "Dockerfile": """\
FROM python:3.11-slim
WORKDIR /srv
COPY requirements.txt .
RUN pip install -r requirements.txt
COPY . .
EXPOSE 8080
CMD ["python", "-m", "shop"]
""",
    "src/game.lua": """\
local limit = 10

function update(state, dt)
  state.time = state.time + dt
  if state.time > limit and state.lives < 7 then
    state.over = true
    notify("game over")
  end
  return state
end
""",
    "src/list.c": """\
#include "list.h"

int list_sum(const struct list *list)
{
\tint sum = 0;

\tfor (int i = 0; i < list->length; i++) {
\t\tif (list->items[i] > 100 && list->items[i] < 700)
\t\t\tsum += list->items[i];
\t}
\treturn sum;
}
""",
}
FILES |= {
    "win/load.py": FILES["src/load.py"].replace("\n", "\r\n"),
    "win/Shop.java": FILES["src/Shop.java"].replace("\n", "\r\n"),
    "open/app.yaml": FILES["deploy/app.yaml"].removesuffix("\n"),
    "open/load.py": FILES["src/load.py"].removesuffix("\n"),
}

#: By the end of a path: what begins a comment, what ends it, and a line that may be put in anywhere in a block.
_STYLES = {
    "py": ("# ", "", "check({n})"), "js": ("// ", "", "check({n});"), "go": ("// ", "", "check({n})"),
    "yaml": ("# ", "", "extra{n}: {n}"), "md": ("<!-- ", " -->", "A new line with number {n}."),
    "sh": ("# ", "", "check {n}"), "sql": ("-- ", "", "-- number {n}"), "java": ("/* ", " */", "check({n});"),
    "kt": ("// ", "", "check({n})"), "rb": ("# ", "", "check({n})"), "css": ("/* ", " */", "width: {n}px;"),
    "lua": ("-- ", "", "check({n})"), "c": ("/* ", " */", "check({n});"), "": ("# ", "", "RUN check {n}"),
}  # fmt: skip

#: What models write for code that they leave out.
ELISIONS = (
    "...", "existing code", "rest of the function", "unchanged", "... existing code ...", "... rest unchanged",
    "rest of the code", "\u2026", "remaining code stays the same", "other methods here", "code omitted for brevity",
    "... (unchanged)", "existing implementation", "same as before",
)  # fmt: skip
SENTENCES = (
    "Use a safer call instead of this line.", "Replace the condition in this line with a check of the limit.",
    "You should validate the input before it is used here.", "Consider moving the call into the block above.",
    "Change this line to use the other value.",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Edit:
    """A true edit: the lines from `start` (from 0) up to `end` become `new`."""

    path: str
    start: int
    end: int
    new: tuple[str, ...]

    @property
    def lines(self) -> list[str]:
        return FILES[self.path].replace("\r\n", "\n").split("\n")

    @property
    def old(self) -> list[str]:
        return self.lines[self.start : self.end]

    @property
    def after(self) -> str:
        """The true file after the edit."""
        return with_lines(FILES[self.path], self.start, self.end, self.new)

    def located(self) -> LocatedQuote:
        place = locate(added(self.path), self.path, "\n".join(self.old), self.end)
        assert isinstance(place, LocatedQuote), self
        return place


def with_lines(text: str, start: int, end: int, new: tuple[str, ...]) -> str:
    """Return the text with those lines replaced, in its own line ends."""
    lines = text.replace("\r\n", "\n").split("\n")
    joined = "\n".join([*lines[:start], *new, *lines[end:]])
    return joined.replace("\n", "\r\n") if "\r\n" in text else joined


def clicked(text: str, place: LocatedQuote, suggestion: str) -> str:
    """Return the text after a click: GitHub replaces the anchored lines by those of the suggestion."""
    lines = text.split("\n")
    start = (place.anchor.start_line or place.anchor.line) - 1
    return "\n".join([*lines[:start], *(suggestion.split("\n") if suggestion else []), *lines[place.anchor.line :]])


def added(path: str) -> Diff:
    """Return the diff that adds the file."""
    rows = FILES[path].split("\n")
    last = rows.pop()
    body = "".join(f"+{row}\n" for row in rows) + (f"+{last}\n\\ No newline at end of file\n" if last else "")
    count = len(rows) + bool(last)
    head = f"diff --git a/{path} b/{path}\nnew file mode 100644\n--- /dev/null\n+++ b/{path}\n@@ -0,0 +1,{count} @@\n"
    return parse_diff((head + body).encode())


def style(path: str) -> tuple[str, str, str]:
    name = path.rpartition("/")[2]
    return _STYLES[name.rpartition(".")[2] if "." in name else ""]


def indent(line: str) -> str:
    return line[: len(line) - len(line.lstrip())]


# ----------------------------------------------------------------------- true edits


def true_edits(path: str, chance: random.Random, count: int) -> Iterator[Edit]:
    """Yield edits that leave the file as sound as it was."""
    lines = FILES[path].replace("\r\n", "\n").split("\n")
    last = len(lines) - (lines[-1] == "")
    found: set[Edit] = set()
    for _ in range(60 * count):
        start = chance.randrange(last)
        end = min(start + chance.choice((1, 1, 1, 2, 3)), last)
        old = lines[start:end]
        if not old[0].strip() or not old[-1].strip() or sum(map(str.isalnum, "".join(old))) < 6:
            continue
        new = chance.choice((_other_number, _other_word, _longer, _line_more, _line_less, _without))(old, path, chance)
        edit = Edit(path, start, end, tuple(new))
        # Text that ends with an empty line cannot be told from text that ends with a newline.
        if new != old and edit not in found and new[-1:] != [""] and _is_sound(edit):
            found.add(edit)
            yield edit
        if len(found) == count:
            return


#: Words that cannot be renamed.
_KEYWORDS = frozenset(
    [
        "class",
        "def",
        "function",
        "local",
        "package",
        "private",
        "public",
        "const",
        "return",
        "raise",
        "static",
        "void",
        "import",
    ]
)


def _other_number(old: list[str], path: str, chance: random.Random) -> list[str]:
    del path
    number = chance.randrange(11, 99)
    return [re.sub(r"(?<![\w#])\d+(?!\w)", str(number), line, count=1) for line in old]


def _other_word(old: list[str], path: str, chance: random.Random) -> list[str]:
    del path
    words = sorted(set(re.findall(r"\b[a-z]{4,}\b", "\n".join(old))) - _KEYWORDS)
    word = chance.choice(words) if words else "none"
    return re.sub(rf"\b{word}\b", f"{word}_new", "\n".join(old), count=1).split("\n")


def _longer(old: list[str], path: str, chance: random.Random) -> list[str]:
    return _line_more(_other_word(old, path, chance), path, chance)


def _line_more(old: list[str], path: str, chance: random.Random) -> list[str]:
    at = chance.randrange(len(old) + 1)
    deeper = at > 0 and re.search(r"[{:(]$|^\s*(?:def|class|if|for|while)\b", old[at - 1].rstrip()) is not None
    if deeper and at == len(old):
        return old
    here = old[min(at, len(old) - 1)]
    line = indent(here if here.strip() else old[at - 1]) + style(path)[2].format(n=chance.randrange(100, 999))
    return [*old[:at], line, *old[at:]]


def _line_less(old: list[str], path: str, chance: random.Random) -> list[str]:
    del path
    at = chance.randrange(len(old))
    return [*old[:at], *old[at + 1 :]] if len(old) > 1 else old


def _without(old: list[str], path: str, chance: random.Random) -> list[str]:
    del path
    return [] if chance.random() < 0.3 else old


def _is_sound(edit: Edit) -> bool:
    before, after = errors_in(edit.path, FILES[edit.path]), errors_in(edit.path, edit.after)
    if before is not None and after is not None and (after > before or not edit.path.endswith(".rb")):
        return after <= before
    text, old = "\n".join(edit.new), "\n".join(edit.old)
    balanced = re.findall(r"[][(){}]", text) == re.findall(r"[][(){}]", old)
    words = r"(?m)^\s*(?:if|fi|do|done|for|end|function|case|esac|while|class|def|```|~~~)\b|```|~~~"
    return balanced and sorted(re.findall(words, text)) == sorted(re.findall(words, old))


# ----------------------------------------------------------------------- spoilt suggestions


def spoilt(edit: Edit, chance: random.Random) -> Iterator[tuple[str, str]]:
    """Yield kinds of spoiling and the suggestion as a model would write it; none of them is the true text."""
    true = "\n".join(edit.new)
    if not true.strip():
        yield "empty block", "```\n```"
        return
    for spoil in (_neighbours, _elisions, _marks, _wrappings, _indentations, _words, _escapes):
        for kind, text in spoil(edit, true, chance):
            if text not in (true, true + "\n"):
                yield kind, text


Spoiling = Callable[[Edit, str, random.Random], Iterator[tuple[str, str]]]


def _neighbours(edit: Edit, true: str, chance: random.Random) -> Iterator[tuple[str, str]]:
    del chance
    lines = edit.lines
    for count in (1, 2, 3):
        above, below = lines[max(edit.start - count, 0) : edit.start], lines[edit.end : edit.end + count]
        if above:
            yield "lines above", "\n".join([*above, true])
            yield "lines above, first indentation lost", "\n".join([*above, true]).lstrip(" \t")
        if "".join(below):
            yield "lines below", "\n".join([true, *below])
        if above and "".join(below):
            yield "lines around", "\n".join([*above, true, *below])
    first, last = _block(lines, edit.start)
    if first < edit.start and last >= edit.end and edit.end - edit.start < last - first:
        yield "whole block", "\n".join([*lines[first : edit.start], true, *lines[edit.end : last]])


def _block(lines: list[str], number: int) -> tuple[int, int]:
    """Return the first and the last line of the outermost indented block around a line, its header included."""
    first = number
    while first > 0 and (indent(lines[first]) or not lines[first].strip()):
        first -= 1
    last = number + 1
    while last < len(lines) and (indent(lines[last]) or not lines[last].strip()):
        last += 1
    return first, last + (last < len(lines) and lines[last].strip()[:1] in ("}", ")", "]"))


def _elisions(edit: Edit, true: str, chance: random.Random) -> Iterator[tuple[str, str]]:
    begin, end, _ = style(edit.path)
    rows = true.split("\n")
    for words in chance.sample(ELISIONS, 3):
        line = f"{indent(rows[-1])}{begin}{words}{end}"
        yield "elision behind", "\n".join([*rows, line])
        yield "elision before", "\n".join([line, *rows])
        yield "elision alone", line
    yield "dots", "\n".join([*rows, f"{indent(rows[-1])}..."])


def _marks(edit: Edit, true: str, chance: random.Random) -> Iterator[tuple[str, str]]:
    words = sorted(set(re.findall(r"\b[a-z]{4,}\b", true)))
    if words:
        word = chance.choice(words)
        for mark in ("[redacted: password]", "[redacted: github token]", "[fence]", "<U+202E>", "[\u00b7INST]"):
            yield "placeholder", re.sub(rf"\b{word}\b", mark, true, count=1)
    rows = true.split("\n")
    yield "diff", "\n".join([*(f"-{line}" for line in edit.old), *(f"+{line}" for line in rows)])
    yield "rows", "\n".join(f"{edit.start + n:>5} {edit.start + n:>5} |+{line}" for n, line in enumerate(rows, 1))
    yield "numbers", "\n".join(f"{edit.start + n}: {line}" for n, line in enumerate(rows, 1))


def _wrappings(edit: Edit, true: str, chance: random.Random) -> Iterator[tuple[str, str]]:
    info = chance.choice(("", "python", "suggestion", "md"))
    for marks in ("```", "````", "~~~", "~~~~~"):
        yield "fence", f"{marks}{info}\n{true}\n{marks}"
        yield "fence", f"\n{marks}\n{true}\n{marks}\n"
    yield "words and a fence", f"Change it to:\n```\n{true}\n```"
    yield "fence that does not end", f"```{info}\n{true}"


def _indentations(edit: Edit, true: str, chance: random.Random) -> Iterator[tuple[str, str]]:
    del chance
    yield "first indentation lost", true.lstrip(" \t")
    yield "all indentation lost", textwrap.dedent(true)
    if "\t" in indent(edit.old[0]) or any(line.startswith("\t") for line in edit.new):
        for width in (2, 4, 8):
            text = "\n".join(" " * (width * len(indent(line))) + line.lstrip("\t") for line in true.split("\n"))
            yield "spaces for tabs", text
            yield "spaces for tabs, first indentation lost", text.lstrip(" ")
    elif any(line.startswith("  ") for line in edit.new):
        unit = 4 if edit.path.endswith((".py", ".java", ".kt")) else 2
        yield (
            "tabs for spaces",
            re.sub(r"(?m)^ +", lambda spaces: "\t" * (len(spaces[0]) // unit) + " " * (len(spaces[0]) % unit), true),
        )
    yield "other line ends", true.replace("\n", "\r\n") + "\r\n"


def _words(edit: Edit, true: str, chance: random.Random) -> Iterator[tuple[str, str]]:
    begin, end, _ = style(edit.path)
    sentence = chance.choice(SENTENCES)
    if not edit.path.endswith(".md"):
        yield "sentence", sentence
        yield "sentence", indent(edit.old[0]) + sentence
        yield "sentence and code", f"{sentence}\n{true}"
        if begin.strip() and not any(line.strip().startswith(begin.strip()) for line in edit.old):
            yield "sentence in a comment", f"{indent(edit.old[0])}{begin}{sentence}{end}"


def _escapes(edit: Edit, true: str, chance: random.Random) -> Iterator[tuple[str, str]]:
    del chance
    if html.escape(true, quote=False) != true and not edit.path.endswith(".md"):
        yield "entities", html.escape(true, quote=False)
        yield "entities", html.escape(true)
    if "\n" in true:
        yield "written out", true.replace("\n", "\\n")
    if '"' in true:
        yield "escaped quotes", true.replace('"', '\\"')
