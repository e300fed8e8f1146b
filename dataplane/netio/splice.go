package netio

import (
	"io"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// SpliceTo waits for bytes from c and moves up to max of them to dst inside the
// kernel, one turn: what one splice call yields, so that fairness and timeouts
// stay with the caller. It returns the bytes that reached dst's socket. At the
// end of c's stream it returns io.EOF, on c's read deadline os.ErrDeadlineExceeded
// with nothing lost. c must have nothing buffered.
//
// A pipe (two descriptors) is held only between the two halves of one turn.
// from tells which side err belongs to.
func (c *Conn) SpliceTo(dst *Conn, max int64, idle time.Duration) (moved int64, from Side, err error) {
	if c.sec != nil || dst.sec != nil || dst.stream != nil {
		return 0, Source, ErrNoPipe // the kernel has no keys, and no streams
	}
	var (
		pp  *pipe
		got int
		in  error
	)
	err = c.raw.Read(func(fd uintptr) bool {
		var perr error
		if pp, perr = c.pools.getPipe(); perr != nil {
			in = perr
			return true
		}
		for {
			var n int64
			n, in = unix.Splice(int(fd), nil, pp.w, nil, int(min(max, pipeSize)), unix.SPLICE_F_NONBLOCK|unix.SPLICE_F_MOVE)
			if in != syscall.EINTR {
				got = int(n)
				break
			}
		}
		if in == syscall.EAGAIN {
			c.pools.putPipe(pp, true)
			pp = nil
			return false
		}
		return true
	})
	if err == nil {
		err = in
	}
	if err == nil && got == 0 {
		err = io.EOF
	}
	if err != nil {
		if pp != nil {
			c.pools.putPipe(pp, true) // nothing went in
		}
		return 0, Source, unwrapOp(err)
	}
	left := got
	for left > 0 {
		dst.ArmWrite(idle)
		var out error
		before := left
		err = dst.raw.Write(func(fd uintptr) bool {
			for left > 0 {
				var n int64
				n, out = unix.Splice(pp.r, nil, int(fd), nil, left, unix.SPLICE_F_NONBLOCK|unix.SPLICE_F_MOVE)
				switch {
				case out == syscall.EINTR:
					out = nil
				case out == syscall.EAGAIN:
					out = nil
					return false
				case out != nil:
					return true
				case n == 0:
					out = io.ErrUnexpectedEOF
					return true
				default:
					left -= int(n)
				}
			}
			return true
		})
		if err == nil {
			err = out
		}
		if err == nil {
			continue
		}
		if IsTimeout(err) && left < before {
			dst.wdl = time.Time{} // it went on, slowly
			continue
		}
		c.pools.putPipe(pp, false) // bytes are stuck in it
		return int64(got - left), Destination, unwrapOp(err)
	}
	c.pools.putPipe(pp, true)
	return int64(got), Source, nil
}

// Side of a transfer.
type Side int

const (
	Source Side = iota
	Destination
)
