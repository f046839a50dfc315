"""Change files of a staged tree for the time of a run, and find what runs left in it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from reviewer.demonstration.runs import ChangedFiles
from reviewer.testgen.working_tree import added, changed_to, changes, restore, snapshot, text_of


@contextmanager
def files_changed(tree: Path, changed: ChangedFiles) -> Iterator[None]:
    """Change files of the tree, or add those that are missing, for the time of the block."""
    with ExitStack() as stack:
        for path, text in changed.items():
            exists = text_of(tree, path) is not None
            stack.enter_context(changed_to(tree, path, text) if exists else added(tree, path, text))
        yield


@dataclass(slots=True)
class WatchedTree:
    """A staged tree, compared with what it was before the first run."""

    tree: Path
    _untouched: dict[str, tuple[int, int]] | None = field(default=None, init=False)

    def begin(self) -> None:
        """Remember the tree, the first time."""
        if self._untouched is None:
            self._untouched = snapshot(self.tree)

    def forget(self) -> None:
        """Take the tree as it is: the repository's own tests may have written into it."""
        self._untouched = None

    def leftovers(self) -> Sequence[str]:
        """Return the files that runs left, and remove them. Raises TreeChanged if a run changed existing ones."""
        if self._untouched is None:
            return ()
        found = changes(self.tree, self._untouched)
        restore(self.tree, self._untouched)
        return found
