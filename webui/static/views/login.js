import { useEffect, useRef, useState } from "../vendor/hooks.mjs";
import { html } from "../html.js";

// Login asks for a password and says what the server says. The password lives
// only as long as the request.
export function Login({ api, notice, done }) {
  const [error, setError] = useState("");
  const [busy, setBusy] = useState(false);
  const form = useRef(null);

  useEffect(() => form.current.elements.user.focus(), []);

  const submit = async (e) => {
    e.preventDefault();
    const { user, password, project } = form.current.elements;
    setBusy(true);
    setError("");
    try {
      await api.login(user.value.trim(), password.value, project.value.trim());
      done();
    } catch (err) {
      setError(err.message);
      setBusy(false);
      password.value = "";
      password.focus();
    }
  };

  return html`
    <main class="login">
      <form ref=${form} onSubmit=${submit} aria-labelledby="login-title">
        <h1 id="login-title"><img src="./favicon.svg" alt="" width="26" height="26" />lbd</h1>
        <p class="muted">Load balancer at <code>${location.host}</code></p>
        ${notice ? html`<p class="notice" role="status">${notice}</p>` : null}
        <label for="user">User</label>
        <input id="user" name="user" autocomplete="username" required spellcheck=${false} autocapitalize="none" />
        <label for="password">Password</label>
        <input id="password" name="password" type="password" autocomplete="current-password" required
          aria-invalid=${error ? "true" : undefined} aria-describedby=${error ? "login-error" : undefined} />
        <label for="project">Project</label>
        <input id="project" name="project" defaultValue="admin" required spellcheck=${false} autocapitalize="none" />
        ${error ? html`<p class="fault" id="login-error" role="alert">${error}</p>` : null}
        <button type="submit" disabled=${busy}>${busy ? "Logging in …" : "Log in"}</button>
        <p class="hint">The first start printed the password of <code>admin</code> once and kept it in <code>clouds.yaml</code> in its data directory.</p>
      </form>
    </main>`;
}
