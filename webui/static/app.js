// The page: who is logged in, which view, and the frame around it.

import { render } from "./vendor/preact.mjs";
import { useEffect, useRef, useState } from "./vendor/hooks.mjs";
import { html } from "./html.js";
import { Api } from "./api.js";
import { Live } from "./live.js";
import { duration } from "./format.js";
import { problems } from "./observe.js";
import { Login } from "./views/login.js";
import { Overview } from "./views/overview.js";
import { Cluster } from "./views/cluster.js";
import { History } from "./views/history.js";
import { Changes } from "./views/changes.js";

const STALE = 3000; // ms without an answer until nothing shown counts as observed
const version = document.querySelector("meta[name=lbd-version]").content;
const views = {
  "#/": { name: "Overview", view: Overview },
  "#/cluster": { name: "Cluster", view: Cluster },
  "#/takeovers": { name: "Takeovers", view: History },
};

const api = new Api();

function App() {
  // undefined: not known yet whether a login is needed.
  const [session, setSession] = useState(api.session ?? undefined);
  const [notice, setNotice] = useState("");

  useEffect(() => {
    if (session !== undefined) return;
    api.probe().then((open) => setSession(open ? api.session : null), (e) => {
      setNotice(e.message);
      setSession(null);
    });
  }, [session]);

  const leave = (why) => {
    api.logout();
    setNotice(why);
    setSession(null);
  };
  let body = html`<main class="wait" aria-busy="true">asking this node …</main>`;
  if (session) body = html`<${Inside} session=${session} leave=${leave} />`;
  else if (session === null) {
    body = html`<${Login} api=${api} notice=${notice} done=${() => { setNotice(""); setSession(api.session); }} />`;
  }
  return html`${body}<footer class="foot"><span>lbd ${version}</span><span>Configured is what was asked for. Observed is what the nodes measure; only that has colour.</span></footer>`;
}

function Inside({ session, leave }) {
  const [state, setState] = useState(null);
  const [route, setRoute] = useState(known(location.hash));
  const [, tick] = useState(0);
  const live = useRef(null);
  const main = useRef(null);

  useEffect(() => {
    live.current = new Live(api, setState);
    live.current.start();
    const timer = setInterval(() => tick((n) => n + 1), 1000); // ages go on while no answer comes
    return () => {
      clearInterval(timer);
      live.current.stop();
    };
  }, []);
  useEffect(() => {
    const changed = () => {
      setRoute(known(location.hash));
      main.current?.focus();
    };
    addEventListener("hashchange", changed);
    return () => removeEventListener("hashchange", changed);
  }, []);
  useEffect(() => {
    if (state?.status === 401) leave("The session has ended. Log in again.");
  }, [state?.status]);

  const age = state?.at == null ? null : performance.now() - state.at;
  const stale = age == null || age > STALE;
  const count = state?.topology && !stale ? problems(state.topology, state.cluster) : 0;
  useEffect(() => {
    document.title = `${stale ? "? " : count ? `(${count}) ` : ""}lbd · ${views[route].name}`;
  }, [count, stale, route]);

  const View = views[route].view;
  return html`
    <a class="skip" href="#content" onClick=${(e) => { e.preventDefault(); main.current.focus(); }}>Skip to content</a>
    <header class="top">
      <a class="mark" href="#/" aria-label="lbd, overview"><img src="./favicon.svg" alt="" width="20" height="20" />lbd</a>
      <nav aria-label="Pages">
        ${Object.entries(views).map(([hash, v]) => html`<a href=${hash} aria-current=${hash === route ? "page" : undefined}>${v.name}</a>`)}
      </nav>
      <${Freshness} state=${state} age=${age} stale=${stale} />
      <span class="who">${session.user}${session.project ? html` <span class="muted">in ${session.project}</span>` : ""}</span>
      ${session.token ? html`<button type="button" class="plain" id="logout" onClick=${() => leave("")}>Log out</button>` : null}
    </header>
    <main id="content" tabindex="-1" ref=${main} class=${stale ? "stale" : ""}>
      <h1 class="sr">${views[route].name}</h1>
      ${state?.topology
        ? html`<${View} state=${state} age=${age} stale=${stale} api=${api} refresh=${() => live.current.refresh()} />
               <${Changes} list=${state.changes} now=${api.now()} />`
        : html`<p class="wait">${state?.error ? `No observation yet: ${state.error}` : "asking this node …"}</p>`}
    </main>`;
}

// Freshness says how old what you see is: an instrument that has stopped must
// not look like one that stands still.
function Freshness({ state, age, stale }) {
  if (!state || age == null) return html`<span class="fresh" role="status"></span>`;
  if (stale) {
    return html`<span class="fresh late" role="alert">No answer for ${duration(age)}: ${state.error || "waiting"}. Below is the past.</span>`;
  }
  return html`<span class="fresh" title=${state.streaming ? "sampled every second, and at once when an event comes" : "sampled every second; no event stream"}>
    <span class="pulse" aria-hidden="true"></span>live${state.streaming ? "" : ", polling"}</span>`;
}

function known(hash) {
  return views[hash] ? hash : "#/";
}

render(html`<${App} />`, document.getElementById("app"));
