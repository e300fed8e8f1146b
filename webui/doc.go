// Package webui is lbd's web user interface: a handful of ES modules, one style
// sheet and one page, embedded and served under /ui/.
//
// It owns files and nothing else. What the pages show they get from the public
// REST API, with the token of the person who logged in, like any other client;
// so this package imports nothing of ours and holds no state.
//
//	browser ── GET /ui/…          → Handler: embedded file, ETag, gzip, strict CSP
//	   │       static/app.js        login, routes, footer
//	   │       static/live.js       asks once a second, follows /v1/events, keeps rates
//	   └────── /identity /v1 /load-balancer   the API, same origin
//
// There is no build step: what is in static/ is what the browser gets. Third-party
// files are listed in VENDOR.md with their sums.
package webui
