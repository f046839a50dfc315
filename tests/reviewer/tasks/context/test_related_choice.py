"""Of the code beside a change, what tells something is shown, and what only has the same name is not."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.reviewer.tasks.context.test_related import PYTHON, related

pytestmark = pytest.mark.slow


def test_what_the_removed_lines_called_is_shown_where_it_is_not_called_any_more(tmp_path: Path) -> None:
    """What a replaced function did tells what is different now; what is still called stands under what calls it."""
    rates = {"shop/rates.py": "def old_rate(day):\n    return day or 1\n\n\ndef new_rate(day):\n    return day\n"}
    head = "from shop.rates import new_rate, old_rate\n\n\n"
    before = PYTHON | rates | {"shop/tax.py": f"{head}def tax_of(day):\n    return old_rate(day) * 2\n"}
    text = related(tmp_path, before, {"shop/tax.py": f"{head}def tax_of(day):\n    return new_rate(day) * 2\n"})
    assert "### shop/rates.py (defines old_rate, which shop/tax.py called before)\n    1 | def old_rate(day):" in text
    assert "### shop/rates.py (defines new_rate, which shop/tax.py calls)" in text


def test_of_a_module_that_groups_others_only_the_used_members_are_shown(tmp_path: Path) -> None:
    """That `Shop::Cart` stands in `Shop` is known; what else stands there does not matter."""
    filler = "".join(f"  LIMIT_{n} = {n}\n" for n in range(50))
    before = {
        "lib/shop.rb": f"module Shop\n{filler}  def self.currency_of(land)\n    land\n  end\nend\n",
        "lib/shop/cart.rb": "module Shop\n  class Cart\n    def total\n      1\n    end\n  end\nend\n",
        "test/spec_cart.rb": "describe Shop::Cart do\n  it 'sums' do\n    1\n  end\nend\n",
    }
    case = "describe Shop::Cart do\n  it 'sums' do\n    Shop::Cart.new.total\n  end\nend\n"
    assert "lib/shop.rb" not in related(tmp_path / "a", before, {"test/spec_cart.rb": case})
    text = related(tmp_path / "b", before, {"test/spec_cart.rb": case.replace("Cart.new.total", "currency_of(1)")})
    assert "|   def self.currency_of(land)" in text
    assert "LIMIT_7" not in text


WEB = {
    "src/util.ts": "export function proxied(t: any) {\n  return new Proxy(t, {\n    defineProperty(_, prop, d) {\n"
                   "      return Reflect.set(t, prop, d);\n    },\n  });\n}\n",
    "src/errors.ts": "export const shape_of = {\n  configurable: true,\n};\n",
    "src/types.ts": "export type Boxed<Internals> = { box: Internals };\n"
                    "export const use = (x: Boxed<Internals>) => Internals(x);\n",
    "src/core.ts": "export function make(def: any) {\n  function Internals(this: any) {\n    this.def = def;\n  }\n"
                   + "".join(f"  step({n});\n" for n in range(9)) + "  return new Internals();\n}\n",
    "src/$shape.ts": "export const $Shape: any = 1;\n",
    "src/round.ts": "import * as core from './$shape';\n"
                    "export const round = (inst: any) => {\n  core.$Shape.init(inst);\n};\n",
    "src/tests/mail.test.ts": "const sampleMail = () => z.string();\ntest('mail', () => {});\n",
    "src/tests/post.test.ts": "test('post', () => {});\n",
}  # fmt: skip


def test_members_of_built_in_objects_and_keys_are_not_looked_up(tmp_path: Path) -> None:
    """`Object.defineProperty` is the language's, and `configurable: true` refers to nothing."""
    new = (
        WEB["src/util.ts"]
        + "export const fixed = (a: any) =>\n  Object.defineProperty(a, 'b', { configurable: true });\n"
    )
    text = related(tmp_path, WEB, {"src/util.ts": new})
    assert "defines defineProperty" not in text
    assert "defines configurable" not in text


def test_a_local_function_is_used_nowhere_else(tmp_path: Path) -> None:
    """A type parameter of the same name in another file is something else."""
    inner = {"src/core.ts": WEB["src/core.ts"].replace("this.def = def", "this.def = [def]")}
    assert "src/types.ts" not in related(tmp_path / "a", WEB, inner)
    outer = {"src/core.ts": "export function Internals(def: any) {\n  return def;\n}\n"}
    changed = {"src/core.ts": outer["src/core.ts"].replace("return def", "return [def]")}
    assert "### src/types.ts (uses Internals" in related(tmp_path / "b", WEB | outer, changed)


def test_a_type_with_a_dollar_is_a_type(tmp_path: Path) -> None:
    """Its uses count, although nobody calls it, as those of a name that begins with a capital letter do."""
    text = related(tmp_path, WEB, {"src/$shape.ts": "export const $Shape: any = 2;\n"})
    assert "### src/round.ts (uses $Shape, changed in src/$shape.ts)" in text


def test_what_another_test_file_defines_is_not_meant(tmp_path: Path) -> None:
    """Where names have to be imported, a test sees nothing of the next one."""
    new = "test('post', () => {\n  expect(z.sampleMail()).toBe('a@b.c');\n});\n"
    assert "mail.test.ts" not in related(tmp_path, WEB, {"src/tests/post.test.ts": new})


def test_the_list_of_tests_leaves_out_what_stands_inside_them(tmp_path: Path) -> None:
    """Commands and stubs that a test defines for itself are no tests."""
    tests = "from shop.prices import price_of\n\n\ndef test_one():\n    def command():\n        return 1\n\n"
    tests += "    assert command()\n"
    filler = "".join(f"\n\ndef test_{n}():\n    assert price_of({n})\n" for n in range(3))
    after = {"shop/prices.py": PYTHON["shop/prices.py"].replace("item.price", "item.cost")}
    text = related(tmp_path, PYTHON | {"tests/test_prices.py": tests + filler}, after)
    listed = text.partition("(the tests of shop/prices.py)")[2]
    assert "def test_one():" in listed
    assert "def command" not in listed


PHP = """<?php
class Rotating
{
    public function setFormat(string $format): void
    {
        $this->format = $format;
    }

    public function write(string $row): void
    {
        echo date($this->format), $row;
    }
}
"""
FILLER = "".join(f"    /** Step {n}. */\n    public function step{n}() {{ return {n}; }}\n" for n in range(40))


def test_who_reads_a_field_that_is_set_otherwise_is_shown(tmp_path: Path) -> None:
    """`write` calls nothing that changed, and yet does something else now; a new field has no other readers."""
    before = {"src/Rotating.php": PHP.replace("\n    public function write", f"\n{FILLER}\n    public function write")}
    before |= {"src/DateTime.php": "<?php\nclass DateTime\n{\n}\n"}
    new = before["src/Rotating.php"].replace("= $format;", "= (new \\DateTime())->format($format);")
    text = related(tmp_path, before, {"src/Rotating.php": new})
    assert "### src/Rotating.php (uses the field format, which src/Rotating.php sets)" in text
    assert "|         echo date($this->format), $row;" in text
    assert "src/DateTime.php" not in text


RUST = """pub struct Buffer;

impl Buffer {
    pub fn refill_all(&mut self) -> bool {
        false
    }
}

#[cfg(test)]
mod tests {
"""


def test_the_tests_inside_a_rust_file_come_after_the_code_that_calls(tmp_path: Path) -> None:
    """They stand in the file itself, and are the nearest only by place."""
    cases = "".join(f"    #[test]\n    fn case_{n}() {{\n        b.refill_all();\n    }}\n" for n in range(3))
    before = {
        "src/buffer.rs": f"{RUST}{cases}}}\n",
        "src/glue.rs": "fn run(b: Buffer) {\n    while b.refill_all() {}\n}\n",
    }
    text = related(tmp_path, before, {"src/buffer.rs": before["src/buffer.rs"].replace("false", "true")})
    assert text.index("src/glue.rs (uses refill_all") < text.index("fn case_0")


def test_what_a_changed_comment_names_is_not_looked_up(tmp_path: Path) -> None:
    """An address in an example means no definition, and whoever explains a class does not change it."""
    before = {
        "src/options.ts": "export class Options {\n  /**\n  Sent as it is.\n  */\n  body = 1;\n}\n",
        "src/https.ts": "export function https() {\n  return 1;\n}\n",
        "src/use.ts": "import { Options } from './options';\nexport const made = new Options();\n",
    }
    said = before["src/options.ts"].replace("Sent as", "fetch(https(1))\n  Sent as")
    assert related(tmp_path, before, {"src/options.ts": said}) == ""


def test_a_main_file_has_no_tests_in_other_folders(tmp_path: Path) -> None:
    """Every folder may have an `index`: of that name alone, the tests of another folder are not this one's."""
    before = {
        "src/core/index.ts": "export const one = () => 1;\n",
        "test/types/server/index.ts": "export function start() {\n  return 1;\n}\n",
        "test/core/index.ts": "export function checked() {\n  return 1;\n}\n",
    }
    text = related(tmp_path, before, {"src/core/index.ts": "export const one = () => 2;\n"})
    assert "### test/core/index.ts (the tests of src/core/index.ts)" in text
    assert "test/types" not in text


@pytest.mark.parametrize(("row", "count"), [("    var prev = head", 0), ("  var prev = 1", 1)])
def test_a_variable_inside_a_function_is_missed_by_nobody(tmp_path: Path, row: str, count: int) -> None:
    """Another class has a field of its name; what a class itself had may be missed."""
    code = "class Queue {\n  var prev = 1\n\n  fun drop(node: Node) {\n    var prev = head\n    unlink(node)\n  }\n}\n"
    before = {
        "src/Queue.kt": "".join(f"{line}\n" for line in code.split("\n")[:-1] if "prev" not in line or line == row),
        "src/Segment.kt": "class Segment {\n  fun pop() {\n    this.prev = null\n  }\n}\n",
    }
    text = related(tmp_path, before, {"src/Queue.kt": before["src/Queue.kt"].replace(f"{row}\n", "")})
    assert text.count("uses prev, removed in src/Queue.kt") == count


def test_code_that_becomes_a_comment_is_changed_code(tmp_path: Path) -> None:
    """Its callers are shown, as where the line is taken out."""
    checked = PYTHON["shop/prices.py"].replace("    return item", "    item.check()\n    return item")
    text = related(
        tmp_path, PYTHON | {"shop/prices.py": checked}, {"shop/prices.py": checked.replace("item.ch", "# item.ch")}
    )
    assert "shop/cart.py (uses price_of" in text


def test_a_text_that_documents_uses_nothing(tmp_path: Path) -> None:
    """A verb in it may be the name of a function all the same."""
    told = 'def other():\n    """Others\n    overlay the first.\n    """\n'
    before = {"shop/env.py": f"def overlay(a):\n    return a\n\n\n{told}"}
    assert related(tmp_path, before, {"shop/env.py": before["shop/env.py"].replace("return a", "return [a]")}) == ""


def test_of_many_tests_those_of_the_changed_names_are_listed(tmp_path: Path) -> None:
    """Not the samples that stand at the beginning of the file."""
    samples = "".join(f"SAMPLE_{n} = {n}\n" for n in range(30))
    tests = "from shop.prices import price_of\n\n" + samples + "\n\ndef test_price_of():\n    assert price_of(1)\n"
    after = {"shop/prices.py": PYTHON["shop/prices.py"].replace("item.price", "item.cost")}
    listed = related(tmp_path, PYTHON | {"tests/test_prices.py": tests}, after).partition("(the tests of shop/prices")[
        2
    ]
    assert "def test_price_of():" in listed


STORE = {
    "src/store.ts": "export interface Rules<S> {\n  name: string;\n  upgrade?: (state: unknown) => S | Promise<S>;\n}\n"
                    "const oldStore = (rules: Rules<any>) => (set: any) => {\n"
                    "  const writeItem = () => {\n    old_way(set);\n  };\n  return writeItem;\n};\n"
                    + "".join(f"step({n});\n" for n in range(9))
                    + "const newStore = (rules: Rules<any>) => (set: any) => {\n"
                    "  const writeItem = () => {\n    new_way(set);\n  };\n"
                    + "".join(f"  step({n});\n" for n in range(9))
                    + "  return writeItem;\n};\n",
}  # fmt: skip


def test_a_local_of_another_function_is_not_meant_and_the_type_of_a_callback_is(tmp_path: Path) -> None:
    """Of two locals `writeItem` the changed function's counts. What `rules.upgrade` returns stands in a type."""
    new = STORE["src/store.ts"].replace(
        "step(8);\n  return writeItem", "step(8);\n  set([rules.upgrade(1)]);\n  return writeItem()"
    )
    text = related(tmp_path, STORE, {"src/store.ts": new})
    assert "upgrade?: (state: unknown) => S | Promise<S>" in text
    assert "old_way" not in text


def test_an_assignment_to_a_place_in_an_object_defines_nothing(tmp_path: Path) -> None:
    """Who else reads `ENV` does not concern a change that sets one variable of it."""
    before = {
        "lib/main.rb": "module Shop\n  ENV['PORT'] = '1'\nend\n",
        "lib/base.rb": "module Shop\n  class Base\n    def port\n      ENV['PORT']\n    end\n  end\nend\n",
    }
    after = {"lib/main.rb": before["lib/main.rb"].replace("'1'", "'2'")}
    assert "ENV" not in related(tmp_path, before, after)


def test_of_a_migration_the_tables_are_shown(tmp_path: Path) -> None:
    """What a column takes, and which schema other migrations name, stands in an earlier migration."""
    table = 'CREATE TABLE {{ index .Options "Schema" }}.people (\n  id uuid,\n  name text NOT NULL\n);\n'
    new = {"db/2.up.sql": "-- fill people\ninsert into auth.people (id) select id from auth.users;\n"}
    text = related(tmp_path, {"db/1.up.sql": table}, new)
    assert "### db/1.up.sql (defines people, which db/2.up.sql calls)\n    1 | CREATE TABLE" in text
    assert "name text NOT NULL" in text


def test_a_method_of_an_object_of_another_type_is_not_meant(tmp_path: Path) -> None:
    """`jobs` is a map of the library: a pool of the project that is imported has a method of that name, too."""
    before = {
        "go.mod": "module a.b/shop\n",
        "pool/pool.go": "package pool\n\ntype Pool struct{}\n\n"
                        "func (p *Pool) LoadOrStore(key any) any {\n\treturn counted(key)\n}\n",
        "run/run.go": 'package run\n\nimport (\n\t"sync"\n\n\t"a.b/shop/pool"\n)\n\n'
                      "var jobs sync.Map\n\nvar ours pool.Pool\n\nfunc Run(key string) {\n}\n",
    }  # fmt: skip
    called = before["run/run.go"].replace("{\n}", "{\n\tjobs.LoadOrStore(key)\n}")
    assert "counted(key)" not in related(tmp_path / "a", before, {"run/run.go": called})
    ours = called.replace("\tjobs.", "\tours.")
    assert "counted(key)" in related(tmp_path / "b", before, {"run/run.go": ours})


def test_of_terraform_the_variables_are_shown_with_their_users(tmp_path: Path) -> None:
    """What a variable may be stands where it is declared; who else reads it relies on its default."""
    before = {
        "vpc/variables.tf": 'variable "zones" {\n  type    = list(string)\n  default = null\n}\n',
        "vpc/main.tf": 'resource "a" "b" {\n  name = "x"\n}\n',
        "vpc/dns.tf": 'resource "c" "d" {\n  count = length(var.zones)\n}\n',
    }
    read = {"vpc/main.tf": before["vpc/main.tf"].replace('"x"', "var.zones[0]")}
    text = related(tmp_path / "a", before, read)
    assert "### vpc/variables.tf (defines zones, which vpc/main.tf calls)" in text
    assert "default = null" in text
    changed = {"vpc/variables.tf": before["vpc/variables.tf"].replace("null", "[]")}
    assert "count = length(var.zones)" in related(tmp_path / "b", before, changed)


def test_where_few_files_use_it_more_uses_of_a_file_are_shown(tmp_path: Path) -> None:
    """The fourth caller in the same file may be the one that breaks; other files come first."""
    callers = "".join(f"\n\ndef kind_{n}(text):\n    return parse_row(text, {n})\n" for n in range(6))
    gap = "".join(f"\n\ndef other_{n}():\n    return {n}\n" for n in range(9))
    before = {"shop/rows.py": f"def parse_row(text, n):\n    return text[n]\n{gap}{callers}"}
    after = {"shop/rows.py": before["shop/rows.py"].replace("text[n]", "text[n] or None")}
    text = related(tmp_path / "a", before, after)
    assert [n for n in range(6) if f"parse_row(text, {n})" in text] == [0, 1, 2, 3]
    more = "from shop.rows import parse_row\n\nROW = parse_row('a', 0)\n"
    elsewhere = {"shop/load.py": more, "shop/save.py": more}
    text = related(tmp_path / "b", before | elsewhere, after)
    assert [n for n in range(6) if f"parse_row(text, {n})" in text] == [0, 1]
    assert "### shop/load.py" in text
    assert "### shop/save.py" in text


def test_a_method_of_an_object_leaves_the_function_that_makes_it(tmp_path: Path) -> None:
    """What a function returns can be called wherever the object comes to."""
    before = {
        "src/form.js": "export function makeForm() {\n  return {\n    sendAll(rows) {\n      return rows;\n    },\n"
                       "  };\n}\n" + "step(1);\n" * 9 + "const form = makeForm();\nform.step(1);\n",
        "src/page.js": "import { makeForm } from './form';\nmakeForm().sendAll([1]);\n",
    }  # fmt: skip
    called = {"src/form.js": before["src/form.js"].replace("form.step(1)", "form.sendAll(1)")}
    assert "|     sendAll(rows) {" in related(tmp_path / "a", before, called)
    changed = {"src/form.js": before["src/form.js"].replace("return rows;", "return [rows];")}
    assert "makeForm().sendAll([1])" in related(tmp_path / "b", before, changed)
