package webui

import "time"

// The states a fake node can be in.

func member(id, name, address string, more obj) obj {
	m := obj{
		"id": id, "name": name, "address": address, "port": 80, "weight": 1, "backup": false,
		"provisioning_status": "ACTIVE", "operating_status": "ONLINE", "active_connections": 6,
	}
	for k, v := range more {
		m[k] = v
	}
	return m
}

func balancer(name, vip, status string, listeners, pools []any, more obj) obj {
	lb := obj{
		"id": "lb-" + name, "name": name, "provisioning_status": "ACTIVE", "operating_status": status,
		"vip_address": vip, "floating_ips": []any{}, "listeners": listeners, "pools": pools,
	}
	for k, v := range more {
		lb[k] = v
	}
	return lb
}

func listener(id, name, protocol string, port int, pool, status string) obj {
	return obj{
		"id": id, "name": name, "protocol": protocol, "port": port, "default_pool_id": pool,
		"provisioning_status": "ACTIVE", "operating_status": status,
	}
}

func pool(id, name, protocol, algorithm, status string, monitor any, members ...any) obj {
	return obj{
		"id": id, "name": name, "protocol": protocol, "lb_algorithm": algorithm, "operating_status": status,
		"provisioning_status": "ACTIVE", "monitor": monitor, "members": members,
	}
}

func httpMonitor() obj {
	return obj{"id": "hm", "type": "HTTP", "delay": 5, "timeout": 10, "max_retries": 4, "http_method": "GET", "url_path": "/"}
}

// healthy is the walkthrough's load balancer.
func healthy(now time.Time) []any {
	return []any{balancer("lb1", "10.0.0.9", "ONLINE",
		[]any{listener("l1", "listener1", "HTTP", 80, "p1", "ONLINE")},
		[]any{pool("p1", "pool1", "HTTP", "ROUND_ROBIN", "ONLINE", httpMonitor(),
			member("m1", "web1", "10.0.0.6", obj{"since": stamp(now, -3*time.Hour)}),
			member("m2", "web2", "10.0.0.3", obj{"since": stamp(now, -3*time.Hour)}))},
		obj{"floating_ips": []any{"172.24.4.3"}})}
}

// memberDown: one of its members refuses connections.
func memberDown(now time.Time) []any {
	return []any{balancer("lb1", "10.0.0.9", "DEGRADED",
		[]any{listener("l1", "listener1", "HTTP", 80, "p1", "ONLINE")},
		[]any{pool("p1", "pool1", "HTTP", "ROUND_ROBIN", "DEGRADED", httpMonitor(),
			member("m1", "web1", "10.0.0.6", obj{"since": stamp(now, -3*time.Hour)}),
			member("m2", "web2", "10.0.0.3", obj{
				"operating_status": "ERROR", "active_connections": 0,
				"reason": "connect 10.0.0.3:80: connection refused, 3 of 3", "since": stamp(now, -42*time.Second),
			}))},
		obj{"floating_ips": []any{"172.24.4.3"}})}
}

// crowded has every status, several listeners and pools, long and hostile names.
func crowded(now time.Time) []any {
	shop := balancer("shop", "10.0.0.20", "DEGRADED",
		[]any{
			listener("s1", "web", "HTTP", 80, "sp1", "ONLINE"),
			listener("s2", "api", "HTTP", 8080, "sp2", "ONLINE"),
			listener("s3", "mail", "TCP", 25, "sp3", "ERROR"),
		},
		[]any{
			pool("sp1", "frontends", "HTTP", "LEAST_CONNECTIONS", "DEGRADED", httpMonitor(),
				member("a1", "fe-1", "10.0.0.31", nil),
				member("a2", "fe-2", "10.0.0.32", obj{"weight": 0, "operating_status": "DRAINING", "active_connections": 2}),
				member("a3", "fe-3", "10.0.0.33", obj{"provisioning_status": "PENDING_CREATE", "operating_status": "OFFLINE", "active_connections": 0}),
				member("a4", "sorry", "10.0.0.39", obj{"backup": true, "active_connections": 0})),
			pool("sp2", "<img src=x onerror=alert(1)>", "HTTP", "SOURCE_IP", "ONLINE", nil,
				member("b1", "", "2001:db8:1:2:3:4:5:6", obj{"operating_status": "NO_MONITOR"})),
			pool("sp3", "mail", "TCP", "ROUND_ROBIN", "ERROR", obj{"id": "h3", "type": "TCP", "delay": 2},
				member("c1", "mx-1", "10.0.0.51", obj{
					"operating_status": "ERROR", "reason": "connect 10.0.0.51:25: no route to host, 3 of 3",
					"since": stamp(now, -26*time.Hour), "active_connections": 0,
				})),
		}, obj{"additional_vips": []any{"2001:db8::20"}})
	broken := balancer("broken", "192.0.2.7", "OFFLINE", []any{}, []any{},
		obj{"provisioning_status": "ERROR", "reason": "node-b: no interface has an address in 192.0.2.0/24"})
	return append(healthy(now), shop, broken)
}

func stamp(now time.Time, ago time.Duration) string {
	return now.Add(ago).UTC().Format(time.RFC3339Nano)
}

func clusterNode(id, name, kind, role string, more obj) obj {
	n := obj{
		"id": id, "name": name, "kind": kind, "role": role, "self": false, "version": "0.1.0", "vips": []any{}, "problems": []any{},
		"api": name + ".example:9876", "cluster": name + ".example:9877", "age_ms": 37,
		"raft": obj{"state": "follower", "term": 7, "last_index": 1284, "commit_index": 1284, "applied_index": 1284},
	}
	for k, v := range more {
		n[k] = v
	}
	return n
}

func activeNode(now time.Time, id, name string, more obj) obj {
	n := clusterNode(id, name, "data", "active", obj{
		"since": stamp(now, -3*time.Hour-12*time.Minute), "lease_left_ms": 180, "age_ms": 40,
		"vips": []any{"10.0.0.9", "172.24.4.3"}, "why": "leader of term 7",
		"raft": obj{"state": "leader", "term": 7, "last_index": 1284, "commit_index": 1284, "applied_index": 1284},
	})
	for k, v := range more {
		n[k] = v
	}
	return n
}

func cluster(leader string, term int, quorum string, nodes ...any) obj {
	return obj{"cluster_id": "5b1b3d58-3a55-4a8e-9d1f-2d8a33a0e9c1", "leader": leader, "term": term, "quorum": quorum, "nodes": nodes}
}

func twoNodes(now time.Time) obj {
	return cluster("n1", 7, "ok",
		activeNode(now, "n1", "node-a", obj{"self": true, "age_ms": 0}),
		clusterNode("n2", "node-b", "data", "standby", obj{"since": stamp(now, -3*time.Hour), "why": "follower of node-a, data plane ready"}))
}

// afterFailover: node-b has taken over, node-a is silent; its old words are
// still in the answer, and must not be shown as true.
func afterFailover(now time.Time) obj {
	return cluster("n2", 8, "held by arbiter, writes closed",
		activeNode(now, "n1", "node-a", obj{"role": "unknown", "age_ms": 4210, "why": "silent for 4.2 s"}),
		activeNode(now, "n2", "node-b", obj{
			"self": true, "since": stamp(now, -4*time.Second), "why": "leader of term 8", "lease_left_ms": 155,
			"raft": obj{"state": "leader", "term": 8, "last_index": 1285, "commit_index": 1285, "applied_index": 1285},
		}))
}

// threeNodes: a witness, a lagging standby with a problem.
func threeNodes(now time.Time) obj {
	return cluster("n1", 7, "ok",
		activeNode(now, "n1", "node-a", obj{"self": true, "age_ms": 0, "vips": []any{"10.0.0.9", "172.24.4.3", "10.0.0.20", "2001:db8::20", "10.0.0.21"}}),
		clusterNode("n2", "node-b", "data", "standby", obj{
			"since": stamp(now, -50*time.Hour), "age_ms": 112, "why": "follower of node-a, data plane not ready",
			"raft":     obj{"state": "follower", "term": 7, "last_index": 1284, "commit_index": 1284, "applied_index": 1251},
			"problems": []any{obj{"object": "l1", "reason": "listen 10.0.0.9:80: address already in use"}},
		}),
		clusterNode("n3", "witness-1", "witness", "witness", obj{"since": stamp(now, -200*time.Hour), "why": "votes only"}))
}

// sharedNodes: Spread is on; node-a has not taken everything yet that the silent node-b had.
func sharedNodes(now time.Time) obj {
	c := cluster("n1", 7, "ok",
		activeNode(now, "n1", "node-a", obj{"self": true, "age_ms": 0, "load_balancers": obj{"given": 4, "held": 3}}),
		clusterNode("n2", "node-b", "data", "unknown", obj{"age_ms": 900, "load_balancers": obj{"given": 1, "held": 0}}),
		clusterNode("n3", "witness-1", "witness", "witness", nil))
	c["spread"] = true
	return c
}

// takenOver is a history, newest first: a takeover each of the kinds there are.
func takenOver(now time.Time) []any {
	change := func(term int, node, before string, ago time.Duration, why string, gap, margin any) obj {
		return obj{"term": term, "node": node, "name": "node-" + node, "at": stamp(now, -ago), "why": why, "previous": before, "gap_ms": gap, "margin_ms": margin}
	}
	return []any{
		change(9, "a", "b", 40*time.Second, "the leader before handed over", 12, 3),
		change(8, "b", "a", 3*time.Hour, "the VIP holder of the leader before died", 21, 6),
		change(7, "a", "gone", 2*24*time.Hour, "the leader before fell silent", 268, 52),
		change(1, "gone", "", 40*24*time.Hour, "nobody else leads", nil, nil),
	}
}
