// The first script: it loads the page's modules. When one of them does not arrive
// (the machine's network changed meanwhile, the node restarts), it says so and
// loads the page again, a little later each time.

const LONGEST = 16000; // ms between two attempts

import("./app.js").then(() => sessionStorage.removeItem("attempt"), (why) => {
  const attempt = Number(sessionStorage.getItem("attempt") ?? 0);
  const wait = Math.min(1000 * 2 ** attempt, LONGEST);
  sessionStorage.setItem("attempt", Math.min(attempt + 1, 10));
  document.querySelector("#app").textContent = `A part of this page did not arrive (${why.message}). It is loaded again in ${wait / 1000} s.`;
  setTimeout(() => location.reload(), wait);
});
