import shop.stock


def test_no_global_setting():
    assert not hasattr(shop.stock, "LIMIT")
