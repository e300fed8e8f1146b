// What the observations mean, in words and tones. Pure; tested with node.
//
// A tone is the only thing colour may come from: good, warn, bad, or "unknown"
// for everything nobody has measured.

import { plural, parseTime } from "./format.js";

const tones = {
  ONLINE: "good", DEGRADED: "warn", DRAINING: "warn", ERROR: "bad", OFFLINE: "unknown", NO_MONITOR: "unknown",
};

export function tone(operating) {
  return tones[operating] ?? "unknown";
}

const roleTones = { active: "good", standby: "good", witness: "good" };

export function roleTone(role) {
  return roleTones[role] ?? "unknown";
}

// verdict is what there is to say about one object: tone, and for everything
// that is not green a reason and, where known, a time.
//   own:      the object with operating_status, reason, since
//   children: verdicts of what it depends on, to explain a status that came without a reason
export function verdict(own, children = [], childWord = "member") {
  const status = own.operating_status ?? "UNKNOWN";
  const t = tone(status);
  if (t === "good") return { status, tone: t, why: own.reason ?? "", since: own.since ?? null };
  const notGood = children.filter((c) => c.tone !== "good");
  let why = own.reason ?? "";
  if (!why && notGood.length > 0) {
    why = notGood.length < children.length ? `${notGood.length} of ${plural(children.length, childWord)} not online`
      : children.length === 1 ? `its only ${childWord} is not online` : `none of its ${plural(children.length, childWord)} is online`;
  }
  return { status, tone: t, why: why || defaultWhy(status), since: own.since ?? turn(status, notGood) };
}

function defaultWhy(status) {
  switch (status) {
    case "NO_MONITOR": return "no health monitor looks at it";
    case "DRAINING": return "weight 0: finishes its connections, gets no new ones";
    case "OFFLINE": return "no verdict yet, or switched off";
    case "UNKNOWN": return "nobody has measured it";
    default: return "the node gave no reason";
  }
}

// turn is when a parent took its status: degraded with the first child that
// failed, in error with the last.
function turn(status, notGood) {
  const times = notGood.map((c) => parseTime(c.since)).filter((t) => t != null);
  if (times.length === 0) return null;
  return new Date(status === "ERROR" ? Math.max(...times) : Math.min(...times)).toISOString();
}

// judge gives every object of a load balancer its verdict, bottom up, by id.
export function judge(lb) {
  const out = new Map();
  for (const pool of lb.pools ?? []) {
    const members = (pool.members ?? []).map((m) => {
      const v = verdict(m);
      out.set(m.id, v);
      return v;
    });
    const own = { ...pool };
    if (members.length === 0 && !own.reason && tone(own.operating_status) !== "good") own.reason = "it has no members";
    out.set(pool.id, verdict(own, members));
  }
  for (const l of lb.listeners ?? []) {
    const pool = out.get(l.default_pool_id);
    const own = { ...l };
    if (!own.reason && tone(own.operating_status) !== "good") {
      const name = (lb.pools ?? []).find((p) => p.id === l.default_pool_id)?.name || "its pool";
      if (!l.default_pool_id) own.reason = "it has no pool";
      else if (pool && pool.tone !== "good") own.reason = `${name}: ${pool.why}`;
    }
    const v = verdict(own);
    out.set(l.id, { ...v, since: v.since ?? (v.tone === "good" ? null : pool?.since ?? null) });
  }
  // Pools first: a listener's reason only repeats its pool's.
  const below = [...(lb.pools ?? []), ...(lb.listeners ?? [])].map((o) => ({ ...out.get(o.id), name: o.name }));
  const worst = below.find((v) => v.tone === "bad") ?? below.find((v) => v.tone !== "good");
  const own = { ...lb };
  if (!own.reason && worst && tone(own.operating_status) !== "good") own.reason = `${worst.name || "part"}: ${worst.why}`;
  const v = verdict(own);
  out.set(lb.id, { ...v, since: v.since ?? (v.tone === "good" ? null : turn(v.status, below.filter((c) => c.tone !== "good"))) });
  return out;
}

export function quorumTone(quorum) {
  if (!quorum) return "unknown";
  return quorum === "ok" ? "good" : quorum === "lost" ? "bad" : "warn";
}

// holders says who answers for an address, from what the nodes hold right now.
export function holders(cluster, address) {
  return (cluster?.nodes ?? []).filter((n) => n.role === "active" && (n.vips ?? []).includes(address));
}

// headline is the one sentence of the cluster page: {tone, text, nodes}.
export function headline(cluster) {
  const nodes = cluster?.nodes ?? [];
  const active = nodes.filter((n) => n.role === "active");
  if (nodes.some((n) => n.share)) {
    return { tone: "good", text: `Load balancers are distributed over the nodes, ${active.length} have some`, nodes: active };
  }
  if (active.length === 1) return { tone: "good", text: `${active[0].name} is active`, nodes: active };
  if (active.length > 1) {
    return { tone: "bad", text: `${active.map((n) => n.name).join(" and ")} each say they are active`, nodes: active };
  }
  const silent = nodes.filter((n) => n.role === "unknown" || !n.role);
  if (silent.length > 0) {
    return { tone: "unknown", text: `No node is seen active; ${silent.map((n) => n.name).join(", ")} cannot be seen`, nodes: [] };
  }
  return { tone: "bad", text: "No node is active", nodes: [] };
}

// problems counts what needs a look, for the page's title.
export function problems(topology, cluster) {
  let n = cluster?.denied || headline(cluster).tone === "good" ? 0 : 1;
  for (const node of cluster?.nodes ?? []) if (roleTone(node.role) !== "good" || (node.problems ?? []).length > 0) n++;
  for (const lb of topology?.load_balancers ?? []) {
    for (const v of judge(lb).values()) if (v.tone === "bad" || v.tone === "warn") n++;
  }
  return n;
}
