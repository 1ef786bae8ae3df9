#!/usr/bin/env bash
# The whole way on a built-in example: a small original in LaBSE's format (random weights; it stands in for
# the 1.9 GB of LaBSE), trimmed to English, Italian and Japanese, and compared with the original.
#
#   scripts/example.sh [LANGUAGE...]     default: en it ja
#
#   OUT  where everything goes; a folder that holds other things is refused    default: example
#
# Examples:
#   scripts/example.sh
#   OUT=example-th scripts/example.sh en th
set -euo pipefail
. "$(dirname "$0")/sourced/usage.sh"
refuse_options "$@"
languages=${*:-en it ja}
known=$(cut -f 1 "$(dirname "$0")/../smaller_labse/corpora/builtin_sentences.tsv" | sort -u | tr '\n' ' ')
for language in $languages; do
    case " $known" in *" $language "*) ;; *) wrong_usage "no language '$language'; there are ${known% }" ;; esac
done
set --
. "$(dirname "$0")/setup.sh"
cd "$(dirname "$0")/.."
out=${OUT:-example}
made=$out/.made-by-example.sh
if [ ! -e "$made" ] && [ -n "$(ls -A "$out" 2>/dev/null)" ]; then
    echo "scripts/example.sh: $out exists and was not made by this script; name another folder: OUT=folder" >&2
    exit 2
fi
mkdir -p "$out"
touch "$made"
rm -rf "$out"/{text,original,counts,selection,model}
mkdir "$out/text"
text=()
for language in $languages; do
    awk -F '\t' -v code="$language" '$1 == code { print $2 }' smaller_labse/corpora/builtin_sentences.tsv >"$out/text/$language.txt"
    text+=(--text "$language=$out/text/$language.txt")
done

echo "== an original in LaBSE's format"
python -m smaller_labse.make_smaller.example --out "$out/original"
echo "== which tokens do these languages use?"
select-vocab count --model "$out/original" "${text[@]}" --out "$out/counts"
echo "== keep those"
select-vocab select --model "$out/original" --counts "$out/counts" --out "$out/selection"
echo "== trim the model"
make-smaller --model "$out/original" --selection "$out/selection" --license apache-2.0 \
    --out "$out/model"
echo "== is it still the original?"
evaluate-encoder parity --original "$out/original" --model "$out/model" "${text[@]}"
