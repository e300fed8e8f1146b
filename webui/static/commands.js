// The command line of everything the pages show or do. Pure; tested with node.

import { label } from "./diff.js";

// quote makes one shell word of any text.
export function quote(word) {
  return /^[A-Za-z0-9_@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}

// ref names an object for a command: its name where that is unique among
// others, else its id.
export function ref(o, others) {
  const unique = o.name && others.filter((x) => x.name === o.name).length === 1;
  return quote(unique ? o.name : o.id);
}

const lb = "openstack loadbalancer";

// first is the walkthrough from nothing to a reply: [{what, line}].
export const first = [
  { what: "use the credentials the first start wrote", line: "export OS_CLOUD=lbd" },
  { what: "a network and the subnet the nodes are in", line: "openstack network create private" },
  { what: "", line: "openstack subnet create --network private --subnet-range 10.0.0.0/24 private-subnet" },
  { what: "the load balancer and its VIP", line: `${lb} create --name lb1 --vip-subnet-id private-subnet --wait` },
  { what: "a listener", line: `${lb} listener create --name listener1 --protocol HTTP --protocol-port 80 --wait lb1` },
  { what: "a pool", line: `${lb} pool create --name pool1 --listener listener1 --protocol HTTP --lb-algorithm ROUND_ROBIN --wait` },
  { what: "its members", line: `${lb} member create --address 10.0.0.6 --protocol-port 80 --wait pool1` },
  { what: "", line: `${lb} member create --address 10.0.0.3 --protocol-port 80 --wait pool1` },
  { what: "a health monitor", line: `${lb} healthmonitor create --type HTTP --url-path / --delay 5 --timeout 10 --max-retries 4 --wait pool1` },
];

// forBalancer lists what one can do with a load balancer and its parts.
export function forBalancer(o, all) {
  const name = ref(o, all);
  const out = [
    { what: "show it, its parts and its counters", line: `${lb} status show ${name}` },
    { what: "", line: `${lb} stats show ${name}` },
    { what: "roles as the nodes' kernels have them", line: `${lb} amphora list --loadbalancer ${quote(o.id)}` },
    { what: "add a listener", line: `${lb} listener create --name NAME --protocol HTTP --protocol-port PORT ${name}` },
    { what: "add a pool", line: `${lb} pool create --name NAME --protocol HTTP --lb-algorithm ROUND_ROBIN --loadbalancer ${name}` },
  ];
  for (const p of o.pools ?? []) {
    const pool = ref(p, all.flatMap((x) => x.pools ?? []));
    out.push({ what: `add a member to ${label(p)}`, line: `${lb} member create --address ADDRESS --protocol-port PORT ${pool}` });
    const m = (p.members ?? [])[0];
    if (m) out.push({ what: `drain ${label(m)}`, line: `${lb} member set --weight 0 ${pool} ${ref(m, p.members)}` });
    if (!p.monitor) {
      out.push({ what: `watch the members of ${label(p)}`, line: `${lb} healthmonitor create --type HTTP --url-path / --delay 5 --timeout 10 --max-retries 4 ${pool}` });
    }
  }
  out.push({ what: "delete it with everything below", line: `${lb} delete --cascade ${name}` });
  return out;
}

export function switchover(node) {
  return node ? `lbd switchover ${quote(node)}` : "lbd switchover";
}

export function approve(code) {
  return `lbd approve ${quote(String(code))}`;
}

// join lists how to add a node to the one at peer.
export function join(peer) {
  return [
    { what: "on a node that is in: print a token, good for an hour", line: "lbd token" },
    { what: "on the new machine: join as a data node", line: `LBD_TOKEN=TOKEN lbd --join ${quote(peer)}` },
    { what: "or as a witness: it votes, but holds no VIP", line: `LBD_TOKEN=TOKEN lbd --witness --join ${quote(peer)}` },
  ];
}
