#!/bin/sh
# Runs the side-by-side benchmark (a folder with its Go program, named by BENCH)
# on lbd, HAProxy and nginx: CASES, ROUNDS and OUT may be set.
set -eu
bench=${BENCH:?set BENCH to the folder of the benchmark}
here=$(cd "$(dirname "$0")/.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
(cd "$bench" && go build -o "$work/bench" .)
"$here/tools/install.sh" haproxy:haproxy nginx-light:nginx libnginx-mod-stream: wrk:wrk
export LBD_BIN="$here/lbd"
out=${OUT:-$work/results.json}
"$work/bench" run -paired -rounds "${ROUNDS:-5}" -hook "lbd=$here/e2e/hooks/bench.sh" -subjects haproxy,nginx,lbd -cases "${CASES:-http-*,tcp-*}" -o "$out"
"$work/bench" table "$out"
