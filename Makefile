# Each command sets up what it needs: an interpreter (PYTHON=...), .venv, and in it what requirements/dev.txt locks.
MAKEFLAGS += --no-print-directory --no-builtin-rules
BIN := .venv/bin
ARGS ?=

.DEFAULT_GOAL := help
.PHONY: help demo serve test lint format bench chaos eval lock venv clean

help: ## list these commands
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-8s %s\n", $$1, $$2 }' Makefile

demo: venv ## review a pull request offline, against doubles of GitHub and the model; writes an HTML page
	@$(BIN)/python -m tests.demo $(ARGS)

serve: venv ## run the GitHub App on port 8000 (PORT=...); its settings come from the environment
	@exec $(BIN)/gunicorn --config gunicorn.conf.py 'app:create_app()' $(ARGS)

test: venv ## run the tests, four at a time (ARGS="-k name" for some of them, ARGS="-n 0" for one at a time)
	@$(BIN)/python -m pytest -n 4 --dist worksteal $(ARGS)

lint: venv ## check format, style, types and which module may import which
	@$(BIN)/ruff format --check --quiet .
	@$(BIN)/ruff check --quiet .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-logo

format: venv ## format the code and mend what ruff can mend
	@$(BIN)/ruff format --quiet .
	@$(BIN)/ruff check --fix --quiet .

bench: venv ## measure the reviewer on the benchmark's pull requests
	@$(BIN)/python -m bench $(ARGS)

chaos: venv ## kill the App again and again while deliveries come in, and count what was lost or done twice (minutes)
	@$(BIN)/python -m tests.chaos $(ARGS)

eval: venv ## measure the reviewer on the cases in evals/, with a real model (needs RUNAPI_KEY; costs some cents)
	@$(BIN)/python app.py eval evals $(ARGS)

lock: venv ## write requirements/*.txt from pyproject.toml (ARGS=--upgrade for newer versions)
	@requirements/lock.sh $(ARGS)

clean: ## remove .venv and what the tools left
	@rm -rf .venv .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache

venv:
	@requirements/install.sh
