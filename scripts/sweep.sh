#!/usr/bin/env bash
# How small may it get? Trim to several sizes, and measure all of them beside the original.
#
#   scripts/sweep.sh SIZE...               e.g. scripts/sweep.sh 125000 62500 31250
#
# A size is a number of tokens, or a share of the original's vocabulary size (50%); "paper" is the published rule
# instead of a size.
#
#   MODEL      the original: folder, TF Hub handle or hub id
#   LANGUAGES  codes, or a file with one per line       default: scripts/languages/15.txt
#   COUNTS     what `scripts/count.sh` wrote            default: WORK/counts
#   TATOEBA    folder of Tatoeba's files
#   PROMPT     what goes before every sentence          default: none
#   OPTIONS    further options of `select-vocab select`, in words
#   WORK       where everything goes                    default: work
set -euo pipefail
sizes=("$@")
set -- report
. "$(dirname "$0")/setup.sh"
cd "$(dirname "$0")/.."
work=${WORK:-work}
languages=${LANGUAGES:-scripts/languages/15.txt}
counts=${COUNTS:-$work/counts}
: "${MODEL:?name the original: MODEL=folder}" "${TATOEBA:?name the folder of Tatoeba\'s files: TATOEBA=folder}"
[ ${#sizes[@]} != 0 ] || { echo "usage: scripts/sweep.sh SIZE..." >&2; exit 2; }
read -ra options <<<"${OPTIONS:-}"
prompt=()
[ -z "${PROMPT:-}" ] || prompt=(--prompt "$PROMPT")

models=()
for size in "${sizes[@]}"; do
    name=${size/\%/percent}
    folder=$work/sweep/$name
    case $size in
        paper) rule=(--min-line-share 0.00005) ;;
        *) rule=(--vocab-size "$size") ;;
    esac
    settings="$MODEL $(cat "$languages" 2>/dev/null || echo "$languages") $counts ${OPTIONS:-} ${PROMPT:-}"
    if [ ! -e "$folder/model/manifest.json" ] || [ "$settings" != "$(cat "$folder/settings")" ]; then
        echo "== $size"
        select-vocab select --model "$MODEL" --languages "$languages" --counts "$counts" "${rule[@]}" \
            ${options[@]+"${options[@]}"} --out "$folder/selection" --overwrite
        make-smaller --model "$MODEL" --selection "$folder/selection" ${prompt[@]+"${prompt[@]}"} \
            --out "$folder/model" --overwrite
        echo "$settings" >"$folder/settings"
    fi
    models+=("$name=$folder/model")
done
echo "== what was lost?"
evaluate-encoder compare --original "original=$MODEL" --model "${models[@]}" --tatoeba "$TATOEBA" \
    --languages "$languages" ${prompt[@]+"${prompt[@]}"} --cache "$work/sweep/cache" --cards \
    --out "$work/sweep/report" --overwrite
