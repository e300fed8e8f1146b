import { html } from "../html.js";
import { clock, duration, parseTime } from "../format.js";
import { Shape } from "./parts.js";

// Changes lists what changed while this page was open, newest first, and speaks
// the newest to a screen reader.
export function Changes({ list, now }) {
  const newest = list[0];
  return html`
    <section class="changes" aria-labelledby="changes-title">
      <h2 id="changes-title">Changes seen since this page was opened</h2>
      <p class="sr" role="status" aria-live="polite">${newest ? sentence(newest) : ""}</p>
      ${list.length === 0 ? html`<p class="muted">None yet.</p>` : html`
        <table class="log">
          <thead class="sr"><tr><th scope="col">when</th><th scope="col">kind</th><th scope="col">what</th><th scope="col">change</th><th scope="col">why</th></tr></thead>
          <tbody>${list.map((c) => html`
            <tr key=${`${c.at} ${c.what} ${c.to}`}>
              <td class="when"><time datetime=${c.at} title=${c.at}>${clock(c.at, now)}</time> <span class="muted">${ago(now - parseTime(c.at))}</span></td>
              <td class="muted">${c.kind}</td>
              <td>${c.what}</td>
              <td class="turn">${c.from ? html`<span class="muted">${c.from} →</span> ` : null}<span class="to ${c.tone}">${c.tone ? html`<${Shape} tone=${c.tone} />` : null}${c.to || "–"}</span></td>
              <td class="reason">${c.why}</td>
            </tr>`)}</tbody>
        </table>`}
    </section>`;
}

function ago(ms) {
  return ms < 1500 ? "now" : `${duration(ms)} ago`;
}

function sentence(c) {
  return `${c.what}: ${c.from ? `${c.from} to ` : ""}${c.to}${c.why ? `, ${c.why}` : ""}`;
}
