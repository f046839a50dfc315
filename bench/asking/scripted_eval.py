"""Run `reviewer eval evals` with the scripted replies of the cases (`replay.json`): no model is asked.

The replies hold the planted defects, and beside them false alarms and misplaced claims. So the table shows what the
reviewer makes of a model that finds everything and is often wrong; it tells nothing about a real model.
"""

from __future__ import annotations

import os
import subprocess
import sys

from tests.fakes.model import FakeModel
from tests.fixtures.replay import NAMES, serve
from tests.paths import CASES, ROOT


def main() -> None:
    """Print the table of the command, first with the scripted verdicts, then with every claim confirmed."""
    for verdict, words in (("", "the scripted verdicts"), ("confirmed", "a falsifier that confirms everything")):
        with FakeModel() as model:
            serve(model, NAMES, verdict=verdict)
            environ = {**os.environ, "RUNAPI_KEY": model.key, "RUNAPI_BASE_URL": model.base_url}
            command = [sys.executable, "app.py", "eval", str(CASES)]
            done = subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True, check=True)
        sys.stdout.write(f"\nreviewer eval evals, scripted replies, {words}\n\n{done.stdout}")
