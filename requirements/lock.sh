#!/usr/bin/env bash
# Writes the locks beside this script from pyproject.toml (which holds uv's settings too): what is pinned stays pinned unless --upgrade is given.
set -euo pipefail
cd "$(dirname "$0")/.."

# The largest set first: the smaller ones then take its versions, so that what is tested is what is shipped.
write() { .venv/bin/uv pip compile --quiet "$@" >/dev/null; }
smaller() { write pyproject.toml --constraint requirements/dev.txt "$@"; }
write pyproject.toml --extra server --extra otel --group dev --output-file requirements/dev.txt "$@"
smaller --extra server --group demo --output-file requirements/demo.txt "$@"
smaller --extra server --output-file requirements/server.txt "$@"
smaller --extra server --extra otel --output-file requirements/otel.txt "$@"
smaller --output-file requirements/base.txt "$@"
write --group workflows --output-file requirements/workflows.txt "$@"
write --group audit --output-file requirements/audit.txt "$@"
write --group fuzz --output-file requirements/fuzz.txt "$@"
write --group dist --output-file requirements/dist.txt "$@"
