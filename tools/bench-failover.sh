#!/bin/sh
# Runs the failover laboratory (a folder with its Go program, named by LAB) on lbd
# beside keepalived + HAProxy. May be set:
#   SETUPS  of witness, alone, three (nodes) and keepalived; all of them if not
#   CONFS   profiles of lbd: default, fast, calm (default)
#   FAULTS  comma list, or all (the six that every deployment sees)
#   RUNS    of each fault (10)
#   OUT     folder of the results, a file for each set-up (thrown away if not)
# The set-ups run one after the other, each with the laboratory to itself.
set -eu
lab=${LAB:?set LAB to the folder of the failover laboratory}
here=$(cd "$(dirname "$0")/.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
(cd "$lab" && go build -o "$work/lab" .)
export LBD_BIN="$here/lbd"
out=${OUT:-$work}
mkdir -p "$out"
"$here/tools/install.sh" keepalived:keepalived haproxy:haproxy

# run NAME SUBJECT CONF FLAGS...
run() {
  name=$1 subject=$2 conf=$3
  shift 3
  "$work/lab" run -lock "" -subject "$subject" -conf "$conf" -runs "${RUNS:-10}" \
    -faults "${FAULTS:-kill9,stop,nodeoff,linkdown,term,switchover}" -o "$out/$name.jsonl" "$@"
  echo "== $name"
  "$work/lab" report "$out/$name.jsonl"
}

for setup in ${SETUPS:-witness alone three keepalived}; do
  if [ "$setup" = keepalived ]; then
    run keepalived "$lab/subjects/keepalived.sh" ka-10-u
    continue
  fi
  for conf in ${CONFS:-default}; do
    case $setup in
      witness) run "witness-$conf" "$here/e2e/hooks/lab.sh" "$conf" -nodes 2 -witness ;;
      alone)   run "alone-$conf" "$here/e2e/hooks/lab.sh" "$conf" -nodes 2 ;;
      three)   run "three-$conf" "$here/e2e/hooks/lab.sh" "$conf" -nodes 3 ;;
      *)       echo "SETUPS: $setup is none of witness, alone, three, keepalived" >&2; exit 2 ;;
    esac
  done
done
