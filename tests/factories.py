"""Values for tests of what is shown and posted: a small real diff, and findings anchored in it."""

from __future__ import annotations

from typing import Any

from reviewer.diff import Anchor, Diff, Side, parse_diff
from reviewer.findings import Category, Finding
from reviewer.severity import Confidence, Severity

DIFF = r"""diff --git a/src/app.py b/src/app.py
index 1111111..2222222 100644
--- a/src/app.py
+++ b/src/app.py
@@ -10,4 +10,5 @@ def total(items):
     result = 0
     for item in items:
-        result += item.price * item.count
+        result += item.price
+        log(item)
     return result
diff --git "a/src/\303\274 name.ts" "b/src/\303\274 name.ts"
index 3333333..4444444 100644
--- "a/src/\303\274 name.ts"
+++ "b/src/\303\274 name.ts"
@@ -1,2 +1,2 @@
-const old = 1;
+const token: string = "abc123def456ghi789jk";
 export {};
diff --git a/gone.py b/gone.py
deleted file mode 100644
index 5555555..0000000
--- a/gone.py
+++ /dev/null
@@ -1,2 +0,0 @@
-import os
-print(os.name)
"""


def small_diff() -> Diff:
    """Return a diff of three files: one changed, one with a name to be quoted, one removed."""
    return parse_diff(DIFF)


def anchor(path: str, line: int, start_line: int | None = None, side: Side = Side.RIGHT) -> Anchor:
    """Return an anchor in the small diff; the place must exist."""
    found = small_diff().anchor(path, line, start_line, side)
    assert found, (path, line, start_line, side)
    return found


def finding(at: Anchor | None = None, **changes: Any) -> Finding:
    """Return a warning about line 12 of src/app.py with a proven suggestion, or with the given differences."""
    values: dict[str, Any] = {
        "anchor": at or anchor("src/app.py", 12),
        "severity": Severity.WARNING,
        "category": Category.BUG,
        "title": "The count is ignored",
        "body": "`item.count` no longer counts.",
        "quote": "        result += item.price",
        "confidence": Confidence.HIGH,
        "fingerprint": "f1",
        **changes,
    }
    return Finding(**values)
