"""Paths of suggested tests that tools would obey: none is committed, put into a patch, or let through a gate."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest

from reviewer.domain.findings import TestSuggestion
from reviewer.languages.allowed_tests import PathKind, folders_above, refused_name, refused_place
from reviewer.testgen.evidence import GateFailure
from reviewer.testgen.languages.static_gates import static_violation
from reviewer.testgen.merge import patch_of
from reviewer.testgen.working_tree import folder_of
from tests.fakes.github import World
from webhooks.github.credentials import Credentials
from webhooks.github.repository import connect
from webhooks.publishing.suggested_tests.allowed_files import choose_allowed
from webhooks.publishing.suggested_tests.commit_tests import NotAdded, add_tests

CODE = "def test_x():\n    assert True\n"
FILE, FOLDER, LINK = PathKind.FILE, PathKind.FOLDER, PathKind.LINK

#: A repository with tests of every language.
TREE: dict[str, dict[str, PathKind]] = {
    "": {"src": FOLDER, "tests": FOLDER, "spec": FOLDER, "test": FOLDER, "pkg": FOLDER, "link": LINK, "lib": FOLDER,
         "main.py": FILE, "docs": FOLDER, "données": FOLDER, "sub": PathKind.OTHER, "index.js": FILE},
    "src": {"cart.py": FILE, "cart.ts": FILE, "lib.rs": FILE, "test": FOLDER, "pages": FOLDER, "components": FOLDER},
    "src/pages": {"index.tsx": FILE},
    "src/components": {"button.tsx": FILE},
    "src/test": {"java": FOLDER},
    "src/test/java": {"shop": FOLDER},
    "src/test/java/shop": {"CartTest.java": FILE},
    "tests": {"test_cart.py": FILE, "__init__.py": FILE, "unit": FOLDER, "evil": LINK},
    "tests/unit": {},
    "spec": {"cart_spec.rb": FILE, "support": FOLDER},
    "spec/support": {"env.rb": FILE},
    "test": {"cart_test.rb": FILE},
    "pkg": {"cart.go": FILE},
    "lib": {"cart.rb": FILE},
    "docs": {"conf.py": FILE},
    "données": {"tests": FOLDER},
    "données/tests": {},
}  # fmt: skip

OBEYED = [
    # read by Python and its tools, wherever they lie
    "conftest.py", "tests/conftest.py", "tests/unit/conftest.py", "tests/__init__.py", "tests/__main__.py",
    "setup.py", "tests/setup.py", "sitecustomize.py", "usercustomize.py", "tests/sitecustomize.py", "noxfile.py",
    "tasks.py", "fabfile.py", "dodo.py", "manage.py", "wsgi.py", "docs/conf.py", "tests/pytest.py", "tests/evil.pth",
    "tests/settings.py", "hatch_build.py", "versioneer.py", "tests/unittest.py", "gunicorn.conf.py",
    "app/management/commands/test_x.py", "shop/migrations/test_x.py", "tests/fixtures/test_x.py",
    "pyproject.toml", "setup.cfg", "tox.ini", "pytest.ini", "tests/pytest.ini", "requirements.txt", "Pipfile",
    # builds, pipelines, containers
    "Makefile", "tests/Makefile", "GNUmakefile", "justfile", "Taskfile.yml", "Dockerfile", "docker-compose.yml",
    "CMakeLists.txt", "tests/CMakeLists.txt", "BUILD", "tests/BUILD.bazel", "WORKSPACE", "Jenkinsfile", "Vagrantfile",
    "azure-pipelines.yml", "appveyor.yml", "bitbucket-pipelines.yml", "cloudbuild.yaml", "netlify.toml", "Procfile",
    ".github/workflows/test_x.py", ".github/actions/x/action.yml", "action.yml", ".gitlab-ci.yml", ".travis.yml",
    ".circleci/config.yml", ".pre-commit-config.yaml", ".husky/test_x.py", ".vscode/tasks.json", ".devcontainer/x.py",
    ".envrc", ".rspec", ".mocharc.js", "tests/.mocharc.cjs", ".eslintrc.js", ".npmrc", "tests/.coveragerc",
    # JavaScript
    "package.json", "tests/package.json", "jest.config.js", "jest.config.ts", "jest.setup.js", "vitest.config.ts",
    "vitest.workspace.ts", "vitest.setup.ts", "tests/setup.ts", "tests/globalSetup.js", "karma.conf.js",
    "test/index.js",
    "playwright.config.ts", "cypress.config.ts", "cypress/support/x.test.js", "webpack.config.js", "vite.config.mjs",
    "babel.config.cjs", "rollup.config.js", "next.config.js", "Gruntfile.js", "gulpfile.js", "eslint.config.mjs",
    "tests/setupTests.ts", "src/setupTests.js", "tsconfig.json", "src/pages/x.test.tsx", "pages/api/x.test.js",
    "node_modules/x/x.test.js", "src/__mocks__/fs.test.js", "public/x.test.js", "test/mocha.opts", "deno.json",
    # Rust, Go, Ruby, Java
    "build.rs", "tests/build.rs", "src/main.rs", "src/lib.rs", "tests/mod.rs", "tests/main.rs", "src/bin/x_test.rs",
    "benches/x.rs", "examples/x_test.rs", "tests/common/mod.rs", "Cargo.toml", "tests/unit/x.rs", ".cargo/config.toml",
    "pkg/cart.go", "pkg/tools.go", "go.mod", "go.work", "vendor/x/x_test.go", "pkg/testdata/x_test.go",
    "Rakefile", "Gemfile", "tests/Rakefile", "spec/spec_helper.rb", "spec/rails_helper.rb", "test/test_helper.rb",
    "spec/support/evil_spec.rb", "spec/factories/x_spec.rb", "spec/rails_helper_spec.rake", "Guardfile", "config.ru",
    "test/dummy/config/initializers/x_test.rb", "lib/tasks/x_test.rb", "x.gemspec",
    "pom.xml", "build.gradle", "build.gradle.kts", "settings.gradle.kts", "src/test/java/module-info.java",
    "src/test/java/package-info.java", "src/test/resources/x.java", "src/main/java/CartTest.java", "mvnw", "gradlew",
]  # fmt: skip
ELSEWHERE = [
    "", "/tests/test_x.py", "../test_x.py", "tests/../test_x.py", "tests/./test_x.py", "tests//test_x.py", "tests/",
    "tests\\test_x.py", "C:/tests/test_x.py", "tests/test_x.py:stream", "tests/test_x.py.", "tests/test_x.py ",
    " tests/test_x.py", "~/test_x.py", "git~1/test_x.py", "tests/test_x\n.py", "tests/test_x\0.py", "-tests/test_x.py",
    "con/test_x.py", "tests/nul/test_x.py", "tests/NUL.test.js", "tests/com1.spec.ts", "aux.test.js", "LPT9.test.js",
    "tests/prn/test_x.py", "t" * 500 + "/test_x.py", "tests/" + "a/" * 300 + "test_x.py",
    # look-alikes and what nobody sees
    "tests/test_\u0445.py", "t\u0435sts/test_x.py", "tests/test_x\u200b.py", "tests/test_x\u202eyp.py",
    "\uff54ests/test_x.py", "tests\u2044test_x.py", "tests/test_x.p\u0443", "tests/te\u017ft_x.py",
    "tests/test_x.py\u3164",
    # the same as what is there, where case or form does not count; links, submodules, folders that do not exist
    "Tests/test_x.py", "TESTS/test_x.py", "tests/Unit/test_x.py", "tests/Test_cart.py", "tests/test_Cart.py",
    "tests/test_cart.PY", "Spec/x_spec.rb", "donne\u0301es/tests/test_x.py", "link/test_x.py", "tests/evil/test_x.py",
    "sub/tests/test_x.py", "main.py/test_x.py", "nowhere/test_x.py", "nowhere/tests/test_x.py", "pkg/new/x_test.go",
    "test_x.py", "src/test_x.py", "docs/test_x.py", "tests/test_cart.py", "src/shop/CartTest.java", "lib/x_spec.rb",
]  # fmt: skip
ALLOWED = [
    "tests/test_x.py", "tests/unit/test_x.py", "tests/new/deep/test_x.py", "tests/x_test.py", "tests/check_x.py",
    "données/tests/test_x.py", "src/cart.test.ts", "src/components/button.spec.tsx",
    "src/components/__tests__/b.test.tsx",
    "tests/cart.test.mjs", "pkg/cart_test.go", "tests/cart.rs", "spec/models/user_spec.rb", "test/user_test.rb",
    "src/test/java/shop/PriceTest.java", "src/test/java/other/TestPrice.java", "index.test.js", "__tests__/a.test.js",
]  # fmt: skip


def suggested(path: str) -> TestSuggestion:
    return TestSuggestion(path, "", CODE, "5 of 5 runs")


@pytest.mark.parametrize("path", [*OBEYED, *ELSEWHERE])
def test_no_other_file_is_written(path: str) -> None:
    """It is neither committed nor, where its name alone shows it, in the patch or let through a gate."""
    assert choose_allowed([suggested(path)], TREE).tests == ()
    assert refused_place(path, TREE.get)
    if refused_name(path):
        assert patch_of([suggested(path)]) == ""
        if path.isprintable() and not path.startswith("/"):
            assert isinstance(static_violation(path, CODE, (path[-3:],), exists=False), GateFailure)


def test_files_that_tools_obey_are_refused_without_a_look_at_the_repository() -> None:
    """Also in a repository that nobody listed."""
    assert [path for path in OBEYED if not refused_name(path)] == []


@pytest.mark.parametrize("path", ALLOWED)
def test_what_tests_are_called_is_written(path: str) -> None:
    """The usual names in the usual places, for each language that tests are run for."""
    assert refused_place(path, TREE.get) is None
    assert [test.path for test in choose_allowed([suggested(path)], TREE).tests] == [path]
    assert "+++ " in patch_of([suggested(path)])


def test_two_spellings_of_one_new_folder_are_refused() -> None:
    """On some machines both files would lie in one folder."""
    both = [suggested("tests/New/test_a.py"), suggested("tests/new/test_b.py")]
    chosen = choose_allowed(both, TREE)
    assert [test.path for test in chosen.tests] == ["tests/New/test_a.py"]
    assert "spells otherwise" in chosen.left_out[0]


def test_a_listing_that_is_missing_allows_no_place_beside_code() -> None:
    """Where nothing is known of the repository, only a folder for tests can be made."""
    assert refused_place("src/cart.test.ts", lambda _folder: None)
    assert folders_above("a/b/c.py") == ["", "a", "a/b"]


def test_a_checkout_with_links_is_judged_alike(tmp_path: Path) -> None:
    """The gates read the staged tree: a folder that is a link is none."""
    (tmp_path / "real").mkdir()
    (tmp_path / "tests").symlink_to(tmp_path / "real", target_is_directory=True)
    listing = partial(folder_of, tmp_path)
    assert refused_place("tests/test_x.py", listing) == "cannot be created: `tests` is a link"
    assert refused_place("Real/tests/test_x.py", listing)
    assert refused_place("real/tests/test_x.py", listing) is None


@pytest.mark.slow
def test_github_is_never_asked_to_write_one(github: World) -> None:
    """Thirty such paths in one request: no commit, and each is named with its reason."""
    github.installation.permissions |= {"contents": "write"}
    credentials = Credentials(github.url, app_id=str(github.app.id), private_key=github.app.private_key)
    repository = connect(credentials, github.repo.full_name, github.installation.id)
    paths = [*OBEYED[:20], "Tests/test_x.py", "tests/Test_cart.py", "src/new/test_x.py", "nowhere/tests/test_x.py"]
    answer = add_tests(repository, repository.pull(1), [suggested(path) for path in paths], stacked=False, job="j")
    assert isinstance(answer, NotAdded)
    assert not any(b"createCommitOnBranch" in call.body for call in github.calls_to("POST /graphql$"))
