#!/bin/bash
# Subject "lbd" of a failover laboratory: called inside a node's network
# namespace with one verb and LAB_* variables that say who and where. LBD_BIN is
# the binary. The first node makes the cluster and the load balancer (HTTP on
# VIP:LAB_HTTP_PORT, TCP on VIP:LAB_TCP_PORT); the others join by a token that
# it leaves in the folder above LAB_DIR.
set -u
LBD=${LBD_BIN:-$(dirname "$0")/../../lbd}
data=$LAB_DIR/data
token=$LAB_DIR/../token
case ${LAB_CONF:-default} in
  fast) profile=fast detect_ms=700 ;;
  calm) profile=calm detect_ms=2500 ;;
  *)    profile=default detect_ms=700 ;;
esac

# The management address of the first node.
n1() { if [ "$LAB_ID" = 1 ]; then echo "$LAB_MGMT_IP"; else echo "10.77.0.139"; fi; }

api() { "$LBD" api --data-dir "$data" "$@"; }
post() { api --get "$1" POST "$2" "$3"; }

# The load balancer, made once by the first node.
configure() {
  local net lbaas=/load-balancer/v2.0/lbaas network=/networking/v2.0 subnet lb
  until api GET /v1/cluster >/dev/null 2>&1; do sleep 0.05; done
  "$LBD" profile --data-dir "$data" $profile
  net=$(post network.id $network/networks '{"network":{"name":"data"}}')
  subnet=$(post subnet.id $network/subnets "{\"subnet\":{\"network_id\":\"$net\",\"ip_version\":4,\"cidr\":\"$LAB_VIP/$LAB_PREFIXLEN\",\"gateway_ip\":null}}")
  lb=$(post loadbalancer.id $lbaas/loadbalancers "{\"loadbalancer\":{\"vip_subnet_id\":\"$subnet\",\"vip_address\":\"$LAB_VIP\"}}")
  service "$lb" HTTP "$LAB_HTTP_PORT" "$LAB_BACKEND_HTTP" '{"type":"HTTP","delay":1,"timeout":1,"max_retries":1,"max_retries_down":2}'
  service "$lb" TCP "$LAB_TCP_PORT" "$LAB_BACKEND_TCP" ''
}

service() { # lb protocol port backend-port monitor
  local lbaas=/load-balancer/v2.0/lbaas listener pool b
  listener=$(post listener.id $lbaas/listeners "{\"listener\":{\"loadbalancer_id\":\"$1\",\"protocol\":\"$2\",\"protocol_port\":$3}}")
  pool=$(post pool.id $lbaas/pools "{\"pool\":{\"listener_id\":\"$listener\",\"protocol\":\"$2\",\"lb_algorithm\":\"ROUND_ROBIN\"}}")
  for b in $LAB_BACKENDS; do
    post member.id "$lbaas/pools/$pool/members" "{\"member\":{\"address\":\"$b\",\"protocol_port\":$4}}"
  done
  [ -z "$5" ] || post healthmonitor.id $lbaas/healthmonitors "{\"healthmonitor\":{\"pool_id\":\"$pool\",${5#\{}}"
}

case $1 in
  params) echo detect_ms=$detect_ms ;;
  start)
    args=(--name "$LAB_NODE" --data-dir "$data" --advertise "$LAB_MGMT_IP" --node-header X-Node)
    if [ "$LAB_ID" = 0 ]; then args+=(--witness); else args+=(--interface "$LAB_DATA_IF" --arbiter "$LAB_ARBITER"); fi
    if [ "$LAB_ID" = 1 ]; then
      fresh=no; [ -e "$data" ] || fresh=yes
      setsid "$LBD" "${args[@]}" >>"$LAB_DIR/lbd.log" 2>&1 </dev/null &
      echo $! >"$LAB_DIR/pid"
      if [ $fresh = yes ]; then
        ( until "$LBD" token --data-dir "$data" >"$token.new" 2>/dev/null; do sleep 0.05; done
          mv "$token.new" "$token"; configure ) >>"$LAB_DIR/configure.log" 2>&1 </dev/null &
      fi
    else
      setsid bash -c 'token=$1; shift; while [ ! -s "$token" ]; do sleep 0.02; done; exec "$@"' -- "$token" \
        "$LBD" "${args[@]}" --join "$(n1)" --token-file "$token" >>"$LAB_DIR/lbd.log" 2>&1 </dev/null &
      echo $! >"$LAB_DIR/pid"
    fi ;;
  stop)
    pid=$(cat "$LAB_DIR/pid"); kill -TERM "$pid"
    for _ in $(seq 500); do kill -0 "$pid" 2>/dev/null || break; sleep 0.02; done ;;
  switchover)      "$LBD" switchover --data-dir "$data" ;;
  switchover-undo) true ;;
  role)
    case $(timeout 1 "$LBD" status --role --data-dir "$data" 2>/dev/null) in
      active) echo MASTER ;; standby) echo BACKUP ;; *) echo FAULT ;;
    esac ;;
  ready) timeout 1 "$LBD" status --ready --data-dir "$data" >/dev/null 2>&1 ;;
  wipe)  rm -rf "$data" "$token" ;;
  proxykill|proxystart) true ;;
esac
