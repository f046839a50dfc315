import pytest


@pytest.fixture
def basket():
    """Three prices."""
    return [100, 250, 400]
