#!/usr/bin/env bash
# Stage 1, counting: which tokens do these languages use? One file of counts per language, in $WORK/counts.
# What was counted before is not counted again.
#
#   scripts/count.sh [OPTION OF select-vocab count...]
#
#   MODEL      the original                                    default: LaBSE on TF Hub
#   LANGUAGES  codes with commas between, or a file of them    default: scripts/languages/15.txt
#   WORK       where all stages keep their results             default: work
#
# Examples:
#   LANGUAGES=en,fr,de scripts/count.sh
#   LANGUAGES=en,fr,de scripts/count.sh --text 'corpus/{code}.txt.gz'
#   LANGUAGES=fr,th scripts/count.sh --preprocessor mended       # the later stages take it from the counts
#
# All options: select-vocab count --help
set -euo pipefail
. "$(dirname "$0")/sourced/usage.sh"
options=("$@")
set --
. "$(dirname "$0")/setup.sh"
. "$(dirname "$0")/sourced/defaults.sh"
select-vocab count --model "$MODEL" --languages "$LANGUAGES" --out "$WORK/counts" ${options[@]+"${options[@]}"}
