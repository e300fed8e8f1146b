// Package cdp drives a headless Chromium in tests through the DevTools protocol.
//
// It speaks over the browser's pipe (file descriptors 3 and 4, messages ended by
// a zero byte), not over a WebSocket: there is no port to find, to guard or to
// reach from another network namespace, and a browser whose pipe closes ends by
// itself.
//
//	b := cdp.Start(t, cdp.Options{})      // skips the test, by name, without Chromium
//	p := b.Page(t)
//	p.Navigate("http://127.0.0.1:9876/ui/")
//	p.Type("#user", "admin")
//	p.Click("button[type=submit]")
//	p.Wait(`document.querySelector("h1")?.textContent === "Overview"`)
//	p.Screenshot("/tmp/overview.png")
//
// Methods of Page fail the test themselves. Every wait has a deadline.
package cdp
