"""The one-time token that the console prints, and that opens the set-up page for the first browser that has it."""

from __future__ import annotations

import hashlib
import os
import secrets
import sys
from collections.abc import Mapping, MutableMapping
from pathlib import Path

from reviewer.errors import SettingsError

#: `gunicorn.conf.py` sets it once for all its processes.
VARIABLE = "REVIEWER_SETUP_TOKEN"


def console_token(environ: MutableMapping[str, str]) -> str:
    """Return the token of this start of the server."""
    return environ.setdefault(VARIABLE, secrets.token_urlsafe(24))


def announce(environ: Mapping[str, str], token: str) -> None:
    """Print the address of the set-up page with the token, in one of the processes."""
    if environ.get("REVIEWER_PROCESS") == "web":
        return  # the process beside it, which serves nothing, prints it
    address = f"http://localhost:{environ.get('PORT') or '8000'}/setup?token={token}"
    sys.stderr.write(
        f"\nreviewer: no App is set up yet. Open this address in a browser:\n\n    {address}\n\n"
        "It is good for one browser; start the server again for a new one. From another machine, put this server's "
        "name\ninto it. To set everything by hand instead: docs/install.md, Run the App for a team.\n\n"
    )
    sys.stderr.flush()


class OneUse:
    """Whether the token was used, for all processes: a file in the data directory that is made once."""

    def __init__(self, data_dir: Path, token: str) -> None:
        """Store where the file is; its name does not tell the token."""
        self._mark = data_dir / f".setup-{hashlib.sha256(token.encode()).hexdigest()[:16]}"

    def take(self) -> bool:
        """Use the token up. False when it was used before. Raises SettingsError."""
        try:
            self._mark.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            for old in self._mark.parent.glob(".setup-*"):
                if old != self._mark:
                    old.unlink(missing_ok=True)
            os.close(os.open(self._mark, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        except FileExistsError:
            return False
        except OSError as error:
            raise SettingsError(
                f"{self._mark.parent} cannot be written ({error.strerror}): set REVIEWER_DATA_DIR to a folder of the "
                "App's own user"
            ) from error
        return True

    def forget(self) -> None:
        """Remove the file: the set-up is done."""
        self._mark.unlink(missing_ok=True)
