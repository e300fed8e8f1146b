package h2

import (
	"fmt"
	"io"
	"net/http"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/net/http2"
)

func TestFloodsEndTheConnection(t *testing.T) {
	for name, flood := range map[string]func(r *raw, i uint32) error{
		"ping":          func(r *raw, i uint32) error { return r.fr.WritePing(false, [8]byte{}) },
		"settings":      func(r *raw, i uint32) error { return r.fr.WriteSettings() },
		"priority":      func(r *raw, i uint32) error { return r.fr.WritePriority(5, http2.PriorityParam{StreamDep: 3}) },
		"window update": func(r *raw, i uint32) error { return r.fr.WriteWindowUpdate(0, 1) },
		"unknown":       func(r *raw, i uint32) error { return r.fr.WriteRawFrame(0xbe, 0, 0, nil) },
		"rapid reset": func(r *raw, i uint32) error {
			r.request(2*i+1, false)
			return r.fr.WriteRSTStream(2*i+1, http2.ErrCodeCancel)
		},
		"resets that it makes us send": func(r *raw, i uint32) error { // CVE-2025-8671
			r.request(2*i+1, false)
			return r.fr.WriteRawFrame(http2.FrameWindowUpdate, 0, 2*i+1, make([]byte, 4))
		},
		"empty data": func(r *raw, i uint32) error {
			if i == 0 {
				r.request(1, false)
			}
			return r.fr.WriteData(1, false, nil)
		},
		"empty continuation": func(r *raw, i uint32) error {
			if i == 0 {
				return r.fr.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: []byte{0x82}})
			}
			return r.fr.WriteContinuation(1, false, nil)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			n := new(Counters)
			addr, _ := server(t, Config{Counters: n}, func(r *http.Request, w io.Writer) error {
				_, err := io.Copy(io.Discard, r.Body)
				if err == nil {
					return echo(r, w)
				}
				return err
			})
			r := dial(t, addr)
			r.fr.AllowIllegalWrites = true
			sent := make(chan bool)
			go func() {
				defer close(sent)
				for i := range uint32(20_000) {
					if flood(r, i) != nil {
						return // the server has closed
					}
				}
			}()
			if code := r.goAway(); code != http2.ErrCodeEnhanceYourCalm {
				t.Errorf("GOAWAY %v", code)
			}
			<-sent
			if n.Floods.Load() != 1 {
				t.Errorf("%d floods counted", n.Floods.Load())
			}
		})
	}
}

func TestStreamsBeyondTheBoundAreRefused(t *testing.T) {
	for name, tc := range map[string]struct{ resets, open uint32 }{
		"open":                         {0, maxStreams},
		"reset and still being served": {200, 2*maxStreams - 200},
	} {
		t.Run(name, func(t *testing.T) {
			arrived, release := make(chan bool, 2*maxStreams), make(chan bool)
			n := new(Counters)
			addr, conns := server(t, Config{Counters: n}, func(r *http.Request, w io.Writer) error {
				arrived <- true
				<-release
				return echo(r, w)
			})
			defer close(release)
			r := dial(t, addr)
			conn := <-conns
			defer conn.Cut()
			for i := range tc.resets + tc.open + 1 {
				r.request(2*i+1, true)
				if i < tc.resets {
					<-arrived
					conn.earn(priceReset) // as if others had been answered
					if err := r.fr.WriteRSTStream(2*i+1, http2.ErrCodeCancel); err != nil {
						t.Fatal(err)
					}
				}
			}
			refused := uint32(0)
			err := r.until(func(f http2.Frame) bool {
				if f, ok := f.(*http2.RSTStreamFrame); ok && f.ErrCode == http2.ErrCodeRefusedStream {
					refused = f.StreamID
				}
				return refused != 0
			})
			if want := 2*(tc.resets+tc.open) + 1; err != nil || refused != want || n.Refused.Load() != 1 {
				t.Errorf("stream %d was refused, want %d; %d counted, %v", refused, want, n.Refused.Load(), err)
			}
		})
	}
}

func TestTooManyFieldsGet431(t *testing.T) {
	addr, _ := server(t, Config{}, echo)
	req, _ := http.NewRequest("GET", "http://a/", nil)
	for i := range 300 {
		req.Header.Set(fmt.Sprintf("x-%d", i), "v")
	}
	c := client(t, addr)
	resp, err := c.Do(req)
	if err != nil || resp.StatusCode != 431 {
		t.Fatalf("%v, %v", resp, err)
	}
	resp.Body.Close()
	if resp, err = c.Get("http://a/"); err != nil { // the table is in step
		t.Fatal(err)
	}
	resp.Body.Close()
}

// However slowly resets come, opening what is reset gives nothing for it: no stream
// is left when the next one begins, so that no other bound helps.
func TestResetsArePaidFor(t *testing.T) {
	by := func(frame func(r *raw, id uint32) error) func(*raw, uint32) error { // CVE-2025-8671
		return func(r *raw, id uint32) error {
			r.request(id, false)
			return frame(r, id)
		}
	}
	behindTheEnd := func(frame func(r *raw, id uint32) error) func(*raw, uint32) error {
		return func(r *raw, id uint32) error {
			r.request(id, true)
			return frame(r, id)
		}
	}
	for name, reset := range map[string]func(r *raw, id uint32) error{
		"by the client": by(func(r *raw, id uint32) error { return r.fr.WriteRSTStream(id, http2.ErrCodeCancel) }),
		"by us, window opened by 0": by(func(r *raw, id uint32) error {
			return r.fr.WriteRawFrame(http2.FrameWindowUpdate, 0, id, make([]byte, 4))
		}),
		"by us, window too wide": by(func(r *raw, id uint32) error { return r.fr.WriteWindowUpdate(id, maxWindow) }),
		"by us, stream that waits for itself": by(func(r *raw, id uint32) error {
			return r.fr.WritePriority(id, http2.PriorityParam{StreamDep: id})
		}),
		"by us, trailers that do not end": by(func(r *raw, id uint32) error {
			r.request(id, false)
			return nil
		}),
		"by us, malformed trailers": by(func(r *raw, id uint32) error {
			r.request(id, true)
			return nil
		}),
		"by us, DATA behind the end":    behindTheEnd(func(r *raw, id uint32) error { return r.fr.WriteData(id, false, make([]byte, smallData)) }),
		"by us, HEADERS behind the end": behindTheEnd(func(r *raw, id uint32) error { r.request(id, true); return nil }),
	} {
		t.Run(name, func(t *testing.T) {
			var served atomic.Int32
			addr, conns := server(t, Config{Handle: func(s *Stream) {
				served.Add(1)
				_, _ = io.Copy(io.Discard, s) // up to the reset
				s.Abort()
			}}, nil)
			r := dial(t, addr)
			r.fr.AllowIllegalWrites = true
			code := make(chan http2.ErrCode, 1)
			go func() { code <- r.goAway() }()
			c := <-conns
			const count = 4 * budgetFull / priceReset
			for i := range uint32(count) {
				id := 2*i + 1
				if reset(r, id) != nil {
					break
				}
				for gone := false; !gone; {
					c.mu.Lock()
					gone = len(c.streams) == 0 && c.newest == id || c.finished
					c.mu.Unlock()
					runtime.Gosched()
				}
			}
			select {
			case got := <-code:
				if got != http2.ErrCodeEnhanceYourCalm {
					t.Errorf("GOAWAY %v", got)
				}
			case <-time.After(5 * time.Second):
				t.Errorf("%d resets are free", count)
				r.Close()
				<-code
			}
			// The frames have a price, too; time gives some back while the test runs.
			if n := served.Load(); n < budgetFull/priceReset/2 || n > 2*budgetFull/priceReset {
				t.Errorf("%d requests were begun", n)
			}
		})
	}
}

// One SETTINGS frame may change the windows of all streams thousands of times.
func TestSettingsArePaidForEach(t *testing.T) {
	n := new(Counters)
	addr, conns := server(t, Config{Counters: n}, echo)
	r := dial(t, addr)
	<-conns
	many := make([]http2.Setting, maxFrame/6)
	for i := range many {
		many[i] = http2.Setting{ID: http2.SettingInitialWindowSize, Val: uint32(i)}
	}
	if err := r.fr.WriteSettings(many...); err != nil {
		t.Fatal(err)
	}
	if code := r.goAway(); code != http2.ErrCodeEnhanceYourCalm || n.Floods.Load() != 1 {
		t.Errorf("GOAWAY %v, %d floods counted", code, n.Floods.Load())
	}
}
