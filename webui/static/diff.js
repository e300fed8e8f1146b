// What changed between two observations, as sentences' parts. Pure; tested with node.

import { tone, roleTone, quorumTone, judge } from "./observe.js";

// changes returns [{kind, what, from, to, why, tone}], oldest cause first: nodes
// and quorum before the objects that depend on them.
export function changes(oldTopology, topology, oldCluster, cluster) {
  return [
    ...(oldCluster ? clusterChanges(oldCluster, cluster) : []),
    ...(oldTopology ? topologyChanges(oldTopology, topology) : []),
  ];
}

function clusterChanges(before, now) {
  const out = [];
  const quorum = now.quorum ?? "";
  if (before.quorum !== now.quorum) {
    out.push({ kind: "observed", what: "quorum", from: before.quorum ?? "", to: quorum, why: "", tone: quorumTone(quorum) });
  }
  compare(before.nodes, now.nodes, {
    added: (n) => out.push({ kind: "configured", what: `node ${n.name}`, from: "", to: "joined", why: "", tone: "" }),
    removed: (n) => out.push({ kind: "configured", what: `node ${n.name}`, from: "member", to: "gone", why: "", tone: "" }),
    both: (a, b) => {
      if (a.role !== b.role) {
        out.push({ kind: "observed", what: `node ${b.name}`, from: a.role, to: b.role, why: b.why ?? "", tone: roleTone(b.role) });
      }
    },
  });
  return out;
}

function topologyChanges(before, now) {
  const out = [];
  compare(flat(before), flat(now), {
    added: (o) => out.push({ kind: "configured", what: o.what, from: "", to: o.provisioning ?? "made", why: "", tone: "" }),
    removed: (o) => out.push({ kind: "configured", what: o.what, from: o.provisioning ?? "", to: "deleted", why: "", tone: "" }),
    both: (a, b) => {
      if (a.provisioning !== b.provisioning) {
        out.push({ kind: "configured", what: b.what, from: a.provisioning ?? "", to: b.provisioning ?? "", why: b.provisioning === "ERROR" ? b.why : "", tone: "" });
      }
      if (a.weight !== b.weight) {
        out.push({ kind: "configured", what: `${b.what}, weight`, from: String(a.weight), to: String(b.weight), why: "", tone: "" });
      }
      if (a.operating !== b.operating) {
        const t = tone(b.operating);
        out.push({ kind: "observed", what: b.what, from: a.operating ?? "", to: b.operating ?? "", why: t === "good" ? "" : b.why, tone: t });
      }
    },
  });
  return out;
}

// flat lists every object of a topology, members first: a member's change is the
// cause, its pool's and load balancer's the effect.
function flat(topology) {
  const out = [];
  for (const lb of topology.load_balancers ?? []) {
    const seen = judge(lb);
    const row = (o, what) => ({
      id: o.id, what, provisioning: o.provisioning_status, operating: o.operating_status, weight: o.weight, why: seen.get(o.id)?.why ?? "",
    });
    for (const p of lb.pools ?? []) {
      for (const m of p.members ?? []) out.push(row(m, `member ${label(m)} of ${label(p)}`));
      out.push(row(p, `pool ${label(p)}`));
    }
    for (const l of lb.listeners ?? []) out.push(row(l, `listener ${label(l)}`));
    out.push(row(lb, `load balancer ${label(lb)}`));
  }
  return out;
}

// label is a name a person can find again: the name, else the address, else the id.
export function label(o) {
  return o.name || (o.address && o.port ? `${o.address}:${o.port}` : "") || String(o.id ?? "").slice(0, 8);
}

function compare(before, now, { added, removed, both }) {
  const old = new Map((before ?? []).map((o) => [o.id, o]));
  for (const o of now ?? []) {
    if (old.has(o.id)) both(old.get(o.id), o);
    else added(o);
    old.delete(o.id);
  }
  for (const o of old.values()) removed(o);
}
