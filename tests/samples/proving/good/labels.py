# labels.badge
from shop.labels import badge


def test_marks():
    assert badge("Ann") == "Ann"
    assert badge("Ann", gift=True) == "Ann [gift]"
    assert badge("Ann", fragile=True) == "Ann [fragile]"
    assert badge("Ann", gift=True, fragile=True) == "Ann [gift, fragile]"
