package netio

import (
	"errors"
	"sync"

	"golang.org/x/sys/unix"
)

// ErrNoPipe is returned by SpliceTo when the bound on pipes, or the process's
// limit on descriptors, is reached. Nothing has moved; copy instead.
var ErrNoPipe = errors.New("no pipe to splice through")

// Buf is a pooled byte buffer with a read and a write position:
// Mem[R:W] is what has been read from the wire and not consumed yet.
type Buf struct {
	Mem  []byte
	R, W int
}

// Pools lends buffers and pipes. One per engine. The zero value is not usable;
// NewPools makes one.
type Pools struct {
	small, large sync.Pool

	maxPipes int // lent and idle together

	mu     sync.Mutex
	pipes  []*pipe // guarded by mu; idle, at most maxIdlePipes
	lent   int     // guarded by mu; at most maxPipes with the idle ones
	closed bool    // guarded by mu
}

// NewPools returns empty pools that never hold more than maxPipes pipes, two
// descriptors each. Beyond that, or with 0, bulk is copied through buffers.
func NewPools(maxPipes int) *Pools {
	return &Pools{
		maxPipes: maxPipes,
		small:    sync.Pool{New: func() any { return &Buf{Mem: make([]byte, SmallSize)} }},
		large:    sync.Pool{New: func() any { return &Buf{Mem: make([]byte, LargeSize)} }},
	}
}

// Small lends an empty buffer of SmallSize.
func (p *Pools) Small() *Buf { return p.small.Get().(*Buf) }

// Large lends an empty buffer of LargeSize.
func (p *Pools) Large() *Buf { return p.large.Get().(*Buf) }

// Return takes a buffer back; nil is allowed.
func (p *Pools) Return(b *Buf) {
	if b == nil {
		return
	}
	b.R, b.W = 0, 0
	if len(b.Mem) == LargeSize {
		p.large.Put(b)
		return
	}
	if len(b.Mem) == SmallSize {
		p.small.Put(b)
	}
}

// Close frees the idle pipes. Pipes that are lent out are closed when they come back.
func (p *Pools) Close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = true
	for _, pp := range p.pipes {
		pp.close()
	}
	p.pipes = nil
}

// pipe is a kernel pipe used as the buffer of a splice.
type pipe struct{ r, w int }

func (pp *pipe) close() {
	unix.Close(pp.r)
	unix.Close(pp.w)
}

func (p *Pools) getPipe() (*pipe, error) {
	p.mu.Lock()
	if n := len(p.pipes); n > 0 {
		pp := p.pipes[n-1]
		p.pipes = p.pipes[:n-1]
		p.lent++
		p.mu.Unlock()
		return pp, nil
	}
	if p.lent >= p.maxPipes {
		p.mu.Unlock()
		return nil, ErrNoPipe
	}
	p.lent++
	p.mu.Unlock()
	var fds [2]int
	if err := unix.Pipe2(fds[:], unix.O_CLOEXEC|unix.O_NONBLOCK); err != nil {
		p.mu.Lock()
		p.lent--
		p.mu.Unlock()
		return nil, ErrNoPipe
	}
	// Best effort: the default size works too.
	_, _ = unix.FcntlInt(uintptr(fds[1]), unix.F_SETPIPE_SZ, pipeSize)
	return &pipe{r: fds[0], w: fds[1]}, nil
}

// putPipe takes a pipe back; one that is not empty is closed instead of kept.
func (p *Pools) putPipe(pp *pipe, empty bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.lent--
	if !empty || p.closed || len(p.pipes) >= maxIdlePipes {
		pp.close()
		return
	}
	p.pipes = append(p.pipes, pp)
}
