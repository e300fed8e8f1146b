package route

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"

	"lbd/dataplane/http1"
	"lbd/store/model"
)

// Policies are a listener's L7 policies as a Step. As in Octavia's own data plane
// all that reject come first, then all that redirect, then those that choose a
// pool, each group in position order (decision 0012). The first whose rules all
// hold decides.
//
// A policy is filed under one of its rules, where it has one that names (part of)
// a host or path: the one fewest others are filed under. A request then meets
// only policies of which that rule holds, and those without such a rule, so that
// thousands of hosts or paths cost about as much as a few.
type Policies[P any] struct {
	all     []policy[P] // in order of evaluation
	index   [trees]tree
	used    [trees]bool
	unfiled []int32
}

type policy[P any] struct {
	verdict Verdict[P]
	rules   []rule
	rest    []rule // rules without the one the policy is filed under
}

// The trees a policy may be filed in.
const (
	hostTree    = iota // equal, begins with
	hostEndTree        // ends with
	pathTree           // equal, begins with
	pathEndTree        // ends with
	trees
)

// CompilePolicies compiles what is enabled. pool gives the engine's pool, false
// when it is switched off or not there: such a policy does not match. What cannot
// be compiled is left out and named.
func CompilePolicies[P any](in []*model.RuledPolicy, pool func(model.PoolID) (P, bool)) (*Policies[P], []model.Failure) {
	out := &Policies[P]{}
	out.index[hostTree].fold = true
	out.index[hostEndTree].fold, out.index[hostEndTree].reverse = true, true
	out.index[pathEndTree].reverse = true
	var failures []model.Failure
	sorted := slices.Clone(in)
	slices.SortStableFunc(sorted, func(a, b *model.RuledPolicy) int {
		return cmp.Or(cmp.Compare(rank(a.Policy.Action), rank(b.Policy.Action)), cmp.Compare(a.Policy.Position, b.Policy.Position))
	})
	for _, rp := range sorted {
		p, ok, err := compilePolicy(rp, pool)
		if err != nil {
			failures = append(failures, model.Failure{Object: string(rp.Policy.ID), Reason: err.Error()})
		} else if ok {
			out.all = append(out.all, p)
		}
	}
	out.file()
	return out, failures
}

// Len is how many policies can match at all.
func (p *Policies[P]) Len() int { return len(p.all) }

func rank(a model.L7Action) int {
	switch a {
	case model.L7Reject:
		return 0
	case model.L7RedirectPool:
		return 2
	default:
		return 1
	}
}

// compilePolicy gives false for a policy that can never match.
func compilePolicy[P any](rp *model.RuledPolicy, pool func(model.PoolID) (P, bool)) (out policy[P], ok bool, err error) {
	p := rp.Policy
	if !p.AdminStateUp {
		return out, false, nil
	}
	out.verdict.Policy = p.ID
	switch p.Action {
	case model.L7Reject:
		out.verdict.Kind = Reject
	case model.L7RedirectPool:
		if out.verdict.Pool, ok = pool(p.RedirectPool); !ok {
			return out, false, nil
		}
	case model.L7RedirectURL:
		out.verdict.Kind = RedirectTo
		out.verdict.Redirect, err = NewRedirect(p.RedirectCode, p.RedirectURL, false)
	case model.L7RedirectPrefix:
		out.verdict.Kind = RedirectTo
		out.verdict.Redirect, err = NewRedirect(p.RedirectCode, p.RedirectPrefix, true)
	default:
		err = fmt.Errorf("action %q is not served by this data plane", p.Action)
	}
	if err != nil {
		return out, false, err
	}
	for _, r := range rp.Rules {
		if !r.AdminStateUp {
			continue
		}
		c, err := compileRule(r)
		if err != nil {
			return out, false, fmt.Errorf("rule %s: %w", r.ID, err)
		}
		out.rules = append(out.rules, c)
	}
	return out, len(out.rules) > 0, nil
}

// place is where a policy with this rule can be filed, -1 for none.
func (r *rule) place() (tree int, exact bool) {
	if r.invert || r.value == "" || r.kind != model.L7HostName && r.kind != model.L7Path {
		return -1, false
	}
	base := hostTree
	if r.kind == model.L7Path {
		base = pathTree
	}
	switch r.cmp {
	case model.L7EqualTo:
		return base, true
	case model.L7StartsWith:
		return base, false
	case model.L7EndsWith:
		return base + 1, false
	}
	return -1, false
}

// file puts every policy under its rarest rule, which then needs no look any more.
func (p *Policies[P]) file() {
	type key struct {
		tree  int
		exact bool
		value string
	}
	keyOf := func(r *rule) key {
		t, exact := r.place()
		return key{t, exact, r.value}
	}
	crowd := make(map[key]int)
	for i := range p.all {
		for k := range p.all[i].rules {
			crowd[keyOf(&p.all[i].rules[k])]++
		}
	}
	for i := range p.all {
		rules := p.all[i].rules
		best := -1
		for k := range rules {
			if t, _ := rules[k].place(); t >= 0 && (best < 0 || crowd[keyOf(&rules[k])] < crowd[keyOf(&rules[best])]) {
				best = k
			}
		}
		p.all[i].rest = rules
		if best < 0 {
			p.unfiled = append(p.unfiled, int32(i))
			continue
		}
		at := keyOf(&rules[best])
		p.index[at.tree].add(at.value, at.exact, int32(i))
		p.used[at.tree] = true
		p.all[i].rest = slices.Delete(slices.Clone(rules), best, best+1)
	}
}

// Decide implements Step.
func (p *Policies[P]) Decide(req *http1.Request, c *Client) (Verdict[P], bool) {
	f := facts{req: req, client: c, host: bareHost(req.Host)}
	if len(req.Path) > 0 && req.Path[0] == '/' { // "*" is no path
		f.path = req.Path
	}
	best := p.first(&f)
	if best < 0 {
		return Verdict[P]{}, false
	}
	return p.all[best].verdict, true
}

// first is the first policy that matches, -1 for none.
func (p *Policies[P]) first(f *facts) int {
	var found finder
	for t, text := range [trees][]byte{f.host, f.host, f.path, f.path} {
		if p.used[t] && text != nil {
			p.index[t].walk(text, &found)
		}
	}
	found.offer(p.unfiled)
	best := len(p.all)
	for _, list := range found.lists[:found.n] {
		for _, i := range list {
			if int(i) >= best {
				break
			}
			if hold(p.all[i].rest, f) {
				best = int(i)
				break
			}
		}
	}
	if found.over { // more lists than there is room for: look at everything
		for i := range best {
			if hold(p.all[i].rules, f) {
				return i
			}
		}
	}
	if best == len(p.all) {
		return -1
	}
	return best
}

func hold(rules []rule, f *facts) bool {
	for i := range rules {
		if !rules[i].holds(f) {
			return false
		}
	}
	return true
}

// finder collects lists of candidates, each in ascending order. Its room is that
// of the stack: a request whose host and path have more prefixes filed than that
// is rare, and then served without the index.
type finder struct {
	lists [24][]int32
	n     int
	over  bool
}

func (f *finder) offer(list []int32) {
	switch {
	case len(list) == 0:
	case f.n == len(f.lists):
		f.over = true
	default:
		f.lists[f.n] = list
		f.n++
	}
}

// facts are what rules look at, taken from the request once.
type facts struct {
	req    *http1.Request
	client *Client
	host   []byte // without port; nil when the request named none
	path   []byte // raw, without query; nil for "*"
}

// bareHost cuts the port off an authority.
func bareHost(h []byte) []byte {
	if len(h) > 0 && h[0] == '[' {
		if end := bytes.IndexByte(h, ']'); end > 0 {
			return h[:end+1]
		}
	}
	if i := bytes.IndexByte(h, ':'); i >= 0 {
		return h[:i]
	}
	return h
}
