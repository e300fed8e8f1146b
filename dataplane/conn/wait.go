package conn

import (
	"io"
	"runtime"
	"time"

	"lbd/dataplane/netio"
	"lbd/dataplane/semantics"
)

// wait is one wait for the member: since when nothing came, and since when the
// client has finished sending. Both zero until the first poll has passed, so that
// the usual short wait reads no clock.
type wait struct{ since, fin time.Time }

// await reads more of the answer into the server's buffer. It looks after the
// client, the upload and the member's timeout meanwhile.
func (x *exchange) await() error {
	// What we have just written is on its way: the others' turn. When ours comes
	// again the answer is often there, which saves a read in vain and a wait in the
	// poller (measured: 5 % of a small request, with many connections per core).
	runtime.Gosched()
	var w wait
	for {
		x.server.ArmRead(x.poll)
		_, err := x.server.Fill()
		if err == nil {
			x.heard = true
			return nil
		}
		if !netio.IsTimeout(err) {
			return err
		}
		if err := x.waited(&w); err != nil {
			return err
		}
	}
}

// splice moves up to n bytes of the answer's body to the client, one turn.
func (x *exchange) splice(n int64) (int64, error) {
	var w wait
	for {
		x.server.ArmRead(x.poll)
		moved, side, err := x.server.SpliceTo(x.c.conn, min(n, spliceTurn), x.lis.ClientData)
		x.c.sent(moved)
		switch {
		case err == nil:
			return moved, nil
		case side == netio.Destination:
			return moved, x.c.lost(err)
		case !netio.IsTimeout(err):
			return moved, err
		}
		if err := x.waited(&w); err != nil {
			return moved, err
		}
	}
}

// waited is called after each poll that brought nothing.
func (x *exchange) waited(w *wait) error {
	now := time.Now()
	if w.since.IsZero() {
		w.since = now.Add(-x.poll)
	}
	if u := x.upload; u != nil {
		select {
		case <-u.done:
			if u.err != nil && u.err != semantics.ErrMemberWrite {
				return u.err
			}
		default:
			if u.phase.Load() == uploadReading {
				// The request is not complete: the client's timeout counts, not the member's.
				w.since = now
			}
			return x.late(w, now)
		}
	}
	switch x.c.conn.Peek() {
	case netio.PeerGone:
		return semantics.ErrClientGone
	case netio.PeerFinished:
		if w.fin.IsZero() {
			w.fin = now
		}
		if now.Sub(w.fin) >= semantics.FinGrace {
			return semantics.ErrClientGone
		}
	}
	return x.late(w, now)
}

func (x *exchange) late(w *wait, now time.Time) error {
	if now.Sub(w.since) >= x.lis.MemberData {
		return semantics.ErrMemberTimeout
	}
	return nil
}

// ended turns what await returns at the end of the member's stream into what it
// means while an answer is incomplete.
func ended(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}
