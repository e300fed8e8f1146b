package vectors

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// vector is one case: what a client sends, and what must come of it.
type vector struct {
	name string // RFC section and what it is
	in   string
	want want
}

type want struct {
	forwards []forward
	// refused lists the statuses of which the last answer has one, "" for none.
	refused string
	// closed: lbd ends the connection behind the last answer. Always so when refused.
	closed bool
	// own is a status that lbd answers by itself, keeping the connection.
	own string
	// half: the client ends its side behind the last byte.
	half bool
	// head: the request that is refused is HEAD, though it may not begin so.
	head bool
	note string
}

// forward is a request as the member must see it: the start line without version,
// then "Name: value" for a field that must be there with that value alone,
// "-Name" for one that must not, "=body", "~Name: value" for a trailer.
type forward []string

// ok says that one request reaches the member, is answered, and the connection stays.
func ok(f ...string) want { return want{forwards: []forward{f}} }

// then adds a further request to those the member must see.
func (w want) then(f ...string) want {
	w.forwards = append(slices.Clip(w.forwards), f)
	return w
}

func (w want) ends() want            { w.closed = true; return w }
func (w want) halfClosed() want      { w.half = true; return w }
func (w want) because(s string) want { w.note = s; return w }

// refuse says that nothing (more) reaches the member whole, the answer has one of
// the statuses, and the connection ends.
func refuse(statuses string) want { return want{refused: statuses} }

func (w want) refuse(statuses string) want { w.refused = statuses; return w }

// own says that lbd answers by itself.
func own(status string) want { return want{own: status} }

func (f forward) method() string { m, _, _ := strings.Cut(f[0], " "); return m }

// wrong compares m with what is wanted.
func (f forward) wrong(m *message) string {
	if m.start != f[0]+" HTTP/1.1" {
		return fmt.Sprintf("start line %q, want %q", m.start, f[0])
	}
	for _, c := range f[1:] {
		switch name, value, _ := strings.Cut(strings.TrimPrefix(c, "~"), ": "); {
		case c[0] == '-':
			if m.get(c[1:]) != nil {
				return fmt.Sprintf("%s reached the member: %v", c[1:], m)
			}
		case c[0] == '=':
			if m.body != c[1:] {
				return fmt.Sprintf("body %q, want %q", m.body, c[1:])
			}
		case c[0] == '~':
			if !slices.Contains(m.trailers, c[1:]) {
				return fmt.Sprintf("trailers %q, want %q", m.trailers, c[1:])
			}
		default:
			if got := m.get(name); len(got) != strings.Count(value, "\n")+1 || strings.Join(got, "\n") != value {
				return fmt.Sprintf("%s is %q, want %q", name, got, value)
			}
		}
	}
	return ""
}

// judge runs v with its bytes cut as given and says what is wrong, "" for nothing.
func (b *bench) judge(v vector, cuts []int) string {
	var methods []string
	for _, f := range v.want.forwards {
		methods = append(methods, f.method())
	}
	if v.want.refused != "" || v.want.own != "" {
		m, _, _ := strings.Cut(v.in, " ")
		if v.want.head {
			m = "HEAD"
		}
		methods = append(methods, m)
	}
	if v.want.refused != "" {
		methods = append(methods, "GET") // never comes
	}
	x := b.talk(v.in, cuts, methods, v.want.half)
	seen, faults := b.take()
	if len(faults) > 0 {
		return fmt.Sprintf("a strict member cannot read: %s", faults)
	}
	if x.err != nil {
		return fmt.Sprintf("a strict client cannot read: %v (answers %s)", x.err, codes(x.finals))
	}
	wantSeen := v.want.forwards
	keeps := v.want.refused == "" && !v.want.closed && !v.want.half
	if x.kept {
		wantSeen = append(slices.Clip(wantSeen), forward{"GET /next"})
	}
	got := fmt.Sprintf("answers [%s], kept %v, the member saw %v", codes(x.finals), x.kept, seen)
	if len(seen) != len(wantSeen) {
		return got
	}
	for i, f := range wantSeen {
		if s := f.wrong(seen[i]); s != "" {
			return s
		}
	}
	if x.kept != keeps {
		return got
	}
	answers := strings.Repeat("200 ", len(v.want.forwards))
	for _, last := range strings.Split(v.want.refused+v.want.own, "|") {
		if codes(x.finals) == strings.TrimSpace(answers+last) {
			return ""
		}
	}
	return got
}

// run judges every vector in one piece, by both engines.
func run(t *testing.T, vectors []vector) {
	t.Parallel()
	for _, e := range engines {
		t.Run(e.name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, e.loops, nil)
			for _, v := range vectors {
				if s := b.judge(v, nil); s != "" {
					t.Errorf("%s\n  sent %.300q\n  %s\n  note: %s", v.name, v.in, s, v.want.note)
				}
			}
			t.Logf("%d vectors", len(vectors))
		})
	}
}

// req writes a request with the Host h and the given lines and body.
func req(start string, linesAndBody ...string) string {
	s := start + " HTTP/1.1\r\nHost: h\r\n"
	body := ""
	for _, l := range linesAndBody {
		if after, ok := strings.CutPrefix(l, "="); ok {
			body = after
			continue
		}
		s += l + "\r\n"
	}
	return s + "\r\n" + body
}
