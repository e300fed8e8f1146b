// Run by TestPureModules, with node --test.
import test from "node:test";
import assert from "node:assert/strict";
import { bytes, clock, count, duration, rate } from "./static/format.js";
import { headline, judge } from "./static/observe.js";
import { changes } from "./static/diff.js";
import { difference } from "./static/live.js";
import { first, forBalancer, quote, switchover } from "./static/commands.js";

test("durations have two units at most", () => {
  for (const [ms, want] of [
    [null, "–"], [-5, "0 ms"], [40.4, "40 ms"], [999, "999 ms"], [1000, "1.0 s"], [9990, "9.9 s"], [12_300, "12 s"],
    [60_000, "1 min"], [61_000, "1 min 1 s"], [15 * 60_000, "15 min"], [3.2 * 3_600_000, "3 h 12 min"], [49 * 3_600_000, "2 d 1 h"],
  ]) assert.equal(duration(ms), want);
});

test("numbers shorten but stay exact while small", () => {
  assert.deepEqual([count(0), count(9999), count(12_345), count(4_560_000)], ["0", "9\u2009999", "12.3 k", "4.56 M"]);
  assert.deepEqual([rate(0), rate(0.44), rate(240.2), rate(undefined)], ["0", "0.4", "240", "–"]);
  assert.deepEqual([bytes(12), bytes(1500), bytes(2.5e9)], ["12 B", "1.50 kB", "2.50 GB"]);
});

test("times of another day carry the date, Go's zero time is none", () => {
  const now = Date.parse("2030-01-02T10:00:00Z");
  assert.equal(clock("2030-01-02T09:08:07Z", now), "09:08:07");
  assert.equal(clock("2030-01-01T09:08:07Z", now), "1 Jan 09:08");
  assert.equal(clock("2029-12-31T09:08:07Z", now), "31 Dec 2029");
  assert.equal(clock("0001-01-01T00:00:00Z", now), "–");
});

const lb = (a, b) => ({
  id: "lb", name: "lb1", operating_status: "DEGRADED", provisioning_status: "ACTIVE",
  listeners: [{ id: "l", name: "listener1", operating_status: "ONLINE", default_pool_id: "p" }],
  pools: [{ id: "p", name: "pool1", operating_status: "DEGRADED", members: [
    { id: "a", name: "web1", weight: 1, ...a }, { id: "b", name: "web2", weight: 1, ...b }] }],
});

test("what is not green has a reason and a time, bottom up", () => {
  const seen = judge(lb({ operating_status: "ONLINE" }, { operating_status: "ERROR", reason: "refused", since: "2030-01-01T00:00:00Z" }));
  assert.deepEqual(seen.get("b"), { status: "ERROR", tone: "bad", why: "refused", since: "2030-01-01T00:00:00Z" });
  assert.deepEqual(seen.get("p"), { status: "DEGRADED", tone: "warn", why: "1 of 2 members not online", since: "2030-01-01T00:00:00.000Z" });
  assert.equal(seen.get("lb").why, "pool1: 1 of 2 members not online");
  assert.equal(seen.get("lb").since, "2030-01-01T00:00:00.000Z");
  assert.equal(seen.get("l").tone, "good");
  const nobody = judge(lb({ operating_status: "NO_MONITOR" }, {}));
  assert.equal(nobody.get("a").why, "no health monitor looks at it");
  assert.deepEqual([nobody.get("b").tone, nobody.get("b").status], ["unknown", "UNKNOWN"]);
});

test("the headline never guesses", () => {
  const n = (name, role) => ({ name, role });
  assert.equal(headline({ nodes: [n("a", "active"), n("b", "standby")] }).text, "a is active");
  assert.equal(headline({ nodes: [n("a", "active"), n("b", "active")] }).tone, "bad");
  assert.deepEqual(headline({ nodes: [n("a", "standby"), n("b", "standby")] }), { tone: "bad", text: "No node is active", nodes: [] });
  assert.equal(headline({ nodes: [n("a", "unknown"), n("b", "standby")] }).tone, "unknown");
  assert.equal(headline(null).tone, "bad");
});

test("changes name cause before effect, and say why", () => {
  const before = { load_balancers: [lb({ operating_status: "ONLINE" }, { operating_status: "ONLINE" })] };
  const after = { load_balancers: [lb({ operating_status: "ONLINE", weight: 0 }, { operating_status: "ERROR", reason: "refused" })] };
  before.load_balancers[0].operating_status = before.load_balancers[0].pools[0].operating_status = "ONLINE";
  const found = changes(before, after, { quorum: "ok", nodes: [{ id: "1", name: "a", role: "active" }] },
    { quorum: "lost", nodes: [{ id: "1", name: "a", role: "standby", why: "lost quorum" }, { id: "2", name: "b", role: "standby" }] });
  assert.deepEqual(found.map((c) => [c.kind, c.what, c.from, c.to, c.why]), [
    ["observed", "quorum", "ok", "lost", ""],
    ["observed", "node a", "active", "standby", "lost quorum"],
    ["configured", "node b", "", "joined", ""],
    ["configured", "member web1 of pool1, weight", "1", "0", ""],
    ["observed", "member web2 of pool1", "ONLINE", "ERROR", "refused"],
    ["observed", "pool pool1", "ONLINE", "DEGRADED", "1 of 2 members not online"],
    ["observed", "load balancer lb1", "ONLINE", "DEGRADED", "pool1: 1 of 2 members not online"],
  ]);
  assert.deepEqual(changes(null, after, null, {}), []);
});

test("a counter that went back gives no rate", () => {
  assert.deepEqual(difference({ requests: 10, bytes_in: 0 }, { requests: 30, bytes_in: 500 }, 2), { requests: 10, in: 250 });
  assert.equal(difference({ requests: 10 }, { requests: 3 }, 1), null);
  assert.equal(difference(undefined, { requests: 3 }, 1), null);
});

test("names are safe in a shell, and unique or replaced by the id", () => {
  assert.equal(quote("web-1.a"), "web-1.a");
  assert.equal(quote("it's; rm -rf $HOME"), `'it'\\''s; rm -rf $HOME'`);
  assert.equal(switchover("node b"), "lbd switchover 'node b'");
  const twins = [{ id: "1", name: "same" }, { id: "2", name: "same" }];
  assert.match(forBalancer(twins[1], twins)[0].line, / 2$/);
  assert.ok(first.every((l) => l.line));
});
