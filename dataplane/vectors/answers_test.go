package vectors

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
)

// reply is one case of the other side: what a member answers, and what the client
// must get. Behind each, a further request must get its own answer: no bytes of a
// member are left in a connection that is used again.
type reply struct {
	name   string // RFC section and what it is
	method string // of the request; "" is GET
	old    bool   // the client speaks HTTP/1.0
	raw    string // the member's bytes
	close  bool   // the member closes behind them
	want   outcome
}

// outcome is what the client must get.
type outcome struct {
	code    string // statuses of which the answer has one; "cut": none that is whole
	forward        // as of a request, without the start line
	interim []int
	note    string
}

func passed(code string, f ...string) outcome { return outcome{code: code, forward: f} }

var bad = outcome{code: "502"}

// cut: the head may have been sent on by then, but the client sees that the answer is not whole.
var cut = outcome{code: "502|cut"}

func (o outcome) because(s string) outcome { o.note = s; return o }

func (o outcome) after(interim ...int) outcome { o.interim = interim; return o }

// reply runs one case and says what is wrong, "" for nothing.
func (b *bench) reply(i int, v reply) string {
	if v.method == "" {
		v.method = "GET"
	}
	target, version := fmt.Sprint("/r/", i), "HTTP/1.1"
	if v.old {
		version = "HTTP/1.0"
	}
	b.mu.Lock()
	b.answers[target] = answer{v.raw, v.close}
	b.mu.Unlock()
	x := b.talk(v.method+" "+target+" "+version+"\r\nHost: h\r\n\r\n", nil, []string{v.method}, false)
	_, faults := b.take()
	if len(faults) > 0 {
		return fmt.Sprint("a strict member cannot read: ", faults)
	}
	codes := strings.Split(v.want.code, "|")
	switch {
	case errors.Is(x.err, errCut) && slices.Contains(codes, "cut"):
	case x.err != nil:
		return fmt.Sprintf("a strict client cannot read: %v", x.err)
	case len(x.finals) == 0 && slices.Contains(codes, "cut"):
	case len(x.finals) != 1 || !slices.Contains(codes, fmt.Sprint(x.finals[0].status())):
		return fmt.Sprintf("answers %v", x.finals)
	case !slices.Equal(x.interim, v.want.interim):
		return fmt.Sprintf("interim answers %v", x.interim)
	default:
		m := *x.finals[0]
		m.start = " HTTP/1.1"
		if s := append(forward{""}, v.want.forward...).wrong(&m); s != "" {
			return strings.ReplaceAll(s, "the member", "the client")
		}
		if v.old && (m.chunked || x.kept) {
			return fmt.Sprintf("chunks, or a kept connection, of HTTP/1.0: %v", m)
		}
	}
	for range 3 {
		if x := b.talk(next, nil, []string{"GET"}, false); len(x.finals) != 1 || x.finals[0].get("X-Path") == nil || !x.kept {
			return fmt.Sprintf("the request behind it got %v, %v", x.finals, x.err)
		}
	}
	b.take()
	return ""
}

func runReplies(t *testing.T, replies []reply) {
	t.Parallel()
	for _, e := range engines {
		t.Run(e.name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, e.loops, nil)
			for i, v := range replies {
				if s := b.reply(i, v); s != "" {
					t.Errorf("%s\n  %s, the member sent %.300q\n  %.500s\n  note: %s", v.name, v.method, v.raw, s, v.want.note)
				}
			}
			t.Logf("%d vectors", len(replies))
		})
	}
}
