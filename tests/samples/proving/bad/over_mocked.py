# labels.badge: static smells
from unittest.mock import patch

import shop.labels


def test_badge():
    with patch("shop.labels.badge", return_value="Ann [gift]"):
        assert shop.labels.badge("Ann", gift=True) == "Ann [gift]"
