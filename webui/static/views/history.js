import { useEffect, useState } from "../vendor/hooks.mjs";
import { html } from "../html.js";
import { clock, duration, parseTime, plural } from "../format.js";
import { Command, Shape } from "./parts.js";
import { Statement } from "./statement.js";

const PERIOD = 5000; // ms; a takeover is asked for at once, its note is written a moment later

// History is who took the VIPs over, why, and for how long nobody answered for
// them. It is the past: what is true now is above it, as on every page.
export function History({ state, age, stale, api }) {
  const { cluster } = state;
  const [list, setList] = useState(null);
  const [shares, setShares] = useState([]);
  const [error, setError] = useState("");
  useEffect(() => {
    if (cluster.denied) return;
    let over = false;
    const load = async () => {
      try {
        const found = await api.get("v1/cluster/history");
        if (!over) setList(found?.history ?? []);
        if (!over) setShares(found?.shares ?? []);
        if (!over) setError("");
      } catch (e) {
        if (!over) setError(e.status === 401 ? "" : e.message);
      }
    };
    load();
    const timer = setInterval(load, PERIOD);
    return () => {
      over = true;
      clearInterval(timer);
    };
  }, [cluster.term, cluster.leader, cluster.denied]);

  if (cluster.denied) return html`<${Statement} cluster=${cluster} />`;
  return html`
    <${Statement} cluster=${cluster} age=${age} stale=${stale} now=${api.now()} lease=${state.lease} large=${true} />
    ${error ? html`<p class="fault" role="alert">${error}</p>` : null}
    ${list == null ? html`<p class="wait">asking this node …</p>` : html`<${Takeovers} list=${list} nodes=${cluster.nodes ?? []} now=${api.now()} />`}
    ${shares.length ? html`<${Shares} list=${shares} now=${api.now()} />` : null}`;
}

// Shares is which load balancers Spread gave from one node to another, newest first.
function Shares({ list, now }) {
  return html`
    <h2>Shares</h2>
    <div class="scroll" tabindex="0" role="region" aria-label="moves of load balancers">
      <table class="shares">
        <caption class="sr">Load balancers that Spread gave to another node, newest first</caption>
        <thead><tr><th scope="col">when</th><th scope="col">given to</th><th scope="col">before</th><th scope="col" class="num">load balancers</th><th scope="col">why</th></tr></thead>
        <tbody>${list.map((c) => html`
          <tr key=${`${c.version} ${c.from} ${c.to} ${c.why}`}>
            <td class="when"><time datetime=${c.at} title=${c.at}>${clock(c.at, now)}</time></td>
            <th scope="row">${c.to_name}</th>
            <td class="muted">${c.from_name || "–"}</td>
            <td class="num" title=${c.loadbalancers.join("\n")}>${c.count}</td>
            <td class="reason">${c.why}</td>
          </tr>`)}</tbody>
      </table>
    </div>`;
}

function Takeovers({ list, nodes, now }) {
  const gaps = list.map((c) => c.gap_ms).filter((ms) => ms != null);
  const margins = list.map((c) => c.margin_ms).filter((ms) => ms != null);
  const worst = Math.max(1, ...gaps);
  const names = new Map([...list.map((c) => [c.node, c.name]), ...nodes.map((n) => [n.id, n.name])]);
  return html`
    <dl class="facts row">
      <div><dt>kept</dt><dd>${plural(list.length, "takeover")}</dd></div>
      <div><dt>newest</dt><dd>${list.length ? html`${duration(now - parseTime(list[0].at))} ago` : "–"}</dd></div>
      <div><dt>nobody answered, median</dt><dd id="gap-median">${duration(median(gaps))}</dd></div>
      <div><dt>at worst</dt><dd id="gap-worst">${gaps.length ? duration(worst) : "–"}</dd></div>
      <div><dt>least margin between two leases</dt><dd><${Margin} ms=${margins.length ? Math.min(...margins) : null} /></dd></div>
      <div class="act"><${Command} line="lbd history" /></div>
    </dl>
    ${list.length === 0 ? html`<p class="muted">Nobody has held a VIP yet.</p>` : html`
    <div class="scroll" tabindex="0" role="region" aria-label="takeovers">
      <table class="takeovers">
        <caption class="sr">Takeovers of the VIPs, newest first</caption>
        <thead><tr><th scope="col">when</th><th scope="col">active from then on</th><th scope="col">before</th><th scope="col" class="num">term</th>
          <th scope="col" colspan="2">nobody answered for</th><th scope="col" class="num">margin</th><th scope="col">why</th></tr></thead>
        <tbody>${list.map((c) => html`
          <tr key=${c.term}>
            <td class="when"><time datetime=${c.at} title=${c.at}>${clock(c.at, now)}</time></td>
            <th scope="row">${c.name}</th>
            <td class="muted">${c.previous ? names.get(c.previous) ?? c.previous : "–"}</td>
            <td class="num">${c.term}</td>
            <td class="num">${duration(c.gap_ms)}</td>
            <td class="bar"><${Bar} ms=${c.gap_ms} of=${worst} /></td>
            <td class="num"><${Margin} ms=${c.margin_ms} /></td>
            <td class="reason">${c.why}</td>
          </tr>`)}</tbody>
      </table>
    </div>
    <p class="muted">Nobody answered: from the last answer of the owner before to the claim, as the new owner saw it on the wire; – where it could not look.
      Margin: from the latest end of the lease before to the claim, by what the new owner had heard; less than nothing would mean that both could have held them at once.</p>`}`;
}

// Margin below zero means that two nodes could have held the VIPs at once.
function Margin({ ms }) {
  return ms < 0 ? html`<span class="seen bad"><${Shape} tone="bad" />−${duration(-ms)}</span>` : duration(ms);
}

// Bar compares a gap with the longest one.
function Bar({ ms, of }) {
  if (ms == null) return null;
  return html`<svg class="gapbar" viewBox="0 0 100 8" width="100" height="8" preserveAspectRatio="none" aria-hidden="true">
    <path d=${`M0 1h${Math.max(1, (100 * ms) / of).toFixed(1)}v6H0z`} /></svg>`;
}

function median(list) {
  const sorted = list.toSorted((a, b) => a - b);
  return sorted.length ? sorted[Math.floor((sorted.length - 1) / 2)] : null;
}
