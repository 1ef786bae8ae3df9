#!/usr/bin/env bash
# Stage 2: trim the original. Reads $WORK/selection, writes $WORK/model.
#
#   scripts/make_smaller.sh [OPTION OF make-smaller...]
#
#   MODEL, WORK   as for scripts/count.sh
#
# Examples:
#   scripts/make_smaller.sh
#   MODEL=intfloat/multilingual-e5-small WORK=work/e5 scripts/make_smaller.sh --prompt 'query: '
#
# All options: make-smaller --help
set -euo pipefail
. "$(dirname "$0")/sourced/usage.sh"
options=("$@")
set --
. "$(dirname "$0")/setup.sh"
. "$(dirname "$0")/sourced/defaults.sh"
make-smaller --model "$MODEL" --selection "$WORK/selection" --out "$WORK/model" ${options[@]+"${options[@]}"}
