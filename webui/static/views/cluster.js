import { useEffect, useState } from "../vendor/hooks.mjs";
import { html } from "../html.js";
import { clock, count, duration, parseTime } from "../format.js";
import { roleTone } from "../observe.js";
import { approve, join } from "../commands.js";
import { Addresses, Command, Lines, Observed } from "./parts.js";
import { Quorum, Statement } from "./statement.js";
import { Switchover } from "./switchover.js";

// Cluster is who holds what, by what the nodes say they do.
export function Cluster({ state, age, stale, api, refresh }) {
  const { cluster } = state;
  if (cluster.denied) return html`<${Statement} cluster=${cluster} />`;
  const nodes = cluster.nodes ?? [];
  const leader = nodes.find((n) => n.id === cluster.leader);
  const top = Math.max(0, ...nodes.map((n) => n.raft?.last_index ?? 0));
  return html`
    <${Statement} cluster=${cluster} age=${age} stale=${stale} now=${api.now()} lease=${state.lease} large=${true} />
    <dl class="facts row">
      <div><dt>quorum</dt><dd id="quorum"><${Quorum} of=${cluster} stale=${stale} /></dd></div>
      <div><dt>leader</dt><dd>${leader?.name ?? (cluster.leader ? cluster.leader : "none")}</dd></div>
      <div><dt>term</dt><dd>${cluster.term ?? "–"}</dd></div>
      <div><dt>newest index</dt><dd>${count(top)}</dd></div>
      <div><dt>cluster</dt><dd><code>${cluster.cluster_id ?? "–"}</code></dd></div>
      <div class="act"><${Switchover} nodes=${nodes} api=${api} refresh=${refresh} disabled=${stale} /></div>
    </dl>
    <div class="scroll" tabindex="0" role="region" aria-label="nodes">
      <table class="nodes">
        <caption class="sr">Nodes: what each was told to be, and what it is seen to do</caption>
        <thead>
          <tr class="over"><th colspan="2" scope="colgroup">configured</th><th class="edge" colspan=${cluster.spread ? 6 : 5} scope="colgroup">observed</th><th class="edge" colspan="4" scope="colgroup">Raft, observed</th></tr>
          <tr><th scope="col">node</th><th scope="col">kind</th>
            <th class="edge" scope="col">role</th><th scope="col">since</th><th scope="col" class="num">lease left</th><th scope="col">VIPs held</th>
            ${cluster.spread ? html`<th scope="col" class="num" title="load balancers that the node holds, of those that Spread's table gives it">share</th>` : null}<th scope="col" class="num">measured</th>
            <th class="edge" scope="col">state</th><th scope="col" class="num">term</th><th scope="col" class="num">applied / commit / last</th><th scope="col" class="num">lag</th></tr>
        </thead>
        ${nodes.map((n) => html`<${Node} key=${n.id} n=${n} top=${top} now=${api.now()} stale=${stale} spread=${cluster.spread} />`)}
      </table>
    </div>
    <${Advice} nodes=${nodes} />
    <div class="two">
      <${Join} nodes=${nodes} />
      <${Pending} api=${api} refresh=${refresh} />
    </div>`;
}

// Node shows a silent node as unknown and nothing that it said before.
function Node({ n, top, now, stale, spread }) {
  const seen = n.role && n.role !== "unknown";
  const r = seen ? n.raft ?? {} : {};
  const lag = r.applied_index == null ? null : top - r.applied_index;
  const since = seen ? parseTime(n.since) : null;
  const problems = n.problems ?? [];
  const why = n.why || (seen ? "" : n.age_ms >= 0 ? `silent for ${duration(n.age_ms)}` : "never heard since this node started");
  const because = [
    ...(why ? [html`<span class="why ${stale ? "unknown" : roleTone(n.role)}">${why}</span>`] : []),
    ...problems.map((p) => html`<span class="why bad">${p.object ? html`<code>${p.object}</code> ` : null}${p.reason}</span>`),
  ];
  const rows = 1 + because.length;
  return html`
    <tbody data-name=${n.name}>
      <tr>
        <th scope="rowgroup" rowspan=${rows}><span class="name">${n.name}</span>${n.self ? html`<span class="tag" title="the node that answers this page">this node</span>` : null}
          <span class="sub"><code>${n.api || n.cluster || ""}</code></span></th>
        <td rowspan=${rows}>${n.kind}<span class="sub muted">${n.version ?? ""}</span></td>
        <td class="edge"><${Observed} status=${stale ? "unknown" : n.role || "unknown"} tone=${stale ? "unknown" : roleTone(n.role)} /></td>
        <td>${since == null ? "–" : html`<time datetime=${n.since} title=${n.since}>${clock(n.since, now)}</time> <span class="muted">(${duration(now - since)})</span>`}</td>
        <td class="num">${seen && n.role === "active" ? duration(n.lease_left_ms) : "–"}</td>
        <td rowspan=${rows}>${seen && (n.vips ?? []).length > 0 ? html`<${Addresses} list=${n.vips} />` : "–"}</td>
        ${spread ? html`<td class="num share" rowspan=${rows}><${Share} of=${n.load_balancers} seen=${seen} /></td>` : null}
        <td class="num">${n.age_ms == null || n.age_ms < 0 ? "never" : `${duration(n.age_ms)} ago`}</td>
        <td class="edge">${r.state || "–"}</td>
        <td class="num">${r.term ?? "–"}</td>
        <td class="num">${r.applied_index == null ? "–" : `${count(r.applied_index)} / ${count(r.commit_index)} / ${count(r.last_index)}`}</td>
        <td class="num">${count(lag)}</td>
      </tr>
      ${because.map((b) => html`<tr class="because"><td class="edge" colspan="3">${b}</td><td></td><td class="edge" colspan="4"></td></tr>`)}
    </tbody>`;
}

// Share is what a node holds of what it was given; a silent one holds nothing that is known.
function Share({ of, seen }) {
  if (of == null) return "–";
  return html`${seen ? count(of.held) : "?"} of ${count(of.given)}`;
}

function Advice({ nodes }) {
  const data = nodes.filter((n) => n.kind === "data").length;
  const witness = nodes.filter((n) => n.kind === "witness").length;
  if (data === 1) return html`<p class="advice">One data node: nothing takes over when it fails. Add a second.</p>`;
  if (data === 2 && witness === 0) {
    return html`<p class="advice">Two data nodes without a witness: when one is lost, traffic goes on but writes are closed until it is back. A witness, a small machine anywhere near, keeps them open.</p>`;
  }
  return null;
}

function Join({ nodes }) {
  const peer = (nodes.find((n) => n.self) ?? nodes[0])?.api || location.host;
  return html`
    <section class="panel" aria-labelledby="join-title"><h2 id="join-title">Add a node</h2><${Lines} lines=${join(peer)} />
      <p class="muted">Without a token the new node waits and shows a code, to be approved here.</p></section>`;
}

// Pending lists nodes that wait for approval, asked for every five seconds.
function Pending({ api, refresh }) {
  const [list, setList] = useState([]);
  const [error, setError] = useState("");
  const load = async () => {
    try {
      setList((await api.get("v1/cluster/pending"))?.pending ?? []);
    } catch (e) {
      setList([]);
      setError(e.status === 401 ? "" : e.message);
    }
  };
  useEffect(() => {
    load();
    const timer = setInterval(load, 5000);
    return () => clearInterval(timer);
  }, []);
  const admit = async (node) => {
    setError("");
    try {
      await api.post("v1/cluster/approve", { code: node.code });
      refresh();
    } catch (e) {
      setError(e.message);
    }
    await load();
  };
  return html`
    <section class="panel" aria-labelledby="pending-title"><h2 id="pending-title">Waiting for approval</h2>
      ${error ? html`<p class="fault" role="alert">${error}</p>` : null}
      ${list.length === 0 ? html`<p class="muted">No node waits.</p>` : html`
        <p>Approve only a code that you read on the new machine itself.</p>
        <ul class="waiting">${list.map((p) => html`
          <li key=${p.code}><p><b>${p.name}</b>, ${p.kind}, from <code>${p.from}</code></p>
            <${Command} line=${approve(p.code)} />
            <button type="button" onClick=${() => admit(p)}>Approve ${p.code}</button></li>`)}</ul>`}
    </section>`;
}
