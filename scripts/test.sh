#!/usr/bin/env bash
# Set up, check style, types and spelling, and run the tests. Those that need torch or
# onnxruntime are skipped where it is missing; CI installs both.
#
#   scripts/test.sh [PYTEST ARGUMENT...]
#
#   PROCESSES  how many run tests at once, about 2 GB of memory each    default: 2
#
# Examples:
#   scripts/test.sh
#   scripts/test.sh tests/originals -k unigram
set -euo pipefail
. "$(dirname "$0")/sourced/usage.sh"
arguments=("$@")
set -- test
. "$(dirname "$0")/setup.sh"
cd "$(dirname "$0")/.."
if git rev-parse --is-inside-work-tree >/dev/null 2>&1; then
    pre-commit run --all-files --show-diff-on-failure
else
    echo "no git repository: style, types and spelling are not checked" >&2
fi
# The tests start hundreds of processes: each would compile the modules anew where the environment forbids to keep them.
export PYTHONDONTWRITEBYTECODE=
# A process that dies ends the run: pytest-xdist would start another and then wait for what the first one had left.
exec python -m pytest -n "${PROCESSES:-2}" --dist loadfile --no-loadscope-reorder --max-worker-restart 0 ${arguments[@]+"${arguments[@]}"}
