"""The calls of Ansible's openstack.cloud modules for load balancing.

Each module finds its object by name, makes, changes or deletes it, and waits as
the SDK does. Run twice with the same wishes, nothing may change the second time.
"""
import sys

import openstack
import openstack.resource

conn = openstack.connect(cloud="lbd")
lb = conn.load_balancer


def present(kind, name, wanted, **find):
    """What state=present does: the object, and whether it was made or changed."""
    found = getattr(lb, "find_" + kind)(name, **find)
    if found is None:
        made = getattr(lb, "create_" + kind)(name=name, **wanted)
        return settled(made), True
    stale = {k: v for k, v in wanted.items() if k in CHANGEABLE and getattr(found, k) != v}
    if not stale:
        return found, False
    return settled(getattr(lb, "update_" + kind)(found, **stale)), True


def settled(made):
    """Wait as the modules do."""
    return openstack.resource.wait_for_status(lb, made, "ACTIVE", ["ERROR"], interval=1, wait=30, attribute="provisioning_status")


CHANGEABLE = {"description", "lb_algorithm", "delay", "connection_limit"}


def apply(description, algorithm, delay):
    changed = []
    balancer, c = present("load_balancer", "lb", {"vip_subnet_id": subnet.id, "description": description})
    changed.append(c)
    listener, c = present("listener", "listener", {"protocol": "HTTP", "protocol_port": 8080, "load_balancer_id": balancer.id, "connection_limit": 9})
    changed.append(c)
    pool, c = present("pool", "pool", {"protocol": "HTTP", "lb_algorithm": algorithm, "listener_id": listener.id})
    changed.append(c)
    if lb.find_member("member", pool) is None:
        lb.create_member(pool, name="member", address="127.0.27.20", protocol_port=80, subnet_id=subnet.id)
        changed.append(True)
    _, c = present("health_monitor", "monitor", {"type": "HTTP", "delay": delay, "timeout": 5, "max_retries": 3, "pool_id": pool.id})
    changed.append(c)
    return balancer, pool, any(changed)


network = conn.network.create_network(name="vips")
subnet = conn.network.create_subnet(network_id=network.id, name="vips", ip_version=4, cidr="127.0.27.0/24")
balancer, pool, changed = apply("one", "ROUND_ROBIN", 60)
assert changed
assert not apply("one", "ROUND_ROBIN", 60)[2], "a second run changed something"
assert apply("two", "LEAST_CONNECTIONS", 90)[2]
assert lb.get_pool(pool.id).lb_algorithm == "LEAST_CONNECTIONS"
assert conn.network.get_port(balancer.vip_port_id).fixed_ips[0]["ip_address"] == balancer.vip_address
assert [m.name for m in lb.members(pool)] == ["member"]
assert {p.name for p in lb.providers()} >= {"lbd", "octavia"}
lb.delete_load_balancer(balancer, cascade=True)
openstack.resource.wait_for_delete(lb, balancer, interval=1, wait=30)
assert lb.find_load_balancer("lb") is None
sys.stdout.write("done\n")
