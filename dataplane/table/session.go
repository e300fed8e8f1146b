package table

import (
	"errors"
	"fmt"
	"net/netip"
	"time"

	"lbd/dataplane/balance"
	"lbd/dataplane/http1"
	"lbd/dataplane/sticky"
	"lbd/store/model"
)

// CookieName of HTTP_COOKIE, as Octavia's data plane has it.
const CookieName = "SRV"

// SessionsKey names a table of sessions: a pool whose persistence changes begins
// a new one.
type SessionsKey struct {
	Pool model.PoolID
	As   model.Persistence
}

// Session is what a pool's persistence knows of one request or connection. The
// zero Session knows nothing.
type Session struct {
	member *Member // that it belongs to; nil for none
	key    sticky.Key
}

// stickiness is a pool's persistence, compiled. The zero value has none.
type stickiness struct {
	cookie string // that clients carry; "" with SOURCE_IP
	secret []byte // HTTP_COOKIE: tokens are made with it
	tokens map[string]*Member
	// table and byID with APP_COOKIE and SOURCE_IP.
	table *sticky.Table
	byID  map[string]*Member
	mask  netip.Addr
	// first picks for a client that SOURCE_IP meets for the first time: the same
	// member on every node, so that a failover moves few clients although the table
	// is this node's own.
	first balance.Picker
}

func (s *stickiness) init(p *model.Pool, from Survivors, sv *Service) error {
	as := *p.Persistence
	switch as.Type {
	case "HTTP_COOKIE":
		s.cookie, s.secret = CookieName, from.SessionKey()
		return nil
	case "APP_COOKIE":
		if as.CookieName == "" {
			return errors.New("APP_COOKIE without a cookie name")
		}
		s.cookie = as.CookieName
	case "SOURCE_IP":
		if as.Granularity != "" {
			var err error
			if s.mask, err = netip.ParseAddr(as.Granularity); err != nil {
				return fmt.Errorf("persistence granularity: %w", err)
			}
		}
	default:
		return fmt.Errorf("session persistence %s is not served by this data plane", as.Type)
	}
	key := SessionsKey{p.ID, as}
	s.table = from.Sessions(key)
	if sv.Sessions == nil {
		sv.Sessions = make(map[SessionsKey]*sticky.Table)
	}
	sv.Sessions[key] = s.table
	return nil
}

// SessionTTL is how long a session of this kind lives unused.
func (k SessionsKey) SessionTTL() time.Duration { return time.Duration(k.As.Timeout) * time.Second }

// know makes the members of p those that sessions can belong to.
func (s *stickiness) know(p *Pool) {
	switch {
	case s.secret != nil:
		s.tokens = make(map[string]*Member, len(p.members))
		for _, m := range p.members {
			token := sticky.Token(s.secret, string(p.ID), string(m.ID()))
			s.tokens[token] = m
			const cookie = "Set-Cookie: " + CookieName + "=%s; Path=/; HttpOnly%s\r\nCache-Control: private\r\n"
			m.bind = &[2][]byte{fmt.Appendf(nil, cookie, token, ""), fmt.Appendf(nil, cookie, token, "; Secure")}
		}
	case s.table != nil:
		s.byID = make(map[string]*Member, len(p.members))
		for _, m := range p.members {
			s.byID[string(m.ID())] = m
		}
	}
}

// Session finds the session that a request, or with a nil req a connection, belongs to.
func (p *Pool) Session(req *http1.Request, client netip.Addr) (out Session) {
	if p == nil {
		return out
	}
	s := &p.sticky
	switch {
	case s.cookie != "" && req != nil:
		for i := range req.Fields {
			f := &req.Fields[i]
			if len(f.Name) != 6 || !http1.Is(f.Name, "cookie") {
				continue
			}
			for rest := f.Value; len(rest) > 0 && out.member == nil; {
				var name, value []byte
				if name, value, rest = http1.NextCookie(rest); string(name) == s.cookie && len(value) > 0 {
					out.member = s.owner(value)
				}
			}
		}
	case s.table != nil && s.cookie == "":
		out.key = sticky.AddrKey(client, s.mask)
		id, _ := s.table.Get(out.key)
		out.member = s.byID[id]
	}
	return out
}

// owner is the member that a cookie's value belongs to, nil for none.
func (s *stickiness) owner(value []byte) *Member {
	if s.table == nil {
		return s.tokens[string(value)]
	}
	id, _ := s.table.Get(sticky.CookieKey(value))
	return s.byID[id]
}

// Bind notes that m has been connected to for s. SOURCE_IP learns from it.
func (p *Pool) Bind(s *Session, m *Member) {
	if t := p.sticky.table; t != nil && p.sticky.cookie == "" && s.member != m {
		t.Put(s.key, string(m.ID()))
		s.member = m
	}
}

// Use notes that what belongs to s goes on. SOURCE_IP forgets a client that it has not
// met for long, also one whose connection lasts.
func (p *Pool) Use(s *Session) {
	if s.member != nil && p.sticky.table != nil && p.sticky.cookie == "" {
		p.sticky.table.Get(s.key)
	}
}

// Answered notes the head of m's final answer and gives the lines to add to it,
// nil for none. APP_COOKIE learns from it; HTTP_COOKIE binds a client that is not
// bound to m yet, and asks caches to keep the binding to themselves.
func (p *Pool) Answered(s *Session, m *Member, r *http1.Response, overTLS bool) []byte {
	st := &p.sticky
	if st.cookie == "" || r.Informational() {
		return nil
	}
	if st.table == nil {
		switch {
		case s.member == m:
			return nil
		case overTLS:
			return m.bind[1]
		default:
			return m.bind[0]
		}
	}
	for i := range r.Fields {
		f := &r.Fields[i]
		if len(f.Name) != 10 || !http1.Is(f.Name, "set-cookie") {
			continue
		}
		if name, value, _ := http1.NextCookie(f.Value); string(name) == st.cookie && len(value) > 0 {
			st.table.Put(sticky.CookieKey(value), string(m.ID()))
		}
	}
	return nil
}

// HiddenCookie names the cookie that is between us and the client alone, "" for none.
func (p *Pool) HiddenCookie() string {
	if p == nil || p.sticky.secret == nil {
		return ""
	}
	return p.sticky.cookie
}
