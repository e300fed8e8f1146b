package cdp

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"
	"sync"
	"testing"
	"time"
)

// Page is one tab. Its methods fail the test on any error.
type Page struct {
	t       testing.TB
	b       *Browser
	session string

	mu       sync.Mutex
	problems []string // guarded by mu; at most 100
}

// Page opens an empty tab of 1280 by 800 CSS pixels, in the light colour scheme.
func (b *Browser) Page(t testing.TB) *Page {
	t.Helper()
	p := &Page{t: t, b: b}
	var target struct {
		ID string `json:"targetId"`
	}
	p.call("Target.createTarget", obj{"url": "about:blank"}, &target)
	var attached struct {
		Session string `json:"sessionId"`
	}
	p.call("Target.attachToTarget", obj{"targetId": target.ID, "flatten": true}, &attached)
	p.session = attached.Session
	b.mu.Lock()
	b.pages[p.session] = p
	b.mu.Unlock()
	for _, domain := range []string{"Page", "Runtime", "Log"} {
		p.call(domain+".enable", nil, nil)
	}
	p.Size(1280, 800)
	p.Dark(false)
	return p
}

type obj map[string]any

func (p *Page) call(method string, params, out any) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.t.Context(), Timeout)
	defer cancel()
	if err := p.b.conn.call(ctx, p.session, method, params, out); err != nil {
		p.t.Fatalf("chromium: %v", err)
	}
}

// networkChanged is how Chromium ends every load that is under way when an
// address of the machine comes or goes. With a window it loads the page again by
// itself; without one that is left to whoever drives it.
const networkChanged = "net::ERR_NETWORK_CHANGED"

// Navigate loads url and waits until its modules have run. Going to another
// fragment of the same document does not load anything.
func (p *Page) Navigate(url string) {
	p.t.Helper()
	var out struct {
		ErrorText string `json:"errorText"`
	}
	for end := time.Now().Add(Timeout); ; {
		p.call("Page.navigate", obj{"url": url}, &out)
		if out.ErrorText == "" {
			break
		}
		if out.ErrorText != networkChanged || time.Now().After(end) {
			p.t.Fatalf("navigate to %s: %s", url, out.ErrorText)
		}
		out.ErrorText = ""
	}
	p.Wait(`document.readyState === "complete" && location.href !== "about:blank"`)
}

// Reload loads the document again.
func (p *Page) Reload() {
	p.t.Helper()
	p.Eval(`window.__old = true`, nil)
	p.call("Page.reload", nil, nil)
	p.Wait(`!window.__old && document.readyState === "complete"`)
}

// Eval runs an expression, awaits it if it is a promise, and decodes its value
// into out, which may be nil.
func (p *Page) Eval(expression string, out any) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.t.Context(), Timeout)
	defer cancel()
	if err := p.eval(ctx, expression, out); err != nil {
		p.t.Fatalf("eval %s: %v", expression, err)
	}
}

func (p *Page) eval(ctx context.Context, expression string, out any) error {
	var r struct {
		Result struct {
			Value json.RawMessage `json:"value"`
		} `json:"result"`
		Exception *struct {
			Text      string `json:"text"`
			Exception struct {
				Description string `json:"description"`
			} `json:"exception"`
		} `json:"exceptionDetails"`
	}
	err := p.b.conn.call(ctx, p.session, "Runtime.evaluate",
		obj{"expression": expression, "awaitPromise": true, "returnByValue": true}, &r)
	if err != nil {
		return err
	}
	if r.Exception != nil {
		return fmt.Errorf("%s %s", r.Exception.Text, r.Exception.Exception.Description)
	}
	if out == nil || len(r.Result.Value) == 0 {
		return nil
	}
	return json.Unmarshal(r.Result.Value, out)
}

// Wait returns once the expression is true; the test fails after Timeout, with
// the text that was on the page.
func (p *Page) Wait(expression string) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.t.Context(), Timeout)
	defer cancel()
	tick := time.NewTicker(25 * time.Millisecond)
	defer tick.Stop()
	var last error
	for {
		// A navigation in between loses the execution context: ask again.
		var ok bool
		if last = p.eval(ctx, "!!("+expression+")", &ok); last == nil && ok {
			return
		}
		select {
		case <-ctx.Done():
			var text string
			p.Eval(`document.body ? document.body.innerText : ""`, &text)
			p.t.Fatalf("still not true after %v: %s (last error: %v)\nproblems: %q\nthe page says:\n%s",
				Timeout, expression, last, p.Problems(), text)
		case <-tick.C:
		}
	}
}

// WaitText waits until the first element that matches has want in its text.
func (p *Page) WaitText(selector, want string) {
	p.t.Helper()
	p.Wait(fmt.Sprintf(`document.querySelector(%s)?.innerText.includes(%s)`, quote(selector), quote(want)))
}

// Text waits for the first element that matches and returns what a reader sees of it.
func (p *Page) Text(selector string) string {
	p.t.Helper()
	p.Wait(fmt.Sprintf(`document.querySelector(%s)`, quote(selector)))
	var text string
	p.Eval(fmt.Sprintf(`document.querySelector(%s).innerText`, quote(selector)), &text)
	return text
}

// Texts returns the texts of all elements that match, now.
func (p *Page) Texts(selector string) []string {
	p.t.Helper()
	var texts []string
	p.Eval(fmt.Sprintf(`[...document.querySelectorAll(%s)].map(e => e.innerText)`, quote(selector)), &texts)
	return texts
}

// Click waits for the element, scrolls it into view and clicks its middle with
// the mouse, as a person would.
func (p *Page) Click(selector string) {
	p.t.Helper()
	p.Wait(fmt.Sprintf(`(e => e && !e.disabled && e.getClientRects().length)(document.querySelector(%s))`, quote(selector)))
	var at struct{ X, Y float64 }
	p.Eval(fmt.Sprintf(`(e => { e.scrollIntoView({block: "center", inline: "center", behavior: "instant"});
		const r = e.getBoundingClientRect(); return {X: r.x + r.width / 2, Y: r.y + r.height / 2} })(document.querySelector(%s))`,
		quote(selector)), &at)
	for _, kind := range []string{"mousePressed", "mouseReleased"} {
		p.call("Input.dispatchMouseEvent", obj{"type": kind, "x": at.X, "y": at.Y, "button": "left", "clickCount": 1}, nil)
	}
}

// Type replaces the content of an input, through the keyboard.
func (p *Page) Type(selector, text string) {
	p.t.Helper()
	p.Wait(fmt.Sprintf(`document.querySelector(%s)`, quote(selector)))
	p.Eval(fmt.Sprintf(`(e => { e.focus(); e.select() })(document.querySelector(%s))`, quote(selector)), nil)
	p.call("Input.insertText", obj{"text": text}, nil)
}

// Press sends one key to what has the focus: "Tab", "Enter", "Escape".
func (p *Page) Press(key string) {
	p.t.Helper()
	codes := map[string]int{"Tab": 9, "Enter": 13, "Escape": 27}
	text := map[string]string{"Enter": "\r"}
	for _, kind := range []string{"keyDown", "keyUp"} {
		params := obj{"type": kind, "key": key, "code": key, "windowsVirtualKeyCode": codes[key]}
		if kind == "keyDown" && text[key] != "" {
			params["text"] = text[key]
		}
		p.call("Input.dispatchKeyEvent", params, nil)
	}
}

// Size sets the viewport in CSS pixels.
func (p *Page) Size(width, height int) {
	p.t.Helper()
	p.call("Emulation.setDeviceMetricsOverride",
		obj{"width": width, "height": height, "deviceScaleFactor": 1, "mobile": false}, nil)
}

// Dark sets what prefers-color-scheme says.
func (p *Page) Dark(on bool) {
	p.t.Helper()
	scheme := map[bool]string{true: "dark", false: "light"}[on]
	p.call("Emulation.setEmulatedMedia", obj{"features": []obj{{"name": "prefers-color-scheme", "value": scheme}}}, nil)
}

// Screenshot writes the whole page, also what is below the fold, as a PNG.
func (p *Page) Screenshot(path string) {
	p.t.Helper()
	var out struct {
		Data string `json:"data"`
	}
	p.call("Page.captureScreenshot", obj{"format": "png", "captureBeyondViewport": true}, &out)
	png, err := base64.StdEncoding.DecodeString(out.Data)
	if err != nil {
		p.t.Fatalf("decode screenshot: %v", err)
	}
	if err := os.WriteFile(path, png, 0o644); err != nil {
		p.t.Fatal(err)
	}
}

// Problems are the uncaught exceptions, console errors and what the browser
// itself complained about (a refused policy, a failed request) since the page opened.
func (p *Page) Problems() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]string(nil), p.problems...)
}

func (p *Page) deliver(e event) {
	var v struct {
		Type  string            `json:"type"`
		Args  []json.RawMessage `json:"args"`
		Entry struct {
			Level string `json:"level"`
			Text  string `json:"text"`
			URL   string `json:"url"`
		} `json:"entry"`
		Exception struct {
			Text      string `json:"text"`
			Exception struct {
				Description string `json:"description"`
			} `json:"exception"`
		} `json:"exceptionDetails"`
	}
	if json.Unmarshal(e.Params, &v) != nil {
		return
	}
	var problem string
	switch {
	case e.Method == "Runtime.exceptionThrown":
		problem = v.Exception.Text + " " + v.Exception.Exception.Description
	case e.Method == "Runtime.consoleAPICalled" && (v.Type == "error" || v.Type == "warning"):
		problem = fmt.Sprintf("console.%s %s", v.Type, v.Args)
	case e.Method == "Log.entryAdded" && v.Entry.Level == "error":
		problem = v.Entry.Text + " " + v.Entry.URL
	default:
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.problems) < 100 {
		p.problems = append(p.problems, problem)
	}
}

// quote makes a JavaScript string literal; JSON is a subset of it.
func quote(s string) string {
	b, _ := json.Marshal(s) // a string always encodes
	return string(b)
}
