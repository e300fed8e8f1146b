package conn

import (
	"lbd/dataplane/http1"
	"lbd/dataplane/netio"
	"lbd/dataplane/rewrite"
)

// asked is what is remembered of a request once its head has left the buffer.
type asked struct {
	keep       bool // the client's connection may go on
	head       bool
	idempotent bool
	websocket  bool
	minor      int
}

// remember keeps of the request what is needed once its head is gone.
func (x *exchange) remember() {
	r := &x.request
	x.asked = asked{
		keep: r.KeepAlive, head: string(r.Method) == "HEAD", idempotent: r.Idempotent(),
		websocket: r.WebSocket, minor: r.Minor,
	}
}

// encodeRequest writes the request into x.out: the head anew, and of the body
// what came with it and fits. n is the length of the head as it came.
func (x *exchange) encodeRequest(n int) error {
	r := &x.request
	x.remember()
	x.out = rewrite.AppendRequest(x.out[:0], r, &rewrite.RequestOptions{
		Client: x.c.remote.Addr(), Local: x.c.local.Addr(), Forward: x.lis.Forward,
	})
	x.body.start(r)
	x.c.conn.Discard(n) // nothing of r is used from here on
	var err error
	x.out, err = x.body.take(x.c.conn, x.out, cap(x.out), &x.c.p.lim)
	return err
}

// parseAnswer reads the head of an answer; 0 means that more is needed.
func (x *exchange) parseAnswer() (int, error) {
	return x.response.Parse(x.server.Buffered(), &x.c.p.lim, http1.Asked{Head: x.asked.head, WebSocket: x.asked.websocket})
}

// appendAnswer writes the head of the answer as the client gets it into x.ans.
// It reports whether the client's connection goes on.
func (x *exchange) appendAnswer(keep bool) bool {
	x.toClient = rewrite.ClientFraming(&x.response, x.asked.minor)
	keep = keep && x.toClient != http1.UntilClose
	x.ans = rewrite.AppendResponse(x.ans[:0], &x.response, &rewrite.ResponseOptions{
		ClientMinor: x.asked.minor, KeepAlive: keep, Framing: x.toClient, NodeHeader: x.c.p.nodeLine,
	})
	return keep
}

// body is a request body on its way.
type body struct {
	framing http1.Framing
	left    int64 // with Length
	dec     http1.Chunked
	done    bool
}

func (b *body) start(r *http1.Request) {
	b.framing, b.left, b.done = r.Framing, r.Length, r.Framing == http1.NoBody
	b.dec.Reset()
}

// take moves what is buffered of the body behind out, framed anew, until out has
// limit bytes. It never takes what follows the body.
func (b *body) take(conn *netio.Conn, out []byte, limit int, lim *http1.Limits) ([]byte, error) {
	for !b.done {
		in := conn.Buffered()
		room := limit - len(out)
		if b.framing == http1.Length {
			n := int(min(int64(len(in)), b.left, int64(room)))
			if n <= 0 {
				return out, nil
			}
			out = append(out, in[:n]...)
			conn.Discard(n)
			b.left -= int64(n)
			b.done = b.left == 0
			continue
		}
		room -= chunkOverhead
		if len(in) == 0 || room <= 0 {
			return out, nil
		}
		n, data, done, err := b.dec.Next(in[:min(len(in), room)], lim)
		if err != nil {
			return out, errClientFraming
		}
		if len(data) > 0 {
			out = http1.AppendData(out, data)
		}
		if done {
			out = http1.AppendEnd(out)
			b.done = true
		}
		conn.Discard(n)
	}
	return out, nil
}
