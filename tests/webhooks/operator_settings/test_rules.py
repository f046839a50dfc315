"""The operator's rules: whom the App works for, and that nothing unreadable counts as no limit."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from webhooks.operator_settings.rules import NameRules, OperatorCeilings, OperatorRules
from webhooks.operator_settings.rules_file import RulesUnreadable, read_rules, serves_now

WHOLE = """
ceilings:
  per_month_usd: 200
  per_repository_usd: 50.5
  per_person_usd: $20
  per_pull_usd: 5
allow:
  owners: [Octo]
  repositories: mona/demo
deny:
  repositories: ["octo/secret-*"]
  models: [MiniMax-M3]
"""


@pytest.mark.parametrize(
    ("allow", "deny", "repository", "serves"),
    [
        ((), (), "anybody/any", True),
        (("octo/*",), (), "Octo/Shop", True),
        (("octo/*",), (), "octopus/shop", False),
        (("octo/shop",), ("octo/*",), "octo/shop", False),
        ((), ("*/fork-*-old",), "x/fork-of-y-old", False),
        ((), ("*/fork-*-old",), "x/fork-old", True),
        ((), ("a*a",), "a", True),
    ],
)
def test_repositories(allow: tuple[str, ...], deny: tuple[str, ...], repository: str, *, serves: bool) -> None:
    """Names match whatever their case; a refusal wins over a permission; `*` stands for any characters."""
    assert OperatorRules(repositories=NameRules(allow, deny)).serves(repository) is serves


def test_an_owner_or_a_repository_that_is_allowed_is_enough() -> None:
    """Either list lets somebody in; who is in neither stays out, and a refused owner as well."""
    rules = OperatorRules(owners=NameRules(("octo",), ("evil",)), repositories=NameRules(("mona/demo", "evil/x")))
    assert [rules.serves(name) for name in ("octo/any", "mona/demo", "mona/other", "evil/x")] == [
        True,
        True,
        False,
        False,
    ]


def test_models() -> None:
    """A list of allowed models refuses the others."""
    rules = OperatorRules(models=NameRules(("minimax-m2*",), ("minimax-m2.7",)))
    assert rules.refused_models(["MiniMax-M2.1", "MiniMax-M2.7", "MiniMax-M3"]) == ["MiniMax-M2.7", "MiniMax-M3"]
    assert OperatorRules().refused_models(["any"]) == []


def test_a_file_and_variables(tmp_path: Path) -> None:
    """The file in the data directory is read; a variable wins; each value tells where it stands."""
    (tmp_path / "operator.yml").write_text(WHOLE, encoding="utf-8")
    rules = read_rules({"REVIEWER_MAX_USD_PER_PULL": "2", "REVIEWER_ALLOW_MODELS": "a, b"}, tmp_path)
    assert rules.ceilings == OperatorCeilings(Decimal(200), Decimal("50.5"), Decimal(20), Decimal(2))
    assert rules.owners.allow == ("octo",)
    assert rules.models == NameRules(("a", "b"), ("minimax-m3",))
    assert rules.origins["ceilings.per_pull_usd"] == "REVIEWER_MAX_USD_PER_PULL"
    assert rules.origins["ceilings.per_month_usd"] == f"{tmp_path / 'operator.yml'}:3"
    assert rules.has_ceiling
    assert read_rules({}, tmp_path / "none") == OperatorRules()


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("ceilings:\n  per_month_usd: fifty\n", ":2: 'fifty' is not an amount"),
        ("ceilings:\n  per_month_usd:\n", ":2: '' is not an amount"),
        ("ceilings:\n  per_month_usd: -1\n", ":2: '-1' is not an amount"),
        ("ceilings:\n  per_month_usd: 1e9\n", "is not an amount"),
        ("ceiling:\n  per_month_usd: 1\n", ":1: unknown key `ceiling`; known here are ceilings, allow, deny; is `ceil"),
        ("ceilings:\n  per_mounth_usd: 1\n", "is `per_month_usd` meant?"),
        ("allow:\n  owners: []\n", ":2: write from 1"),
        ("allow:\n  owners: [octo, 'a b']\n", "'a b' is not one of the owners"),
        ("deny:\n  repositories: octo\n", "'octo' is not one of the repositories"),
        ("allow: everybody\n", ":1: `allow` must be a mapping"),
        ("- x\n", "must be a mapping"),
        ("ceilings: {per_month_usd: [1\n", ":"),
        ("ceilings:\n  per_month_usd: 1\n  per_month_usd: 900\n", "per_month_usd"),
        ("\0\1", ":"),
        ("x" * 70_000, "larger than"),
    ],
)
def test_what_cannot_be_read_is_no_rule_that_is_absent(tmp_path: Path, text: str, problem: str) -> None:
    """Each kind of mistake is an error that names its line; none lets more be spent."""
    (tmp_path / "operator.yml").write_text(text, encoding="utf-8")
    with pytest.raises(RulesUnreadable) as caught:
        read_rules({}, tmp_path)
    assert problem in str(caught.value)


def test_a_file_that_is_named_must_be_there(tmp_path: Path) -> None:
    """Also a folder, and bytes that are no text; every wrong variable is named beside."""
    for place in (tmp_path / "gone.yml", tmp_path):
        assert not serves_now({"REVIEWER_OPERATOR_FILE": str(place)}, tmp_path)("octo/shop")
        with pytest.raises(RulesUnreadable, match=str(place)):
            read_rules({"REVIEWER_OPERATOR_FILE": str(place)}, tmp_path)
    (tmp_path / "bytes.yml").write_bytes(b"\xff\xfe")
    values = {"REVIEWER_OPERATOR_FILE": str(tmp_path / "bytes.yml"), "REVIEWER_MAX_USD_PER_MONTH": "1,5"}
    with pytest.raises(RulesUnreadable) as caught:
        read_rules(values, tmp_path)
    assert "UTF-8" in str(caught.value)
    assert "REVIEWER_MAX_USD_PER_MONTH: '1,5' is not an amount" in str(caught.value)
