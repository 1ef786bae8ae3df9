#!/usr/bin/env bash
# Make the virtual environment that all scripts use, or bring it up to date. Sourced by the others:
# afterwards PATH begins with its commands.
#
#   bash scripts/setup.sh [EXTRA...]     EXTRA: groups of pyproject.toml, e.g. test
#
#   VENV    another place           default: .venv beside this folder
#   PYTHON  another interpreter     default: the first of python3, python3.13 to python3.10 that will do
#
# Examples:
#   bash scripts/setup.sh
#   PYTHON=python3.12 bash scripts/setup.sh test report

setup() {
    local root extras python stamp
    root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
    extras=$(IFS=,; echo "$*")
    VENV=${VENV:-$root/.venv}
    stamp=$VENV/.installed${extras:+-$extras}
    if [ -z "$extras" ] && command -v select-vocab >/dev/null && [ ! -d "$VENV" ]; then
        return # installed by hand, in an environment that is active
    fi
    if [ ! -e "$stamp" ] || [ "$root/pyproject.toml" -nt "$stamp" ]; then
        python=$(find_python) || return 1
        echo "installing into $VENV (once; this takes some minutes)" >&2
        [ -x "$VENV/bin/python" ] || "$python" -m venv "$VENV" || return 1
        "$VENV/bin/python" -m pip install --quiet --disable-pip-version-check \
            --editable "$root${extras:+[$extras]}" || return 1
        touch "$VENV/.installed" "$stamp"
    fi
    export PATH="$VENV/bin:$PATH"
}

find_python() {
    local candidate
    for candidate in ${PYTHON:-python3 python3.13 python3.12 python3.11 python3.10}; do
        if "$candidate" -c 'import sys, venv, ensurepip; sys.exit(not (3, 10) <= sys.version_info < (3, 14))' \
            2>/dev/null; then
            echo "$candidate"
            return
        fi
    done
    echo "no Python from 3.10 to 3.13 with venv found; install one, or name it: PYTHON=/path/to/python3" >&2
    return 1
}

if [ "${BASH_SOURCE[0]}" = "$0" ]; then
    . "$(dirname "$0")/sourced/usage.sh"
    refuse_options "$@"
fi
trap 'exit 130' INT # pip ends in other ways after Ctrl-C
setup "$@" || exit 1
trap - INT
