#!/usr/bin/env bash
# Measure counting, trimming, encoding and searching beside what one would otherwise run, and write benchmarks/results.md.
#
#   scripts/benchmark.sh [BENCHMARK...] [OPTION...]     scripts/benchmark.sh --help says which there are
set -euo pipefail
arguments=("$@")
set -- demo benchmark
. "$(dirname "$0")/setup.sh"
cd "$(dirname "$0")/.."
exec python benchmarks/run.py ${arguments[@]+"${arguments[@]}"}
