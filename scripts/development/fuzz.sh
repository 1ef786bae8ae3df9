#!/usr/bin/env bash
# Damage small real files at random, read them by every reader of files from outside, and see that each is read or
# refused in one line: no traceback, no hang, no memory beyond a limit, nothing wrong that a checksum would show, no
# file outside the output, nothing that a terminal would obey. Prints a table; exit code 1 where there is a defect.
#
#   scripts/development/fuzz.sh MINUTES [READER...] [--seed SEED] [--case NUMBER] [--out FOLDER]
#
#   MINUTES  how long in all, shared by the readers; to start takes a minute more
#   READER   which; default: all (checkpoint, saved-model, safetensors, unigram, wordpiece, bpe, modules, manifest,
#            selection, counts, results, text, parquet, …)
#   --seed   the same seed, the same cases                   default: the time
#   --case   only the case of this number, to see it again
#   --out    where fuzz.json and failing files go            default: work/fuzz
#
# Examples:
#   scripts/development/fuzz.sh 30
#   scripts/development/fuzz.sh 2 counts selection --seed 1
set -euo pipefail
. "$(dirname "$0")/../sourced/usage.sh"
script=scripts/development/fuzz.sh
[ $# != 0 ] || wrong_usage "name the minutes"
[[ $1 =~ ^[0-9]+([.][0-9]+)?$ ]] || wrong_usage "'$1': expected a number of minutes"
arguments=("$@")
set -- test
. "$(dirname "$0")/../setup.sh"
cd "$(dirname "$0")/../.."
exec python -m tests.fuzz.run "${arguments[@]}"
