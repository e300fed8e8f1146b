#!/bin/sh
# Runs the side-by-side benchmark (a folder with its Go program, named by BENCH)
# on lbd, HAProxy and nginx: CASES, ROUNDS and OUT may be set. Without CASES also
# with 2,000 policies and with 1,000 listeners.
set -eu
bench=${BENCH:?set BENCH to the folder of the benchmark}
here=$(cd "$(dirname "$0")/.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
(cd "$bench" && go build -o "$work/bench" .)
"$here/tools/install.sh" haproxy:haproxy nginx-light:nginx libnginx-mod-stream: wrk:wrk
export LBD_BIN="$here/lbd"
out=${OUT:-$work/results.json}
run() { "$work/bench" run -paired -rounds "${ROUNDS:-5}" -hook "lbd=$here/e2e/hooks/bench.sh" -subjects haproxy,nginx,lbd "$@"; }
run -cases "${CASES:-http-*,tcp-*}" -o "$out"
"$work/bench" table "$out"
if [ -z "${CASES:-}" ]; then # at size, beside the others as they are: see the hook
  echo "lbd with 2,000 policies"
  LBD_BENCH_RULES=1980 run -cases http-acl -o "$work/rules.json"
  echo "lbd with 1,000 listeners"
  LBD_BENCH_LISTENERS=999 run -cases http-small -o "$work/listeners.json"
fi
