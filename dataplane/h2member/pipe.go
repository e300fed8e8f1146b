package h2member

import (
	"io"
	"os"
	"sync"
	"time"
)

// pipe is a bounded queue of bytes from one goroutine to another.
type pipe struct {
	max int

	mu   sync.Mutex
	buf  []byte    // guarded by mu
	from int       // guarded by mu; what of buf was read
	end  error     // guarded by mu; behind buf; nil: more may come
	shut bool      // guarded by mu; nobody reads any more
	rdl  time.Time // guarded by mu; of Read

	readable, writable chan struct{} // size 1
}

func newPipe(max int) *pipe {
	return &pipe{max: max, readable: make(chan struct{}, 1), writable: make(chan struct{}, 1)}
}

func poke(ch chan struct{}) {
	select {
	case ch <- struct{}{}:
	default:
	}
}

// await waits for ch, at most until deadline; a zero one is none.
func await(ch chan struct{}, deadline time.Time) error {
	if deadline.IsZero() {
		<-ch
		return nil
	}
	left := time.Until(deadline)
	if left <= 0 {
		return os.ErrDeadlineExceeded
	}
	t := time.NewTimer(left)
	defer t.Stop()
	select {
	case <-ch:
		return nil
	case <-t.C:
		return nil // the caller looks again
	}
}

// Read gives what is there, waiting until the read deadline, and then the end.
func (p *pipe) Read(b []byte) (int, error) {
	for {
		p.mu.Lock()
		if p.from < len(p.buf) {
			n := copy(b, p.buf[p.from:])
			if p.from += n; p.from == len(p.buf) {
				p.buf, p.from = p.buf[:0], 0
			}
			p.mu.Unlock()
			poke(p.writable)
			return n, nil
		}
		end, deadline := p.end, p.rdl
		if p.shut && end == nil {
			end = io.ErrClosedPipe
		}
		p.mu.Unlock()
		if end != nil {
			return 0, end
		}
		if err := await(p.readable, deadline); err != nil {
			return 0, err
		}
	}
}

// Write queues all of b. It gives up when nothing is taken for idle (0: never), with
// os.ErrDeadlineExceeded, and with io.ErrClosedPipe when nobody reads any more.
func (p *pipe) Write(b []byte, idle time.Duration) (n int, err error) {
	return p.write(b, idle, nil)
}

// write is Write, and with an end close in the same step: who reads the last byte
// finds the end behind it.
func (p *pipe) write(b []byte, idle time.Duration, end error) (n int, err error) {
	for {
		p.mu.Lock()
		if p.shut || p.end != nil {
			p.mu.Unlock()
			return n, io.ErrClosedPipe
		}
		if p.from > 0 && len(p.buf)+len(b)-n > p.max {
			p.buf = p.buf[:copy(p.buf, p.buf[p.from:])]
			p.from = 0
		}
		m := min(p.max-len(p.buf), len(b)-n)
		p.buf = append(p.buf, b[n:n+m]...)
		if n += m; n == len(b) {
			p.end = end
		}
		p.mu.Unlock()
		if m > 0 || n == len(b) {
			poke(p.readable)
		}
		if n == len(b) {
			return n, nil
		}
		if m > 0 {
			continue
		}
		var deadline time.Time
		if idle > 0 {
			deadline = time.Now().Add(idle)
		}
		if err := p.room(deadline); err != nil {
			return n, err
		}
	}
}

// offer queues all of b if there is room for it now.
func (p *pipe) offer(b []byte) bool {
	p.mu.Lock()
	ok := !p.shut && p.end == nil && len(p.buf)-p.from+len(b) <= p.max
	if ok {
		p.buf = append(p.buf, b...)
	}
	p.mu.Unlock()
	poke(p.readable)
	return ok
}

// room waits until something may be written, or nobody reads.
func (p *pipe) room(deadline time.Time) error {
	for {
		p.mu.Lock()
		ok := p.shut || p.end != nil || len(p.buf)-p.from < p.max
		p.mu.Unlock()
		if ok {
			return nil
		}
		if err := await(p.writable, deadline); err != nil {
			return err
		}
	}
}

// close ends what is written; err is read behind it. Only the first counts.
func (p *pipe) close(err error) {
	p.mu.Lock()
	if p.end == nil {
		p.end = err
	}
	p.mu.Unlock()
	poke(p.readable)
	poke(p.writable)
}

// shutdown ends reading: what is there is thrown away.
func (p *pipe) shutdown() {
	p.mu.Lock()
	p.shut = true
	p.buf, p.from = nil, 0
	p.mu.Unlock()
	poke(p.readable)
	poke(p.writable)
}

// ended reports whether all was written and read.
func (p *pipe) ended() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.end == io.EOF && p.from == len(p.buf)
}

func (p *pipe) setReadDeadline(t time.Time) {
	p.mu.Lock()
	p.rdl = t
	p.mu.Unlock()
	poke(p.readable)
}
