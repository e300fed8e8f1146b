#!/bin/bash
# Subject "lbd" of a side-by-side benchmark: started in the foreground with
# BENCH_* variables, becomes the proxy. LBD_BIN is the binary. Exit status 3:
# case not supported. BENCH_RULES=n makes n L7 policies of host and path; besides,
# LBD_BENCH_RULES adds policies before them that never match, and
# LBD_BENCH_LISTENERS listeners that nobody asks. BENCH_RESUME=0 cannot be
# honoured: Octavia's API has no switch against session tickets, so that clients
# which can resume do.
set -u
LBD=${LBD_BIN:-$(dirname "$0")/../../lbd}
pool_protocol= tls=
case $BENCH_PROTO in
  http) protocol=HTTP ;;
  https) protocol=TERMINATED_HTTPS pool_protocol=HTTP ;;
  tcp) protocol=TCP ;;
  udp) protocol=UDP ;;
  *) exit 3 ;;
esac
data=$BENCH_DIR/lbd-$$
address=${BENCH_LISTEN%:*} port=${BENCH_LISTEN##*:}
rules=${BENCH_RULES:-0}

api() { "$LBD" api --data-dir "$data" --get "$1" POST "$2" "$3"; }
# tree PATH: the body, on standard input, is too long for an argument.
tree() { curl -sS --fail-with-body --unix-socket "$data/lbd.sock" -H 'Content-Type: application/json' --data-binary @- "http://lbd$1"; }
# policy HOST PATH
policy() {
  printf '{"action":"REDIRECT_TO_POOL","redirect_pool":{"name":"p"},"rules":[{"type":"HOST_NAME","compare_type":"EQUAL_TO","value":"%s.bench.test"},{"type":"PATH","compare_type":"STARTS_WITH","value":"/%s/"}]}' "$1" "$2"
}
# subnet ADDRESS: a subnet around it.
subnet() {
  local net
  net=$(api network.id /networking/v2.0/networks '{"network":{"name":"bench"}}')
  api subnet.id /networking/v2.0/subnets "{\"subnet\":{\"network_id\":\"$net\",\"ip_version\":4,\"cidr\":\"$1/24\",\"gateway_ip\":null}}"
}
configure() {
  local lbaas=/load-balancer/v2.0/lbaas members= targets=',"default_pool":{"name":"p"}' policies= idle= i server
  until "$LBD" status --ready --data-dir "$data" >/dev/null 2>&1; do sleep 0.05; done
  if [ "${LBD_BENCH_LISTENERS:-0}" != 0 ]; then
    for i in $(seq "$LBD_BENCH_LISTENERS"); do idle+=",{\"protocol\":\"HTTP\",\"protocol_port\":$((20000 + i))}"; done
    printf '{"loadbalancer":{"vip_subnet_id":"%s","vip_address":"127.99.0.1","listeners":[%s]}}' "$(subnet 127.99.0.1)" "${idle#,}" | tree $lbaas/loadbalancers
  fi
  for server in ${BENCH_SERVERS//,/ }; do
    members+=",{\"address\":\"${server%:*}\",\"protocol_port\":${server##*:}}"
  done
  if [ "$BENCH_PROTO" = https ]; then
    tls=$(api secret_ref /key-manager/v1/secrets "{\"payload\":\"$(base64 -w0 "$BENCH_BUNDLE")\",\"payload_content_type\":\"application/octet-stream\",\"payload_content_encoding\":\"base64\"}")
    tls=",\"default_tls_container_ref\":\"$tls\""
  fi
  if [ "$rules" != 0 ]; then # the last policy is the one that the case asks for
    for i in $(seq "${LBD_BENCH_RULES:-0}"); do policies+=,$(policy "other$i" "q$i"); done
    for i in $(seq 0 $((rules - 1))); do policies+=,$(policy "h$i" "p$i"); done
    targets=",\"l7policies\":[${policies#,}]"
  fi
  printf '{"loadbalancer":{"vip_subnet_id":"%s","vip_address":"%s","pools":[{"name":"p","protocol":"%s","lb_algorithm":"ROUND_ROBIN","members":[%s]}],"listeners":[{"protocol":"%s","protocol_port":%s%s%s}]}}' \
    "$(subnet "$address")" "$address" "${pool_protocol:-$protocol}" "${members#,}" "$protocol" "$port" "$targets" "$tls" | tree $lbaas/loadbalancers
}
configure >"$BENCH_DIR/lbd-configure.log" 2>&1 </dev/null &
exec "$LBD" --name bench --data-dir "$data" --api 127.0.0.1:0 --cluster 127.0.0.1:0 --advertise 127.0.0.1 --no-vip --log-level warn
