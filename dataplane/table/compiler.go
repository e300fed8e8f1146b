package table

import (
	"bytes"
	"net/netip"

	"lbd/store/model"
)

// Compiler makes one table after the other. A change costs what it changes: services
// that are the same pointer as in the configuration before are not looked at. Not so
// those with a failure, which may be over, and all where two want one address, or
// where the secret of cookies is another: these are made anew. It is for one goroutine.
type Compiler struct {
	s    Survivors
	from []*model.Service // of which last was made
	last *Table

	endpoints map[place]*Listener // of last
	clash     bool                // in last: two listeners want the same place
	key       []byte              // secret of cookies in last
}

// place is where a listener is reached.
type place struct {
	at  netip.AddrPort
	udp bool
}

func (e Endpoint) place() place { return place{e.Addr, e.Listener.Mode == ModeUDP} }

// NewCompiler makes a compiler whose first table is whole.
func NewCompiler(s Survivors) *Compiler { return &Compiler{s: s, last: &Table{}} }

// Compile makes the table of cfg. It never fails as a whole: an object that cannot
// be served is left out and named in Failures.
func (c *Compiler) Compile(cfg *model.Config) *Table {
	key := c.s.SessionKey()
	all := c.clash || !bytes.Equal(key, c.key)
	m := c.compile(cfg, all)
	if m.clash && !all { // who comes first has it: that takes the order of all
		m = c.compile(cfg, true)
	}
	c.from, c.last, c.endpoints, c.clash, c.key = cfg.Services, m.t, m.endpoints, m.clash, bytes.Clone(key)
	return m.t
}

func (c *Compiler) compile(cfg *model.Config, all bool) *making {
	m := &making{s: c.s, t: &Table{Index: cfg.Index}, before: map[model.PoolID]*Pool{}, endpoints: c.endpoints}
	if all || m.endpoints == nil {
		m.endpoints = map[place]*Listener{}
		m.t.Services, m.t.Gone = make([]*Service, len(cfg.Services)), c.last.Services
	} else {
		m.t.Services, m.t.Gone = c.carry(cfg.Services)
	}
	for _, sv := range m.t.Gone {
		for _, p := range sv.Pools {
			m.before[p.ID] = p
		}
		for _, e := range sv.Endpoints {
			if at := e.place(); m.endpoints[at] == e.Listener {
				delete(m.endpoints, at)
			}
		}
	}
	for i, svc := range cfg.Services {
		if m.t.Services[i] == nil {
			m.t.Services[i] = m.service(svc)
			m.t.Fresh = append(m.t.Fresh, m.t.Services[i])
			m.t.Failures = append(m.t.Failures, m.sv.Failures...)
		}
	}
	return m
}

// carry gives the services of next that stay as they are, each at its place, nil for
// those to be made, and what of the last table does not stay.
func (c *Compiler) carry(next []*model.Service) (stay, gone []*Service) {
	failed := map[*Service]bool{} // all of them have been made for the last table
	for _, sv := range c.last.Fresh {
		if len(sv.Failures) > 0 {
			failed[sv] = true
		}
	}
	from, made := c.from, c.last.Services
	head := 0
	for head < min(len(from), len(next)) && from[head] == next[head] {
		head++
	}
	if len(failed) == 0 && head == len(from) && head == len(next) {
		return made, nil
	}
	tail := 0
	for tail < min(len(from), len(next))-head && from[len(from)-1-tail] == next[len(next)-1-tail] {
		tail++
	}
	same := func(i int) bool { // also between the two: one after the other was replaced
		return i < head || i < len(from)-tail && len(from) == len(next) && from[i] == next[i]
	}
	moved := map[*model.Service]*Service{}
	for i := head; i < len(from)-tail; i++ {
		if !same(i) {
			moved[from[i]] = made[i]
		}
	}
	stay = make([]*Service, len(next))
	for i, svc := range next {
		switch {
		case same(i):
			stay[i] = made[i]
		case i >= len(next)-tail:
			stay[i] = made[i-len(next)+len(from)]
		default:
			stay[i] = moved[svc]
			delete(moved, svc)
		}
		if len(failed) > 0 && failed[stay[i]] {
			gone, stay[i] = append(gone, stay[i]), nil
		}
	}
	for _, sv := range moved {
		gone = append(gone, sv)
	}
	return stay, gone
}
