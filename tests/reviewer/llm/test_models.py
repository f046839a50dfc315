"""The table of models: prices, windows, estimates."""

from decimal import Decimal

import pytest

from reviewer.errors import SettingsError
from reviewer.llm.defaults import DEFAULT_MODEL
from reviewer.llm.models import (
    LISTED,
    Price,
    model_named,
    most_tokens,
    parse_prices,
    planned_tokens,
)


@pytest.mark.parametrize(
    ("model", "prompt_tokens", "completion_tokens", "usd"),
    [
        ("MiniMax-M2.1", 1_000_000, 1_000_000, "0.75"),
        ("MiniMax-M2.1", 30_000, 8_000, "0.0093"),
        ("MiniMax-M2", 1_000, 0, "0.010"),
        ("MiniMax-M2.5", 0, 1_000, "0.010"),
        ("MiniMax-M2.7", 1_000, 1_000, "0.020"),
        ("MiniMax-M3", 1_000, 1_000, "0.020"),
        ("MiniMax-M2.5-highspeed", 1_000, 1_000, "0.040"),
        ("MiniMax-M2.7-highspeed", 1_000, 0, "0.020"),
    ],
)
def test_a_call_costs_the_list_price(model, prompt_tokens, completion_tokens, usd):
    """A listed model costs what RunAPI lists, exact to the last digit."""
    assert model_named(model).cost_usd(prompt_tokens, completion_tokens) == Decimal(usd)


def test_all_seven_models_of_runapi_are_listed():
    """The table holds the seven ids that RunAPI lists, the default among them, each with room for a reply."""
    assert set(LISTED) == {
        "MiniMax-M2",
        "MiniMax-M2.1",
        "MiniMax-M2.5",
        "MiniMax-M2.5-highspeed",
        "MiniMax-M2.7",
        "MiniMax-M2.7-highspeed",
        "MiniMax-M3",
    }
    assert DEFAULT_MODEL == "MiniMax-M2.1"
    assert all(0 < model.reply_limit < model.window for model in LISTED.values())


@pytest.mark.parametrize("model", ["MiniMax-M9", "minimax-m2.1", "MiniMax-M2.1-highspeed", ""])
def test_an_unlisted_model_has_no_price_and_a_small_window(model):
    """What RunAPI does not list is priced by nobody and trusted with less than any listed model."""
    found = model_named(model)
    assert not found.listed
    assert found.price is None
    assert found.cost_usd(1, 1) is None
    assert found.window < min(one.window for one in LISTED.values())


def test_the_users_price_comes_before_the_list():
    """A price of the user's own holds for listed and unlisted models, and for no other."""
    prices = parse_prices(" MiniMax-M2.1 = 1 / 2.5 , vendor/model=0/0,")
    assert prices == {"MiniMax-M2.1": Price(Decimal(1), Decimal("2.5")), "vendor/model": Price(Decimal(0), Decimal(0))}
    assert model_named("MiniMax-M2.1", prices).cost_usd(1_000_000, 1_000_000) == Decimal("3.5")
    assert model_named("vendor/model", prices).cost_usd(5, 5) == 0
    assert model_named("MiniMax-M3", prices).cost_usd(1_000, 0) == Decimal("0.01")


@pytest.mark.parametrize("text", ["", "  ", ",", " , "])
def test_no_prices_are_no_prices(text):
    """A blank setting is not an error."""
    assert parse_prices(text) == {}


@pytest.mark.parametrize(
    ("text", "quoted"),
    [
        ("MiniMax-M2.1", "MiniMax-M2.1"),
        ("MiniMax-M2.1=0.15", "not MODEL=IN/OUT"),
        ("=1/2", "not MODEL=IN/OUT"),
        ("M=a/2", "'a' is not a number"),
        ("M=1/", "'' is not a number"),
        ("M=-1/2", "'-1' is not a price"),
        ("M=NaN/2", "'NaN' is not a price"),
        ("M=1/inf", "'inf' is not a price"),
        ("M=1/2,M=2/3", "has two prices"),
        ("M=1/2/3", "'2/3' is not a number"),
    ],
)
def test_a_malformed_price_says_what_to_write(text, quoted):
    """The error quotes what is wrong, names the variable and shows the form."""
    with pytest.raises(SettingsError) as raised:
        parse_prices(text)
    assert quoted in str(raised.value)
    assert "REVIEWER_PRICES" in str(raised.value)
    assert "MiniMax-M2.1=0.15/0.60" in str(raised.value)


@pytest.mark.parametrize(
    ("text", "planned", "most"),
    [("", 0, 0), ("a", 1, 1), ("abc", 1, 2), ("é" * 3, 2, 3), ("代码" * 5, 10, 12), ("\udc80", 1, 2)],
)
def test_tokens_are_estimated_from_bytes(text, planned, most):
    """The estimate counts UTF-8 bytes, not characters, rounds up, and survives bytes that were not UTF-8."""
    assert (planned_tokens(text), most_tokens(text)) == (planned, most)


def test_a_prompt_fits_while_prompt_and_reply_stay_within_the_window():
    """The last prompt that fits is the one that leaves a twentieth of the window free."""
    model = model_named("MiniMax-M2.1")
    text = "a" * 25_000
    room = int(model.window * 0.95) - most_tokens(text)
    assert model.fits(text, room)
    assert not model.fits(text, room + 1)


def test_cached_tokens_cost_what_is_set_and_else_count_in_full() -> None:
    """`IN:CACHED/OUT`: of a million tokens, half of them cached."""
    (priced,) = parse_prices("M=1:0.1/2").values()
    (plain,) = parse_prices("M=1/2").values()
    assert priced.cost_usd(1_000_000, 0, 500_000) == Decimal("0.55")
    assert plain.cost_usd(1_000_000, 0, 500_000) == Decimal(1)
