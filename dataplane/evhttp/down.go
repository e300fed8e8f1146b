package evhttp

import (
	"time"

	"lbd/dataplane/evtcp"
	"lbd/dataplane/http1"
	"lbd/dataplane/httpdate"
	"lbd/dataplane/live"
	"lbd/dataplane/loop"
	"lbd/dataplane/rewrite"
	"lbd/dataplane/semantics"
)

// stepDown goes on with the answer and reports whether more may follow.
func (c *client) stepDown(budget *int) bool {
	x := c.x
	in := &x.server.in
	if !in.empty() && x.started { // a piece that came behind the head
		return c.relayPiece()
	}
	if in.full() {
		return c.fail(semantics.ErrMemberAnswer)
	}
	sock := &x.server.sock
	if !sock.Readable {
		return false
	}
	if x.downBulk && x.started && in.empty() && x.response.Framing == http1.Length && x.left >= spliceRest {
		if p := c.s.l.LendPipe(); p != nil {
			return c.relayPipe(p, budget)
		}
	}
	size := loop.ScratchSize
	if x.slow { // what it does not take has to be kept
		size = slowRead
	}
	n, errno := in.fill(c.s.l, sock, c.s.l.Down, size)
	switch {
	case n > 0:
		*budget -= n
		x.downBulk = n >= loop.BulkRead
		x.heard, x.memberAt = true, c.s.l.Now()
	case ended(n, errno):
		return c.memberEnded(errno == 0)
	default:
		return false
	}
	if x.started {
		return c.relayPiece()
	}
	return c.answerHead()
}

// memberEnded: the member's stream is over, in order or by a reset.
func (c *client) memberEnded(inOrder bool) bool {
	x := c.x
	switch {
	case x.started && x.response.Framing == http1.UntilClose && inOrder: // the only end there is
		enc := c.s.l.Enc[:0]
		if x.toClient == http1.Chunks {
			enc = http1.AppendEnd(enc, x.chunks.Trailer())
		}
		return c.deliver(enc, true)
	case x.started:
		c.because(semantics.MemberCut)
		c.reset() // the client must see that it is not complete
		return false
	}
	return c.fail(semantics.ErrMemberClosed)
}

// answerHead reads heads: those of 1xx are sent on, the final one begins the answer.
func (c *client) answerHead() bool {
	x := c.x
	for {
		in := &x.server.in
		n, err := x.response.Parse(in.bytes(), &c.s.lim, x.asked.Answer())
		if err != nil {
			return c.fail(semantics.ErrMemberAnswer)
		}
		if n == 0 {
			return true // read on
		}
		if !x.response.Informational() {
			return c.startAnswer(n)
		}
		if x.informational++; x.informational > semantics.MaxInformational {
			return c.fail(semantics.ErrMemberAnswer)
		}
		if x.asked.Minor > 0 { // HTTP/1.0 knows none
			if !c.write(c.encodeHead(true)) {
				return false
			}
		}
		in.consume(n)
		x.response.Reset()
		if in.empty() || c.owes() {
			return true
		}
	}
}

// encodeHead writes the head of the answer as the client gets it, into the
// loop's scratch.
func (c *client) encodeHead(keep bool) []byte {
	x := c.x
	x.toClient = rewrite.ClientFraming(&x.response, x.asked.Minor)
	x.keep = keep && x.toClient != http1.UntilClose
	return rewrite.AppendResponse(c.s.l.Enc[:0], &x.response, &rewrite.ResponseOptions{
		ClientMinor: x.asked.Minor, KeepAlive: x.keep, Framing: x.toClient, NodeHeader: c.s.nodeLine,
		Lines: x.pool.Answered(&x.session, x.member, &x.response, false), HideCookie: x.pool.HiddenCookie(),
		Date: httpdate.Line,
	})
}

// startAnswer sends the final head, n bytes as it came, with what came of the body.
func (c *client) startAnswer(n int) bool {
	x := c.x
	in := &x.server.in
	x.member.Live.Latency.Add(c.s.l.Now() - x.sentAt)
	if x.response.Upgraded {
		return c.startTunnel(n)
	}
	enc := c.encodeHead(c.requestSent() && x.asked.Keep && !c.draining)
	in.consume(n)
	x.chunks.Reset() // no trailers of the answer before
	done := false
	if x.response.Framing == http1.Chunks {
		var ok bool
		if enc, done, ok = c.takeChunks(enc); !ok { // nothing was sent on yet
			return c.fail(semantics.ErrMemberAnswer)
		}
	}
	x.started = true
	c.heard()
	c.shard.Requests.Add(1)
	switch x.response.Framing {
	case http1.Length:
		x.left = x.response.Length
		k := int(min(int64(in.w-in.r), x.left))
		x.left -= int64(k)
		piece := c.behind(enc, k)
		in.consume(k)
		return c.deliver(piece, x.left == 0)
	case http1.Chunks:
		return c.deliver(enc, done)
	case http1.UntilClose:
		return c.relayOpen(enc)
	default:
		return c.deliver(enc, true)
	}
}

// behind puts the new head right before the k bytes of body that came with the
// old one, where that lay; else it puts the body behind the head.
func (c *client) behind(head []byte, k int) []byte {
	in := &c.x.server.in
	if at := in.r - len(head); at >= 0 {
		copy(in.mem[at:], head)
		return in.mem[at : in.r+k]
	}
	return append(head, in.mem[in.r:in.r+k]...)
}

// requestSent reports whether the whole request went to the member.
func (c *client) requestSent() bool {
	x := c.x
	return x.body.Done && !x.upFailed && x.sent == len(x.out) && !x.upStuck()
}

// relayPiece sends on what was read behind the head.
func (c *client) relayPiece() bool {
	x := c.x
	in := &x.server.in
	switch x.response.Framing {
	case http1.Length:
		k := int(min(int64(in.w-in.r), x.left))
		x.left -= int64(k)
		piece := in.mem[in.r : in.r+k]
		in.consume(k)
		return c.deliver(piece, x.left == 0)
	case http1.Chunks:
		return c.relayChunks(c.s.l.Enc[:0])
	default:
		return c.relayOpen(c.s.l.Enc[:0])
	}
}

// relayOpen sends on a piece of a body without known length, behind enc.
func (c *client) relayOpen(enc []byte) bool {
	x := c.x
	in := &x.server.in
	enc = appendPiece(enc, in.bytes(), x.toClient)
	in.consume(in.w - in.r)
	return c.deliver(enc, false)
}

// relayChunks sends on what was read of a chunked body.
func (c *client) relayChunks(enc []byte) bool {
	enc, done, ok := c.takeChunks(enc)
	if ok {
		return c.deliver(enc, done)
	}
	// What was well-formed goes first: the client sees where it broke.
	c.because(semantics.MemberMalformed)
	if c.deliver(enc, false) && c.state == busy {
		c.reset()
	}
	return false
}

// takeChunks puts what was read of a chunked body behind enc. done: the body is
// complete; not ok: it breaks its framing behind that.
func (c *client) takeChunks(enc []byte) (_ []byte, done, ok bool) {
	x := c.x
	in := &x.server.in
	for !in.empty() && !done {
		var n int
		var data []byte
		var err error
		if n, data, done, err = x.chunks.NextAnswer(in.bytes(), &c.s.lim); err != nil {
			return enc, false, false
		}
		enc = appendPiece(enc, data, x.toClient)
		in.consume(n)
	}
	if done && x.toClient == http1.Chunks {
		enc = http1.AppendEnd(enc, x.chunks.Trailer())
	}
	return enc, done, true
}

// appendPiece appends data, as a chunk where the client can read those.
func appendPiece(dst, data []byte, framing http1.Framing) []byte {
	if len(data) == 0 {
		return dst
	}
	if framing == http1.Chunks {
		return http1.AppendData(dst, data)
	}
	return append(dst, data...)
}

// deliver sends a piece of the answer; done: it is the last. The member is free
// again before the last piece leaves: the next request, which the client may send
// from any connection once it has this answer, finds it so.
func (c *client) deliver(p []byte, done bool) bool {
	if !done {
		return c.write(p)
	}
	e := c.endAnswer()
	if !c.write(p) {
		return false
	}
	return c.answered(e)
}

// ending is what is left of an exchange whose answer is complete but for the
// last piece.
type ending struct {
	start          time.Duration
	policy         *live.Policy
	keep, complete bool
}

// endAnswer lets go of the member, and of the exchange.
func (c *client) endAnswer() ending {
	x := c.x
	complete := c.requestSent()
	e := ending{start: x.start, policy: x.policy, keep: x.keep && complete, complete: complete}
	// Bytes behind the answer were not asked for: they go with the connection.
	sock := &x.server.sock
	if complete && x.response.KeepAlive && x.server.in.empty() && !sock.Finished && (!sock.Readable || sock.Silent()) {
		x.keepServer(c.s)
	}
	c.endExchange()
	return e
}

// answered goes on behind an answer whose last piece is with the client, or kept
// for it.
func (c *client) answered(e ending) bool {
	c.logged(semantics.Completed)
	c.timed, c.decided = e.start, e.policy
	c.clock()
	c.next(e.keep, e.complete)
	return c.state != closed
}

// startTunnel answers 101 and relays bytes from here on.
func (c *client) startTunnel(n int) bool {
	x, l := c.x, c.s.l
	c.heard()
	if !c.write(c.encodeHead(true)) {
		return false
	}
	x.server.in.consume(n)
	c.shard.Requests.Add(1)
	rest := x.server.in.take(l)
	if c.out != nil && rest != nil {
		b := l.Lend(c.out.W - c.out.R + rest.W)
		b.W = copy(b.Mem, c.out.Bytes())
		b.W += copy(b.Mem[b.W:], rest.Bytes())
		l.Return(rest)
		rest = b
		l.Return(c.out)
		c.out = nil
	} else if c.out != nil {
		rest, c.out = c.out, nil
	}
	c.relay = &evtcp.Relay{
		Loop: l, Client: &c.sock, Server: &x.server.sock,
		ClientIdle: x.lis.ClientData, ServerIdle: x.lis.MemberData,
		In: &c.shard.BytesIn, Out: &c.shard.BytesOut,
	}
	c.relay.Start(c.in.take(l), rest)
	c.state = tunnel
	return true
}

func (c *client) stepTunnel(budget *int) bool {
	switch c.relay.Run() {
	case evtcp.Unready:
		*budget = 0
	case evtcp.Over:
		c.because(semantics.Completed)
		c.close()
	case evtcp.Cut:
		c.because(c.relay.Broke())
		c.x.server.sock.Abort()
		c.reset()
	}
	return false
}
