#!/usr/bin/env bash
# Install the npm packages that the browser's page is made of, and that it is opened with by its tests and benchmark,
# into .cache/node, or see that they are there. Nothing to run by itself: the others source it, in the project's folder.
#
#   . scripts/sourced/node_packages.sh
#
# Examples:
#   . scripts/sourced/node_packages.sh    # in a script of scripts/
if [ "$0" = "${BASH_SOURCE[0]}" ]; then
    . "$(dirname "$0")/usage.sh"
    script=scripts/sourced/node_packages.sh
    wrong_usage "nothing to run by itself, the other scripts read it"
fi
if ! cmp -s scripts/browser_demo/package-lock.json .cache/node/package-lock.json ||
    [ ! -e .cache/node/node_modules/.package-lock.json ]; then
    if ! command -v npm >/dev/null; then
        echo "no npm found; install Node.js 20 or later" >&2
        exit 1
    fi
    mkdir -p .cache/node
    cp scripts/browser_demo/package.json scripts/browser_demo/package-lock.json .cache/node/
    # No install scripts: onnxruntime-node's would download what a GPU needs.
    npm ci --prefix .cache/node --ignore-scripts --no-audit --no-fund
fi
