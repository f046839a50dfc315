"""Start the command `reviewer` with its own modules, whatever stands in the folder where it is started.

A reviewed project may hold modules named like ours (`app.py`, `reviewer/`) or like packages that we use (`yaml.py`).
Python would find them first where PYTHONPATH or the working directory leads to them, so both leave `sys.path` before
anything else is imported. The script `reviewer.sh` beside this starts Python without them in the first place, which
keeps out `sitecustomize.py` as well; this is for every other way to start.
"""

from __future__ import annotations

import _thread
import os
import signal
import sys
import time


def main() -> int:
    """Run the command line and return its exit code."""
    try:
        use_own_modules()
        keep_interrupts()
        from app import main as run  # noqa: PLC0415 - found only now

        return run()
    except KeyboardInterrupt:  # before the command could say more
        sys.stderr.write("reviewer: stopped\n")
        return 130


def use_own_modules() -> None:
    """Let Python find the product, its packages and the standard library, and nothing else.

    In an installation the product lies beside this file, in a clone one folder above.
    """
    here = os.path.dirname(os.path.abspath(__file__))  # noqa: PTH100, PTH120 - pathlib would be an import before its time
    above = os.path.dirname(here)  # noqa: PTH120
    product = here if os.path.exists(os.path.join(here, "app.py")) else above  # noqa: PTH110, PTH118
    installed = sys.path[_standard_library() :]
    # The folder that holds this package holds those it depends on, even where only PYTHONPATH led to it.
    known = [product, *(path for path in installed if path != product)]
    sys.path[:] = [*known, *({above} - set(known))]


def keep_interrupts() -> None:
    """Lose no Ctrl-C: press it again where Python can only report it and go on.

    That is so while it cleans up after an import or runs a destructor
    (https://docs.python.org/3/library/sys.html#sys.unraisablehook).
    """
    report = sys.unraisablehook
    thread = _thread.get_ident()

    def press_again() -> None:
        time.sleep(0.02)  # until the clean-up is over; otherwise the next one is ignored there as well
        signal.pthread_kill(thread, signal.SIGINT)

    def on_ignored(ignored: sys.UnraisableHookArgs) -> None:
        if issubclass(ignored.exc_type, KeyboardInterrupt):
            _thread.start_new_thread(press_again, ())
        else:
            report(ignored)

    sys.unraisablehook = on_ignored


def _standard_library() -> int:
    """Return where the standard library begins: before it are the folder of the script and those of PYTHONPATH."""
    archive = f"python{sys.version_info.major}{sys.version_info.minor}.zip"
    library = os.path.dirname(os.__file__)  # noqa: PTH120
    places = (n for n, path in enumerate(sys.path) if path == library or os.path.basename(path) == archive)  # noqa: PTH119
    return next(places, 0)


if __name__ == "__main__":
    sys.exit(main())
