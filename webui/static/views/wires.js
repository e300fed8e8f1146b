// Where the wires of a drawing run.

const RADIUS = 5;

// route returns [{key, d, tone, width}] for edges whose ends lie beside
// each other; on a narrow page the columns are stacked and there is nothing to draw.
export function route(box, edges) {
  const frame = box.getBoundingClientRect();
  const at = (id) => {
    const e = box.querySelector(`[data-node="${CSS.escape(id)}"]`);
    if (!e) return null;
    const r = e.getBoundingClientRect();
    return { left: r.left - frame.left, right: r.right - frame.left, y: r.top - frame.top + r.height / 2 };
  };
  const targets = [...new Set(edges.map((e) => e.to))];
  const out = [];
  for (const e of edges) {
    const a = at(e.from), b = at(e.to);
    if (!a || !b || b.left - a.right < 4 * RADIUS) continue;
    const lane = spread(edges, e, targets);
    const x = Math.round(a.right + (b.left - a.right) * lane) + 0.5;
    out.push({ key: `${e.from} ${e.to}`, d: elbow(a.right, a.y, x, b.left, b.y), tone: e.tone, width: thickness(e.rate) });
  }
  // Sound wires last: where they share a trunk with broken ones, it carries traffic.
  const order = { bad: 0, unknown: 1, warn: 2, good: 3 };
  return out.sort((a, b) => order[a.tone] - order[b.tone]);
}

// spread gives wires from different sources to different targets lanes of their
// own, so that crossing ones can be told apart. One source: one trunk.
function spread(edges, edge, targets) {
  const sources = new Set(edges.filter((e) => kind(e) === kind(edge)).map((e) => e.from));
  if (sources.size < 2 || kind(edge) !== "listener") return 0.5;
  const ends = targets.filter((t) => edges.some((e) => e.to === t && kind(e) === "listener"));
  return 0.3 + (0.4 * ends.indexOf(edge.to)) / Math.max(1, ends.length - 1);
}

// kind of an edge by its source: vip, or one of the two columns after it.
function kind(edge) {
  if (edge.from.startsWith("vip-")) return "vip";
  return edge.listener ? "listener" : "pool";
}

// elbow goes out level, up or down at x, and in level, with round corners.
function elbow(x1, y1, x, x2, y2) {
  y1 = Math.round(y1) + 0.5;
  y2 = Math.round(y2) + 0.5;
  const dy = y2 - y1;
  if (Math.abs(dy) < 2) return `M${x1} ${y2}H${x2}`;
  const r = Math.min(RADIUS, Math.abs(dy) / 2);
  const s = Math.sign(dy) * r;
  return `M${x1} ${y1}H${x - r}Q${x} ${y1} ${x} ${y1 + s}V${y2 - s}Q${x} ${y2} ${x + r} ${y2}H${x2}`;
}

// thickness in pixels: 1.25 when idle, half a pixel more for each factor of ten or so.
function thickness(perSecond) {
  return perSecond > 0 ? Math.min(4, 1.25 + Math.round(1.4 * Math.log10(1 + perSecond)) / 2) : 1.25;
}
