#!/usr/bin/env bash
# Translation pairs for distill-encoder on a machine with apt: out of the translated messages of Debian packages, which
# apt downloads and checks. Their licences differ (mostly GPL and LGPL): OUT/LICENCES.tsv names each package's, and
# OUT/copyright/ has the texts; whether you may use or pass on the pairs is for you to see.
#
#   scripts/parallel_text.sh [--overwrite] [PACKAGE...]      default: 21 packages
#
#   OUT        where en-fr.tsv.gz and so on go: sentence, translation, package    default: demo/pairs
#   LANGUAGES  codes with commas between          default: ar,de,es,fr,it,ja,ko,nl,pl,pt,ru,th,tr,zh
#
# Examples:
#   scripts/parallel_text.sh
#   OUT=work/pairs LANGUAGES=fr,uk scripts/parallel_text.sh gramps gnucash-common
set -euo pipefail
. "$(dirname "$0")/sourced/usage.sh"
arguments=("$@")
for argument in "$@"; do
    case $argument in
    --overwrite) ;;
    -*) wrong_usage "unknown option '$argument'" ;;
    esac
done
command -v apt-get >/dev/null || wrong_usage "no apt-get here; this works on Debian, Ubuntu and the like only"
set -- pairs
. "$(dirname "$0")/setup.sh"
python "$(dirname "$0")/parallel_text/parallel_text.py" --out "${OUT:-demo/pairs}" \
    ${LANGUAGES:+--languages "$LANGUAGES"} ${arguments[@]+"${arguments[@]}"}
