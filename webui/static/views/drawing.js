import { useLayoutEffect, useRef, useState } from "../vendor/hooks.mjs";
import { html } from "../html.js";
import { bytes, count, duration, rate } from "../format.js";
import { holders } from "../observe.js";
import { label } from "../diff.js";
import { Configured, Observed, Pair, Shape, Spark, Why } from "./parts.js";
import { useLast, useNear } from "./near.js";
import { route } from "./wires.js";

// Drawing is VIP → listener → pool → members: columns of plain elements, so that
// it reads in order without the picture, and wires measured from where they are.
export function Drawing({ lb, seen, cluster, rates, stale, now }) {
  const box = useRef(null);
  const near = useNear(box);
  const wires = useWires(box, near, () => edges(lb, seen, rates));
  return useLast(near, () => html`
    <div class="draw" ref=${box}>
      <svg class="wires" aria-hidden="true">
        ${wires.map((w) => html`<path key=${w.key} class=${w.tone} d=${w.d} stroke-width=${w.width} />`)}
      </svg>
      <div class="col vips"><${Vip} lb=${lb} cluster=${cluster} stale=${stale} /></div>
      <div class="col listeners">
        ${(lb.listeners ?? []).map((l) => html`<${Listener} key=${l.id} l=${l} v=${seen.get(l.id)} r=${rates.get(l.id)} now=${now} />`)}
        ${(lb.listeners ?? []).length === 0 ? html`<p class="none">no listener: nothing is accepted</p>` : null}
      </div>
      <div class="pools">
        ${(lb.pools ?? []).map((p) => html`<${Pool} key=${p.id} p=${p} seen=${seen} used=${(lb.listeners ?? []).some((l) => l.default_pool_id === p.id)} now=${now} />`)}
        ${(lb.pools ?? []).length === 0 ? html`<p class="none">no pool: requests are answered 503</p>` : null}
      </div>
    </div>`);
}

function Vip({ lb, cluster, stale }) {
  const addresses = [lb.vip_address, ...(lb.additional_vips ?? []), ...(lb.floating_ips ?? [])].filter(Boolean);
  return html`
    <section class="card vip" data-node=${`vip-${lb.id}`} aria-label="VIP">
      ${addresses.map((a, i) => html`
        <div class="addr">
          <span class="kind">${i === 0 ? "VIP" : (lb.floating_ips ?? []).includes(a) ? "floating IP" : "VIP, additional"}</span>
          <code>${a}</code>
          ${cluster.denied ? null : html`<${Holder} nodes=${holders(cluster, a)} stale=${stale} />`}
        </div>`)}
    </section>`;
}

function Holder({ nodes, stale }) {
  if (stale) return html`<span class="holder"><${Shape} tone="unknown" />not seen now</span>`;
  if (nodes.length === 1) {
    return html`<span class="holder good"><${Shape} tone="good" /><span>on <b>${nodes[0].name}</b></span></span>`;
  }
  if (nodes.length === 0) return html`<span class="holder bad"><${Shape} tone="bad" />on no node</span>`;
  return html`<span class="holder bad"><${Shape} tone="bad" />on ${nodes.map((n) => n.name).join(" and ")}</span>`;
}

function Listener({ l, v, r, now }) {
  const s = l.stats ?? {};
  const http = r?.requests != null || s.requests != null;
  return html`
    <section class="card" data-node=${l.id} data-kind="listener" aria-label=${`listener ${label(l)}`}>
      <h3>${label(l)} <code>${l.protocol} ${l.port}</code></h3>
      <div class="gauge">
        <p><b>${http ? rate(r?.requests) : rate(r?.connections)}</b> <span class="unit">${http ? "requests/s" : "connections/s"}</span></p>
        <${Spark} values=${r?.history ?? []} width=${92} label="the last minute" />
      </div>
      <dl class="figures">
        ${http ? html`<div><dt>new conn/s</dt><dd>${rate(r?.connections)}</dd></div>` : null}
        <div><dt>open conn</dt><dd>${count(s.active_connections)}</dd></div>
        <div><dt>in/s</dt><dd>${r?.in == null ? "–" : bytes(r.in)}</dd></div>
        <div><dt>out/s</dt><dd>${r?.out == null ? "–" : bytes(r.out)}</dd></div>
        ${http ? html`<div><dt>requests</dt><dd>${count(s.requests)}</dd></div>` : html`<div><dt>conn</dt><dd>${count(s.total_connections)}</dd></div>`}
        <div><dt>errors</dt><dd>${count(s.request_errors)}</dd></div>
      </dl>
      <${Pair} of=${l} verdict=${v} />
      <${Why} of=${l} verdict=${v} now=${now} />
    </section>`;
}

function Pool({ p, seen, used, now }) {
  const v = seen.get(p.id);
  const members = p.members ?? [];
  const online = members.filter((m) => seen.get(m.id).tone === "good").length;
  return html`
    <div class="pool">
      <section class="card" data-node=${p.id} data-kind="pool" aria-label=${`pool ${label(p)}`}>
        <h3>${label(p)} <code>${p.protocol}</code></h3>
        <dl class="facts">
          <div><dt>picks</dt><dd>${words(p.lb_algorithm)}</dd></div>
          <div><dt>monitor</dt><dd>${monitor(p.monitor)}</dd></div>
          <div><dt>online</dt><dd>${online} of ${members.length}</dd></div>
        </dl>
        ${used ? null : html`<p class="why unknown">no listener uses it</p>`}
        <${Pair} of=${p} verdict=${v} />
        <${Why} of=${p} verdict=${v} now=${now} />
      </section>
      ${members.length === 0 ? html`<p class="none">no member</p>` : html`<${Members} members=${members} seen=${seen} now=${now} name=${label(p)} />`}
    </div>`;
}

function Members({ members, seen, now, name }) {
  return html`
    <table class="members">
      <caption class="sr">Members of ${name}</caption>
      <thead><tr><th scope="col">member</th><th scope="col" class="num w">weight</th><th scope="col" class="num n">conn</th>
        <th scope="col" class="s">configured</th><th scope="col" class="s">observed</th></tr></thead>
      ${members.map((m) => html`<${Member} key=${m.id} m=${m} v=${seen.get(m.id)} now=${now} />`)}
    </table>`;
}

function Member({ m, v, now }) {
  return html`
    <tbody data-member=${label(m)}>
      <tr data-node=${m.id} data-kind="member">
        <th scope="row">${m.name ? html`<span class="name">${m.name}</span>` : null}<code>${m.address}:${m.port}</code></th>
        <td class="num" data-label="weight">${m.weight ?? "–"}${m.backup ? html`<span class="tag" title="used only when no other member is up">backup</span>` : null}</td>
        <td class="num" data-label="conn">${count(m.active_connections)}</td>
        <td data-label="configured"><${Configured} status=${m.provisioning_status} up=${m.admin_state_up} /></td>
        <td data-label="observed"><${Observed} status=${v.status} tone=${v.tone} /></td>
      </tr>
      ${v.tone !== "good" || m.provisioning_status === "ERROR" ? html`
        <tr class="because"><td colspan="5"><${Why} of=${m} verdict=${v} now=${now} /></td></tr>` : null}
    </tbody>`;
}

function words(algorithm) {
  return (algorithm ?? "–").toLowerCase().replaceAll("_", " ");
}

function monitor(m) {
  if (!m) return "none";
  const what = [m.type, m.http_method !== "GET" ? m.http_method : "", m.url_path].filter(Boolean).join(" ");
  return `${what} every ${duration((m.delay ?? 0) * 1000).replace(".0 ", " ")}`;
}

// edges of the drawing: {from, to, tone, rate}. A wire has the tone of what it
// leads to, and is as thick as what flows through it.
function edges(lb, seen, rates) {
  const out = [];
  const flow = new Map(); // per pool
  for (const l of lb.listeners ?? []) {
    const r = rates.get(l.id)?.requests ?? rates.get(l.id)?.connections ?? 0;
    out.push({ from: `vip-${lb.id}`, to: l.id, tone: seen.get(l.id).tone, rate: r });
    if (!seen.has(l.default_pool_id)) continue;
    out.push({ listener: true, from: l.id, to: l.default_pool_id, tone: seen.get(l.default_pool_id).tone, rate: r });
    flow.set(l.default_pool_id, (flow.get(l.default_pool_id) ?? 0) + r);
  }
  for (const p of lb.pools ?? []) {
    const up = (p.members ?? []).filter((m) => seen.get(m.id).tone === "good").length;
    for (const m of p.members ?? []) {
      const v = seen.get(m.id);
      // Only a listener's rate is measured; its share per member is not, so
      // members' wires only say whether something can flow.
      out.push({ from: p.id, to: m.id, tone: v.tone, rate: v.tone === "good" ? (flow.get(p.id) ?? 0) / Math.max(1, up) : 0 });
    }
  }
  return out;
}

// useWires measures after every render and on every resize; it renders again only
// when a line has moved or changed.
function useWires(box, near, list) {
  const [wires, setWires] = useState([]);
  const latest = useRef(list);
  latest.current = list;
  const measure = () => {
    if (!box.current) return;
    const next = route(box.current, latest.current());
    setWires((old) => (JSON.stringify(old) === JSON.stringify(next) ? old : next));
  };
  useLayoutEffect(() => { if (near) measure(); });
  useLayoutEffect(() => {
    const observer = new ResizeObserver(measure);
    observer.observe(box.current);
    return () => observer.disconnect();
  }, []);
  return wires;
}
