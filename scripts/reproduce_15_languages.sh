#!/usr/bin/env bash
# The published 15-language smaller LaBSE again, from Wikipedia and TF Hub on, by the published recipe: at most
# 1M lines of more than 5 characters from each of 16 Wikipedias; tokens in at least 0.005 percent of a
# Wikipedia's lines; nothing kept besides, but the special tokens; sorted by code point.
#
#   scripts/reproduce_15_languages.sh [FOLDER]       default: work/15-languages
#
#   MODEL      the original                                        default: LaBSE on TF Hub
#   WIKIPEDIA  the Hugging Face dataset, or a folder laid out so   default: wikimedia/wikipedia
#   DATE       the dump                                            default: 20231101
#   PIECES     a folder with the author's selected_*_tokens.txt: keep those, count nothing, and get the
#              published vocabulary to the byte
#   ROWS       with PIECES: exact gives each token its own row; published repeats the published model, in which
#              13 tokens have the rows of others (docs/results.md)  default: exact
#   TATOEBA    LASER's folder data/tatoeba/v1: evaluate, too
#
# Another dump has other lines, so without PIECES the vocabulary differs a little from the published one.
# Interrupted, the same command goes on: what was counted is not counted again.
#
# Examples:
#   scripts/reproduce_15_languages.sh
#   WIKIPEDIA=~/wikipedia TATOEBA=LASER/data/tatoeba/v1 scripts/reproduce_15_languages.sh work/mine
set -euo pipefail
. "$(dirname "$0")/sourced/usage.sh"
refuse_options "$@"
[ $# -le 1 ] || wrong_usage "one folder, not $#"
work=${1:-work/15-languages}
for folder in "${PIECES:-.}" "${TATOEBA:-.}"; do
    [ -d "$folder" ] || wrong_usage "there is no folder $folder"
done
case ${ROWS:-exact} in
    exact) strip=(--strip) ;;
    published) strip=(--strip --strip-original) ;; # as the author did it
    *) wrong_usage "ROWS is exact or published, not $ROWS" ;;
esac
[ -n "${PIECES:-}" ] || [ -z "${ROWS:-}" ] || wrong_usage "ROWS goes with PIECES"
set --
here=$(cd "$(dirname "$0")" && pwd)
. "$here/setup.sh"
export MODEL=${MODEL:-https://tfhub.dev/google/LaBSE/2} LANGUAGES=$here/languages/15.txt WORK=$work

if [ -n "${PIECES:-}" ]; then
    # The author stripped white space off his lists; so must we.
    select-vocab select --model "$MODEL" --pieces "$PIECES"/selected_*_tokens.txt "${strip[@]}" \
        --no-keep-characters --order alphabetical --out "$work/selection" --overwrite
else
    "$here/count.sh" --wikipedia "${WIKIPEDIA:-wikimedia/wikipedia}" --wikipedia-date "${DATE:-20231101}"
    "$here/select.sh" --min-line-share 0.00005 --no-keep-characters --order alphabetical --overwrite
fi
"$here/make_smaller.sh" --license apache-2.0 --overwrite
if [ -n "${TATOEBA:-}" ]; then
    "$here/evaluate.sh" "$TATOEBA" --overwrite
fi
