package h2

import (
	"golang.org/x/net/http2"

	"lbd/dataplane/http1"
)

// headers takes a header block: HEADERS and its CONTINUATIONs.
func (c *Conn) headers(f *http2.HeadersFrame) error {
	id := f.StreamID
	if id%2 == 0 {
		return http2.ConnectionError(http2.ErrCodeProtocol)
	}
	ended, selfish := f.StreamEnded(), f.HasPriority() && f.Priority.StreamDep == id
	defer c.list.release()
	if err := c.block(f); err != nil { // whatever becomes of it: the table must stay in step
		return err
	}
	c.mu.Lock()
	isNew := id > c.newest
	s := c.streams[id]
	over := c.over
	busy := c.live >= maxStreams || len(c.streams) >= 2*maxStreams
	if isNew && !over {
		c.newest = id
	}
	c.mu.Unlock()
	switch {
	case s != nil && !isNew:
		return c.trailers(s, ended)
	case !isNew: // closed, by whomever (RFC 9113 section 5.1)
		return http2.ConnectionError(http2.ErrCodeStreamClosed)
	case over:
		return nil // it knows from GOAWAY that nobody serves it
	case selfish:
		return streamErr(id, http2.ErrCodeProtocol)
	case busy:
		c.cfg.Counters.Refused.Add(1)
		return streamErr(id, http2.ErrCodeRefusedStream)
	}
	if c.list.over {
		return c.tooLarge(id, ended)
	}
	r, err := c.list.translate(ended)
	if err != nil {
		return streamErr(id, http2.ErrCodeProtocol)
	}
	c.open(id, r, ended)
	return nil
}

// block decodes a header block into c.list. An error ends the connection. One that
// comes in several frames is put together first: what the decoder keeps of a part it
// keeps for as long as the connection lasts.
func (c *Conn) block(f *http2.HeadersFrame) error {
	c.list.reset()
	frag, done := f.HeaderBlockFragment(), f.HeadersEnded()
	var whole []byte
	for n := 0; !done; n++ {
		if n == maxContinuations || len(whole)+len(frag) > 2*c.cfg.Limits.Head {
			return http2.ConnectionError(http2.ErrCodeEnhanceYourCalm)
		}
		whole = append(whole, frag...)
		next, err := c.fr.ReadFrame()
		if err != nil {
			return err
		}
		cont, ok := next.(*http2.ContinuationFrame)
		if !ok { // the framer has checked it
			return http2.ConnectionError(http2.ErrCodeProtocol)
		}
		frag, done = cont.HeaderBlockFragment(), cont.HeadersEnded()
	}
	if whole != nil {
		frag = append(whole, frag...)
	}
	if _, err := c.dec.Write(frag); err != nil {
		return http2.ConnectionError(http2.ErrCodeCompression)
	}
	if err := c.dec.Close(); err != nil {
		return http2.ConnectionError(http2.ErrCodeCompression)
	}
	if whole == nil {
		return nil
	}
	if c.list.size > 4*c.cfg.Limits.Head {
		return http2.ConnectionError(http2.ErrCodeEnhanceYourCalm)
	}
	// The decoder points to what it was given last: to anything but that.
	c.dec.SetEmitEnabled(false)
	defer c.dec.SetEmitEnabled(true)
	if _, err := c.dec.Write([]byte{indexedMethod}); err != nil {
		return http2.ConnectionError(http2.ErrCodeInternal)
	}
	return c.dec.Close()
}

// indexedMethod is a whole field of the static table, ":method: GET" (RFC 7541 appendix A).
const indexedMethod = 0x82

// tooLarge answers a request whose fields pass the limits, as HTTP/1.1 would be.
func (c *Conn) tooLarge(id uint32, ended bool) error {
	err := c.control(func(w *writer) {
		w.headers(id, http1.StatusHeadTooLarge, nil, true)
		if !ended {
			w.reset(id, http2.ErrCodeNo)
		}
	})
	if err != nil {
		return err
	}
	return c.spend(priceReset)
}

// trailers takes the field section that ends a request.
func (c *Conn) trailers(s *Stream, ended bool) error {
	c.mu.Lock()
	half, late := s.halfDone, s.reset && !s.quit
	closed := s.closed
	c.mu.Unlock()
	switch {
	case late:
		return c.spend(priceControl)
	case closed: // RFC 9113 section 5.1
		return http2.ConnectionError(http2.ErrCodeStreamClosed)
	case half:
		return streamErr(s.id, http2.ErrCodeStreamClosed)
	case !ended:
		return streamErr(s.id, http2.ErrCodeProtocol)
	}
	end, err := c.list.trailers()
	if err != nil {
		return streamErr(s.id, http2.ErrCodeProtocol)
	}
	return c.endRequest(s, end)
}

// endRequest notes that all of the request is there. end is the last chunk with
// trailers, used where the body is chunked.
func (c *Conn) endRequest(s *Stream, end []byte) error {
	if s.asked.body == lengthBody && s.left > 0 {
		return streamErr(s.id, http2.ErrCodeProtocol)
	}
	c.mu.Lock()
	s.halfDone = true
	s.settle()
	if s.asked.body == chunkedBody {
		s.push(end, 0)
	}
	c.mu.Unlock()
	poke(s.readable)
	return nil
}

// data takes a piece of a request's body.
func (c *Conn) data(f *http2.DataFrame) error {
	s, err := c.known(f.StreamID)
	if err != nil {
		return err
	}
	p, whole := f.Data(), int(f.Length)
	if len(p) < smallData && !f.StreamEnded() {
		if err := c.spend(priceControl); err != nil {
			return err
		}
	}
	c.mu.Lock()
	if c.recv -= int64(whole); c.recv < 0 {
		c.mu.Unlock()
		return http2.ConnectionError(http2.ErrCodeFlowControl)
	}
	if s == nil || s.reset || s.halfDone { // nobody reads it
		due := c.creditConn(whole)
		late := s != nil && s.reset && !s.quit // it was on its way when we reset the stream
		c.mu.Unlock()
		c.sendUpdates(0, 0, due)
		if !late {
			return streamErr(f.StreamID, http2.ErrCodeStreamClosed)
		}
		return c.spend(priceControl)
	}
	if s.recv -= int64(whole); s.recv < 0 {
		c.mu.Unlock()
		return streamErr(f.StreamID, http2.ErrCodeFlowControl)
	}
	if s.asked.body == lengthBody {
		if s.left -= int64(len(p)); s.left < 0 {
			due := c.creditConn(whole)
			c.mu.Unlock()
			c.sendUpdates(0, 0, due)
			return streamErr(f.StreamID, http2.ErrCodeProtocol)
		}
	}
	if len(p) > 0 {
		s.pushData(p, whole)
		whole = 0
	}
	onStream, onConn := s.giveBack(whole) // padding alone
	c.mu.Unlock()
	c.sendUpdates(s.id, onStream, onConn)
	if f.StreamEnded() {
		return c.endRequest(s, lastChunk)
	}
	poke(s.readable)
	return nil
}

var lastChunk = []byte("0\r\n\r\n")

// push puts bytes behind what is to be read. c.mu is held, or s is new.
func (s *Stream) push(b []byte, credit int) {
	s.in = append(s.in, piece{bytes: b, credit: credit})
}

// pushData puts a piece of the body behind what is to be read, in its HTTP/1.1
// form. Small ones share memory. c.mu is held.
func (s *Stream) pushData(p []byte, credit int) {
	if n := len(s.in); n > 0 && s.in[n-1].credit > 0 && len(s.in[n-1].bytes)+len(p)+16 <= maxFrame {
		last := &s.in[n-1]
		last.bytes = s.frame(last.bytes, p)
		last.credit += credit
		return
	}
	s.push(s.frame(nil, p), credit)
}

func (s *Stream) frame(dst, p []byte) []byte {
	if s.asked.body == chunkedBody {
		return http1.AppendData(dst, p)
	}
	return append(dst, p...)
}
