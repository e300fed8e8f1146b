import { html } from "../html.js";
import { duration } from "../format.js";
import { headline, quorumTone } from "../observe.js";
import { Addresses, Shape, Since, Spark } from "./parts.js";

// Statement is the one sentence an operator comes for: who is active, since
// when, how long its lease lasts, and how old that knowledge is.
//   age: ms since the answer came; what the answer says is older by that.
export function Statement({ cluster, age, stale, now, lease, large }) {
  if (cluster.denied) return html`<p class="statement muted">Who is active is not shown: ${cluster.denied}</p>`;
  const h = headline(cluster);
  const tone = stale ? "unknown" : h.tone;
  return html`
    <section class="statement ${large ? "large" : ""} ${tone}" aria-label="who is active" aria-live="off">
      <div class="say">
        <p class="verdict"><${Shape} tone=${tone} />${stale ? `Not known now. Last seen: ${h.text}` : h.text}
          ${h.nodes.length === 1 ? html` <${Since} at=${h.nodes[0].since} now=${now} />` : null}</p>
        <p class="detail">${h.nodes.map((n) => html`<${Lease} n=${n} age=${age} stale=${stale} many=${h.nodes.length > 1} />`)}
          ${h.nodes.length === 0 ? html`<span>No VIP is answered for by a node that can be seen from here.</span>` : null}
          ${large ? null : html`<span>quorum <${Quorum} of=${cluster} stale=${stale} /></span><span>term ${cluster.term ?? "–"}</span>`}</p>
      </div>
      ${large && lease?.some((v) => v != null) ? html`
        <figure class="trace"><${Spark} values=${lease} width=${180} height=${34} label="lease left at each sample of the last minute" />
          <figcaption>lease left, last minute, 0 to ${duration(Math.max(...lease.filter((v) => v != null)))}</figcaption></figure>` : null}
    </section>`;
}

// Quorum in the words of the node: green only when writes are open.
export function Quorum({ of, stale }) {
  const tone = stale ? "unknown" : quorumTone(of.quorum);
  return html`<span class=${tone === "good" ? "" : `quorum ${tone}`}>${tone === "good" ? null : html`<${Shape} tone=${tone} /> `}${of.quorum || "not known"}</span>`;
}

function Lease({ n, age, stale, many }) {
  const measured = n.self ? n.age_ms ?? 0 : n.age_ms;
  return html`<span>${many ? html`<b>${n.name}</b> ` : null}lease ${duration(n.lease_left_ms)} left, measured ${duration((measured ?? 0) + (stale ? age : 0))} ago</span>
    ${(n.vips ?? []).length > 0 ? html`<span>holds <${Addresses} list=${n.vips} /></span>` : html`<span>holds no VIP</span>`}`;
}
