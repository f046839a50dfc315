"""`python -m tests.chaos`: see `tests.chaos.kill_and_count`."""

import sys

from tests.chaos.kill_and_count import main

sys.exit(main(sys.argv[1:]))
