#!/usr/bin/env bash
# Stage 3: is it still as good? Compares $WORK/model with the original on the Tatoeba test pairs.
#
#   scripts/evaluate.sh TATOEBA [OPTION OF evaluate-encoder tatoeba...]
#
#   TATOEBA                  LASER's folder data/tatoeba/v1 (github.com/facebookresearch/LASER)
#   MODEL, LANGUAGES, WORK   as for scripts/count.sh
#
# Writes $WORK/tatoeba.json and $WORK/tatoeba.md. Interrupted, the same command goes on: what was measured is kept in
# $WORK/tatoeba.cache. Both models get the prompt that $WORK/model was made with.
#
# Examples:
#   scripts/evaluate.sh LASER/data/tatoeba/v1
#   LANGUAGES=en,fr,de scripts/evaluate.sh LASER/data/tatoeba/v1 --overwrite
#
# All options: evaluate-encoder tatoeba --help
set -euo pipefail
. "$(dirname "$0")/sourced/usage.sh"
case ${1:-} in
"" | -*) wrong_usage "name the folder of Tatoeba's files, tatoeba.fra-eng.fra and so on" ;;
esac
tatoeba=$1
shift
options=("$@")
set --
. "$(dirname "$0")/setup.sh"
. "$(dirname "$0")/sourced/defaults.sh"
evaluate-encoder tatoeba --model "original=$MODEL" --model "smaller=$WORK/model" --data "$tatoeba" \
    --languages "$LANGUAGES" --json "$WORK/tatoeba.json" --markdown "$WORK/tatoeba.md" \
    ${options[@]+"${options[@]}"}
