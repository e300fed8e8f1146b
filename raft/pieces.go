package raft

import (
	"io"
	"time"
)

const (
	// pieceSize is how much of a large file, in bytes, goes to the disk at once: the log
	// shares the disk, and every write of the cluster waits for the log.
	pieceSize = 1 << 20
	// paceShare is what of one core and of the disk a large file may take while it is
	// written, as a divisor.
	paceShare = 4
	// longestPause bounds the pause after a piece where the disk is slow, so that the
	// tens of pieces of a large cluster take a minute at most.
	longestPause = time.Second
)

// pieces writes to w and waits until the disk has it. Give it pieceSize at a time.
type pieces struct {
	w    io.Writer
	sync func() error
	// rest, where set, is called after each piece with how long it is to last.
	rest  func(time.Duration)
	began time.Time // when the piece was begun; zero: with the call
}

func (p *pieces) Write(b []byte) (int, error) {
	if p.began.IsZero() {
		p.began = time.Now()
	}
	n, err := p.w.Write(b)
	if err == nil {
		err = p.sync()
	}
	if err == nil && p.rest != nil {
		p.rest(min((paceShare-1)*time.Since(p.began), longestPause))
	}
	p.began = time.Now()
	return n, err
}
