#!/usr/bin/env bash
# Set up and run the tests. Tests that need torch are skipped where it is missing; CI installs it.
#
#   scripts/test.sh [PYTEST ARGUMENT...]
set -euo pipefail
arguments=("$@")
set -- test
. "$(dirname "$0")/setup.sh"
cd "$(dirname "$0")/.."
ruff check .
ruff format --check .
exec python -m pytest ${arguments[@]+"${arguments[@]}"}
