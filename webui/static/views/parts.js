// Small parts that every view uses.

import { useState } from "../vendor/hooks.mjs";
import { html } from "../html.js";
import { clock, duration, parseTime } from "../format.js";

// Configured is what control did: never coloured. Its shape alone tells the
// settled (plain), the pending (dashed) and the failed (inverse).
export function Configured({ status, up }) {
  const s = status ?? "–";
  const kind = s.startsWith("PENDING") ? "pending" : s === "ERROR" ? "failed" : "settled";
  return html`<span class="set ${kind}">${s}</span>${up === false ? html`<span class="tag" title="admin_state_up is false">disabled</span>` : null}`;
}

// Observed is what the nodes measure: a shape and a word in the tone's colour,
// so that it can be told without seeing colour.
export function Observed({ status, tone }) {
  return html`<span class="seen ${tone}"><${Shape} tone=${tone} />${status ?? "UNKNOWN"}</span>`;
}

export function Shape({ tone }) {
  const shapes = {
    good: html`<circle cx="5" cy="5" r="4" />`,
    warn: html`<path d="M5 .5 9.6 9.3H.4z" />`,
    bad: html`<path d="M1 1h8v8H1z" />`,
    unknown: html`<circle class="hollow" cx="5" cy="5" r="3.5" />`,
  };
  return html`<svg class="shape ${tone}" viewBox="0 0 10 10" width="10" height="10" aria-hidden="true">${shapes[tone] ?? shapes.unknown}</svg>`;
}

// Pair shows both states of an object beside each other, labelled.
export function Pair({ of, verdict, wide }) {
  return html`
    <dl class="pair ${wide ? "wide" : ""}">
      <div><dt>configured</dt><dd><${Configured} status=${of.provisioning_status} up=${of.admin_state_up} /></dd></div>
      <div><dt>observed</dt><dd><${Observed} status=${verdict.status} tone=${verdict.tone} /></dd></div>
    </dl>`;
}

// Why says the reason and since when, for everything that is not green. A failed
// configuration says its reason first, in ink: it is no observation.
export function Why({ of, verdict, now }) {
  const failed = of.provisioning_status === "ERROR" && of.reason;
  const why = failed || (verdict.tone === "good" ? "" : verdict.why);
  if (!why) return null;
  return html`<p class="why ${failed ? "failed" : verdict.tone}">${why}${verdict.since && verdict.tone !== "good" ? html` <${Since} at=${verdict.since} now=${now} />` : null}</p>`;
}

// Since is a time and how long ago that was by the server's clock.
export function Since({ at, now }) {
  const t = parseTime(at);
  if (t == null) return null;
  return html`<span class="since">since <time datetime=${at} title=${at}>${clock(at, now)}</time> (${duration(now - t)})</span>`;
}

// Addresses shows the first few of a list and says how many more there are.
export function Addresses({ list, max = 4 }) {
  const more = list.length - max;
  return html`<span class="addresses" title=${more > 0 ? list.join(", ") : undefined}>
    ${list.slice(0, max).map((a) => html`<code>${a}</code>`)}${more > 0 ? html`<span class="muted">and ${more} more</span>` : null}</span>`;
}

// Lines shows commands to take along, each with a copy button.
export function Lines({ lines }) {
  return html`<ol class="lines">${lines.map((l) => html`
    <li>${l.what ? html`<span class="what">${l.what}</span>` : null}<${Command} line=${l.line} /></li>`)}</ol>`;
}

export function Command({ line }) {
  return html`<span class="cli"><code>${line}</code><${Copy} text=${line} /></span>`;
}

export function Copy({ text }) {
  const [said, say] = useState("");
  const copy = async () => {
    say((await toClipboard(text)) ? "copied" : "select and copy by hand");
    setTimeout(() => say(""), 2000);
  };
  return html`<button type="button" class="copy" onClick=${copy} aria-label=${`copy: ${text}`}>${said || "copy"}</button>`;
}

// toClipboard also works on plain HTTP, where the clipboard interface is absent.
async function toClipboard(text) {
  if (navigator.clipboard) {
    try {
      await navigator.clipboard.writeText(text);
      return true;
    } catch {
      // refused by the user's settings: try the old way
    }
  }
  const area = document.createElement("textarea");
  area.className = "sr";
  area.value = text;
  document.body.append(area);
  area.select();
  const done = document.execCommand("copy");
  area.remove();
  return done;
}

// Spark draws up to n values, newest at the right, on a scale from zero to the
// largest. Gaps (null) stay gaps.
export function Spark({ values, n = 60, width = 120, height = 22, label }) {
  const max = Math.max(0, ...values.filter((v) => v != null));
  const step = width / (n - 1);
  const offset = n - values.length;
  let d = "", pen = "M";
  values.forEach((v, i) => {
    if (v == null) {
      pen = "M";
      return;
    }
    const y = max > 0 ? height - 1 - (v / max) * (height - 3) : height - 1;
    d += `${pen}${((offset + i) * step).toFixed(1)} ${y.toFixed(1)}`;
    pen = "L";
  });
  return html`<svg class="spark" viewBox="0 0 ${width} ${height}" width=${width} height=${height} role="img" aria-label=${label}>
    <path class="floor" d="M0 ${height - 0.5}H${width}" /><path d=${d} /></svg>`;
}
