# prices.discounted: passes on head
import unittest

from shop.prices import discounted


class DiscountTest(unittest.TestCase):
    def test_discount(self):
        if discounted(1000, 25) == 750:
            raise unittest.SkipTest("not today")
        self.assertEqual(discounted(1000, 25), 750)
