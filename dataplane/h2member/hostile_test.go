package h2member

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"

	"lbd/dataplane/semantics"
	"lbd/internal/testutil/poll"
)

// puppet is a member that answers each request as answer says, with whatever frames.
// The connection to it is given.
func puppet(t *testing.T, answer func(p *puppetConn, stream uint32, path string)) net.Conn {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	ours, err := net.Dial("tcp", ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	theirs, err := ln.Accept()
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	t.Cleanup(func() { ours.Close(); theirs.Close(); <-done })
	go func() {
		defer close(done)
		b := make([]byte, len(http2.ClientPreface))
		if _, err := io.ReadFull(theirs, b); err != nil {
			return
		}
		p := &puppetConn{Framer: http2.NewFramer(theirs, theirs)}
		p.ReadMetaHeaders = hpack.NewDecoder(4096, nil)
		p.enc = hpack.NewEncoder(&p.block)
		_ = p.WriteSettings()
		for {
			f, err := p.ReadFrame()
			if err != nil {
				return
			}
			if h, ok := f.(*http2.MetaHeadersFrame); ok {
				answer(p, h.StreamID, h.PseudoValue("path"))
			}
		}
	}()
	return ours
}

type puppetConn struct {
	*http2.Framer
	enc   *hpack.Encoder
	block bytes.Buffer
}

// head sends fields: names and values in turn.
func (p *puppetConn) head(stream uint32, end bool, fields ...string) {
	p.block.Reset()
	for i := 0; i < len(fields); i += 2 {
		_ = p.enc.WriteField(hpack.HeaderField{Name: fields[i], Value: fields[i+1]})
	}
	_ = p.WriteHeaders(http2.HeadersFrameParam{StreamID: stream, BlockFragment: p.block.Bytes(), EndHeaders: true, EndStream: end})
}

// What is malformed is an error of its stream, named as such; the line serves on.
func TestMalformedAnswers(t *testing.T) {
	for name, play := range map[string]func(p *puppetConn, id uint32){
		"no status":             func(p *puppetConn, id uint32) { p.head(id, true, "x", "y") },
		"status of two digits":  func(p *puppetConn, id uint32) { p.head(id, true, ":status", "20") },
		"status with a sign":    func(p *puppetConn, id uint32) { p.head(id, true, ":status", "+200") },
		"status of four digits": func(p *puppetConn, id uint32) { p.head(id, true, ":status", "0200") },
		"no number":             func(p *puppetConn, id uint32) { p.head(id, true, ":status", "2xx") },
		"switching protocols":   func(p *puppetConn, id uint32) { p.head(id, false, ":status", "101") },
		"connection":            func(p *puppetConn, id uint32) { p.head(id, true, ":status", "200", "connection", "close") },
		"transfer-encoding":     func(p *puppetConn, id uint32) { p.head(id, true, ":status", "200", "transfer-encoding", "chunked") },
		"upgrade in an interim": func(p *puppetConn, id uint32) { p.head(id, false, ":status", "103", "upgrade", "x") },
		"two lengths": func(p *puppetConn, id uint32) {
			p.head(id, true, ":status", "200", "content-length", "0", "content-length", "0")
		},
		"a length that is none": func(p *puppetConn, id uint32) { p.head(id, true, ":status", "200", "content-length", "+1") },
		"a length beyond all": func(p *puppetConn, id uint32) {
			p.head(id, true, ":status", "200", "content-length", "99999999999999999999")
		},
		"upper case":            func(p *puppetConn, id uint32) { p.head(id, true, ":status", "200", "X-Up", "y") },
		"a line end in a value": func(p *puppetConn, id uint32) { p.head(id, true, ":status", "200", "x", "y\r\nz: 1") },
		"a pseudo-field behind": func(p *puppetConn, id uint32) { p.head(id, true, "x", "y", ":status", "200") },
		"content behind a 204": func(p *puppetConn, id uint32) {
			p.head(id, false, ":status", "204")
			_ = p.WriteData(id, false, make([]byte, 1))
		},
		"data before the answer": func(p *puppetConn, id uint32) { _ = p.WriteData(id, false, make([]byte, 1)) },
		"interim at the end":     func(p *puppetConn, id uint32) { p.head(id, true, ":status", "103") },
		"a flood of interims": func(p *puppetConn, id uint32) {
			for range downSize / 1000 {
				p.head(id, false, ":status", "103", "link", strings.Repeat("x", 1000))
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := lines(t)
			c := puppet(t, func(p *puppetConn, id uint32, path string) {
				if path == "/good" {
					p.head(id, true, ":status", "200", "content-length", "0")
					return
				}
				play(p, id)
			})
			s, err := l.Add("m", c)
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			good := l.Take("m")
			if good == nil {
				t.Fatal("no second stream")
			}
			defer good.Close()
			send(t, s, "GET /bad HTTP/1.1\r\nHost: x\r\n\r\n")
			s.SetReadDeadline(time.Now().Add(10 * time.Second))
			if strings.Contains(name, "flood") { // nobody reads until then
				poll.Until(t, "there is no room for it", s.down.closed)
			}
			for err = nil; err == nil; { // who does not look in time still finds the fault
				var b [64 << 10]byte
				_, err = s.Read(b[:])
			}
			if err != semantics.ErrMemberAnswer {
				t.Errorf("%v", err)
			}
			send(t, good, "GET /good HTTP/1.1\r\nHost: x\r\n\r\n")
			if resp, _ := answer(t, good, "GET"); resp.StatusCode != 200 {
				t.Errorf("the next on the line: %d", resp.StatusCode)
			}
		})
	}
}

// Answers that nobody reads, as many as a line carries, leave room for one more.
func TestUnreadAnswersStopNobody(t *testing.T) {
	l := lines(t)
	stuffed := make(chan struct{}, lineStreams)
	s, err := l.Add("m", memberOf(t, 2*lineStreams, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/small" {
			fmt.Fprint(w, "here")
			return
		}
		_, _ = w.Write(make([]byte, streamWindow))
		w.(http.Flusher).Flush()
		stuffed <- struct{}{}
		_, _ = w.Write(make([]byte, streamWindow))
		_, _ = w.Write(make([]byte, streamWindow)) // nobody reads: this waits
	}))
	if err != nil {
		t.Fatal(err)
	}
	stalled := []*Stream{s}
	for range lineStreams - 2 {
		s := l.Take("m")
		if s == nil {
			t.Fatalf("only %d streams", len(stalled))
		}
		stalled = append(stalled, s)
	}
	for _, s := range stalled {
		defer s.Close()
		send(t, s, "GET /large HTTP/1.1\r\nHost: x\r\n\r\n")
	}
	for range stalled {
		select {
		case <-stuffed:
		case <-time.After(10 * time.Second):
			t.Fatal("the member cannot send what fits a stream's window")
		}
	}
	last := l.Take("m")
	if last == nil {
		t.Fatal("no stream is left")
	}
	defer last.Close()
	if l.Take("m") != nil {
		t.Errorf("more than %d streams on a line", lineStreams)
	}
	send(t, last, "GET /small HTTP/1.1\r\nHost: x\r\n\r\n")
	if _, body := answer(t, last, "GET"); body != "here" {
		t.Errorf("%q", body)
	}
	stalled[0].Close()
	poll.Until(t, "the place of a closed stream is free again", func() bool {
		s := l.Take("m")
		if s != nil {
			s.Close()
		}
		return s != nil
	})
}

// closed reports whether nothing more is written.
func (p *pipe) closed() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.end != nil
}
