"""Put the set-up page together for this process."""

from __future__ import annotations

import os
import signal
from collections.abc import MutableMapping

from flask import Flask

from reviewer.llm.client_settings import read_client_settings
from webhooks.pages.setup.console_token import announce, console_token
from webhooks.pages.setup.key_proof import prove
from webhooks.pages.setup.progress import SetupProgress
from webhooks.pages.setup.routes import SetupConfig, setup_app


def set_up(environ: MutableMapping[str, str]) -> Flask:
    """Return the set-up page: no App is named yet. When it is done, the processes are started anew, as the App."""

    def restart() -> bool:
        arbiter = environ.get("REVIEWER_ARBITER", "")
        if arbiter != str(os.getppid()):  # another server than gunicorn with our configuration
            return False
        os.kill(int(arbiter), signal.SIGHUP)
        return True

    def prove_key(key: str) -> str:
        return prove(read_client_settings({**environ, "RUNAPI_KEY": key}))

    token = console_token(environ)
    announce(environ, token)
    return setup_app(SetupConfig(SetupProgress(environ), token, prove_key, restart))
