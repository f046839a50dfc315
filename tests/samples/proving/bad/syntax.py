# prices.discounted: policy
def test_discount(:
    assert True
