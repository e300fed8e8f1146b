#!/bin/sh
# Runs the failover laboratory (a folder with its Go program, named by LAB) on
# lbd beside keepalived + HAProxy: FAULTS, RUNS and OUT may be set.
set -eu
lab=${LAB:?set LAB to the folder of the failover laboratory}
here=$(cd "$(dirname "$0")/.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
(cd "$lab" && go build -o "$work/lab" .)
export LBD_BIN="$here/lbd"
out=${OUT:-$work/results.jsonl}
faults=${FAULTS:-kill9,stop,nodeoff,linkdown,term,switchover}
"$here/tools/install.sh" keepalived:keepalived haproxy:haproxy
"$work/lab" run -subject "$here/e2e/hooks/lab.sh" -conf default -nodes 2 -witness -runs "${RUNS:-10}" -faults "$faults" -o "$out"
"$work/lab" run -subject "$lab/subjects/keepalived.sh" -conf ka-10-u -runs "${RUNS:-10}" -faults "$faults" -o "$out"
"$work/lab" report "$out"
