"""Runs API tests of OpenStack Tempest and of its Octavia plugin, unmodified.

    conformance.py API DIRECTORY MODULE...     (the admin's password on standard input)

API is host:port of an lbd that nobody else uses, DIRECTORY takes Tempest's
configuration and log. Up to CHUNK tests of a class share a process and the class's
set-up; PROCESSES of them run at the same time. For each test one line of JSON goes
to standard output: {"test", "result": "ok" | "skip" | "fail", "why"}. What fails in
the set-up of a class has the name of the class.
"""
import json
import multiprocessing
import os
import sys
import types
import unittest
import urllib.request

from oslo_config import cfg

PROCESSES = 6
CHUNK = 20

CONF = """
[DEFAULT]
log_dir = {dir}
[oslo_concurrency]
lock_path = {dir}
[auth]
use_dynamic_credentials = true
admin_username = admin
admin_password = {password}
admin_project_name = admin
admin_domain_name = Default
[identity]
auth_version = v3
uri_v3 = http://{api}/identity/v3
region = RegionOne
[identity-feature-enabled]
api_v2 = false
api_v3 = true
application_credentials = true
project_tags = true
api_extensions =
[service_available]
nova = true
glance = true
neutron = true
cinder = false
swift = false
load_balancer = true
[network]
public_network_id = {public}
floating_network_name = public
project_network_cidr = 10.1.0.0/16
project_networks_reachable = true
[network-feature-enabled]
api_extensions = {extensions}
[load_balancer]
provider = lbd
enabled_provider_drivers = {providers}
expected_flavor_capability = {flavor}
expected_availability_zone_capability = {zone}
availability_zone = nova
availability_zone2 = nova2
availability_zone3 = nova3
RBAC_test_type = owner_or_admin
check_interval = 0.1
check_timeout = 30
build_interval = 0.1
build_timeout = 30
lb_build_interval = 0.1
lb_build_timeout = 30
"""


class Cloud:
    """As much of a client as it takes to write Tempest's configuration."""

    def __init__(self, api, password):
        self.api, self.token = api, None
        domain = {"id": "default"}
        user = {"name": "admin", "domain": domain, "password": password}
        answer = self.ask("/identity/v3/auth/tokens", {"auth": {
            "identity": {"methods": ["password"], "password": {"user": user}},
            "scope": {"project": {"name": "admin", "domain": domain}},
        }})
        self.token = answer.headers["X-Subject-Token"]

    def ask(self, path, body=None):
        request = urllib.request.Request("http://" + self.api + path, headers={"Content-Type": "application/json"})
        if body is not None:
            request.data = json.dumps(body).encode()
        if self.token:
            request.add_header("X-Auth-Token", self.token)
        return urllib.request.urlopen(request, timeout=30)

    def json(self, path, body=None):
        return json.load(self.ask(path, body))


def configure(api, directory, password):
    """Write tempest.conf: what is in the cloud, and what lbd says of itself."""
    cloud = Cloud(api, password)
    net = "/networking/v2.0"
    public = cloud.json(net + "/networks", {"network": {"name": "public", "router:external": True}})["network"]["id"]
    cloud.json(net + "/subnets", {"subnet": {"network_id": public, "ip_version": 4, "cidr": "203.0.113.0/24"}})
    pairs = lambda listing: ",".join(x["name"] + ":" + x["description"] for x in listing)
    lbaas = "/load-balancer/v2/lbaas/providers"
    first = lambda what: pairs(cloud.json(lbaas + "/lbd/" + what)[what][:1])
    with open(os.path.join(directory, "tempest.conf"), "w") as f:
        f.write(CONF.format(
            api=api, dir=directory, password=password, public=public,
            extensions=",".join(x["alias"] for x in cloud.json(net + "/extensions")["extensions"]),
            providers=pairs(cloud.json(lbaas)["providers"]),
            flavor=first("flavor_capabilities"), zone=first("availability_zone_capabilities"),
        ))
    os.environ.update(TEMPEST_CONFIG_DIR=directory, TEMPEST_CONFIG="tempest.conf")


class Lines(unittest.TestResult):
    """Collects what becomes of each test."""

    def __init__(self):
        super().__init__()
        self.lines = []

    def note(self, test, result, why=""):
        name = test.id()
        if name.startswith(("setUpClass (", "tearDownClass (")):
            name = name.partition("(")[2].rstrip(")")
        self.lines.append({"test": name.partition("[")[0], "result": result, "why": why})

    def addSuccess(self, test):
        self.note(test, "ok")

    def addSkip(self, test, reason):
        self.note(test, "skip", reason)

    def addError(self, test, err):
        self.note(test, "fail", self._exc_info_to_string(err, test))

    addFailure = addError

    def addExpectedFailure(self, test, err):
        self.note(test, "ok")

    def addUnexpectedSuccess(self, test):
        self.note(test, "fail", "succeeds, which was not expected")


def cases(suite):
    for x in suite:
        if isinstance(x, unittest.TestSuite):
            yield from cases(x)
        else:
            yield x


chunks = []  # lists of tests; made before the fork


def own_addresses(i):
    """Give what chunk i makes networks of addresses that no other chunk has.

    Projects may use the same subnets, but a VIP or a floating IP is one machine's
    address: a test that picks a free one of its subnet would be refused if another
    chunk's had it.
    """
    for group, option, cidr in (
        ("network", "project_network_cidr", f"10.{i + 10}.0.0/16"),
        ("network", "project_network_v6_cidr", f"2001:db8:{i + 10:x}::/48"),
        ("load_balancer", "vip_subnet_cidr", f"10.{i + 10}.255.0/24"),
        ("load_balancer", "vip_ipv6_subnet_cidr", f"fdde:1a92:{i + 10:x}::/64"),
    ):
        cfg.CONF.set_override(option, cidr, group)


def run(i):
    own_addresses(i)
    result = Lines()
    unittest.TestSuite(chunks[i]).run(result)
    return result.lines


def main():
    api, directory, modules = sys.argv[1], sys.argv[2], sys.argv[3:]
    configure(api, directory, sys.stdin.readline().strip())

    from tempest.lib.services.network import subnets_client
    # Tempest waits 10 s before it removes a subnet, for agents that lbd has not.
    subnets_client.time = types.SimpleNamespace(sleep=lambda seconds: None)

    classes = {}
    for case in cases(unittest.defaultTestLoader.loadTestsFromNames(modules)):
        classes.setdefault(type(case), []).append(case)
    for tests in classes.values():
        chunks.extend(tests[i:i + CHUNK] for i in range(0, len(tests), CHUNK))
    chunks.sort(key=len, reverse=True)
    assert len(chunks) < 200, "own_addresses has no more"
    with multiprocessing.get_context("fork").Pool(PROCESSES, maxtasksperchild=1) as pool:
        for lines in pool.imap_unordered(run, range(len(chunks))):
            for line in lines:
                print(json.dumps(line), flush=True)


if __name__ == "__main__":
    main()
