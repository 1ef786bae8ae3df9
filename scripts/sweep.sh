#!/usr/bin/env bash
# How small may it get? Trim to several sizes, and measure all of them beside the original.
#
#   scripts/sweep.sh SIZE...
#
# A size is a number of tokens, or a share of the original's vocabulary size (50%); "paper" is the published rule
# instead of a size.
#
#   MODEL      the original: folder, TF Hub handle or hub id
#   LANGUAGES  codes, or a file with one per line       default: scripts/languages/15.txt
#   COUNTS     what `scripts/count.sh` wrote            default: WORK/counts
#   TATOEBA    folder of Tatoeba's files
#   PROMPT     what goes before every sentence          default: the original's own
#   OPTIONS    further options of `select-vocab select`, in words
#   WORK       where everything goes                    default: work
#
# Examples:
#   MODEL=work/original TATOEBA=LASER/data/tatoeba/v1 scripts/sweep.sh 125000 62500 31250
#   MODEL=work/original TATOEBA=LASER/data/tatoeba/v1 LANGUAGES=en,fr,de scripts/sweep.sh paper 25% 10%
set -euo pipefail
. "$(dirname "$0")/sourced/usage.sh"
refuse_options "$@"
sizes=("$@")
[ ${#sizes[@]} != 0 ] || wrong_usage "name one or more sizes"
[ -n "${MODEL:-}" ] || wrong_usage "name the original: MODEL=folder"
[ -d "${TATOEBA:-}" ] || wrong_usage "name the folder of Tatoeba's files: TATOEBA=folder"
for size in "${sizes[@]}"; do
    [[ $size =~ ^([0-9]+|[0-9.]+%|paper)$ ]] || wrong_usage "size '$size': expected a number, 50% or paper"
done
[ -d "${COUNTS:-${WORK:-work}/counts}" ] ||
    wrong_usage "no folder ${COUNTS:-${WORK:-work}/counts}; name what scripts/count.sh wrote: COUNTS=folder"
set -- report
. "$(dirname "$0")/setup.sh"
work=${WORK:-work}
languages=${LANGUAGES:-$(dirname "$0")/languages/15.txt}
counts=${COUNTS:-$work/counts}
counted=$(find "$counts" -type f | LC_ALL=C sort | tr '\n' '\0' | xargs -0 cksum) # counted again, trimmed again
read -ra options <<<"${OPTIONS:-}"
prompt=()
[ -z "${PROMPT:-}" ] || prompt=(--prompt "$PROMPT")

# The original first: a mistake in MODEL, TATOEBA or LANGUAGES is told before anything is trimmed, and what is measured
# is kept.
echo "== the original"
evaluate-encoder compare --original "original=$MODEL" --tatoeba "$TATOEBA" --languages "$languages" \
    ${prompt[@]+"${prompt[@]}"} --cache "$work/sweep/cache" --no-pictures --out "$work/sweep/original" --overwrite

models=()
for size in "${sizes[@]}"; do
    name=${size/\%/percent}
    folder=$work/sweep/$name
    case $size in
        paper) rule=(--min-line-share 0.00005) ;;
        *) rule=(--vocab-size "$size") ;;
    esac
    settings="$MODEL $(cat "$languages" 2>/dev/null || echo "$languages") $counted ${OPTIONS:-} ${PROMPT:-}"
    if [ ! -e "$folder/model/manifest.json" ] || [ "$settings" != "$(cat "$folder/settings" 2>/dev/null)" ]; then
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
