package h2

import (
	"errors"

	"lbd/dataplane/http1"
)

// errAnswer is an answer that is none, or goes on behind its end: a fault of who
// serves the stream.
var errAnswer = errors.New("not an HTTP/1.1 answer")

// frames takes what an answer consists of, in order.
type frames interface {
	// headers sends a field section; fields live until it returns. A status of 0
	// means trailers.
	headers(status int, fields []http1.Field, end bool) error
	data(p []byte, end bool) error
}

// answer reads an HTTP/1.1 answer as it is written, in pieces of any size.
type answer struct {
	lim    http1.Limits
	isHead bool

	state answerState
	head  []byte // of a head that is not complete
	resp  http1.Response
	left  int64
	body  http1.Chunked
	held  []byte // data that waits to learn whether it is the last
}

type answerState uint8

const (
	answerHead answerState = iota
	answerLength
	answerChunks
	answerUntilClose
	answerDone
)

func newAnswer(isHead bool) answer {
	lim := http1.DefaultLimits()
	// A member's head within the limits grows by what the engine adds to it.
	lim.Head, lim.Fields = 2*lim.Head, 2*lim.Fields
	return answer{lim: lim, isHead: isHead}
}

// feed takes the next bytes of the answer.
func (a *answer) feed(p []byte, out frames) error {
	for len(p) > 0 {
		var err error
		switch a.state {
		case answerHead:
			p, err = a.readHead(p, out)
		case answerLength:
			n := min(int64(len(p)), a.left)
			a.left -= n
			if a.left == 0 {
				a.state = answerDone
			}
			err = out.data(p[:n], a.left == 0)
			p = p[n:]
		case answerChunks:
			p, err = a.readChunks(p, out)
		case answerUntilClose:
			err = out.data(p, false)
			p = nil
		default:
			err = errAnswer
		}
		if err != nil {
			return err
		}
	}
	return a.release(out)
}

// release sends what was held back: the bytes of p do not outlive feed.
func (a *answer) release(out frames) error {
	held := a.held
	if a.held = nil; held == nil {
		return nil
	}
	return out.data(held, a.state == answerDone)
}

func (a *answer) readHead(p []byte, out frames) (rest []byte, err error) {
	buf := p
	if len(a.head) > 0 {
		a.head = append(a.head, p...)
		buf = a.head
	}
	n, err := a.resp.Parse(buf, &a.lim, http1.Asked{Head: a.isHead})
	if err != nil {
		return nil, errAnswer
	}
	if n == 0 {
		if len(a.head) == 0 {
			a.head = append(a.head, p...)
		}
		return nil, nil
	}
	rest = p[len(p)-(len(buf)-n):]
	r := &a.resp
	final := !r.Informational()
	if final {
		switch r.Framing {
		case http1.Length:
			a.state, a.left = answerLength, r.Length
			if r.Length == 0 {
				a.state = answerDone
			}
		case http1.Chunks:
			a.state = answerChunks
		case http1.UntilClose:
			a.state = answerUntilClose
		default:
			a.state = answerDone
		}
	}
	err = out.headers(r.Status, r.Fields, a.state == answerDone)
	a.head = a.head[:0]
	if final {
		a.head = nil
	}
	return rest, err
}

func (a *answer) readChunks(p []byte, out frames) (rest []byte, err error) {
	n, data, done, err := a.body.NextAnswer(p, &a.lim)
	if err != nil {
		return nil, errAnswer
	}
	if done {
		if trailer := a.body.TrailerFields(nil); len(trailer) > 0 {
			if err := a.release(out); err != nil {
				return nil, err
			}
			a.state = answerDone
			return p[n:], out.headers(0, trailer, true)
		}
		a.state = answerDone
		if a.held == nil {
			return p[n:], out.data(nil, true)
		}
		return p[n:], a.release(out)
	}
	if len(data) > 0 {
		if err := a.release(out); err != nil {
			return nil, err
		}
		a.held = data
	}
	return p[n:], nil
}

// close ends an answer whose end is the end of the connection. It reports
// whether the answer is complete.
func (a *answer) close(out frames) (complete bool, err error) {
	if a.state == answerUntilClose {
		a.state = answerDone
		return true, out.data(nil, true)
	}
	return a.state == answerDone, nil
}

// hopByHop names fields of an answer that HTTP/2 has no use for (RFC 9113
// section 8.2.2).
func hopByHop(name []byte) bool {
	switch len(name) {
	case 7:
		return http1.Is(name, "upgrade")
	case 10:
		return http1.Is(name, "connection") || http1.Is(name, "keep-alive")
	case 16:
		return http1.Is(name, "proxy-connection")
	case 17:
		return http1.Is(name, "transfer-encoding")
	}
	return false
}
