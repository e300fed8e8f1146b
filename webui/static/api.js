// The REST API as the pages use it. Same origin, the token in a header (never a
// cookie: nothing to forge across sites), kept in sessionStorage so that it dies
// with the tab.

const KEY = "lbd-session";
const TIMEOUT = 5000; // ms; a node that needs longer counts as not answering

// base is where the API lives: one level above /ui/, so a path prefix survives.
const base = new URL("../", document.baseURI);

export class ApiError extends Error {
  // status is 0 when no answer came at all.
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

// messageOf finds the sentence in the fault bodies of Octavia, Keystone and Neutron.
export function messageOf(body, status) {
  const found = body?.faultstring ?? body?.error?.message ?? body?.NeutronError?.message ?? body?.message;
  return typeof found === "string" && found ? found : `the server answered ${status}`;
}

export class Api {
  constructor() {
    this.session = readSession();
    this.skew = 0; // ms the server's clock is ahead of ours
  }

  now() {
    return Date.now() + this.skew;
  }

  // probe tells whether this server wants a login at all (--auth none does not).
  async probe() {
    const answer = await send(new URL("v1/cluster", base), { headers: {} });
    await answer.body?.cancel();
    if (answer.ok) this.session = { user: "nobody", project: "", token: "" };
    return answer.ok;
  }

  async login(user, password, project) {
    const domain = { name: "Default" };
    const answer = await send(new URL("identity/v3/auth/tokens", base), {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({
        auth: {
          identity: { methods: ["password"], password: { user: { name: user, password, domain } } },
          scope: { project: { name: project, domain } },
        },
      }),
    });
    const body = await json(answer);
    const token = answer.headers.get("X-Subject-Token");
    if (!answer.ok) throw new ApiError(answer.status, messageOf(body, answer.status));
    if (!token) throw new ApiError(answer.status, "the server answered without a token");
    this.session = { user, project, token };
    sessionStorage.setItem(KEY, JSON.stringify(this.session));
  }

  // logout forgets the token here and, as far as that works, on the server.
  logout() {
    const token = this.session?.token;
    this.forget();
    if (!token) return;
    send(new URL("identity/v3/auth/tokens", base), {
      method: "DELETE",
      headers: { "X-Auth-Token": token, "X-Subject-Token": token },
    }).catch(() => {});
  }

  forget() {
    this.session = null;
    sessionStorage.removeItem(KEY);
  }

  get(path, signal) {
    return this.call("GET", path, undefined, signal);
  }

  post(path, body) {
    return this.call("POST", path, body);
  }

  async call(method, path, body, signal) {
    const headers = this.headers();
    if (body !== undefined) headers["Content-Type"] = "application/json";
    const answer = await send(new URL(path, base), {
      method, headers, signal, body: body === undefined ? undefined : JSON.stringify(body),
    });
    const date = Date.parse(answer.headers.get("Date") ?? "");
    // The header has whole seconds: smaller differences are noise.
    if (date) this.skew = Math.abs(date - Date.now()) > 2000 ? date - Date.now() : 0;
    const parsed = await json(answer);
    if (!answer.ok) throw new ApiError(answer.status, messageOf(parsed, answer.status));
    return parsed;
  }

  // stream follows the server's events until signal or the server ends them, and
  // calls onEvent once when they begin and for each. EventSource cannot send a token, fetch can.
  async stream(path, onEvent, signal) {
    const answer = await fetch(new URL(path, base), {
      headers: { ...this.headers(), Accept: "text/event-stream" }, signal, cache: "no-store",
    });
    const type = answer.headers.get("Content-Type") ?? "";
    if (!answer.ok || !type.startsWith("text/event-stream")) {
      await answer.body?.cancel();
      throw new ApiError(answer.status, `no events: the server answered ${answer.status}`);
    }
    const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
    onEvent();
    let rest = "";
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return;
      const parts = (rest + value.replaceAll("\r", "")).split("\n\n");
      rest = parts.pop().slice(-65536); // an event that never ends is dropped, not kept
      for (const part of parts) if (/^data:/m.test(part)) onEvent();
    }
  }

  headers() {
    return this.session?.token ? { "X-Auth-Token": this.session.token } : {};
  }
}

async function send(url, options) {
  const deadline = AbortSignal.timeout(TIMEOUT);
  const signal = options.signal ? AbortSignal.any([options.signal, deadline]) : deadline;
  try {
    return await fetch(url, { cache: "no-store", credentials: "omit", ...options, signal });
  } catch (e) {
    if (options.signal?.aborted) throw e;
    throw new ApiError(0, deadline.aborted ? `no answer within ${TIMEOUT / 1000} s` : "this node does not answer");
  }
}

async function json(answer) {
  const text = await answer.text();
  if (!text) return null;
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

function readSession() {
  try {
    const s = JSON.parse(sessionStorage.getItem(KEY));
    return s && typeof s.token === "string" ? s : null;
  } catch {
    return null;
  }
}
