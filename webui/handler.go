package webui

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"html"
	"io/fs"
	"net/http"
	"net/url"
	"path"
	"strconv"
	"strings"
)

// Prefix is the path the UI lives under.
const Prefix = "/ui/"

// policy lets the pages load from and talk to this origin only. Inline script
// and style are refused by default-src alone.
const policy = "default-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'"

// versionMark in index.html is replaced by the version, once, at start.
const versionMark = "{{version}}"

// types of the files we serve. Not mime.TypeByExtension: that reads the
// machine's own tables, and a module served as text/plain does not run.
var types = map[string]string{
	".html": "text/html; charset=utf-8",
	".js":   "text/javascript; charset=utf-8",
	".mjs":  "text/javascript; charset=utf-8",
	".css":  "text/css; charset=utf-8",
	".svg":  "image/svg+xml",
	".txt":  "text/plain; charset=utf-8",
}

// asset is one file, ready to be sent. Embedded files have no modification
// time, so the content's hash is the only validator.
type asset struct {
	contentType string
	plain       body
	zipped      body // data is nil where gzip does not make it smaller
}

// body is one representation; each has its own strong ETag (RFC 9110 8.8.3.3).
type body struct {
	data []byte
	etag string
}

// Handler serves the UI under Prefix. It answers GET and HEAD only, and
// redirects Prefix without its slash. It panics when the embedded files cannot
// be read, which a build cannot cause.
func Handler(version string) http.Handler {
	assets, err := load(embedded, version)
	if err != nil {
		panic("webui: " + err.Error())
	}
	return handler(assets)
}

type handler map[string]asset // by path below Prefix; "" is the page

func (h handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	head := w.Header()
	head.Set("Content-Security-Policy", policy)
	head.Set("X-Content-Type-Options", "nosniff")
	head.Set("Referrer-Policy", "no-referrer")
	head.Set("Cross-Origin-Resource-Policy", "same-origin")

	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		head.Set("Allow", "GET, HEAD")
		http.Error(w, "only GET and HEAD", http.StatusMethodNotAllowed)
		return
	}
	p := r.URL.Path
	if p+"/" == Prefix {
		if !hadSlash(r) {
			http.Redirect(w, r, Prefix, http.StatusPermanentRedirect)
			return
		}
		p = Prefix
	}
	name, ok := strings.CutPrefix(p, Prefix)
	a, found := h[name]
	if !ok || !found {
		http.NotFound(w, r)
		return
	}
	send(w, r, a)
}

// hadSlash reports whether the client itself asked for Prefix. A server in front
// may have taken the slash off for its routing; relative links work only with it,
// so what counts is the request line.
func hadSlash(r *http.Request) bool {
	u, err := url.ParseRequestURI(r.RequestURI)
	return err == nil && u.Path == Prefix
}

func send(w http.ResponseWriter, r *http.Request, a asset) {
	head := w.Header()
	b := a.plain
	if a.zipped.data != nil {
		head.Set("Vary", "Accept-Encoding")
		if acceptsGzip(r.Header.Values("Accept-Encoding")) {
			b = a.zipped
			head.Set("Content-Encoding", "gzip")
		}
	}
	head.Set("ETag", b.etag)
	// Always ask, mostly get 304: after an upgrade no browser mixes versions.
	head.Set("Cache-Control", "no-cache")
	if matches(r.Header.Values("If-None-Match"), b.etag) {
		head.Del("Content-Encoding")
		w.WriteHeader(http.StatusNotModified)
		return
	}
	head.Set("Content-Type", a.contentType)
	head.Set("Content-Length", strconv.Itoa(len(b.data)))
	w.WriteHeader(http.StatusOK)
	if r.Method != http.MethodHead {
		_, _ = w.Write(b.data) // the client went away: nothing to do about it
	}
}

// acceptsGzip reads Accept-Encoding (RFC 9110 12.5.3): gzip named, or *, with
// a weight above zero. A name beats the star.
func acceptsGzip(values []string) bool {
	star := false
	for item := range strings.SplitSeq(strings.Join(values, ","), ",") {
		name, params, _ := strings.Cut(item, ";")
		wanted := true
		if q, ok := strings.CutPrefix(strings.ReplaceAll(strings.ToLower(params), " ", ""), "q="); ok {
			f, err := strconv.ParseFloat(q, 64)
			wanted = err == nil && f > 0
		}
		switch strings.ToLower(strings.TrimSpace(name)) {
		case "gzip", "x-gzip":
			return wanted
		case "*":
			star = wanted
		}
	}
	return star
}

// matches compares weakly, as If-None-Match asks (RFC 9110 13.1.2).
func matches(values []string, etag string) bool {
	for item := range strings.SplitSeq(strings.Join(values, ","), ",") {
		item = strings.TrimSpace(item)
		if item == "*" || strings.TrimPrefix(item, "W/") == etag {
			return true
		}
	}
	return false
}

// load reads every file, puts the version into the page and makes hashes and
// gzip once.
func load(files fs.FS, version string) (handler, error) {
	out := make(handler)
	err := fs.WalkDir(files, "static", func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := fs.ReadFile(files, p)
		if err != nil {
			return err
		}
		contentType, ok := types[path.Ext(p)]
		if !ok {
			return fmt.Errorf("%s: no content type for this extension", p)
		}
		name := strings.TrimPrefix(p, "static/")
		if name == "index.html" {
			name = ""
			data = bytes.ReplaceAll(data, []byte(versionMark), []byte(html.EscapeString(version)))
		}
		out[name], err = newAsset(contentType, data)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read embedded files: %w", err)
	}
	return out, nil
}

func newAsset(contentType string, data []byte) (asset, error) {
	sum := sha256.Sum256(data)
	hash := hex.EncodeToString(sum[:16])
	a := asset{contentType: contentType, plain: body{data, `"` + hash + `"`}}

	var buf bytes.Buffer
	z, err := gzip.NewWriterLevel(&buf, gzip.BestCompression)
	if err != nil {
		return a, err
	}
	if _, err := z.Write(data); err != nil {
		return a, err
	}
	if err := z.Close(); err != nil {
		return a, err
	}
	if buf.Len() < len(data) {
		a.zipped = body{buf.Bytes(), `"` + hash + `-gz"`}
	}
	return a, nil
}
