#!/usr/bin/env bash
# Build a page that runs the demo's model in the browser, in 8 bits: type a sentence in any of its languages, and see
# the nearest of the demo's 150 sentences in all of them. The folder has all that the page needs; any web server
# serves it. The model is made by scripts/demo.sh if it is not there, its int8 file likewise. Needs Node.js and npm.
#
#   scripts/browser_demo.sh [OUT]      default: browser_demo
#
#   DEMO  where scripts/demo.sh put, or puts, its model    default: demo
#
# Examples:
#   scripts/browser_demo.sh
#   DEMO=/tmp/demo scripts/browser_demo.sh /tmp/page
set -euo pipefail
. "$(dirname "$0")/sourced/usage.sh"
refuse_options "$@"
[ $# -le 1 ] || wrong_usage "expected one folder for the page, got $*"
here=$PWD out=${1:-} # a path of the caller's
case $out in '' | /*) ;; *) out=$here/$out ;; esac
set -- demo onnx
. "$(dirname "$0")/setup.sh"
cd "$(dirname "$0")/.."
demo=${DEMO:-demo} out=${out:-browser_demo}
. scripts/sourced/node_packages.sh
[ -d "$demo/model" ] || DEMO=$demo scripts/demo.sh
if [ ! -f "$demo/model/huggingface/onnx/model_quantized.onnx" ]; then
    echo "== the model in 8 bits"
    make-smaller --model "$demo/model" --onnx int8
fi
echo "== the page"
python scripts/browser_demo/build_page.py --model "$demo/model" --sentences "$demo/sentences" \
    --packages .cache/node/node_modules --out "$out" --overwrite
echo "To see it:  cd $out && python3 -m http.server 8000    and open http://localhost:8000/"
