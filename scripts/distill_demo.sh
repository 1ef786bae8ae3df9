#!/usr/bin/env bash
# Fewer layers: distil the demo's trimmed model into one of six layers, and see what that costs. After scripts/demo.sh,
# with translation pairs of your own or those that scripts/parallel_text.sh finds.
#
#   scripts/distill_demo.sh [LANGUAGE...]      default: of ar de es fr it ja ko nl pl pt ru th tr zh those with pairs
#
#   PAIRS    pairs of English and each language: a file's name with {code}    default: DEMO/pairs/en-{code}.tsv.gz
#   LAYERS   how many are kept, or which: 0,5,11                               default: 6
#   MINUTES  how long to train                                                 default: 60
#   STEPS    batches to train on, instead of MINUTES
#   TATOEBA  LASER's folder data/tatoeba/v1, to measure on                     default: the demo's 150 sentences
#   TEACHER  whose embeddings are learnt    default: DEMO/model, which has the original's, and its prompt
#   DEMO     where scripts/demo.sh put everything, and where the new model goes    default: demo
#
# The model goes to DEMO/LAYERS-layers, the report to DEMO/LAYERS-layers-report. Interrupted, the same command goes on.
#
# Examples:
#   scripts/demo.sh && scripts/parallel_text.sh && scripts/distill_demo.sh
#   PAIRS='my/en-{code}.tsv' LAYERS=3 MINUTES=20 scripts/distill_demo.sh fr de
set -euo pipefail
. "$(dirname "$0")/sourced/usage.sh"
refuse_options "$@"
demo=${DEMO:-demo}
pairs=${PAIRS:-$demo/pairs/en-{code\}.tsv.gz}
layers=${LAYERS:-6}
[[ $layers =~ ^[0-9]+(,[0-9]+)*$ ]] || wrong_usage "LAYERS=$layers: expected a number, or numbers such as 0,5,11"
for number in "${MINUTES:-1}" "${STEPS:-1}"; do
    [[ $number =~ ^[0-9]+$ ]] || wrong_usage "MINUTES or STEPS is '$number': expected a whole number"
done
[ -z "${MINUTES:-}" ] || [ -z "${STEPS:-}" ] || wrong_usage "MINUTES and STEPS: give one of them"
case $pairs in *"{code}"*) ;; *) wrong_usage "PAIRS=$pairs: put {code} in the language's place" ;; esac
[ -e "$demo/model/manifest.json" ] || wrong_usage "no model in $demo/model; run scripts/demo.sh first, or name its DEMO"
languages=("$@")
if [ ${#languages[@]} = 0 ]; then
    for language in ar de es fr it ja ko nl pl pt ru th tr zh; do
        [ ! -e "${pairs//\{code\}/$language}" ] || languages+=("$language")
    done
fi
[ ${#languages[@]} != 0 ] || wrong_usage "no pairs in $pairs; make some with scripts/parallel_text.sh, or name them: PAIRS=…"
for language in "${languages[@]}"; do
    [ -e "${pairs//\{code\}/$language}" ] || wrong_usage "no pairs of English and '$language' in ${pairs//\{code\}/$language}"
done
set -- demo
. "$(dirname "$0")/setup.sh"
list=$(IFS=,; echo "${languages[*]}")
out=$demo/${layers//,/-}-layers
length=(--max-minutes "${MINUTES:-60}")
[ -z "${STEPS:-}" ] || length=(--steps "$STEPS")

if [ ! -e "$out/manifest.json" ]; then
    echo "== train a model of fewer layers: $layers"
    distill-encoder shrink --model "$demo/model" --teacher "${TEACHER:-$demo/model}" --pairs "en-{code}=$pairs" \
        --languages "$list" --layers "$layers" "${length[@]}" --out "$out"
fi
echo "== what does it cost?"
if [ -n "${TATOEBA:-}" ]; then
    data=(--tatoeba "$TATOEBA" --languages "en,$list")
else
    data=(--parallel)
    for language in "${languages[@]}"; do
        data+=("en=$demo/sentences/en.txt,$language=$demo/sentences/$language.txt")
    done
fi
evaluate-encoder compare --original "original=$demo/original" --model "smaller=$demo/model" "$layers layers=$out" \
    "${data[@]}" --prompt "query: " --out "$out-report" --overwrite
