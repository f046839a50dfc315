"""How closely a part is looked at: by its size, its words, and the money."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

import pytest

from reviewer.diff.parser import parse_diff
from reviewer.tasks.planning.chunks import Chunk, ChunkSection, chunk
from reviewer.tasks.planning.lenses import DEPTHS, LARGE, Depth, Lens, depth_of, lenses_for

PLAIN = [f"total_{n} = price_{n} + fee_{n}" for n in range(500)]


def part(*added: str, path: str = "shop/cart.py", removed: tuple[str, ...] = ()) -> Chunk:
    """Return the one part of a change of that file."""
    (one,) = parts((path, added, removed))
    return one


def parts(*files: tuple[str, Sequence[str], Sequence[str]], budget: int = 12_000) -> tuple[Chunk, ...]:
    """Return the parts of a change of these files."""
    chunks, skipped = chunk(parse_diff(diff_of(*files)).files, budget=budget)
    assert not skipped
    return chunks


def diff_of(*files: tuple[str, Sequence[str], Sequence[str]]) -> bytes:
    """Return a diff of files by path, added and removed lines."""
    text = ""
    for path, added, removed in files:
        text += f"--- a/{path}\n+++ b/{path}\n@@ -1,{len(removed) + 1} +1,{len(added) + 1} @@\n context\n"
        text += "".join(f"-{line}\n" for line in removed) + "".join(f"+{line}\n" for line in added)
    return text.encode()


@pytest.mark.parametrize(
    ("line", "lens"),
    [
        ('cursor.execute(f"SELECT * FROM users WHERE id = {user}")', Lens.SECURITY),
        ("subprocess.run(command, shell=True)", Lens.SECURITY),
        ("element.innerHTML = comment", Lens.SECURITY),
        ("data = pickle.loads(body)", Lens.SECURITY),
        ("if token == expected:", Lens.SECURITY),
        ("return redirect(params[:next])", Lens.SECURITY),
        ("target = os.path.join(root, name)", Lens.SECURITY),
        ("with self._lock: pass", Lens.CONCURRENCY),
        ("go func() { results <- fetch(url) }()", Lens.CONCURRENCY),
        ("private final Object monitor; synchronized (monitor) {", Lens.CONCURRENCY),
        ("await Promise.all(jobs.map(run))", Lens.CONCURRENCY),
        ("handle = open(name)", Lens.CONCURRENCY),
        ("connection.close()", Lens.CONCURRENCY),
        ('@app.route("/users", methods=["GET"])', Lens.CONTRACTS),
        ("add_column :users, :name, :string", Lens.CONTRACTS),
        ('Name string `json:"name"`', Lens.CONTRACTS),
        ("ALTER TABLE users DROP COLUMN name;", Lens.CONTRACTS),
        ("reminders.backfill_all(rows)", Lens.OPERATION),
        ("return moment.astimezone(timezone)", Lens.OPERATION),
        ("<input onChange={save} aria-label={label} />", Lens.OPERATION),
        ("response = requests.post(rates_url)", Lens.OPERATION),
    ],
)
def test_telling_lines_call_for_their_lens(line: str, lens: Lens) -> None:
    """Two such lines among plain ones are enough, whatever the language."""
    assert lens in lenses_for(part(*PLAIN[:12], line, line))


def test_comments_call_for_no_lens() -> None:
    """Documentation that tells of threads and tokens shares no state, however long it is."""
    assert lenses_for(part(*["   * Reads the token in a synchronized block."] * 60, path="src/Cart.java")) == ()
    assert lenses_for(part(*["# Executes the sql under the lock."] * 60)) == ()
    assert Lens.CONCURRENCY in lenses_for(part(*PLAIN[:12], *["#[tokio::test] async fn pay() {"] * 2, path="a.rs"))


@pytest.mark.parametrize("path", [".github/workflows/release.yml", ".github/actions/tag/action.yml"])
def test_scripts_of_workflows_are_looked_at_for_holes(path: str) -> None:
    """What a workflow pastes into a shell runs there; other YAML is no script, and awaits nothing."""
    pasted = part(*PLAIN[:12], "run: git tag ${{ inputs.version }}", path=path)
    assert lenses_for(pasted) == (Lens.SECURITY,)
    assert Lens.CONCURRENCY not in lenses_for(part(*PLAIN[:60], *["await github.close()"] * 4, path=path))
    assert lenses_for(part(*PLAIN[:12], "run: git tag ${{ inputs.version }}", path="docs/a.yml")) == ()


@pytest.mark.parametrize("path", ["db/migrate/3_users.rb", "api/users.py", "proto/user.proto.py", "config/app.py"])
def test_some_paths_are_contracts(path: str) -> None:
    """Who changes a migration, a route or a schema changes what others rely on."""
    assert Lens.CONTRACTS in lenses_for(part(*PLAIN[:12], path=path))


def test_definitions_that_go_are_contracts_and_new_ones_are_not() -> None:
    """A removed signature has callers; an added one has none yet."""
    old = ("def total(items):", "def fee(items):")
    assert Lens.CONTRACTS in lenses_for(part(*PLAIN[:12], removed=old))
    assert Lens.CONTRACTS not in lenses_for(part(*PLAIN[:12], *old))


def test_tests_get_their_own_lens_and_tempt_no_other() -> None:
    """Words in a test call for no other lens: it runs nowhere but on a developer's machine."""
    lines = [f"assert subprocess.run({n}).token == lock" for n in range(24)]
    assert lenses_for(part(*lines, path="tests/test_cart.py")) == (Lens.TESTS,)


def test_small_and_harmless_changes_get_no_closer_look() -> None:
    """Below the least size even telling words are left to the general finder, and so is plain code of some size."""
    assert lenses_for(part("os.system(command)", "lock.acquire()")) == ()
    assert lenses_for(part(*PLAIN[:40])) == ()
    assert lenses_for(part(*["Run `os.system(x)` with a token."] * 60, path="README.md")) == ()


def test_larger_parts_get_more_looks_the_most_telling_first() -> None:
    """One, two, three looks by size; what has more hits comes first."""
    telling = ["os.system(command)", "lock.acquire()", "lock.release()"]
    for looks, least in enumerate(DEPTHS, 1):
        assert len(lenses_for(part(*PLAIN[: least - 3], *telling, path="api/run.py"))) == looks
    most = lenses_for(part(*PLAIN[:480], *["lock.acquire()"] * 30, "os.system(x)"))
    assert most == (Lens.CORRECTNESS, Lens.CONCURRENCY, Lens.SECURITY)


def test_without_a_ceiling_every_look_is_taken() -> None:
    """Unknown prices, or no ceiling, cut nothing; a large change has its severe claims judged twice."""
    one = part(*PLAIN[:LARGE])
    for cost, ceiling in ((None, Decimal(0)), (Decimal(1), None)):
        assert depth_of([one], cost=cost, ceiling=ceiling) == Depth(((Lens.CORRECTNESS,),), 0, two_opinions=True)
    assert not depth_of([part(*PLAIN[: LARGE - 1])], cost=None, ceiling=None).two_opinions


def test_the_budget_takes_looks_away_not_parts_and_counts_them() -> None:
    """The first looks of all parts come before anybody's second; what is not paid for is counted."""
    risky = [*PLAIN[:120], *["os.system(command)", "lock.acquire()"] * 4]
    both = parts(("a.py", risky, ()), ("b.py", risky, ()), budget=3_000)
    assert len(both) == 2
    cost = Decimal("0.01")
    base = sum((cost * one.tokens / 1000 for one in both), Decimal(0))
    free = depth_of(both, cost=cost, ceiling=base * 10)
    assert [len(looks) for looks in free.looks] == [2, 2]
    none = depth_of(both, cost=cost, ceiling=base)
    assert (none.looks, none.unpaid, none.two_opinions) == (((), ()), 4, False)
    some = depth_of(both, cost=cost, ceiling=base * Decimal("1.7"))
    assert ([len(looks) for looks in some.looks], some.unpaid) == ([1, 1], 2)
    assert [looks[0] for looks in some.looks] == [looks[0] for looks in free.looks]


def test_long_lines_cost_no_time() -> None:
    """A line of a million characters is looked at only at its front."""
    lines = ["select " * 150_000, "if " * 300_000]
    files = parse_diff(diff_of(*((f"a{number}.py", lines, ()) for number in range(8)))).files
    assert lenses_for(Chunk.of(ChunkSection(file, "", 1) for file in files)) == (Lens.CONCURRENCY,)
