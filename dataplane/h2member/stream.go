package h2member

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/textproto"
	"strings"
	"sync"
	"time"

	"golang.org/x/net/http2"

	"lbd/dataplane/http1"
	"lbd/dataplane/semantics"
)

// Stream is one request on a Line and its answer, as a connection that speaks
// HTTP/1.1. It implements netio.Stream.
type Stream struct {
	line   *Line
	req    request
	up     *pipe // the request's body
	down   *pipe // the answer
	ctx    context.Context
	cancel context.CancelFunc

	close   sync.Once
	begun   bool // of the writer: the line's reservation is used
	stopped sync.WaitGroup
}

func newStream(l *Line) *Stream {
	s := &Stream{line: l, up: newPipe(upSize), down: newPipe(downSize)}
	lim := http1.DefaultLimits()
	// A client's head within the limits grows by what the engine adds to it.
	lim.Head, lim.Fields = 2*lim.Head, 2*lim.Fields
	s.req = request{lim: lim, up: s.up, begin: s.begin}
	s.ctx, s.cancel = context.WithCancel(context.Background()) // ended by Close
	return s
}

// Write takes the next bytes of the request. It gives up when the member takes
// nothing for idle: os.ErrDeadlineExceeded.
func (s *Stream) Write(p []byte, idle time.Duration) (int, error) { return s.req.feed(p, idle) }

// Read gives the answer; io.EOF behind its end, semantics.ErrMemberRefused where the
// member says that it has not looked at the request, and semantics.ErrMemberCanceled
// where it has given it up.
func (s *Stream) Read(p []byte) (int, error) { return s.down.Read(p) }

// SetReadDeadline bounds the present and later Reads.
func (s *Stream) SetReadDeadline(t time.Time) { s.down.setReadDeadline(t) }

// Gone implements netio.Stream: only Read tells.
func (s *Stream) Gone() bool { return false }

// Close ends the stream: the member is told to stop unless all has passed.
func (s *Stream) Close() error {
	s.close.Do(func() {
		if !s.begun {
			s.line.cc.Release()
			s.line.free()
		}
		s.up.close(io.ErrUnexpectedEOF) // does nothing behind a complete request
		if s.down.ended() {
			s.stopped.Wait() // at its end already
		}
		s.cancel()
		s.down.shutdown()
	})
	return nil
}

// Abort implements netio.Stream.
func (s *Stream) Abort() { _ = s.Close() }

// Cancel implements netio.Stream.
func (s *Stream) Cancel() { _ = s.Close() }

// begin sends the head.
func (s *Stream) begin(r *http.Request) {
	s.begun = true
	ctx := httptrace.WithClientTrace(s.ctx, &httptrace.ClientTrace{Got1xxResponse: s.interim})
	r = r.WithContext(ctx)
	s.stopped.Add(1)
	go func() { // ends with the answer, or when Close cancels
		defer s.stopped.Done()
		defer s.line.free()
		if err := s.run(r); err != nil {
			s.down.close(err)
		}
	}()
}

// interim passes an interim answer on. It is called by who reads the line for all of
// its streams, and so does not wait: who sends more of them than are taken is at fault.
func (s *Stream) interim(status int, fields textproto.MIMEHeader) error {
	if status == http.StatusSwitchingProtocols { // RFC 9113 section 8.6
		return semantics.ErrMemberAnswer
	}
	if connectionSpecific(http.Header(fields)) || !s.down.offer(appendInterim(nil, status, fields)) {
		return semantics.ErrMemberAnswer
	}
	return nil
}

var pieces = sync.Pool{New: func() any { return new([copySize]byte) }}

// run brings the answer. The error is what the reader gets behind it.
func (s *Stream) run(r *http.Request) error {
	resp, err := s.line.cc.RoundTrip(r)
	if err != nil {
		return reason(err)
	}
	defer resp.Body.Close()
	if !wellFormed(resp) {
		return semantics.ErrMemberAnswer
	}
	out, how := appendHead(make([]byte, 0, 512), resp, r.Method)
	left := resp.ContentLength
	buf := pieces.Get().(*[copySize]byte)
	defer pieces.Put(buf)
	for {
		if len(out) > 0 && how == chunked { // nobody knows when more comes
			if _, err := s.down.Write(out, 0); err != nil {
				return err
			}
			out = out[:0]
		}
		n, err := resp.Body.Read(buf[:])
		if left -= int64(n); n > 0 && how == bare {
			return semantics.ErrMemberAnswer
		}
		if n > 0 && how == chunked {
			out = http1.AppendData(out, buf[:n])
		} else {
			out = append(out, buf[:n]...)
		}
		if err == io.EOF {
			if how == chunked {
				out = appendTrailer(out, resp.Trailer)
			}
			_, err := s.down.write(out, 0, io.EOF)
			return err
		}
		if err != nil {
			return reason(err)
		}
		if how == length && left > 0 { // the last piece waits for the end
			if _, err := s.down.Write(out, 0); err != nil {
				return err
			}
			out = out[:0]
		}
	}
}

// reason is what an error of http2 means to an exchange.
func reason(err error) error {
	var se http2.StreamError
	switch {
	case errors.As(err, &se) && se.Code == http2.ErrCodeRefusedStream: // RFC 9113 section 8.7
		return semantics.ErrMemberRefused
	case errors.As(err, &se) && se.Code == http2.ErrCodeCancel: // RFC 9113 section 7
		return semantics.ErrMemberCanceled
	case errors.As(err, &se) && se.Code == http2.ErrCodeProtocol: // mostly found here, in what it sent
		return semantics.ErrMemberAnswer
	case strings.Contains(err.Error(), gracefulEnd), strings.Contains(err.Error(), notUsable):
		return semantics.ErrMemberRefused
	}
	return io.ErrUnexpectedEOF
}

// Parts of the errors of a stream that a GOAWAY says was not looked at, and of one
// that was never sent; http2 does not export them.
const (
	gracefulEnd = "Transport received Server's graceful shutdown GOAWAY"
	notUsable   = "client conn not usable"
)
