#!/usr/bin/env bash
# Makes .venv hold at least what one lock of this folder names: requirements/install.sh [server|demo|dev], dev by default.
# Each of these locks contains the one before it, version for version, so .venv grows: after `make serve`, `make test`
# adds what is missing; after `make test`, `make serve` has nothing to do. It never shrinks: when a lock changes, .venv
# is made anew with the largest set it held. Silent and quick when nothing is to do.
# PYTHON may name the interpreter. On Debian and Ubuntu the missing venv package is installed, if we may.
set -euo pipefail
cd "$(dirname "$0")/.."

sets=(server demo dev) # smallest first
wanted=${1:-dev}
venv=.venv
record=$venv/installed # `installed-SET.txt` is a copy of the lock, written last: half an installation has none

fail() {
    printf '%s\n' "$*" >&2
    exit 1
}

find_python() {
    local name base
    for name in ${PYTHON:-python3 python3.14 python3.13 python3.12 python3.11}; do
        if "$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            # In an activated .venv its own Python is found first, which is about to be deleted: take the one below it.
            base=$("$name" -c 'import sys; print(getattr(sys, "_base_executable", "") or sys.executable)')
            echo "${base:-$(command -v "$name")}"
            return
        fi
    done
    fail "Python 3.11 or newer is needed. Install it, or name it: make PYTHON=/path/to/python3 ..."
}

# Print the place of a set among the sets; "" for a name that is not one.
place_of() {
    local place
    for place in "${!sets[@]}"; do
        [ "${sets[$place]}" != "$1" ] || echo "$place"
    done
}

# Print the largest set that .venv holds, whatever the version of its lock; nothing where there is none.
held() {
    local name largest=
    for name in "${sets[@]}"; do
        [ ! -e "$record-$name.txt" ] || largest=$name
    done
    [ ! -e "$venv/installed.txt" ] || largest=dev # as this script recorded it before there were sets
    echo "$largest"
}

# Debian and Ubuntu ship python3 without ensurepip: it comes with the package python3.N-venv.
need_ensurepip() {
    local python=$1 package
    "$python" -c 'import ensurepip, venv' 2>/dev/null && return
    package=$("$python" -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])')
    echo "Installing $package, which $python lacks" >&2
    .ci/packages "$package" || fail "$python cannot make virtual environments. Install $package, then run make again."
}

# Makes an empty .venv with the pip that requirements/dev.txt locks, which finds packages in half the time that pips of 2023
# take. An interpreter's own pip can put it there; only where there is none, .venv gets the one that comes with Python.
make_venv() {
    local python pip
    python=$(find_python)
    if "$python" -m pip --python "$python" --version >/dev/null 2>&1 && "$python" -c 'import venv' 2>/dev/null; then
        "$python" -m venv --clear --without-pip "$venv"
        pip=("$python" -m pip --python "$venv/bin/python")
    else
        need_ensurepip "$python"
        "$python" -m venv --clear "$venv"
        pip=("$venv/bin/python" -m pip)
    fi
    awk '/^pip==/ { found = 1 } found { print } found && !/\\$/ { exit }' requirements/dev.txt >"$venv/pip.txt"
    install_lock "$venv/pip.txt" "${pip[@]}"
}

# The lock is complete, so nothing is resolved: old pips stumble over a pin without the extras that a package asks for.
# Nothing is compiled either: Python compiles what it imports, and most modules are never imported.
install_lock() {
    local lock=$1
    shift
    "$@" install -qq --disable-pip-version-check --no-input --no-deps --no-compile --require-hashes --requirement "$lock"
}

# The command `reviewer`, as an installation of the package would make it.
make_command() {
    printf '#!/bin/sh\nexec "${0%%/*}/python" -E -P "${0%%/*}/../../minimax_reviewer/launcher.py" "$@"\n' >"$venv/bin/reviewer"
    chmod +x "$venv/bin/reviewer"
}

[ -n "$(place_of "$wanted")" ] || fail "No set of packages is named $wanted. There are: ${sets[*]}."
has=$(held)
usable=yes
{ [ -n "$has" ] && cmp -s "requirements/$has.txt" "$record-$has.txt" && "$venv/bin/python" -c '' 2>/dev/null; } || usable=
if [ -n "$usable" ] && [ "$(place_of "$has")" -ge "$(place_of "$wanted")" ]; then
    grep -qs minimax_reviewer "$venv/bin/reviewer" || make_command
    exit 0
fi
if [ -n "$has" ] && [ "$(place_of "$has")" -gt "$(place_of "$wanted")" ]; then
    wanted=$has
fi
echo "Installing requirements/$wanted.txt into $venv (once, and again when it changes)" >&2
[ -n "$usable" ] || make_venv
install_lock "requirements/$wanted.txt" "$venv/bin/python" -m pip
make_command
cp "requirements/$wanted.txt" "$record-$wanted.txt"
