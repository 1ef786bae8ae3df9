# What the scripts of all stages share; sourced by them. Every value can be set from outside.
MODEL=${MODEL:-https://tfhub.dev/google/LaBSE/2}
LANGUAGES=${LANGUAGES:-$(dirname "${BASH_SOURCE[0]}")/languages/15.txt}
WORK=${WORK:-work}
