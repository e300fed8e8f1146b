import { html } from "../html.js";
import { judge } from "../observe.js";
import { first, forBalancer } from "../commands.js";
import { label } from "../diff.js";
import { Lines, Pair, Why } from "./parts.js";
import { Statement } from "./statement.js";
import { Drawing } from "./drawing.js";

// Overview is every load balancer as a drawing of what is and what flows.
export function Overview({ state, age, stale, api }) {
  const list = state.topology.load_balancers ?? [];
  return html`
    <${Statement} cluster=${state.cluster} age=${age} stale=${stale} now=${api.now()} />
    ${list.length === 0 ? html`<${Empty} />` : list.map((lb) => html`
      <${Balancer} key=${lb.id} lb=${lb} all=${list} state=${state} stale=${stale} now=${api.now()} />`)}`;
}

function Balancer({ lb, all, state, stale, now }) {
  const seen = judge(lb);
  const v = seen.get(lb.id);
  return html`
    <article class="lb" data-lb=${lb.name} aria-label=${`load balancer ${label(lb)}`}>
      <header>
        <h2>${label(lb)}</h2>
        <${Pair} of=${lb} verdict=${v} wide=${true} />
        <${Why} of=${lb} verdict=${v} now=${now} />
      </header>
      <${Drawing} lb=${lb} seen=${seen} cluster=${state.cluster} rates=${state.rates} stale=${stale} now=${now} />
      <details class="shell">
        <summary>Command lines</summary>
        <${Lines} lines=${forBalancer(lb, all)} />
      </details>
    </article>`;
}

function Empty() {
  return html`
    <section class="empty" aria-labelledby="empty-title">
      <h2 id="empty-title">No load balancer yet</h2>
      <p>These lines make the first one, with the stock <code>openstack</code> client (Debian: <code>python3-octaviaclient</code>).
        Put your own addresses in; the drawing appears here as you go.</p>
      <${Lines} lines=${first} />
    </section>`;
}
