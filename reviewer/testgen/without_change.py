"""Put the files of a change back to what they were, in a staged tree, for the time of a block."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from reviewer.diff.model import FileDiff, FileStatus
from reviewer.languages.paths import is_test
from reviewer.testgen.working_tree import added, changed_to, taken_away, text_of


@contextmanager
def without_change(tree: Path, base: Path, files: Iterable[FileDiff]) -> Iterator[None]:
    """Put back all files of the change that are not tests, for the time of the block."""
    with ExitStack() as stack:
        for file in files:
            if is_test(file.path) or file.symlink or file.path.rpartition("/")[2] == "conftest.py":
                continue
            old_path = file.old_path or file.path
            old = text_of(base, old_path)
            here = text_of(tree, file.path) is not None
            if file.status is FileStatus.REMOVED or not here:
                if old is not None and text_of(tree, old_path) is None:
                    stack.enter_context(added(tree, old_path, old))
            elif old is None:
                stack.enter_context(taken_away(tree, file.path))
            elif old_path != file.path:
                stack.enter_context(taken_away(tree, file.path))
                if text_of(tree, old_path) is None:
                    stack.enter_context(added(tree, old_path, old))
            else:
                stack.enter_context(changed_to(tree, file.path, old))
        yield
