package h2

import (
	"errors"
	"io"
	"os"
	"time"

	"golang.org/x/net/http2"
)

// read takes frames until the connection ends. The error says why: an
// http2.ConnectionError is answered with GOAWAY.
func (c *Conn) read() error {
	c.mu.Lock()
	c.t.SetReadDeadline(time.Now().Add(c.cfg.Hello))
	c.mu.Unlock()
	if err := c.preface(); err != nil {
		return err
	}
	c.fr = http2.NewFramer(nil, patient{c})
	c.fr.SetMaxReadFrameSize(maxFrame)
	c.fr.SetReuseFrames()
	for {
		f, err := c.frame()
		if err == nil {
			err = c.take(f)
		}
		if se, ok := errors.AsType[http2.StreamError](err); ok {
			err = c.streamError(se)
		}
		if err != nil {
			return err
		}
	}
}

// frame reads the next frame. What is wrong with the form of HEADERS concerns the
// connection: its block was not decoded, and the table would be out of step.
func (c *Conn) frame() (http2.Frame, error) {
	fh, err := c.fr.ReadFrameHeader()
	if err != nil {
		return nil, err
	}
	f, err := c.fr.ReadFrameForHeader(fh)
	if se, ok := errors.AsType[http2.StreamError](err); ok && fh.Type == http2.FrameHeaders {
		return nil, http2.ConnectionError(se.Code)
	}
	if errors.Is(err, io.ErrUnexpectedEOF) { // RFC 9113 section 4.2: no room for what its flags promise
		return nil, http2.ConnectionError(http2.ErrCodeFrameSize)
	}
	return f, err
}

// patient reads through deadlines that do not end the connection, so that no part
// of a frame is lost to them.
type patient struct{ c *Conn }

func (r patient) Read(p []byte) (int, error) {
	for {
		n, err := r.c.t.Read(p)
		if n > 0 || !errors.Is(err, os.ErrDeadlineExceeded) {
			return n, err
		}
		if err := r.c.idled(err); err != nil {
			return 0, err
		}
	}
}

// idled decides what a passed deadline means: errIdle without a request for too
// long, or nil after the deadline was set anew.
func (c *Conn) idled(passed error) error {
	if !c.ready {
		return passed
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	now := time.Now()
	next := now.Add(c.cfg.Idle)
	if len(c.streams) == 0 {
		if next = c.idleSince.Add(c.cfg.Idle); c.over || !next.After(now) {
			return errIdle
		}
	}
	c.t.SetReadDeadline(next)
	return nil
}

// preface reads the client's preface and sends our SETTINGS.
func (c *Conn) preface() error {
	var b [len(http2.ClientPreface)]byte
	for n := 0; n < len(b); {
		m, err := c.t.Read(b[n:])
		if n += m; string(b[:n]) != http2.ClientPreface[:n] {
			return http2.ConnectionError(http2.ErrCodeProtocol)
		}
		if err != nil {
			return err
		}
	}
	return c.control(func(w *writer) {
		w.settings(
			http2.Setting{ID: http2.SettingMaxConcurrentStreams, Val: maxStreams},
			http2.Setting{ID: http2.SettingInitialWindowSize, Val: streamWindow},
			http2.Setting{ID: http2.SettingMaxFrameSize, Val: maxFrame},
			http2.Setting{ID: http2.SettingMaxHeaderListSize, Val: uint32(c.cfg.Limits.Head)},
			http2.Setting{ID: http2.SettingHeaderTableSize, Val: tableSize},
		)
		w.windowUpdate(0, connWindow-defaultWindow)
	})
}

// take handles one frame.
func (c *Conn) take(f http2.Frame) error {
	if !c.ready { // RFC 9113 section 3.4
		s, ok := f.(*http2.SettingsFrame)
		if !ok || s.IsAck() {
			return http2.ConnectionError(http2.ErrCodeProtocol)
		}
		c.ready = true
		c.mu.Lock()
		c.idleSince = time.Now()
		c.t.SetReadDeadline(c.idleSince.Add(c.cfg.Idle))
		c.mu.Unlock()
	}
	switch f := f.(type) {
	case *http2.HeadersFrame:
		return c.headers(f)
	case *http2.DataFrame:
		return c.data(f)
	case *http2.SettingsFrame:
		return c.settings(f)
	case *http2.WindowUpdateFrame:
		return c.windowUpdate(f)
	case *http2.RSTStreamFrame:
		return c.clientReset(f)
	case *http2.PingFrame:
		return c.ping(f)
	case *http2.PriorityFrame:
		if f.StreamDep == f.StreamID {
			return streamErr(f.StreamID, http2.ErrCodeProtocol)
		}
	case *http2.PushPromiseFrame:
		return http2.ConnectionError(http2.ErrCodeProtocol)
	case *http2.GoAwayFrame: // the client opens none either way
	}
	return c.spend(priceControl)
}

func streamErr(id uint32, code http2.ErrCode) error {
	return http2.StreamError{StreamID: id, Code: code}
}

// streamError answers with RST_STREAM; one after the other they end the connection.
func (c *Conn) streamError(e http2.StreamError) error {
	c.mu.Lock()
	s := c.streams[e.StreamID]
	open := s != nil && !s.closed
	c.mu.Unlock()
	if open { // whatever the frame was: it has undone a request (CVE-2025-8671)
		c.resetStream(s, e.Code)
		return c.spend(priceReset)
	}
	if err := c.control(func(w *writer) { w.reset(e.StreamID, e.Code) }); err != nil {
		return err
	}
	if e.Code == http2.ErrCodeStreamClosed { // what was on its way when it was answered
		return c.spend(priceControl)
	}
	return c.spend(priceReset)
}

// known finds the stream of a frame that may come late. Of a stream that was
// never opened it must not come at all (RFC 9113 section 5.1).
func (c *Conn) known(id uint32) (*Stream, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if id > c.newest || id%2 == 0 {
		return nil, http2.ConnectionError(http2.ErrCodeProtocol)
	}
	return c.streams[id], nil
}

func (c *Conn) settings(f *http2.SettingsFrame) error {
	// Each setting may change the windows of all streams, and a frame holds 2,730.
	if err := c.spend(priceControl * float64(max(1, f.NumSettings()))); err != nil || f.IsAck() {
		return err
	}
	table := int64(-1)
	err := f.ForeachSetting(func(s http2.Setting) error {
		if err := s.Valid(); err != nil {
			return err
		}
		switch s.ID {
		case http2.SettingInitialWindowSize:
			return c.initialWindow(int64(s.Val))
		case http2.SettingHeaderTableSize:
			table = int64(s.Val)
		}
		return nil
	})
	if err != nil {
		return err
	}
	return c.control(func(w *writer) {
		if table >= 0 {
			w.enc.SetMaxDynamicTableSize(uint32(min(table, tableSize)))
		}
		w.settingsAck()
	})
}

// initialWindow changes the windows of all streams (RFC 9113 section 6.9.2).
func (c *Conn) initialWindow(n int64) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	diff := n - c.initial
	c.initial = n
	for _, s := range c.streams {
		if s.window += diff; s.window > maxWindow {
			return http2.ConnectionError(http2.ErrCodeFlowControl)
		}
		poke(s.writable)
	}
	return nil
}

// maxWindow is the largest a window may grow (RFC 9113 section 6.9.1).
const maxWindow = 1<<31 - 1

func (c *Conn) windowUpdate(f *http2.WindowUpdateFrame) error {
	if err := c.spend(priceControl); err != nil {
		return err
	}
	if f.StreamID == 0 {
		c.mu.Lock()
		defer c.mu.Unlock()
		if c.sendWindow += int64(f.Increment); c.sendWindow > maxWindow {
			return http2.ConnectionError(http2.ErrCodeFlowControl)
		}
		for _, s := range c.streams {
			poke(s.writable)
		}
		return nil
	}
	s, err := c.known(f.StreamID)
	if s == nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if s.window += int64(f.Increment); s.window > maxWindow {
		return streamErr(f.StreamID, http2.ErrCodeFlowControl)
	}
	poke(s.writable)
	return nil
}

func (c *Conn) clientReset(f *http2.RSTStreamFrame) error {
	s, err := c.known(f.StreamID)
	if err != nil {
		return err
	}
	if s != nil {
		c.mu.Lock()
		live := !s.closed
		s.reset, s.quit = true, true
		s.settle()
		c.mu.Unlock()
		poke(s.readable)
		poke(s.writable)
		if live {
			c.cfg.Counters.Resets.Add(1)
		}
	}
	return c.spend(priceReset)
}

func (c *Conn) ping(f *http2.PingFrame) error {
	if f.IsAck() {
		if f.Data == drainPing {
			c.mu.Lock()
			draining := c.draining
			c.mu.Unlock()
			if draining {
				c.lastCall()
			}
		}
		return c.spend(priceControl)
	}
	if err := c.spend(priceControl); err != nil {
		return err
	}
	return c.control(func(w *writer) { w.ping(true, f.Data) })
}
