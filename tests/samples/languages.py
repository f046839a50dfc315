"""One small project for each row of the runner table: the same function added, with a strong, a weak and a red test."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

#: Where Debian keeps what Maven needs; see https://wiki.debian.org/Java/MavenRepoSpec .
MAVEN_REPOSITORY = Path("/usr/share/maven-repo")


@dataclass(frozen=True, slots=True)
class Sample:
    """A project at its base, and its source with the function. `red` expects 202 where 201 is right.

    `lacks` says what this machine has not; `install` brings packages into the project's folder, or says why it cannot.
    `build` is what somebody who works on it has run before. `slow`: a run takes seconds.
    """

    name: str
    files: Mapping[str, str]
    source: str
    added: str
    path: str
    strong: str
    weak: str
    covered: bool
    lacks: Callable[[], str]
    install: Callable[[Path], str] = field(default=lambda _folder: "")
    replace_end: str = ""
    slow: bool = False
    build: tuple[str, ...] = ()

    @property
    def head(self) -> str:
        """The changed file."""
        before = self.files[self.source].rstrip()
        return before.removesuffix(self.replace_end).rstrip() + "\n" + self.added + self.replace_end + "\n"

    @property
    def red(self) -> str:
        """The strong test with one wrong expectation."""
        return self.strong.replace("201", "202")

    def beside(self, word: str) -> str:
        """Return another path for a test, and a class of that name where the language wants one."""
        return re.sub(r"(?i)fee", lambda found: word.title() if found[0][0].isupper() else word, self.path)

    def named(self, code: str, word: str) -> str:
        """Return the code with its classes and functions renamed likewise, so that several can stand side by side."""
        return re.sub(r"\b(?:class |func Test)Fee", lambda found: found[0][:-3] + word.title(), code)


def _needs(*programs: str) -> Callable[[], str]:
    def lacks() -> str:
        missing = [name for name in programs if shutil.which(name) is None]
        return f"this machine has no {' and no '.join(missing)}" if missing else ""

    return lacks


def _lacks_cargo() -> str:
    if missing := _needs("cargo", "cc")():
        return missing
    # rustup's own program is there also where it has no toolchain for this home.
    asked = subprocess.run(["cargo", "--version"], capture_output=True, check=False)
    return "cargo has no toolchain here" if asked.returncode else ""


def _npm(*packages: str) -> Callable[[Path], str]:
    def install(folder: Path) -> str:
        words = ["npm", "install", "--no-save", "--no-fund", "--no-audit", "--ignore-scripts", "--silent", *packages]
        try:
            done = subprocess.run(words, cwd=folder, capture_output=True, text=True, check=False, timeout=180)
        except subprocess.TimeoutExpired:
            return "npm did not answer"
        return done.stderr.strip()[-200:] or "npm failed" if done.returncode else ""

    return install


def _ruby(library: str) -> Callable[[], str]:
    def lacks() -> str:
        if shutil.which("ruby") is None:
            return "this machine has no ruby"
        asked = subprocess.run(["ruby", "-e", f"require '{library}'"], capture_output=True, check=False)
        return f"this machine's ruby has no {library}" if asked.returncode else ""

    return lacks


def _maven_plugin(name: str) -> str:
    versions = sorted(path.name for path in (MAVEN_REPOSITORY / "org/apache/maven/plugins" / name).glob("[0-9]*"))
    return versions[-1] if versions else ""


def _lacks_maven() -> str:
    plugins = ("maven-surefire-plugin", "maven-compiler-plugin", "maven-resources-plugin")
    missing = [name for name in plugins if not _maven_plugin(name)]
    return _needs("mvn", "java")() or (f"{MAVEN_REPOSITORY} has no {missing[0]}" if missing else "")


_JS = "export function total(items) {\n  return items.reduce((sum, one) => sum + one, 0);\n}\n"
_JS_FEE = """
export function fee(amount, days) {
  if (days <= 14) {
    return 0;
  }
  return amount * 2 + days - 14;
}
"""
_EXPECTS_STRONG = """{imports}import {{ fee }} from "../src/price.js";

test("two weeks are free", () => {{
  expect(fee(100, 14)).toBe(0);
  expect(fee(100, 0)).toBe(0);
}});
test("later it costs", () => {{
  expect(fee(100, 15)).toBe(201);
  expect(fee(10, 20)).toBe(26);
}});
"""
_EXPECTS_WEAK = """{imports}import {{ fee }} from "../src/price.js";

test("gives a number", () => {{ expect(typeof fee(100, 30)).toBe("number"); }});
"""
_EXPECTS_OLD = """{imports}import {{ total }} from "../src/price.js";

test("adds", () => {{ expect(total([1, 2])).toBe(3); }});
"""


def _expecting(name: str, manifest: str, imports: str, packages: tuple[str, ...], *, source: str = "") -> Sample:
    """Return a JavaScript project whose tests are written with `expect`."""
    fee, old, strong, weak = _JS_FEE, _EXPECTS_OLD, _EXPECTS_STRONG, _EXPECTS_WEAK
    return Sample(
        name=name,
        files={
            "package.json": manifest, "src/price.js": source or _JS,
            "test/total.test.js": old.format(imports=imports),
        },
        source="src/price.js", added=fee, path="test/fee.test.js",
        strong=strong.format(imports=imports), weak=weak.format(imports=imports),
        covered=True, lacks=_needs("node", "npm"), install=_npm(*packages), slow=True,
    )  # fmt: skip


VITEST = _expecting(
    "vitest",
    '{"type": "module", "scripts": {"test": "vitest run"}, "devDependencies": {"@vitest/coverage-v8": "2"}}',
    'import { expect, test } from "vitest";\n',
    ("vitest@2", "@vitest/coverage-v8@2"),
)

_COMMON = "function total(items) {\n  return items.reduce((sum, one) => sum + one, 0);\n}\nexports.total = total;\n"
_JEST = _expecting("jest", '{"devDependencies": {"jest": "29"}}', "", ("jest@29",), source=_COMMON)


def _required(code: str) -> str:
    return re.sub(r'import (\{.*?\}) from "(.*?)";', r'const \1 = require("\2");', code)


JEST = Sample(
    name="jest", files={path: _required(text) for path, text in _JEST.files.items()}, source=_JEST.source,
    added=_JS_FEE.replace("export ", "") + "exports.fee = fee;\n", path=_JEST.path, strong=_required(_JEST.strong),
    weak=_required(_JEST.weak), covered=True, lacks=_JEST.lacks, install=_JEST.install, slow=True,
)  # fmt: skip

_GO_TEST = 'package fees\n\nimport "testing"\n\n'
GO = Sample(
    name="go",
    files={
        "go.mod": "module example.com/fees\n\ngo 1.19\n",
        "fees.go": """package fees

func Total(items []int) int {
	sum := 0
	for _, one := range items {
		sum += one
	}
	return sum
}
""",
        "fees_test.go": f"""{_GO_TEST}func TestTotal(t *testing.T) {{
	if Total([]int{{1, 2}}) != 3 {{
		t.Error("wrong")
	}}
}}
""",
    },
    source="fees.go",
    added="""
func Fee(amount, days int) int {
	if days <= 14 {
		return 0
	}
	return amount * 2 + days - 14
}
""",
    path="fee_test.go",
    strong=f"""{_GO_TEST}func TestFee(t *testing.T) {{
	cases := []struct{{ amount, days, want int }}{{{{100, 14, 0}}, {{100, 0, 0}}, {{100, 15, 201}}, {{10, 20, 26}}}}
	for _, one := range cases {{
		if got := Fee(one.amount, one.days); got != one.want {{
			t.Errorf("Fee(%d, %d) = %d, want %d", one.amount, one.days, got, one.want)
		}}
	}}
}}
""",
    weak=f"""{_GO_TEST}func TestFee(t *testing.T) {{
	if Fee(100, 30) == -1 {{
		t.Error("wrong")
	}}
}}
""",
    covered=True,
    lacks=_needs("go"),
    build=("go", "test", "-coverprofile=/dev/null", "./..."),
    slow=True,
)

CARGO = Sample(
    name="cargo",
    files={
        "Cargo.toml": '[package]\nname = "fees"\nversion = "0.1.0"\nedition = "2021"\n',
        "src/lib.rs": "pub fn total(items: &[i64]) -> i64 {\n    items.iter().sum()\n}\n",
        "tests/total.rs": "use fees::total;\n\n#[test]\nfn adds() {\n    assert_eq!(total(&[1, 2]), 3);\n}\n",
    },
    source="src/lib.rs",
    added="""
pub fn fee(amount: i64, days: i64) -> i64 {
    if days <= 14 {
        return 0;
    }
    amount * 2 + days - 14
}
""",
    path="tests/fee.rs",
    strong="""use fees::fee;

#[test]
fn two_weeks_are_free() {
    assert_eq!(fee(100, 14), 0);
    assert_eq!(fee(100, 0), 0);
}

#[test]
fn later_it_costs() {
    assert_eq!(fee(100, 15), 201);
    assert_eq!(fee(10, 20), 26);
}
""",
    weak="use fees::fee;\n\n#[test]\nfn gives_something() {\n    assert!(fee(100, 30) > -1);\n}\n",
    covered=False,
    lacks=_lacks_cargo,
    build=("cargo", "test", "--offline", "--no-run"),
)

_JAVA_TEST = """package shop;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

"""


def _pom() -> str:
    def plugin(name: str) -> str:
        return f"<plugin><artifactId>{name}</artifactId><version>{_maven_plugin(name)}</version></plugin>"

    def dependency(name: str) -> str:
        versions = sorted(path.name for path in (MAVEN_REPOSITORY / "org/junit/jupiter" / name).glob("[0-9]*"))
        version = versions[-1] if versions else "none"
        return (
            f"<dependency><groupId>org.junit.jupiter</groupId><artifactId>{name}</artifactId>"
            f"<version>{version}</version><scope>test</scope></dependency>"
        )

    names = ("maven-surefire-plugin", "maven-compiler-plugin", "maven-resources-plugin")
    return f"""<project xmlns="http://maven.apache.org/POM/4.0.0">
<modelVersion>4.0.0</modelVersion><groupId>shop</groupId><artifactId>shop</artifactId><version>1</version>
<properties><maven.compiler.source>17</maven.compiler.source><maven.compiler.target>17</maven.compiler.target>
<project.build.sourceEncoding>UTF-8</project.build.sourceEncoding></properties>
<dependencies>{dependency("junit-jupiter-api")}{dependency("junit-jupiter-engine")}</dependencies>
<build><plugins>{"".join(map(plugin, names))}</plugins></build></project>
"""


MAVEN = Sample(
    name="maven",
    files={
        # Debian's surefire waits ten seconds for a JVM of its own to end.
        ".mvn/maven.config": f"-Dmaven.repo.local={MAVEN_REPOSITORY}\n-DforkCount=0\n",
        "pom.xml": _pom(),
        "src/main/java/shop/Price.java": """package shop;

public class Price {
    static int total(int a, int b) {
        return a + b;
    }
}
""",
        "src/test/java/shop/TotalTest.java": _JAVA_TEST
        + "class TotalTest {\n    @Test void adds() { assertEquals(3, Price.total(1, 2)); }\n}\n",
    },
    source="src/main/java/shop/Price.java",
    added="""
    static int fee(int amount, int days) {
        if (days <= 14) {
            return 0;
        }
        return amount * 2 + days - 14;
    }
""",
    replace_end="}",
    path="src/test/java/shop/FeeTest.java",
    strong=_JAVA_TEST
    + """class FeeTest {
    @Test void twoWeeksAreFree() {
        assertEquals(0, Price.fee(100, 14));
        assertEquals(0, Price.fee(100, 0));
    }

    @Test void laterItCosts() {
        assertEquals(201, Price.fee(100, 15));
        assertEquals(26, Price.fee(10, 20));
    }
}
""",
    weak=_JAVA_TEST + "class FeeTest {\n    @Test void givesSomething() { assertTrue(Price.fee(100, 30) > -1); }\n}\n",
    covered=False,
    lacks=_lacks_maven,
    slow=True,
)

_RUBY = {"Rakefile": "", "lib/price.rb": "module Price\n  def self.total(items)\n    items.sum\n  end\nend\n"}
_RUBY_FEE = """
  def self.fee(amount, days)
    return 0 if days <= 14
    amount * 2 + days - 14
  end
"""
_SPEC = 'require_relative "../lib/price"\n\nRSpec.describe Price do\n'
RSPEC = Sample(
    name="rspec",
    files={**_RUBY, "spec/total_spec.rb": _SPEC + '  it("adds") { expect(Price.total([1, 2])).to eq(3) }\nend\n'},
    source="lib/price.rb",
    added=_RUBY_FEE,
    replace_end="end",
    path="spec/fee_spec.rb",
    strong=_SPEC
    + """  it "is free for two weeks" do
    expect(Price.fee(100, 14)).to eq(0)
    expect(Price.fee(100, 0)).to eq(0)
  end

  it "costs later" do
    expect(Price.fee(100, 15)).to eq(201)
    expect(Price.fee(10, 20)).to eq(26)
  end
end
""",
    weak=_SPEC + '  it("gives something") { expect(Price.fee(100, 30)).to be > -1 }\nend\n',
    covered=False,
    lacks=_ruby("rspec"),
)

_MINI = 'require "minitest/autorun"\nrequire "price"\n\n'
MINITEST = Sample(
    name="minitest",
    files={
        **_RUBY,
        "test/total_test.rb": _MINI
        + "class TotalTest < Minitest::Test\n  def test_adds\n    assert_equal 3, Price.total([1, 2])\n  end\nend\n",
    },
    source="lib/price.rb",
    added=_RUBY_FEE,
    replace_end="end",
    path="test/fee_test.rb",
    strong=_MINI
    + """class FeeTest < Minitest::Test
  def test_two_weeks_are_free
    assert_equal 0, Price.fee(100, 14)
    assert_equal 0, Price.fee(100, 0)
  end

  def test_later_it_costs
    assert_equal 201, Price.fee(100, 15)
    assert_equal 26, Price.fee(10, 20)
  end
end
""",
    weak=_MINI
    + "class FeeTest < Minitest::Test\n  def test_something\n    assert Price.fee(100, 30) > -1\n  end\nend\n",
    covered=False,
    lacks=_ruby("minitest"),
)

SAMPLES = (VITEST, JEST, GO, CARGO, MAVEN, RSPEC, MINITEST)
