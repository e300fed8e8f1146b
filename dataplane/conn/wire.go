package conn

import (
	"lbd/dataplane/http1"
	"lbd/dataplane/httpdate"
	"lbd/dataplane/rewrite"
	"lbd/dataplane/semantics"
)

// encodeRequest writes the request into x.out: the head anew, and of the body
// what came with it and fits. n is the length of the head as it came.
func (x *exchange) encodeRequest(n int) error {
	r := &x.request
	x.asked = semantics.Remember(r)
	x.out = rewrite.AppendRequest(x.out[:0], r, &rewrite.RequestOptions{
		Client: x.c.remote.Addr(), Local: x.c.local.Addr(), Forward: x.lis.Forward,
		TLS:        x.c.peer.TLS,
		HideCookie: x.pool.HiddenCookie(),
	})
	x.body.Start(r)
	x.c.conn.Discard(n) // nothing of r is used from here on
	var err error
	x.out, err = x.takeBody(x.out, cap(x.out))
	return err
}

// parseAnswer reads the head of an answer; 0 means that more is needed.
func (x *exchange) parseAnswer() (int, error) {
	return x.response.Parse(x.server.Buffered(), &x.c.p.lim, x.asked.Answer())
}

// appendAnswer writes the head of the answer as the client gets it into x.ans.
// It reports whether the client's connection goes on.
func (x *exchange) appendAnswer(keep bool) bool {
	x.toClient = rewrite.ClientFraming(&x.response, x.asked.Minor)
	keep = keep && x.toClient != http1.UntilClose
	x.ans = rewrite.AppendResponse(x.ans[:0], &x.response, &rewrite.ResponseOptions{
		ClientMinor: x.asked.Minor, KeepAlive: keep, Framing: x.toClient, NodeHeader: x.c.p.nodeLine,
		Strict: strict(x.lis),
		Lines:  x.pool.Answered(&x.session, x.member, &x.response, x.c.peer.TLS != nil), HideCookie: x.pool.HiddenCookie(),
		Date: httpdate.Line,
	})
	return keep
}

// takeBody moves what is buffered of the request body behind out, framed anew,
// until out has limit bytes.
func (x *exchange) takeBody(out []byte, limit int) ([]byte, error) {
	used, out, err := x.body.Take(x.c.conn.Buffered(), out, limit, &x.c.p.lim)
	x.c.conn.Discard(used)
	return out, err
}
