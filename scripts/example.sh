#!/usr/bin/env bash
# The whole way on a built-in example: a small original in LaBSE's format (random weights; it stands in for
# the 1.9 GB of LaBSE), cut to English, Italian and Japanese, and compared with itself before the cut.
#
#   scripts/example.sh [LANGUAGE...]     default: en it ja
set -euo pipefail
languages=${*:-en it ja}
set --
. "$(dirname "$0")/setup.sh"
cd "$(dirname "$0")/.."
out=${OUT:-example}
rm -rf "$out"
mkdir -p "$out/text"
text=()
for language in $languages; do
    awk -F '\t' -v code="$language" '$1 == code { print $2 }' smaller_labse/corpora/builtin_sentences.tsv >"$out/text/$language.txt"
    text+=(--text "$language=$out/text/$language.txt")
done

echo "== an original in LaBSE's format"
python -m smaller_labse.make_smaller.example --out "$out/original"
echo "== which pieces do these languages use?"
select-vocab count --model "$out/original" "${text[@]}" --out "$out/counts"
echo "== keep those"
select-vocab select --model "$out/original" --counts "$out/counts" --out "$out/selection"
echo "== cut the table"
make-smaller --model "$out/original" --selection "$out/selection" --out "$out/model"
echo "== is it still the original?"
evaluate-encoder parity --original "$out/original" --model "$out/model" "${text[@]}"
