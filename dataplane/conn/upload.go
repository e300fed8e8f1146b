package conn

import (
	"sync/atomic"
	"time"

	"lbd/dataplane/http1"
	"lbd/dataplane/netio"
	"lbd/dataplane/semantics"
)

// upload is the goroutine that sends the rest of a request body while the
// exchange reads the answer. It owns the client's reading half and the server's
// writing half until done is closed.
type upload struct {
	phase     atomic.Int32 // uploadReading, uploadWriting, uploadLast
	cancelled atomic.Bool
	done      chan struct{}
	pace      semantics.Pace // of a body of known length; the upload's own
	err       error          // how it ended; valid after done
	panicked  any            // raised again in the exchange's goroutine; valid after done
}

const (
	uploadReading int32 = iota // waits for the client
	uploadWriting              // waits for the member
	uploadLast                 // writes the last piece: an answer now is no early one
)

// startUpload sends the rest of the request body.
func (x *exchange) startUpload() {
	u := &upload{done: make(chan struct{})}
	x.upload = u
	go func() {
		defer close(u.done)
		defer func() {
			if u.panicked = recover(); u.panicked != nil {
				u.err = semantics.ErrClientGone
				x.server.Wake()
			}
		}()
		u.err = x.runUpload(u)
		if u.err != nil && u.err != semantics.ErrMemberWrite && !u.cancelled.Load() {
			x.server.Wake() // nothing to wait for any more
		}
	}()
}

func (x *exchange) runUpload(u *upload) error {
	buf := x.c.p.pools.Small()
	defer x.c.p.pools.Return(buf)
	for !x.body.Done {
		u.phase.Store(uploadReading)
		if err := x.readBody(u); err != nil {
			return err
		}
		var err error
		if x.body.Framing == http1.Length {
			err = x.sendPlain(u)
		} else {
			err = x.sendChunks(u, buf.Mem[:0])
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// sendPlain sends what is buffered of a body of known length, from where it is.
func (x *exchange) sendPlain(u *upload) error {
	in := x.c.conn.Buffered()
	in = in[:min(int64(len(in)), x.body.Left)]
	x.body.Left -= int64(len(in))
	x.body.Done = x.body.Left == 0
	if err := x.sendUp(u, in); err != nil {
		return err
	}
	x.c.conn.Discard(len(in))
	return nil
}

// sendChunks sends what is buffered of a chunked body. What was well-formed
// before a fault may be lost: the member gets an incomplete body either way.
func (x *exchange) sendChunks(u *upload, out []byte) error {
	out, err := x.takeBody(out, cap(out))
	if err != nil || len(out) == 0 {
		return err
	}
	return x.sendUp(u, out)
}

func (x *exchange) sendUp(u *upload, p []byte) error {
	if x.body.Done {
		u.phase.Store(uploadLast)
	} else {
		u.phase.Store(uploadWriting)
	}
	if _, err := x.server.Write(p, x.lis.MemberData); err != nil {
		return semantics.ErrMemberWrite
	}
	return nil
}

// readBody makes sure that there are bytes of the body to work on.
func (x *exchange) readBody(u *upload) error {
	c := x.c
	if len(c.conn.Buffered()) > 0 {
		return nil
	}
	c.conn.ArmRead(x.lis.ClientData)
	if u.cancelled.Load() { // after the deadline is set: see stopUpload
		return semantics.ErrClientGone
	}
	since := time.Now()
	n, err := c.conn.Fill()
	c.received(int64(n))
	switch {
	case err == nil && x.body.Framing == http1.Length && u.pace.Slow(time.Since(since), n, x.lis.ClientData, &c.p.limits):
		return semantics.ErrClientTimeout
	case err == nil:
		return nil
	case netio.IsTimeout(err):
		return semantics.ErrClientTimeout
	default:
		return semantics.ErrClientGone
	}
}

// stopUpload ends the upload, if there is one, and reports whether the request
// had been sent wholly. If not, the server connection is closed by it.
func (x *exchange) stopUpload() (complete bool) {
	u := x.upload
	if u == nil {
		return x.body.Done
	}
	select {
	case <-u.done:
	default:
		u.cancelled.Store(true)
		x.server.Close() // ends a write
		x.c.conn.Wake()  // ends a read; a deadline set later is seen by the check behind it
		<-u.done
	}
	x.upload = nil
	if u.panicked != nil {
		panic(u.panicked)
	}
	return u.err == nil
}
