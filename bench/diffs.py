"""Make up diffs of any size that look like code."""

from __future__ import annotations


def diff_of(files: int, lines: int) -> bytes:
    """Return a unified diff of so many files and lines in all, a third each of `+`, `-` and context."""
    each = max(lines // files, 3)
    return b"".join(_file(number, each) for number in range(files))


def _file(number: int, lines: int) -> bytes:
    name = f"src/package_{number % 17}/module_{number}.py"
    hunks = []
    line = 1
    while lines > 0:
        size = min(lines, 30)
        third = size // 3 or 1
        body = [f" def function_{line + n}(first, second, *, third=None):" for n in range(size - 2 * third)]
        body += [f"-    result = compute(first, {n}, second)  # the old way of doing things" for n in range(third)]
        body += [f"+    result = compute(second, {n}, first, third)  # the new way" for n in range(third)]
        context = size - 2 * third
        hunks.append(
            f"@@ -{line},{context + third} +{line},{context + third} @@ class Thing:\n" + "\n".join(body) + "\n"
        )
        line += size + 10
        lines -= size
    return f"diff --git a/{name} b/{name}\n--- a/{name}\n+++ b/{name}\n{''.join(hunks)}".encode()
