#!/usr/bin/env bash
# Check the types of the package as it is installed: the stages' folders below smaller_labse, where mypy sees
# them under the names that the code imports. Linked together in .mypy_cache, so that nothing is installed.
#
#   scripts/typecheck.sh [MYPY ARGUMENT...]
#
# Examples:
#   scripts/typecheck.sh
#   scripts/typecheck.sh --strict
set -euo pipefail
. "$(dirname "$0")/sourced/usage.sh"
arguments=("$@")
set -- test
. "$(dirname "$0")/setup.sh"
cd "$(dirname "$0")/.."
root=$PWD
tree=$root/.mypy_cache/tree
stages=$(sed -n 's/^"smaller_labse\.\([a-z_]*\)" = "\1"$/\1/p' pyproject.toml)

rm -rf "$tree"
mkdir -p "$tree/smaller_labse"
for entry in smaller_labse/* $stages; do
    ln -s "$root/$entry" "$tree/smaller_labse/"
done
cd "$tree"
# Printed as the checkout's paths, which an editor can open.
mypy --config-file "$root/pyproject.toml" --cache-dir "$root/.mypy_cache" ${arguments[@]+"${arguments[@]}"} \
    -p smaller_labse | sed -E "s#^smaller_labse/(${stages//$'\n'/|})/#\1/#"
