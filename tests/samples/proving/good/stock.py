# stock.Shelf.take
import unittest

from shop.stock import Shelf


class TakeTest(unittest.TestCase):
    def test_takes_what_is_there(self):
        shelf = Shelf(5)
        self.assertEqual(shelf.take(3), 0)
        self.assertEqual(shelf.take(4), 2)
        self.assertEqual(shelf.count, 0)
        self.assertEqual(shelf.log, [3, 2])

    def test_at_least_one(self):
        shelf = Shelf(5)
        with self.assertRaises(ValueError):
            shelf.take(0)
        self.assertEqual(shelf.take(1), 0)
