#!/bin/bash
# Subject "lbd" of a side-by-side benchmark: started in the foreground with
# BENCH_* variables, becomes the proxy. LBD_BIN is the binary. Exit status 3:
# case not supported. BENCH_RESUME=0 cannot be honoured: Octavia's API has no
# switch against session tickets, so that clients which can resume do.
set -u
LBD=${LBD_BIN:-$(dirname "$0")/../../lbd}
pool_protocol= tls=
case $BENCH_PROTO in
  http) protocol=HTTP ;;
  https) protocol=TERMINATED_HTTPS pool_protocol=HTTP ;;
  tcp) protocol=TCP ;;
  *) exit 3 ;;
esac
[ "${BENCH_RULES:-0}" = 0 ] || exit 3
data=$BENCH_DIR/lbd-$$
address=${BENCH_LISTEN%:*} port=${BENCH_LISTEN##*:}

api() { "$LBD" api --data-dir "$data" --get "$1" POST "$2" "$3"; }
configure() {
  local lbaas=/load-balancer/v2.0/lbaas network=/networking/v2.0 net subnet lb listener pool server
  until "$LBD" status --ready --data-dir "$data" >/dev/null 2>&1; do sleep 0.05; done
  net=$(api network.id $network/networks '{"network":{"name":"bench"}}')
  subnet=$(api subnet.id $network/subnets "{\"subnet\":{\"network_id\":\"$net\",\"ip_version\":4,\"cidr\":\"$address/24\",\"gateway_ip\":null}}")
  lb=$(api loadbalancer.id $lbaas/loadbalancers "{\"loadbalancer\":{\"vip_subnet_id\":\"$subnet\",\"vip_address\":\"$address\"}}")
  pool=$(api pool.id $lbaas/pools "{\"pool\":{\"loadbalancer_id\":\"$lb\",\"protocol\":\"${pool_protocol:-$protocol}\",\"lb_algorithm\":\"ROUND_ROBIN\"}}")
  for server in ${BENCH_SERVERS//,/ }; do
    api member.id "$lbaas/pools/$pool/members" "{\"member\":{\"address\":\"${server%:*}\",\"protocol_port\":${server##*:}}}"
  done
  if [ "$BENCH_PROTO" = https ]; then
    tls=$(api secret_ref /key-manager/v1/secrets "{\"payload\":\"$(base64 -w0 "$BENCH_BUNDLE")\",\"payload_content_type\":\"application/octet-stream\",\"payload_content_encoding\":\"base64\"}")
    tls=",\"default_tls_container_ref\":\"$tls\""
  fi
  api listener.id $lbaas/listeners "{\"listener\":{\"loadbalancer_id\":\"$lb\",\"protocol\":\"$protocol\",\"protocol_port\":$port,\"default_pool_id\":\"$pool\"$tls}}"
}
configure >"$BENCH_DIR/lbd-configure.log" 2>&1 </dev/null &
exec "$LBD" --name bench --data-dir "$data" --api 127.0.0.1:0 --cluster 127.0.0.1:0 --advertise 127.0.0.1 --no-vip --log-level warn
