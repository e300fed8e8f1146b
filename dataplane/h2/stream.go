package h2

import (
	"errors"
	"io"
	"os"
	"time"

	"golang.org/x/net/http2"

	"lbd/dataplane/http1"
	"lbd/dataplane/semantics"
)

// ErrReset is the end of a stream that the client has given up, or of its connection.
var ErrReset = errors.New("stream reset")

// Stream is one request and its answer, as an HTTP/1.1 byte stream: Read gives
// the request, Write takes the answer. One goroutine reads and one writes at a
// time; Close, Abort and SetReadDeadline may come from any.
type Stream struct {
	id uint32
	c  *Conn

	// All guarded by c.mu.
	in       []piece // what of the request is there and not read
	asked    request // what the header block said
	left     int64   // of a body of known length
	halfDone bool    // the client has sent all of the request
	reset    bool    // by either side, or the connection is gone
	quit     bool    // reset by the client
	answered bool    // END_STREAM was sent
	closed   bool    // as HTTP/2 sees it; its handler may still be at work
	window   int64   // what we may send; may be negative
	recv     int64   // what the client may send
	unacked  int     // bytes that were read and not yet given back to the client
	rdl      time.Time

	readable chan struct{} // size 1: in, halfDone, reset, answered or rdl changed
	writable chan struct{} // size 1: a window grew, or reset

	ans  answer // the writer's, as pace
	pace semantics.Pace
	wd   time.Duration
}

// piece is a part of the request in its HTTP/1.1 form; credit is what it took of
// the windows.
type piece struct {
	bytes  []byte
	read   int
	credit int
}

func poke(ch chan struct{}) {
	select {
	case ch <- struct{}{}:
	default:
	}
}

// ID is the stream's number on its connection.
func (s *Stream) ID() uint32 { return s.id }

// Read gives the request, head first. When all of it was read it waits, and gives
// io.EOF when the answer is complete; ErrReset when the client has left;
// os.ErrDeadlineExceeded after the read deadline.
func (s *Stream) Read(p []byte) (int, error) {
	var timer *time.Timer
	for {
		n, wait, err := s.take(p)
		if n > 0 || err != nil {
			return n, err
		}
		if wait < 0 {
			<-s.readable
			continue
		}
		if timer == nil {
			timer = time.NewTimer(wait)
			defer timer.Stop()
		} else {
			timer.Reset(wait)
		}
		select {
		case <-s.readable:
		case <-timer.C:
		}
	}
}

// take is Read without waiting: n == 0 and err == nil means to wait for so long,
// without bound when wait < 0.
func (s *Stream) take(p []byte) (n int, wait time.Duration, err error) {
	c := s.c
	c.mu.Lock()
	if len(s.in) == 0 || s.reset {
		defer c.mu.Unlock()
		switch {
		case s.reset:
			return 0, 0, ErrReset
		case s.answered:
			return 0, 0, io.EOF
		case s.rdl.IsZero():
			return 0, -1, nil
		}
		if wait = time.Until(s.rdl); wait <= 0 {
			return 0, 0, os.ErrDeadlineExceeded
		}
		return 0, wait, nil
	}
	credit := 0
	for len(p) > n && len(s.in) > 0 {
		b := &s.in[0]
		m := copy(p[n:], b.bytes[b.read:])
		n += m
		b.read += m
		if b.read == len(b.bytes) {
			credit += b.credit
			s.in[0] = piece{}
			s.in = s.in[1:]
		}
	}
	onStream, onConn := s.giveBack(credit)
	c.mu.Unlock()
	c.sendUpdates(s.id, onStream, onConn)
	return n, 0, nil
}

// giveBack notes that credit bytes of the request were read. It returns the
// window updates that are due, at half a window. c.mu is held.
func (s *Stream) giveBack(credit int) (onStream, onConn int) {
	c := s.c
	s.unacked += credit
	if s.unacked >= streamWindow/2 && !s.halfDone && !s.reset {
		onStream, s.unacked = s.unacked, 0
		s.recv += int64(onStream)
	}
	return onStream, c.creditConn(credit)
}

// Gone reports whether the client has given the stream up.
func (s *Stream) Gone() bool {
	s.c.mu.Lock()
	defer s.c.mu.Unlock()
	return s.reset
}

// SetReadDeadline bounds the present and later Reads; a zero time waits without bound.
func (s *Stream) SetReadDeadline(t time.Time) {
	s.c.mu.Lock()
	s.rdl = t
	s.c.mu.Unlock()
	poke(s.readable)
}

// Write takes the next bytes of the answer. It gives up when the client takes
// nothing for idle (> 0): os.ErrDeadlineExceeded.
func (s *Stream) Write(p []byte, idle time.Duration) (int, error) {
	s.wd = idle
	if err := s.ans.feed(p, s); err != nil {
		return 0, err
	}
	if err := s.c.flush(); err != nil { // a head without a body yet
		return 0, err
	}
	return len(p), nil
}

// headers implements frames.
func (s *Stream) headers(status int, fields []http1.Field, end bool) error {
	c := s.c
	c.wmu.Lock()
	defer c.wmu.Unlock()
	if s.Gone() {
		return ErrReset
	}
	c.w.idle = s.wd
	c.w.headers(s.id, status, fields, end)
	if end {
		s.ended()
	} else if status >= 200 {
		return nil // the body follows at once, or data flushes it
	}
	return c.w.flush()
}

// data implements frames. Bytes leave as the windows allow.
func (s *Stream) data(p []byte, end bool) error {
	c := s.c
	for {
		n, err := s.maySend(len(p))
		if err != nil {
			return err
		}
		if err := s.sendData(p[:n], end && n == len(p)); err != nil {
			return err
		}
		if p = p[n:]; len(p) == 0 {
			return nil
		}
		c.earn(gainFrame)
	}
}

// sendData sends p, at most maxSend bytes that the windows allow.
func (s *Stream) sendData(p []byte, end bool) error {
	c := s.c
	c.wmu.Lock()
	defer c.wmu.Unlock()
	if s.Gone() {
		return ErrReset
	}
	c.w.idle = s.wd
	for len(p) > maxFrame {
		c.w.data(s.id, p[:maxFrame], false)
		p = p[maxFrame:]
	}
	c.w.data(s.id, p, end)
	if end {
		s.ended()
	}
	return c.w.flush()
}

// maySend waits for room in both windows and takes up to n bytes of it.
func (s *Stream) maySend(n int) (int, error) {
	if n == 0 {
		return 0, nil
	}
	c := s.c
	var timer *time.Timer
	var since time.Time
	for {
		c.mu.Lock()
		if s.reset {
			c.mu.Unlock()
			return 0, ErrReset
		}
		if room := min(s.window, c.sendWindow); room > 0 {
			m := int(min(room, int64(n), maxSend))
			s.window -= int64(m)
			c.sendWindow -= int64(m)
			c.mu.Unlock()
			if timer != nil && c.cfg.Slow != nil && c.cfg.Slow(&s.pace, time.Since(since), m) {
				return 0, os.ErrDeadlineExceeded
			}
			return m, nil
		}
		c.mu.Unlock()
		// What is ready must not wait with us: the client may wait for it.
		if err := c.flush(); err != nil {
			return 0, err
		}
		if timer == nil {
			timer, since = time.NewTimer(s.wd), time.Now()
			defer timer.Stop()
		}
		select {
		case <-s.writable:
		case <-timer.C:
			return 0, os.ErrDeadlineExceeded
		}
	}
}

// settle takes the stream out of the count of open ones when both sides are done
// with it. c.mu is held.
func (s *Stream) settle() {
	if !s.closed && (s.reset || s.answered && s.halfDone) {
		s.closed = true
		s.c.live--
	}
}

// ended notes that END_STREAM is among the frames to be written.
func (s *Stream) ended() {
	s.c.mu.Lock()
	s.answered = true
	s.c.budget.earn(gainRequest)
	s.settle()
	s.c.mu.Unlock()
	poke(s.readable)
}

// Close ends the stream. An answer that is complete stays so; otherwise the
// client learns that it is not.
func (s *Stream) Close() error {
	complete, err := s.ans.close(s)
	if err != nil || !complete {
		s.Abort()
		return err
	}
	s.c.mu.Lock()
	early := !s.halfDone && !s.reset
	s.c.mu.Unlock()
	if early { // RFC 9113 section 8.1: the rest of the request is not needed
		s.c.resetStream(s, http2.ErrCodeNo)
	}
	return nil
}

// Abort resets the stream, so that the client cannot take what it got for complete.
func (s *Stream) Abort() { s.c.resetStream(s, http2.ErrCodeInternal) }

// Cancel resets the stream because the request was given up behind us: gRPC makes
// another status of it than of Abort.
func (s *Stream) Cancel() { s.c.resetStream(s, http2.ErrCodeCancel) }
