"""`python -m tests.fuzz`: see `tests.fuzz.report`."""

import sys

from tests.fuzz.report import main

sys.exit(main(sys.argv[1:]))
