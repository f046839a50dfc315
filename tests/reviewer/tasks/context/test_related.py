"""The code beside a change, gathered from real repositories: what it calls, who calls it, who needs what is gone."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from reviewer.diff.parser import parse_diff
from reviewer.domain.change import Change
from reviewer.git.sources import checkout_of
from reviewer.git.worktree import open_worktree
from reviewer.llm.models import planned_tokens
from reviewer.tasks.context.related import gather_related
from reviewer.tasks.context.snippets import RELATED_TOKENS
from reviewer.tasks.planning.chunks import chunk
from tests.fixtures.git_repo import Repo

pytestmark = pytest.mark.slow


def related(
    place: Path, before: Mapping[str, str], after: Mapping[str, str | None], range_: str = "HEAD~1..HEAD"
) -> str:
    """Commit both states, and return what is gathered for the change from one to the other."""
    repo = Repo.create(place / "repo")
    for path, text in before.items():
        repo.write(path, text)
    repo.commit()
    for path, new in after.items():
        if new is None:
            (repo.path / path).unlink()
        else:
            repo.write(path, new)
    if range_ != "HEAD":
        repo.commit()
    tree = open_worktree(repo.path)
    local = tree.diff(range_)
    found = []
    for _ in range(2):
        change = Change(diff=parse_diff(local.diff_bytes), sources=checkout_of(tree, local))
        chunks, _ = chunk(change.diff.files)
        found.append("\n".join(gather_related(change, chunks).related.values()))
    assert found[0] == found[1], "not the same twice"
    return found[0]


PYTHON = {
    "shop/money.py": "def parse_range(text):\n    low, high = text.split('-')\n    return low, high\n",
    "shop/prices.py": "from shop.money import parse_range\n\n\ndef price_of(item):\n    return item.price\n",
    "shop/cart.py": "from shop.prices import price_of\n\n\ndef total_of(items):\n    return map(price_of, items)\n",
    "tests/test_prices.py": "from shop.prices import price_of\n\n\ndef test_a_price():\n    assert price_of(3)\n",
}
PRICES = "from shop.money import parse_range\n\n\ndef price_of(item, day):\n    return parse_range(item.price)[day]\n"


@pytest.mark.parametrize("range_", ["HEAD~1..HEAD", "HEAD"])
def test_definitions_callers_and_tests_are_shown(tmp_path: Path, range_: str) -> None:
    """Committed or not: who calls the changed function, what it now calls, and its tests, each with its reason."""
    text = related(tmp_path, PYTHON, {"shop/prices.py": PRICES}, range_)
    assert "### shop/cart.py (uses price_of, changed in shop/prices.py)\n    4 | def total_of(items):" in text
    assert "### shop/money.py (defines parse_range, which shop/prices.py calls)\n    1 | def parse_range(text):" in text
    assert "tests/test_prices.py" in text
    assert text.index("shop/cart.py") < text.index("shop/money.py")


LANGUAGES = {
    "go": (
        {
            "go.mod": "module example.org/shop\n",
            "money/money.go": "package money\n\nfunc ParseRange(text string) int {\n\treturn len(text)\n}\n",
            "cart/cart.go": "package cart\n\nfunc PriceOf(a int) int {\n\treturn a\n}\n",
            "cart/total.go": "package cart\n\nfunc Total() int {\n\treturn PriceOf(1)\n}\n",
        },
        {"cart/cart.go": 'package cart\n\nimport "example.org/shop/money"\n\n'
                         "func PriceOf(a int, b string) int {\n\treturn a + money.ParseRange(b)\n}\n"},
        ["cart/total.go (uses PriceOf", "money/money.go (defines ParseRange"],
    ),
    "ts": (
        {
            "src/money.ts": "export interface Range {\n  low: number;\n}\n"
                            "export const parseRange = (t: string): Range => {\n"
                            "  return { low: 1 };\n};\n",
            "src/prices.ts": "export function priceOf(a: number) {\n  return a;\n}\n",
            "src/cart.tsx": "import { priceOf } from './prices';\nexport const Total = () => {\n  priceOf(1);\n};\n",
        },
        {"src/prices.ts": "import { parseRange, Range } from './money';\n"
                          "export function priceOf(a: number, r: Range) {\n  return a + parseRange('x').low;\n}\n"},
        ["src/cart.tsx (uses priceOf", "src/money.ts (defines parseRange", "src/money.ts (defines Range"],
    ),
    "java": (
        {
            "src/a/Money.java": "package a;\n\npublic class Money {\n  static int parseRange(String t) {\n  }\n}\n",
            "src/b/Prices.java": "package b;\n\npublic class Prices {\n  int priceOf(int a) {\n    return a;\n  }\n}\n",
            "src/b/Cart.java": "package b;\n\nclass Cart extends Prices {\n  int total() {\n    priceOf(1);\n  }\n}\n",
        },
        {"src/b/Prices.java": "package b;\n\nimport a.Money;\n\npublic class Prices {\n  int priceOf(int a, int b) {\n"
                              '    return a + Money.parseRange("x");\n  }\n}\n'},
        ["src/b/Cart.java (uses priceOf", "src/a/Money.java (defines Money"],
    ),
    "ruby": (
        {
            "lib/money.rb": "module Money\n  def self.parse_range(text)\n    text\n  end\nend\n",
            "lib/prices.rb": "class Prices\n  def price_of(item)\n    item\n  end\nend\n",
            "lib/cart.rb": "class Cart\n  def total\n    Prices.new.price_of(1)\n  end\nend\n",
        },
        {"lib/prices.rb": "class Prices\n  def price_of(item, day)\n    Money.parse_range(item)\n  end\nend\n"},
        ["lib/cart.rb (uses price_of", "lib/money.rb (defines parse_range"],
    ),
}  # fmt: skip


@pytest.mark.parametrize("language", LANGUAGES)
def test_other_languages_too(tmp_path: Path, language: str) -> None:
    """Callers of what changed and definitions of what is called are found by each language's own imports and forms."""
    before, after, expected = LANGUAGES[language]
    text = related(tmp_path, before, after)
    assert [one for one in expected if f"### {one}" not in text] == []


def test_what_is_removed_but_still_used_comes_first(tmp_path: Path) -> None:
    """A function that is gone, and a whole file that is gone, show the places that still use them."""
    text = related(tmp_path, PYTHON, {"shop/prices.py": "def cost_of(item):\n    return 1\n", "shop/money.py": None})
    assert text.startswith("### shop/cart.py (uses price_of, removed in shop/prices.py)")
    assert "defines" not in text


def test_an_ambiguous_name_is_not_guessed(tmp_path: Path) -> None:
    """A name with many definitions is neither resolved nor are its callers, unless they import the changed file."""
    many = {
        f"other/m{n}.py": f"def fetch_rows(a):\n    return {n}\n\n\ndef use{n}():\n    fetch_rows({n})\n"
        for n in range(6)
    }
    mine = {
        "shop/rows.py": "def fetch_rows(a):\n    return a\n",
        "shop/page.py": "from shop.rows import fetch_rows\n\n\ndef page():\n    return fetch_rows(1)\n",
        "shop/late.py": "def late():\n    return 1\n",
    }
    after = {
        "shop/rows.py": "def fetch_rows(a, b):\n    return a\n",
        "shop/late.py": "def late():\n    return fetch_rows(2)\n",
    }
    text = related(tmp_path, mine | many, after)
    assert "shop/page.py" in text
    assert "other/" not in text


def test_secrets_and_invisible_characters_leave(tmp_path: Path) -> None:
    """Code of other files is as untrusted as the diff: secrets are redacted, controls made visible."""
    secret = "ghp_" + "a1B2" * 9
    money = f"def parse_range(text):\n    token = '{secret}'\n    x = '\u202e'\n    return text\n"
    text = related(tmp_path, PYTHON | {"shop/money.py": money}, {"shop/prices.py": PRICES})
    assert "[redacted: github token]" in text
    assert secret not in text
    assert "\u202e" not in text


def test_the_budget_holds(tmp_path: Path) -> None:
    """However many callers there are, what is shown stays within its tokens; the most telling comes first."""
    names = [f"price_number_{n}" for n in range(40)]
    module = "".join(f"def {name}(a):\n    return {'a + ' * 30}1\n\n\n" for name in names)
    callers = {
        f"calls/c{n}.py": "".join(f"def c{n}_{name}():\n    return {name}({'1 + ' * 60}1)\n\n\n" for name in names)
        for n in range(8)
    }
    text = related(tmp_path, {"m.py": module} | callers, {"m.py": module.replace("(a)", "(a, b)")})
    assert "uses price_number_0, changed in m.py" in text
    assert RELATED_TOKENS / 2 < planned_tokens(text) <= RELATED_TOKENS * 1.1


def test_links_out_of_the_repository_are_not_followed(tmp_path: Path) -> None:
    """A symlink in the head is no file, and no source reads through it or beyond the root."""
    (tmp_path / "outside.py").write_text("def secret_function():\n    return 'outside'\n")
    repo = Repo.create(tmp_path / "repo")
    repo.write("a.py", "x = 1\n")
    (repo.path / "link.py").symlink_to(tmp_path / "outside.py")
    (repo.path / "folder").symlink_to(tmp_path)
    repo.commit()
    repo.write("a.py", "x = secret_function()\n")
    tree = open_worktree(repo.path)
    local = tree.diff("HEAD")
    sources = checkout_of(tree, local)
    assert list(sources.paths()) == ["a.py"]
    assert sources.read(["link.py", "../outside.py", "folder/outside.py", ".git/config", "/etc/passwd"]) == {}
    assert [hit.path for hit in sources.search(["secret_function"])] == ["a.py"]
    assert sources.search(["(", "--open-files-in-pager", ""]) == ()


def test_a_variable_of_the_same_name_is_no_use(tmp_path: Path) -> None:
    """What is not called, and stands in no file that imports the changed one, is somebody else's variable."""
    others = {
        "shop/report.py": "def report(price_of):\n    return price_of + 1\n",
        "shop/words.py": "def words():\n    return 'price_of(1)'  # price_of(2)\n",
        "shop/table.py": "from shop.prices import price_of\n\n\ndef table(items):\n    return map(price_of, items)\n",
    }
    text = related(tmp_path, PYTHON | others, {"shop/prices.py": PRICES})
    assert "shop/table.py (uses price_of" in text
    assert "shop/report.py" not in text
    assert "shop/words.py" not in text


def test_members_that_are_named_are_shown_whole(tmp_path: Path) -> None:
    """Of a long class the members that the new lines take, even such with common names, and those of `self`."""
    filler = "".join(f"    def step_{n}(self):\n        first = {n}\n        return first\n\n" for n in range(12))
    base = f"class Store:\n{filler}    def __getitem__(self, key):\n        return self.rows[key]\n"
    heir = "from pkg.store import Store\n\n\nclass Timed(Store):\n    def get(self, key):\n        found = key\n"
    heir += f"        return found\n\n{filler * 2}    def expire(self):\n        return []\n"
    after = heir.replace("return []", "return [self.get(1), Store.__getitem__(self, 1)]")
    text = related(tmp_path, {"pkg/store.py": base, "pkg/timed.py": heir}, {"pkg/timed.py": after})
    own, _, store = text.partition("### pkg/store.py (defines Store, which pkg/timed.py names)")
    assert "### pkg/timed.py (defines get, which pkg/timed.py calls)" in own
    assert "|     def get(self, key):" in own
    assert "| class Store:" in store
    assert "|         return self.rows[key]" in store
    assert "|         first = 9" not in text


GONE = {
    "shop/money.py": "def parse(text):\n    return text\n",
    "shop/cart.py": "from shop.money import parse\n\n\ndef total(text):\n    return parse(text)\n",
    "shop/late.py": "import importlib\n\nMONEY = importlib.import_module('shop.money')\n",
    "shop/near.py": "from . import money\nfrom .money import parse\n",
    "shop/plain.py": "def cost(money):\n    return shop.money_of(money.shop)\n",
    "other/money.py": "RATE = 1\n",
    "web/money.js": "import { parse } from './coins.js';\nexport const f = parse;\n",
    "web/coins.js": "export const parse = 1;\n",
    "web/page.js": "import { f } from './money';\n",
    "web/deep/page.js": "import { f } from '../money.js';\n",
    "Dockerfile": "COPY shop/money.py /app/\n",
    "CHANGELOG.md": "- `shop/money.py` reads prices.\n",
}


def test_what_names_a_file_that_is_gone_is_shown(tmp_path: Path) -> None:
    """Imports, paths and texts that mean the old place, in code and beside it; not other files of that name."""
    text = related(tmp_path, GONE, {"shop/money.py": None, "shop/coins.py": GONE["shop/money.py"] + "\n\nONE = 1\n"})
    gone = "still names shop/money.py, which is not there any more"
    assert f"### shop/cart.py ({gone})\n    1 | from shop.money import parse" in text
    assert f"### shop/late.py ({gone})" in text
    assert f"### shop/near.py ({gone})" in text
    assert f"### Dockerfile ({gone})" in text
    assert "CHANGELOG" not in text
    assert "shop/plain.py" not in text
    assert "other/money.py" not in text
    assert "page.js" not in text


def test_a_module_of_the_web_and_files_beside_the_code_too(tmp_path: Path) -> None:
    """Relative imports are followed from where they stand; a file without code is meant by its name."""
    more = {"mail/hello.txt": "Hello, {name}\n", "shop/mail.py": "def hello():\n    return render('hello.txt')\n"}
    after = {"web/money.js": None, "mail/hello.txt": None, "shop/plain.py": "def cost(m):\n    return m\n"}
    text = related(tmp_path, GONE | more, after)
    for path in ("web/page.js", "web/deep/page.js"):
        assert f"### {path} (still names web/money.js, which is not there any more)" in text
    assert "### shop/mail.py (still names mail/hello.txt" in text


def test_a_module_that_became_a_package_is_not_gone(tmp_path: Path) -> None:
    """Its name still finds something, so nothing is said; nor where a file of the same end of a path took its place."""
    text = related(tmp_path, GONE, {"shop/money.py": None, "shop/money/__init__.py": GONE["shop/money.py"]})
    assert "not there any more" not in text


def test_a_new_package_that_is_not_packaged_is_shown_with_the_list(tmp_path: Path) -> None:
    """A list of packages by hand is shown where the new one is missing; a search for packages is none."""
    listed = {"setup.cfg": "[options]\npackages =\n    shop\n    shop.web\n", "shop/__init__.py": ""}
    new = {"shop/api/__init__.py": "def serve():\n    return 1\n"}
    text = related(tmp_path / "a", listed, new)
    assert "### setup.cfg (lists what is packaged; shop/api is a new package)\n    2 | packages =\n    3 |  " in text
    whole = listed | {"setup.cfg": "[options]\npackages = find:\n"}
    assert "setup.cfg" not in related(tmp_path / "b", whole, new)
    told = {"setup.cfg": listed["setup.cfg"] + "    shop.api\n"}
    assert "lists what is packaged" not in related(tmp_path / "c", listed, new | told)
    poetry = {"pyproject.toml": '[tool.poetry]\npackages = [{include = "shop"}]\n', "shop/__init__.py": ""}
    assert "lists what is packaged" not in related(tmp_path / "d", poetry, new)
    tools = {"pyproject.toml": '[tool.setuptools]\npackages = ["shop"]\n', "shop/__init__.py": ""}
    assert "### pyproject.toml (lists what is packaged" in related(tmp_path / "e", tools, new)


def test_a_list_of_a_folders_files_without_the_new_one_is_shown(tmp_path: Path) -> None:
    """An index that names all others; not one that knows the new file, and not code that uses a few of them."""
    names = ["cash", "card", "coin", "cheque"]
    before = {f"pay/{name}.py": f"def {name}():\n    return 1\n" for name in names}
    before |= {"pay/registry.py": "".join(f"from pay.{name} import {name}\n" for name in names)}
    before |= {"shop.py": "from pay.cash import cash\n\n\ndef sort(coin, card, cheque):\n    return coin\n"}
    new = {"pay/voucher.py": "def voucher():\n    return 1\n"}
    text = related(tmp_path / "a", before, new)
    assert "### pay/registry.py (names the other files of its folder, not pay/voucher.py)\n    1 | from" in text
    assert "shop.py" not in text
    private = {"pay/_keys.py": "def keys():\n    return 1\n"}
    assert "names the other files" not in related(tmp_path / "c", before, private)
    told = {"pay/registry.py": before["pay/registry.py"] + "from pay.voucher import voucher\n"}
    assert "names the other files" not in related(tmp_path / "b", before, new | told)
