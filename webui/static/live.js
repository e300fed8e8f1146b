// Live keeps the newest observation of this node and what can be computed from
// a row of them: rates, a minute of history, the list of changes.
//
// The state is asked for once a second (rates need samples) and at once when an
// event says that something changed. Every list here has a bound.

import { changes } from "./diff.js";

const PERIOD = 1000; // ms between samples; shorter makes rates noisy, longer makes roles old
const GAP = 250; // ms, least time between two requests however many events come
const SAMPLES = 60;
const CHANGES = 50;
const RETRY = [1000, 2000, 5000, 10000, 30000]; // ms until the event stream is tried again

export class Live {
  constructor(api, publish) {
    this.api = api;
    this.publish = publish;
    this.state = { topology: null, cluster: null, at: null, error: "", streaming: false, rates: new Map(), lease: [], changes: [] };
    this.baseline = null; // {at, stats by listener} the next rates are taken against
    this.stopped = new AbortController();
    this.woken = false;
    this.resume = null; // ends the running pause
    this.cut = new AbortController(); // ends the running event stream
    this.again = () => {}; // starts the next one early
    this.shown = () => {
      if (document.hidden) {
        this.cut.abort();
        return;
      }
      this.refresh();
      this.again();
    };
  }

  start() {
    document.addEventListener("visibilitychange", this.shown);
    this.sample();
    this.follow();
  }

  stop() {
    document.removeEventListener("visibilitychange", this.shown);
    this.stopped.abort();
    this.refresh();
  }

  async sample() {
    const { signal } = this.stopped;
    while (!signal.aborted) {
      const began = performance.now();
      await this.ask(signal);
      // A hidden tab shows nobody anything: ask rarely.
      await this.pause(document.hidden ? 15 * PERIOD : Math.max(GAP, PERIOD - (performance.now() - began)));
    }
  }

  // pause ends early when somebody calls refresh, but not before GAP.
  async pause(ms) {
    await new Promise((resolve) => setTimeout(resolve, GAP));
    if (!this.woken && ms > GAP) {
      await new Promise((resolve) => {
        this.timer = setTimeout(resolve, ms - GAP);
        this.resume = resolve;
      });
    }
    clearTimeout(this.timer);
    this.woken = false;
    this.resume = null;
  }

  // refresh asks now: after an action, an event, or when the tab is shown again.
  refresh() {
    this.woken = true;
    this.resume?.();
  }

  async ask(signal) {
    try {
      const [topology, cluster] = await Promise.all([
        this.api.get("v1/topology", signal),
        // Not everybody who has load balancers may see the nodes.
        this.api.get("v1/cluster", signal).catch((e) => {
          if (e.status === 403) return { denied: e.message };
          throw e;
        }),
      ]);
      if (signal.aborted) return;
      this.take(topology ?? {}, cluster ?? {}, performance.now());
    } catch (e) {
      if (signal.aborted) return;
      this.set({ error: e.message, status: e.status ?? 0 });
    }
  }

  take(topology, cluster, at) {
    const old = this.state;
    const found = changes(old.topology, topology, old.cluster, cluster).map((c) => ({ ...c, at: new Date(this.api.now()).toISOString() }));
    const active = (cluster.nodes ?? []).find((n) => n.role === "active");
    this.set({
      topology, cluster, at, error: "", status: 200,
      rates: this.rates(topology, at),
      lease: [...old.lease, active ? active.lease_left_ms ?? null : null].slice(-SAMPLES),
      changes: [...found.reverse(), ...old.changes].slice(0, CHANGES),
    });
  }

  // rates per listener: {requests, connections, in, out, errors} per second and
  // history, the requests (or connections, where nothing is HTTP) of the last minute.
  rates(topology, at) {
    const now = new Map();
    for (const lb of topology.load_balancers ?? []) for (const l of lb.listeners ?? []) if (l.stats) now.set(l.id, l.stats);
    const before = this.baseline;
    if (before && at - before.at < 0.8 * PERIOD) return this.state.rates;
    this.baseline = { at, stats: now };
    const out = new Map();
    for (const [id, stats] of now) {
      const r = difference(before?.stats.get(id), stats, before ? (at - before.at) / 1000 : 0);
      const history = this.state.rates.get(id)?.history ?? [];
      const value = r ? r.requests ?? r.connections : null;
      out.set(id, { ...r, history: [...history, value].slice(-SAMPLES) });
    }
    return out;
  }

  // follow keeps one event stream open while the tab is shown: a browser has few
  // connections per server, and hidden tabs must not use them up.
  async follow() {
    const { signal } = this.stopped;
    for (let failures = 0; !signal.aborted; failures++) {
      if (!document.hidden) {
        this.cut = new AbortController();
        try {
          await this.api.stream("v1/events", () => {
            failures = 0;
            if (!this.state.streaming) this.set({ streaming: true });
            this.refresh();
          }, AbortSignal.any([signal, this.cut.signal]));
        } catch {
          // Not there, or cut: sampling alone goes on; try again later.
        }
      }
      if (signal.aborted) return;
      this.set({ streaming: false });
      await new Promise((resolve) => {
        this.again = resolve;
        setTimeout(resolve, RETRY[Math.min(failures, RETRY.length - 1)]);
      });
    }
  }

  set(part) {
    this.state = { ...this.state, ...part };
    this.publish(this.state);
  }
}

// difference of two counter readings per second; null when there is none to
// take, which includes a counter that went back (the node was started again).
export function difference(before, now, seconds) {
  if (!before || !(seconds > 0)) return null;
  const names = { requests: "requests", connections: "total_connections", in: "bytes_in", out: "bytes_out", errors: "request_errors" };
  const out = {};
  for (const [name, field] of Object.entries(names)) {
    const a = before[field], b = now[field];
    if (a == null || b == null) continue;
    if (b < a) return null;
    out[name] = (b - a) / seconds;
  }
  return out;
}
