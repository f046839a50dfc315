"""Find installed packages that a sandbox does not show, because they lie behind a link that leaves the checkout.

Such a link may come with the change, so what it points to is not shown to untrusted code. Links within the checkout
work. Reads the tree only.
"""

from __future__ import annotations

import os
from pathlib import Path, PurePosixPath

from reviewer.safety.prompt_text import printable_path
from reviewer.sandbox.bubblewrap import SYSTEM_FOLDERS
from reviewer.testgen.languages.test_runners import Project


def linked_away(tree: Path, shown_at: Path, project: Project) -> str:
    """Return in a sentence why the packages of a project cannot be used; empty if they can, or if it needs none.

    `shown_at` is the path of the tree inside the sandbox. The nearest `node_modules` counts, as for node.
    """
    if project.row.language != "javascript":
        return ""
    folder = PurePosixPath(project.folder)
    for above in (folder, *folder.parents):
        place = tree / above / "node_modules"
        if not os.path.lexists(place):
            continue
        target = (shown_at / above / place.readlink()).resolve() if place.is_symlink() else place
        if not place.is_symlink() or _is_shown(target, shown_at):
            return ""
        return (
            f"`{(above / 'node_modules').as_posix()}` is a link to `{printable_path(str(target))}`, outside the "
            "checkout, which untrusted code may not see. Install the packages in the checkout itself."
        )
    return ""


def _is_shown(target: Path, shown_at: Path) -> bool:
    return any(target.is_relative_to(folder) for folder in (shown_at.resolve(), *map(Path, SYSTEM_FOLDERS)))
