package accesslog

import (
	"net/netip"
	"time"

	"lbd/dataplane/http1"
	"lbd/dataplane/semantics"
	"lbd/store/model"
)

// Bounds of what is kept of a request.
const (
	maxTarget = 2048 // bytes of the request target; more is cut off
	maxField  = 256  // bytes of a field value
	// maxHeaders is how many request fields a format may ask for.
	maxHeaders = 16
)

// Entry is one request, one TCP connection, or one flow of UDP. Use it again and again: Begin
// forgets the one before. It belongs to one goroutine.
type Entry struct {
	log *Log

	Listener     model.ListenerID
	LoadBalancer model.LoadBalancerID
	Policy       model.L7PolicyID // that decided where the request goes; "" for none
	Pool         model.PoolID     // "" without one
	Member       model.MemberID   // "" without one
	MemberAddr   netip.AddrPort   // not valid without one
	Client       netip.AddrPort
	Local        netip.AddrPort
	Protocol     string // "HTTP/1.1", "HTTP/2.0", "TCP", "UDP"
	TLS          string // version of the client's TLS, or ""
	Status       int    // of the answer; 0: none was sent, or TCP
	BytesIn      int64  // from the client: heads and bodies
	BytesOut     int64  // to the client
	Tries        int    // connections that were used or tried
	Reused       bool   // the member's connection came from the pool
	End          semantics.End

	// The marks. Each is after the one before; zero: it was not reached.
	begin, headed, connected, heard, end time.Time

	text                  []byte // what the spans point into
	method, target, host  span
	headers               [maxHeaders]span
	open, known, refusing bool
}

// span is a part of Entry.text; the zero value is absent.
type span struct{ from, to int32 }

func (e *Entry) bytes(s span) []byte { return e.text[s.from:s.to] }

// Begin starts an entry of a listener whose first byte came at now.
func (e *Entry) Begin(l *Listener, client, local netip.AddrPort, now time.Time) {
	*e = Entry{
		log: l.log, Listener: l.ID, LoadBalancer: l.LoadBalancer, Client: client, Local: local, begin: now,
		text: e.text[:0], open: true,
	}
	e.log.sampled(e, l.Sample)
}

// Flow makes the entry one of a connection of protocol, TCP or UDP, which has no
// request.
func (e *Entry) Flow(protocol string) { e.Protocol, e.headed = protocol, e.begin }

// TCP and UDP are the Protocol of connections without requests.
const (
	TCP = "TCP"
	UDP = "UDP"
)

// Request notes the request, whose head was complete at now.
func (e *Entry) Request(r *http1.Request, protocol string, now time.Time) {
	e.headed, e.Protocol = now, protocol
	e.method = e.keep(r.Method, maxField)
	e.target = e.keep(r.Target, maxTarget)
	e.host = e.keep(r.Host, maxField)
	for i, name := range e.log.headers {
		for j := range r.Fields {
			if f := &r.Fields[j]; http1.Is(f.Name, name) {
				e.headers[i] = e.keep(f.Value, maxField)
				break
			}
		}
	}
}

func (e *Entry) keep(b []byte, most int) span {
	from := int32(len(e.text))
	e.text = append(e.text, b[:min(len(b), most)]...)
	return span{from, int32(len(e.text))}
}

// Connected notes the member's connection, which stands at now.
func (e *Entry) Connected(pool model.PoolID, member model.MemberID, addr netip.AddrPort, reused bool, now time.Time) {
	e.Pool, e.Member, e.MemberAddr, e.Reused, e.connected = pool, member, addr, reused, now
	e.heard = time.Time{}
	if e.Protocol == TCP || e.Protocol == UDP { // there is no answer to wait for
		e.heard = now
	}
	e.Tries++
}

// Heard notes the head of the member's final answer, complete at now.
func (e *Entry) Heard(status int, now time.Time) { e.Status, e.heard = status, now }

// Because sets the reason, unless one is known already: the first is the cause.
func (e *Entry) Because(why semantics.End) {
	if !e.known {
		e.End, e.known = why, true
	}
}

// Open reports whether the entry was begun and not finished.
func (e *Entry) Open() bool { return e.open }

// Drop ends the entry without a line: nothing was asked after all.
func (e *Entry) Drop() { e.open = false }

// Finish ends the entry at now and writes its line to the n-th shard. Once only:
// the calls after the first do nothing.
func (e *Entry) Finish(n int, now time.Time) {
	if !e.open {
		return
	}
	e.open, e.end = false, now
	e.log.write(n, e)
}

// Timing is how long each part took. The parts add up to Total; one that was not
// reached is 0, and the last that was holds the rest.
type Timing struct {
	Head     time.Duration // first byte to the end of the request's head; TCP: 0
	Connect  time.Duration // until a member's connection stood, tries in vain included
	Wait     time.Duration // until the head of the final answer
	Transfer time.Duration // until the end
	Total    time.Duration
}

// Timing of a finished entry.
func (e *Entry) Timing() Timing {
	t := Timing{Total: e.end.Sub(e.begin)}
	at, part := e.begin, &t.Head
	for _, next := range []struct {
		mark time.Time
		part *time.Duration
	}{{e.headed, &t.Connect}, {e.connected, &t.Wait}, {e.heard, &t.Transfer}} {
		if next.mark.IsZero() {
			continue
		}
		*part += next.mark.Sub(at)
		at, part = next.mark, next.part
	}
	*part += e.end.Sub(at)
	return t
}
