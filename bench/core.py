"""Measure how fast the pure core parses, chunks and renders diffs of several sizes."""

from __future__ import annotations

import json
import subprocess
import sys

from bench.table import show

_CODE = """
import json, resource, sys, time
from bench.diffs import diff_of
from reviewer.tasks.planning.chunks import chunk
from reviewer.diff.parser import parse_diff
from reviewer.tasks.planning.file_filter import select
from reviewer.domain.settings import ReviewSettings
data = diff_of(int(sys.argv[1]), int(sys.argv[2]))
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
start = time.perf_counter()
diff = parse_diff(data)
parsed = time.perf_counter()
files, _ = select(diff, ReviewSettings())
chunks, skipped = chunk(files)
end = time.perf_counter()
rss = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
own = (rss - before) // 1024
print(json.dumps([len(data), parsed - start, end - parsed, end - start, rss // 1024, own, len(chunks)]))
"""


def main() -> None:
    """Print the table. Each size runs in its own process, so that its memory is measured alone."""
    rows = []
    for files, lines in ((3, 200), (30, 2_000), (75, 5_000), (150, 10_000), (300, 20_000), (600, 40_000)):
        run = subprocess.run(
            [sys.executable, "-c", _CODE, str(files), str(lines)], capture_output=True, text=True, check=True
        )
        size, parse, pack, total, rss, more, chunks = json.loads(run.stdout)
        rows.append(
            [files, lines, f"{size / 1e6:.2f}", f"{parse:.3f}", f"{pack:.3f}", f"{total:.3f}", rss, more, chunks]
        )
    head = ["files", "lines", "MB", "parse s", "chunk+render s", "total s", "RSS MB", "of it own MB", "chunks"]
    show("Core: a diff parsed, chunked and rendered (aim for 300 files, 20,000 lines: 2 s, 300 MB)", head, rows)
