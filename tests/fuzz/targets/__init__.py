"""What is fed, by its name on the command line."""

from __future__ import annotations

from tests.fuzz.campaign import Target
from tests.fuzz.targets.changes import CHANGES
from tests.fuzz.targets.deliveries import DELIVERIES
from tests.fuzz.targets.replies import REPLIES
from tests.fuzz.targets.safety import SAFETY
from tests.fuzz.targets.state import STATE
from tests.fuzz.targets.streams import STREAMS_AND_HEADERS

TARGETS: dict[str, Target] = {
    target.name: target for target in (*DELIVERIES, *CHANGES, *REPLIES, *STATE, *SAFETY, *STREAMS_AND_HEADERS)
}
