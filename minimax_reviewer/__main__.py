"""`python -m minimax_reviewer`: the command `reviewer`."""

from __future__ import annotations

import sys

from minimax_reviewer.launcher import main

if __name__ == "__main__":
    sys.exit(main())
