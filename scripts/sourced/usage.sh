#!/usr/bin/env bash
# What every script does first, before any set-up: --help shows the comment that the script begins with, and
# wrong usage ends in one line. Nothing to run by itself: the others source it, with their arguments.
#
#   . scripts/sourced/usage.sh
#
# Examples:
#   . "$(dirname "$0")/sourced/usage.sh"    # in a script of scripts/

script=scripts/$(basename "$0")
[ "$0" != "${BASH_SOURCE[0]}" ] || script=scripts/sourced/usage.sh

wrong_usage() {
    echo "$script: $1 (see $script --help)" >&2
    exit 2
}

# For scripts that have no options: what looks like one is a mistake.
refuse_options() {
    local argument
    for argument in "$@"; do
        case $argument in -*) wrong_usage "unknown option '$argument'" ;; esac
    done
}

for argument in "$@"; do
    case $argument in
    -h | --help)
        sed -n '2,/^[^#]/s/^# \{0,1\}//p' "$0"
        exit
        ;;
    esac
done

if [ "$0" = "${BASH_SOURCE[0]}" ]; then
    wrong_usage "nothing to run by itself, the other scripts read it"
fi
