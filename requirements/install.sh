#!/usr/bin/env bash
# Makes .venv hold exactly what requirements/dev.txt locks; silent and quick when it already does.
# PYTHON may name the interpreter. On Debian and Ubuntu the missing venv package is installed, if we may.
set -euo pipefail
cd "$(dirname "$0")/.."

venv=.venv
lock=requirements/dev.txt
installed=$venv/installed.txt # a copy of the lock, written last: half an installation has none

fail() {
    printf '%s\n' "$*" >&2
    exit 1
}

find_python() {
    local name
    for name in ${PYTHON:-python3 python3.14 python3.13 python3.12 python3.11}; do
        if "$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            command -v "$name"
            return
        fi
    done
    fail "Python 3.11 or newer is needed. Install it, or name it: make PYTHON=/path/to/python3 ..."
}

# Debian and Ubuntu ship python3 without ensurepip: it comes with the package python3.N-venv.
need_ensurepip() {
    local python=$1 package
    "$python" -c 'import ensurepip, venv' 2>/dev/null && return
    package=$("$python" -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])')
    echo "Installing $package, which $python lacks" >&2
    .ci/packages "$package" || fail "$python cannot make virtual environments. Install $package, then run make again."
}

# The command `reviewer`, as an installation of the package would make it.
make_command() {
    printf '#!/bin/sh\nexec "${0%%/*}/python" "${0%%/*}/../../app.py" "$@"\n' >"$venv/bin/reviewer"
    chmod +x "$venv/bin/reviewer"
}

if cmp -s "$lock" "$installed" && "$venv/bin/python" -c '' 2>/dev/null; then
    [ -x "$venv/bin/reviewer" ] || make_command
    exit 0
fi
python=$(find_python)
need_ensurepip "$python"
echo "Installing $lock into $venv (once, and again when the lock changes)" >&2
"$python" -m venv --clear "$venv"
# The lock is complete, so nothing is resolved: old pips stumble over a pin without the extras that a package asks for.
"$venv/bin/python" -m pip install -qq --disable-pip-version-check --no-input --no-deps --require-hashes --requirement "$lock"
make_command
cp "$lock" "$installed"
