#!/usr/bin/env bash
# Measure counting, trimming, encoding and searching beside what one would otherwise run, and write
# benchmarks/results.md.
#
#   scripts/benchmark.sh [BENCHMARK...] [OPTION OF benchmarks/run.py...]
#
#   BENCHMARK  counting, counting-memory, counting-exactness, counting-sources, counting-steps, trimming,
#              encoding, encoding-memory, searching, onnx, batch-sizes, onnx-layers, onnx-sizes, browser,
#              serving, distilling, unseen, vocabularies, versions
#
# Examples:
#   scripts/benchmark.sh
#   scripts/benchmark.sh counting encoding --repetitions 5
#
# All options: .venv/bin/python benchmarks/run.py --help
set -euo pipefail
. "$(dirname "$0")/sourced/usage.sh"
arguments=("$@")
set -- demo benchmark onnx runtimes
. "$(dirname "$0")/setup.sh"
cd "$(dirname "$0")/.."
exec python benchmarks/run.py ${arguments[@]+"${arguments[@]}"}
