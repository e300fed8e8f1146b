import { useRef, useState } from "../vendor/hooks.mjs";
import { html } from "../html.js";
import { switchover } from "../commands.js";
import { Command } from "./parts.js";

// Switchover moves the VIPs to a standby, after showing what that is on the
// command line and asking once.
export function Switchover({ nodes, api, refresh, disabled }) {
  const dialog = useRef(null);
  const [target, setTarget] = useState("");
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState("");
  const [asked, setAsked] = useState("");
  const standbys = nodes.filter((n) => n.role === "standby" && n.kind !== "witness");
  const active = nodes.find((n) => n.role === "active");
  const chosen = standbys.find((n) => n.name === target);

  const open = () => {
    setError("");
    setAsked("");
    setTarget(standbys[0]?.name ?? "");
    dialog.current.showModal();
  };
  const go = async () => {
    setBusy(true);
    setError("");
    try {
      await api.post("v1/cluster/switchover", { node: target });
      dialog.current.close();
      setAsked(target);
    } catch (e) {
      setError(e.message);
    }
    setBusy(false);
    refresh();
  };

  return html`
    <span class="muted" role="status">${asked && (active?.name === asked ? `${asked} has taken over` : `asked ${asked} to take over …`)}</span>
    <button type="button" id="switchover" onClick=${open} disabled=${disabled || standbys.length === 0}
      title=${standbys.length === 0 ? "no standby is seen" : undefined}>Switch over …</button>
    <dialog ref=${dialog} aria-labelledby="switch-title">
      <h2 id="switch-title">Switch over</h2>
      <p>${active ? html`<b>${active.name}</b> stops accepting, gives up its VIPs, drains and hands over leadership.` : "The VIPs go to the node below."}${" "}
        New connections go to the new active node; open ones end after the drain time.</p>
      <label for="switch-to">New active node</label>
      <select id="switch-to" value=${target} onChange=${(e) => setTarget(e.target.value)}>
        ${standbys.map((n) => html`<option value=${n.name}>${n.name}</option>`)}
      </select>
      <p class="what">the same on a command line</p>
      <${Command} line=${switchover(target)} />
      ${error ? html`<p class="fault" role="alert">${error}</p>` : null}
      <div class="buttons">
        <button type="button" class="plain" onClick=${() => dialog.current.close()}>Cancel</button>
        <button type="button" id="switch-go" class="strong" disabled=${busy || !chosen} onClick=${go}>${busy ? "Switching …" : `Switch to ${target}`}</button>
      </div>
    </dialog>`;
}
