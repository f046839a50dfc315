"""Keep the credentials that a set-up gave, for its owner only, in the data directory; add them to the environment.

Promises: the file is written whole or not at all and nobody else can read it; what stands in the environment wins, and
an App that is described there is never mixed with the stored one.
"""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Mapping
from pathlib import Path

from reviewer.errors import SettingsError

#: The file in the data directory.
STORED_FILE = "app.json"

#: What names an App. Where one of them is in the environment, nothing that is stored counts.
APP_VARIABLES = ("GITHUB_APP_ID", "GITHUB_APP_PRIVATE_KEY", "GITHUB_WEBHOOK_SECRET")

#: What the App cannot do without, and what it may have beside.
NEEDED = (*APP_VARIABLES, "RUNAPI_KEY")
_MORE = ("GITHUB_API_URL", "GITHUB_APP_CLIENT_ID", "GITHUB_APP_CLIENT_SECRET", "REVIEWER_OPERATOR_TOKEN")

_DEFAULT_DATA_DIR = "./data"


def data_dir_of(environ: Mapping[str, str]) -> Path:
    """Return the data directory that the variables name."""
    return Path(environ.get("REVIEWER_DATA_DIR", "").strip() or _DEFAULT_DATA_DIR)


def with_stored(environ: Mapping[str, str]) -> dict[str, str]:
    """Return the variables, with what a set-up stored added where they leave it open. Raises SettingsError."""
    if any(environ.get(name, "").strip() for name in APP_VARIABLES):
        return dict(environ)
    stored = read_stored(data_dir_of(environ))
    return {**environ, **{name: text for name, text in stored.items() if not environ.get(name, "").strip()}}


def wants_setup(environ: Mapping[str, str]) -> bool:
    """Whether the set-up page is to be shown: no App is named, and none is stored completely. Raises SettingsError.

    A process that only accepts or only works is part of an installation that somebody has set up.
    """
    if environ.get("REVIEWER_ROLE", "").strip() not in {"", "all"}:
        return False
    if any(environ.get(name, "").strip() for name in APP_VARIABLES):
        return False
    known = with_stored(environ)
    return not all(known.get(name, "").strip() for name in NEEDED)


def read_stored(data_dir: Path) -> dict[str, str]:
    """Return the variables that are stored; none where there is no file. Raises SettingsError."""
    path = data_dir / STORED_FILE
    try:
        content = json.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise SettingsError(f"{path}, which the set-up page wrote, cannot be read ({error.strerror})") from error
    except (ValueError, RecursionError):
        content = None
    if not isinstance(content, dict):
        raise SettingsError(f"{path}, which the set-up page wrote, is damaged: delete it to set the App up again")
    _keep_private(path)
    return {name: text for name in (*NEEDED, *_MORE) if isinstance(text := content.get(name), str) and text}


def store(data_dir: Path, values: Mapping[str, str]) -> None:
    """Add the variables to what is stored, on the disk when this returns. Raises SettingsError."""
    path = data_dir / STORED_FILE
    draft = data_dir / f".{STORED_FILE}.{secrets.token_hex(6)}"
    try:
        data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        content = json.dumps({**read_stored(data_dir), **values}, indent=1).encode()
        with open(draft, "xb", opener=lambda name, flags: os.open(name, flags, 0o600)) as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    except OSError as error:
        raise SettingsError(
            f"{path} cannot be written ({error.strerror}): set REVIEWER_DATA_DIR to a folder of the App's own user"
        ) from error
    finally:
        draft.unlink(missing_ok=True)


def _keep_private(path: Path) -> None:
    """Take the file from other users, should somebody have copied it with a wider mode."""
    status = path.stat()
    if status.st_uid == os.geteuid() and status.st_mode & 0o077:
        path.chmod(0o600)
