package conn

import (
	"io"
	"time"

	"lbd/dataplane/http1"
	"lbd/dataplane/l4"
	"lbd/dataplane/netio"
	"lbd/dataplane/semantics"
)

// answerHead waits for the final head of the answer, sending 1xx on. The head
// stays in the server's buffer (x.headLen bytes): x.resp points into it.
func (x *exchange) answerHead() error {
	informational := 0
	for {
		n, err := x.parseAnswer()
		if err != nil {
			return semantics.ErrMemberAnswer
		}
		if n == 0 {
			if x.server.Full() && !x.server.Grow() {
				return semantics.ErrMemberAnswer
			}
			if err := x.await(); err != nil {
				if !x.heard && !isFault(err) {
					return semantics.ErrMemberClosed
				}
				return err
			}
			continue
		}
		x.headLen = n
		if !x.response.Informational() {
			return nil
		}
		if informational++; informational > semantics.MaxInformational {
			return semantics.ErrMemberAnswer
		}
		if x.asked.Minor > 0 { // HTTP/1.0 knows none
			x.appendAnswer(true)
			if err := x.flush(); err != nil {
				return err
			}
		}
		x.server.Discard(n)
		x.response.Reset()
	}
}

// isFault reports whether err is a verdict of ours rather than what the socket said.
func isFault(err error) bool {
	switch err {
	case semantics.ErrClientGone, semantics.ErrClientTimeout, semantics.ErrClientFraming, semantics.ErrMemberTimeout, semantics.ErrMemberAnswer, semantics.ErrMemberRefused,
		semantics.ErrMemberCanceled:
		return true
	}
	return false
}

// relay sends the answer on, whose head has been read. It reports whether the
// client's connection can carry another request.
func (x *exchange) relay() (keep bool) {
	if x.response.Upgraded {
		return x.tunnel()
	}
	keep = x.requestSent() && x.asked.Keep && !x.c.draining.Load()
	keep = x.appendAnswer(keep)
	x.server.Discard(x.headLen)
	x.c.shard.Requests.Add(1)
	x.counted = true
	before := x.c.out.Load()
	if err := x.relayBody(); err != nil {
		if err == semantics.ErrClientGone {
			return x.abort()
		}
		if x.c.out.Load() == before { // nothing was sent on yet
			return x.broken(err)
		}
		x.cutBy(err)
		return x.cutShort(err)
	}
	if x.upload != nil { // ending it may take a moment that the client need not wait
		if x.flush() != nil {
			return x.abort()
		}
	}
	complete := x.stopUpload()
	// Bytes behind the answer were not asked for: they go with the connection.
	if complete && x.response.KeepAlive && !x.pool.Private() && len(x.server.Buffered()) == 0 {
		x.keepServer()
	} else {
		x.dropServer()
	}
	// The last piece leaves when the member is free again: the next request, which
	// the client may send from any connection once it has this answer, finds it so.
	if x.flush() != nil {
		return x.abort()
	}
	x.clock()
	if !keep {
		x.c.finish(complete)
	}
	return keep && complete
}

// clock counts the time of an answer, all of which is with the client.
func (x *exchange) clock() {
	took := time.Since(x.start)
	x.c.shard.Latency.Add(took)
	x.policy.Answered(took)
}

// requestSent reports whether the whole request went to the member. An upload
// that is writing its last piece gets a moment: the member may have answered
// before our write has returned.
func (x *exchange) requestSent() bool {
	u := x.upload
	if u == nil {
		return x.body.Done
	}
	select {
	case <-u.done:
		return u.err == nil
	default:
	}
	if u.phase.Load() != uploadLast {
		return false
	}
	t := time.NewTimer(lastPieceWait)
	defer t.Stop()
	select {
	case <-u.done:
		return u.err == nil
	case <-t.C:
		return false
	}
}

// flush writes what is ready for the client.
func (x *exchange) flush() error {
	if len(x.ans) == 0 {
		return nil
	}
	err := x.c.write(x.ans, x.lis.ClientData)
	x.ans = x.ans[:0]
	return err
}

// relayBody sends the body of the answer behind the head in x.ans and leaves the
// last piece there. Small answers so leave in one write.
func (x *exchange) relayBody() error {
	x.chunks.Reset() // no trailers of the answer before
	switch x.response.Framing {
	case http1.Length:
		return x.relayLength(x.response.Length)
	case http1.Chunks:
		return x.relayChunked()
	case http1.UntilClose:
		return x.relayUntilClose()
	default:
		return nil
	}
}

func (x *exchange) relayLength(left int64) error {
	for left > 0 {
		if b := x.server.Buffered(); len(b) > 0 {
			b = b[:min(int64(len(b)), left)]
			if err := x.put(b); err != nil {
				return err
			}
			x.server.Discard(len(b))
			left -= int64(len(b))
			continue
		}
		if err := x.flush(); err != nil { // the client waits for nothing we have
			return err
		}
		if left >= spliceFrom {
			n, err := x.splice(left)
			left -= n
			if err == nil {
				continue
			}
			if err != netio.ErrNoPipe {
				return ended(err)
			}
		}
		if err := x.await(); err != nil {
			return ended(err)
		}
	}
	return nil
}

// put sends b on, behind what is ready: in the same write where it fits, from
// where it is when it is large.
func (x *exchange) put(b []byte) error {
	if len(x.ans)+len(b) <= cap(x.ans) && (len(x.ans) > 0 || len(b) < directFrom) {
		x.ans = append(x.ans, b...)
		return nil
	}
	if err := x.flush(); err != nil {
		return err
	}
	return x.c.write(b, x.lis.ClientData)
}

func (x *exchange) relayUntilClose() error {
	for {
		if b := x.server.Buffered(); len(b) > 0 {
			if err := x.putPiece(b); err != nil {
				return err
			}
			x.server.Discard(len(b))
		}
		if err := x.flush(); err != nil {
			return err
		}
		switch err := x.await(); err {
		case nil:
		case io.EOF: // the only end there is
			x.putEnd()
			return nil
		default:
			return err
		}
	}
}

// putPiece sends a piece of a body without known length, as a chunk where the
// client can read those.
func (x *exchange) putPiece(b []byte) error {
	if x.toClient != http1.Chunks {
		return x.put(b)
	}
	x.ans = http1.AppendChunk(x.ans, len(b))
	if err := x.put(b); err != nil {
		return err
	}
	x.ans = append(x.ans, "\r\n"...)
	return nil
}

// putEnd ends a body without known length.
func (x *exchange) putEnd() {
	if x.toClient == http1.Chunks {
		x.ans = http1.AppendEnd(x.ans, x.chunks.Trailer())
	}
}

func (x *exchange) relayChunked() error {
	for {
		in := x.server.Buffered()
		if len(in) == 0 {
			if err := x.flush(); err != nil {
				return err
			}
			if err := x.await(); err != nil {
				return ended(err)
			}
			continue
		}
		n, data, done, err := x.chunks.NextAnswer(in, &x.c.p.lim)
		if err != nil {
			return semantics.ErrMemberAnswer
		}
		if len(data) > 0 {
			if err := x.putPiece(data); err != nil {
				return err
			}
		}
		x.server.Discard(n)
		if done {
			x.putEnd()
			return nil
		}
	}
}

// tunnel answers 101 and then relays bytes, each side at its own pace, until both
// have ended.
func (x *exchange) tunnel() (keep bool) {
	x.appendAnswer(true)
	x.server.Discard(x.headLen)
	x.c.shard.Requests.Add(1)
	if err := x.flush(); err != nil {
		return x.abort()
	}
	r := l4.Relay{
		Client: x.c.conn, Server: x.server,
		ClientIdle: x.lis.ClientData, ServerIdle: x.lis.MemberData,
		In: &x.c.shard.BytesIn, Out: &x.c.shard.BytesOut,
	}
	err := r.Run() // both ends know how it ended
	x.c.in.Add(r.FromClient)
	x.c.out.Add(r.ToClient)
	if err != nil {
		x.because(l4.Reason(err))
	}
	x.dropServer()
	return false
}
