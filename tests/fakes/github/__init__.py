"""A strict double of GitHub over real HTTP: a world of real git commits that refuses what GitHub refuses.

Start with `default_world()`. `faults` has what can go wrong. It imports nothing of the product.
"""

from tests.fakes.github import faults
from tests.fakes.github.expecting import LeftOver, NotMet
from tests.fakes.github.model.deliveries import Delivery
from tests.fakes.github.model.example import default_world
from tests.fakes.github.model.git import Entry
from tests.fakes.github.refusals import Refusal
from tests.fakes.github.world import World

__all__ = ["Delivery", "Entry", "LeftOver", "NotMet", "Refusal", "World", "default_world", "faults"]
