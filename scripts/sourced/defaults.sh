#!/usr/bin/env bash
# What the scripts of all stages share. Every value can be set from outside. Nothing to run by itself: they source it.
#
#   . scripts/sourced/defaults.sh
#
#   MODEL      the original                                    default: LaBSE on TF Hub
#   LANGUAGES  codes with commas between, or a file of them    default: scripts/languages/15.txt
#   WORK       where all stages keep their results             default: work
#
# Examples:
#   . "$(dirname "$0")/sourced/defaults.sh"                      # in a script of scripts/
#   LANGUAGES=en,fr,de WORK=work/three scripts/count.sh    # other values
if [ "$0" = "${BASH_SOURCE[0]}" ]; then
    . "$(dirname "$0")/usage.sh"
    script=scripts/sourced/defaults.sh
    wrong_usage "nothing to run by itself, the other scripts read it"
fi
MODEL=${MODEL:-https://tfhub.dev/google/LaBSE/2}
LANGUAGES=${LANGUAGES:-$(dirname "${BASH_SOURCE[0]}")/../languages/15.txt}
WORK=${WORK:-work}
