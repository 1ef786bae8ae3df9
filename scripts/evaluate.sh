#!/usr/bin/env bash
# Stage 4: is it still as good? Compares $WORK/model with the original on the Tatoeba test pairs.
#
#   scripts/evaluate.sh TATOEBA [OPTION OF evaluate-encoder tatoeba...]
#
#   TATOEBA                  LASER's folder data/tatoeba/v1 (github.com/facebookresearch/LASER)
#   MODEL, LANGUAGES, WORK   as for scripts/count.sh
#
# Writes $WORK/tatoeba.json and $WORK/tatoeba.md.
set -euo pipefail
if [ $# = 0 ]; then
    echo "scripts/evaluate.sh: name the folder of Tatoeba's files, tatoeba.fra-eng.fra and so on" >&2
    exit 2
fi
tatoeba=$1
shift
options=("$@")
set --
. "$(dirname "$0")/setup.sh"
. "$(dirname "$0")/defaults.sh"
evaluate-encoder tatoeba --model "original=$MODEL" --model "smaller=$WORK/model" --data "$tatoeba" \
    --languages "$LANGUAGES" --json "$WORK/tatoeba.json" --markdown "$WORK/tatoeba.md" \
    ${options[@]+"${options[@]}"}
