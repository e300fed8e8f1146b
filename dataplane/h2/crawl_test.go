package h2

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/http2"

	"lbd/dataplane/semantics"
)

// A client that opens the window by a byte before each timeout gets a reset, not a byte
// for ever.
func TestCrawlingWindowsEnd(t *testing.T) {
	lim := semantics.Limits{Grace: 300 * time.Millisecond, Rate: 1 << 20}.WithDefaults()
	addr, _ := server(t, Config{Slow: func(p *semantics.Pace, wait time.Duration, n int) bool { return p.Slow(wait, n, 0, &lim) }},
		func(_ *http.Request, w io.Writer) error {
			_, err := io.WriteString(w, "HTTP/1.1 200 OK\r\nContent-Length: 65536\r\n\r\n"+strings.Repeat("x", 64<<10))
			return err
		})
	r := dial(t, addr)
	if err := r.fr.WriteSettings(http2.Setting{ID: http2.SettingInitialWindowSize, Val: 1}); err != nil {
		t.Fatal(err)
	}
	r.request(1, true)
	taken := 0
	err := r.until(func(f http2.Frame) bool {
		if d, ok := f.(*http2.DataFrame); ok {
			taken += len(d.Data())
			time.Sleep(20 * time.Millisecond) // the slowness that is tested
			if err := r.fr.WriteWindowUpdate(1, 1); err != nil {
				t.Error(err)
			}
		}
		_, ok := f.(*http2.RSTStreamFrame)
		return ok
	})
	if err != nil || taken < 2 {
		t.Errorf("%d bytes, %v", taken, err)
	}
}
