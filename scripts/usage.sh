# What every script does first, before any set-up: --help shows the comment that the script begins with, and
# wrong usage ends in one line. Sourced by the others, with their arguments.

script=scripts/$(basename "$0")

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
