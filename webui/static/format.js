// Numbers and times as text. Pure; tested with node.

const none = "–";
const months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

// duration of ms milliseconds, two units at most: "40 ms", "4.2 s", "3 h 12 min".
export function duration(ms) {
  if (ms == null || !Number.isFinite(ms)) return none;
  ms = Math.max(0, ms);
  if (ms < 1000) return `${Math.round(ms)} ms`;
  const s = ms / 1000;
  if (s < 10) return `${(Math.floor(s * 10) / 10).toFixed(1)} s`;
  if (s < 60) return `${Math.floor(s)} s`;
  const min = Math.floor(s / 60);
  if (min < 10) return join(min, "min", Math.floor(s % 60), "s");
  if (min < 60) return `${min} min`;
  const h = Math.floor(min / 60);
  if (h < 24) return join(h, "h", min % 60, "min");
  return join(Math.floor(h / 24), "d", h % 24, "h");
}

function join(a, unitA, b, unitB) {
  return b ? `${a} ${unitA} ${b} ${unitB}` : `${a} ${unitA}`;
}

// parseTime reads a time stamp of the API; null for none and for Go's zero time.
export function parseTime(text) {
  const t = Date.parse(text ?? "");
  return Number.isNaN(t) || t <= 0 ? null : t;
}

// clock shows when, in the reader's zone: the time today, else the day too.
export function clock(text, now = Date.now()) {
  const t = parseTime(text);
  if (t == null) return none;
  const d = new Date(t);
  const two = (n) => String(n).padStart(2, "0");
  const time = `${two(d.getHours())}:${two(d.getMinutes())}:${two(d.getSeconds())}`;
  if (d.toDateString() === new Date(now).toDateString()) return time;
  const day = `${d.getDate()} ${months[d.getMonth()]}`;
  return d.getFullYear() === new Date(now).getFullYear() ? `${day} ${time.slice(0, 5)}` : `${day} ${d.getFullYear()}`;
}

// count shortens from 10 000 on: "9 999", "12.3 k", "4.56 M".
export function count(n) {
  if (n == null || !Number.isFinite(n)) return none;
  if (Math.abs(n) < 10000) return Math.round(n).toLocaleString("en").replaceAll(",", "\u2009");
  return scaled(n, 1000, ["", "k", "M", "G", "T"]);
}

// rate per second: one decimal below ten, because 0.4/s is not 0/s.
export function rate(n) {
  if (n == null || !Number.isFinite(n)) return none;
  if (n > 0 && n < 10) return n.toFixed(1);
  return count(n);
}

export function bytes(n) {
  if (n == null || !Number.isFinite(n)) return none;
  if (n < 1000) return `${Math.round(n)} B`;
  return scaled(n, 1000, ["B", "kB", "MB", "GB", "TB"]);
}

function scaled(n, step, units) {
  let i = 0;
  while (Math.abs(n) >= step && i < units.length - 1) {
    n /= step;
    i++;
  }
  const digits = Math.abs(n) < 10 ? 2 : Math.abs(n) < 100 ? 1 : 0;
  return `${n.toFixed(digits)} ${units[i]}`.trim();
}

// plural(2, "member") is "2 members".
export function plural(n, word) {
  return `${n} ${word}${n === 1 ? "" : "s"}`;
}
