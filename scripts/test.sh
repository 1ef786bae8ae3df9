#!/usr/bin/env bash
# Set up and run the tests. Tests that need torch are skipped where it is missing; CI installs it.
#
#   scripts/test.sh [PYTEST ARGUMENT...]
#
#   PROCESSES  how many run tests at once, about 2 GB of memory each    default: 2
set -euo pipefail
arguments=("$@")
set -- test
. "$(dirname "$0")/setup.sh"
cd "$(dirname "$0")/.."
ruff check .
ruff format --check .
exec python -m pytest -n "${PROCESSES:-2}" --dist loadfile ${arguments[@]+"${arguments[@]}"}
