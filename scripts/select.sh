#!/usr/bin/env bash
# Stage 1, choosing: which of the counted tokens are kept? Reads $WORK/counts, writes $WORK/selection.
#
#   scripts/select.sh [OPTION OF select-vocab select...]
#
#   MODEL, LANGUAGES, WORK   as for scripts/count.sh
#
# Examples:
#   scripts/select.sh                                # the published model's rule
#   scripts/select.sh --vocab-size 50000
#   scripts/select.sh --coverage 0.999 --keep words.txt
#
# All options: select-vocab select --help
set -euo pipefail
. "$(dirname "$0")/sourced/usage.sh"
options=("$@")
set --
. "$(dirname "$0")/setup.sh"
. "$(dirname "$0")/sourced/defaults.sh"
select-vocab select --model "$MODEL" --languages "$LANGUAGES" --counts "$WORK/counts" \
    --out "$WORK/selection" ${options[@]+"${options[@]}"}
