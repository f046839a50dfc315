# Each command installs what it needs into .venv, and no more: a Python (PYTHON=... to name one) and the packages of one
# lock in requirements/. The first command takes seconds to minutes for that, later ones nothing.
MAKEFLAGS += --no-print-directory --no-builtin-rules
BIN := .venv/bin
ARGS ?=
DIST ?= dist
define WRITE_SCHEMA
import json, pathlib
from reviewer.domain.settings import settings_schema
from reviewer.output.settings_page import with_table
pathlib.Path("docs/reviewer.schema.json").write_text(json.dumps(settings_schema(), indent=2) + "\n", encoding="utf-8")
page = pathlib.Path("docs/settings.md")
page.write_text(with_table(page.read_text("utf-8")), encoding="utf-8")
endef
export WRITE_SCHEMA

.DEFAULT_GOAL := help
.PHONY: help demo serve test test-fast cover lint format bench pictures chaos attack fuzz eval schema lock dist clean venv venv-server venv-demo

help: ## list these commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-10s %s\n", $$1, $$2 }' Makefile

demo: venv-demo ## review a pull request offline, against doubles of GitHub and the model; write an HTML page
	@$(BIN)/python -m tests.demo $(ARGS)

serve: venv-server ## run the GitHub App on port 8000 (PORT=... for another); its settings come from the environment
	@exec $(BIN)/gunicorn --config gunicorn.conf.py 'app:create_app()' $(ARGS)

test: venv ## run the tests, four at a time (ARGS="-k name" for some of them, ARGS="-n 0" for one at a time)
	@PYTHONDONTWRITEBYTECODE= $(BIN)/python -m pytest -n 4 --dist worksteal $(ARGS)

test-fast: venv ## run the tests that start no process, socket or repository: half a minute
	@PYTHONDONTWRITEBYTECODE= $(BIN)/python -m pytest -n 2 --dist worksteal -m fast $(ARGS)

cover: venv ## run the tests and print which lines and branches of the product they reach (ARGS="-m fast" for some)
	@$(BIN)/python -m coverage erase
	@status=0; $(BIN)/python -m coverage run -m pytest -n 4 --dist worksteal $(ARGS) || status=$$?; \
	$(BIN)/python -m coverage combine --quiet; $(BIN)/python -m coverage report; exit $$status

lint: venv ## check format, style, types and which module may import which
	@$(BIN)/ruff format --check --quiet .
	@$(BIN)/ruff check --quiet .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-logo

format: venv ## format the code and mend what ruff can mend
	@$(BIN)/ruff format --quiet .
	@$(BIN)/ruff check --fix --quiet .

bench: venv ## measure time, memory and sizes (ARGS="install cli" for some of the measurements; see bench/__main__.py)
	@$(BIN)/python -m bench $(ARGS)

pictures: venv ## draw the pictures of the App's pages in docs/pictures, with headless Chromium
	@$(BIN)/python -m tests.demo.pictures

chaos: venv ## kill the App again and again while deliveries come in; count what was lost or done twice (minutes)
	@$(BIN)/python -m tests.chaos $(ARGS)

attack: venv ## play every attack of tests/attacks and beside the code, long ones too; print a table of what held
	@PYTHONDONTWRITEBYTECODE= REVIEWER_LONG_TESTS=1 $(BIN)/python -m pytest -n 4 --dist worksteal -m attack $(ARGS)

fuzz: venv ## feed whatever reads untrusted input 100,000 inputs each (ARGS="--inputs 1000 diff" for fewer, of one target)
	@$(BIN)/python -m pip install -qq --disable-pip-version-check --no-input --no-deps --only-binary :all: --require-hashes \
		--requirement requirements/fuzz.txt || echo "Atheris does not install here: no inputs are guided" >&2
	@$(BIN)/python -m tests.fuzz $(ARGS)

eval: venv-server ## measure the reviewer on the cases in evals/, with a real model (needs RUNAPI_KEY; costs some cents)
	@$(BIN)/python app.py eval evals $(ARGS)

schema: venv-server ## write docs/reviewer.schema.json and the table in docs/settings.md from the settings classes
	@$(BIN)/python -c "$$WRITE_SCHEMA"

lock: venv ## write requirements/*.txt from pyproject.toml (ARGS=--upgrade for newer versions)
	@requirements/lock.sh $(ARGS)

dist: venv ## build the wheel and the source archive into dist/ (DIST=... for another folder), and check them as the package index would
	@rm -rf $(DIST)
	@$(BIN)/hatchling build --directory $(DIST)
	@$(BIN)/uv run --quiet --no-project --isolated --python $(BIN)/python --with-requirements requirements/dist.txt \
		twine check --strict $(DIST)/*

clean: ## remove .venv and what the tools left
	@rm -rf .venv .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache .coverage .coverage.* dist

venv venv-server venv-demo:
	@requirements/install.sh $(patsubst venv-%,%,$(@:venv=venv-dev))
