package route

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"lbd/dataplane/http1"
	"lbd/store/model"
)

var on = model.Base{AdminStateUp: true}

func pol(pos int, action model.L7Action, rules ...*model.L7Rule) *model.RuledPolicy {
	p := &model.L7Policy{ID: model.L7PolicyID(fmt.Sprintf("%s-%d", action, pos)), Base: on, Action: action, Position: pos}
	switch action {
	case model.L7RedirectPool:
		p.RedirectPool = model.PoolID("p" + strconv.Itoa(pos))
	case model.L7RedirectURL:
		p.RedirectURL = "https://u" + strconv.Itoa(pos) + ".example/"
	case model.L7RedirectPrefix:
		p.RedirectPrefix = "https://x" + strconv.Itoa(pos) + ".example"
	}
	return &model.RuledPolicy{Policy: p, Rules: rules}
}

func when(kind model.L7RuleType, cmp model.L7Compare, key, value string) *model.L7Rule {
	return &model.L7Rule{ID: "r", Base: on, Type: kind, Compare: cmp, Key: key, Value: value}
}

func not(r *model.L7Rule) *model.L7Rule { r.Invert = true; return r }

func off(r *model.L7Rule) *model.L7Rule { r.Base = model.Base{}; return r }

// known gives a pool by its own name; "down" and "" are not there.
func known(id model.PoolID) (string, bool) { return string(id), id != "down" && id != "" }

func compile(t testing.TB, in ...*model.RuledPolicy) *Policies[string] {
	t.Helper()
	p, failures := CompilePolicies(in, known)
	if len(failures) > 0 {
		t.Fatalf("failures %+v", failures)
	}
	return p
}

const getHead = "GET %s HTTP/1.1\r\nHost: %s\r\n%s\r\n"

func TestRules(t *testing.T) {
	h, s, e, c, x := model.L7EqualTo, model.L7StartsWith, model.L7EndsWith, model.L7Contains, model.L7Regex
	tls := &TLSPeer{HasCert: true, VerifyResult: 10, Fields: map[string]string{"CN": "alice", "O": "Example Ltd"}}
	for _, tc := range []struct {
		rule         *model.L7Rule
		target, host string
		fields       string
		tls          *TLSPeer
		want         bool
	}{
		{when(model.L7HostName, h, "", "www.Example.com"), "/", "WWW.example.COM", "", nil, true},
		{when(model.L7HostName, h, "", "www.example.com"), "/", "www.example.com:8080", "", nil, true},
		{when(model.L7HostName, h, "", "www.example.com"), "/", "example.com", "", nil, false},
		{when(model.L7HostName, h, "", "[2001:db8::1]"), "/", "[2001:DB8::1]:80", "", nil, true},
		{when(model.L7HostName, s, "", "www."), "/", "WWW.x", "", nil, true},
		{when(model.L7HostName, e, "", ".Example.com"), "/", "a.b.EXAMPLE.com:1", "", nil, true},
		{when(model.L7HostName, e, "", ".example.com"), "/", "example.com", "", nil, false},
		{when(model.L7HostName, c, "", "Ample"), "/", "exAMPLE.com", "", nil, true},
		{when(model.L7HostName, x, "", "^(a|b)\\.Example$"), "/", "B.eXample:99", "", nil, true},
		{when(model.L7HostName, h, "", "old.example"), "http://old.example/x", "old.example", "", nil, true},
		{when(model.L7Path, h, "", "/a"), "/a?b", "h", "", nil, true},
		{when(model.L7Path, h, "", "/a"), "/A", "h", "", nil, false},
		{when(model.L7Path, h, "", "/a/b"), "/a/./b", "h", "", nil, false}, // raw, not normalised
		{when(model.L7Path, h, "", "/%61"), "/%61", "h", "", nil, true},
		{when(model.L7Path, h, "", "/"), "http://h?q", "h", "", nil, true},
		{when(model.L7Path, s, "", "/api"), "/apiary", "h", "", nil, true},
		{when(model.L7Path, e, "", "x"), "/a?x", "h", "", nil, false},
		{when(model.L7Path, e, "", "/x"), "/a/x?y", "h", "", nil, true},
		{when(model.L7Path, c, "", "b/c"), "/a/b/c/d", "h", "", nil, true},
		{when(model.L7Path, x, "", "^/v[0-9]+/"), "/v12/x", "h", "", nil, true},
		{when(model.L7FileType, h, "", "jpg"), "/a.b/c.jpg?x.png", "h", "", nil, true},
		{when(model.L7FileType, h, "", ".jpg"), "/c.jpg", "h", "", nil, true},
		{when(model.L7FileType, h, "", "jpg"), "/c.jpg/d", "h", "", nil, false},
		{when(model.L7FileType, h, "", "jpg"), "/jpg", "h", "", nil, false},
		{when(model.L7FileType, x, "", "^(jpg|png)$"), "/c.png", "h", "", nil, true},
		{when(model.L7FileType, x, "", "\\.(jpg|png)$"), "/c.png", "h", "", nil, true},
		{when(model.L7FileType, x, "", "jpg|png"), "/c.gif", "h", "", nil, false},
		{when(model.L7Header, h, "X-Kind", "gold"), "/", "h", "x-kind: gold\r\n", nil, true},
		{when(model.L7Header, h, "X-Kind", "gold"), "/", "h", "X-Kind: silver\r\nX-Kind: gold\r\n", nil, true},
		{when(model.L7Header, h, "X-Kind", "gold"), "/", "h", "X-Kind: silver, gold\r\n", nil, true},
		{when(model.L7Header, h, "X-Kind", "silver,gold"), "/", "h", "X-Kind: silver,gold\r\n", nil, true},
		{when(model.L7Header, h, "X-Kind", "gold"), "/", "h", "X-Kind: Gold\r\n", nil, false},
		{when(model.L7Header, h, "X-Kind", `"very gold"`), "/", "h", "X-Kind: very gold\r\n", nil, true},
		{when(model.L7Header, x, "X-Kind", "^$"), "/", "h", "X-Kind:\r\n", nil, true},
		{when(model.L7Header, x, "X-Kind", ".*"), "/", "h", "", nil, false},
		{when(model.L7Header, e, "User-Agent", "bot"), "/", "h", "User-Agent: a bot\r\n", nil, true},
		{when(model.L7Cookie, h, "site", "blue"), "/", "h", "Cookie: a=b; site=blue\r\n", nil, true},
		{when(model.L7Cookie, h, "site", "blue"), "/", "h", "Cookie: a=b\r\nCookie: site = blue \r\n", nil, true},
		{when(model.L7Cookie, h, "site", "blue"), "/", "h", "Cookie: site=red; site=blue\r\n", nil, true},
		{when(model.L7Cookie, h, "site", "blue"), "/", "h", "Cookie: Site=blue\r\n", nil, false},
		{when(model.L7Cookie, h, "site", "blue"), "/", "h", "Cookie: xsite=blue; y=site=blue\r\n", nil, false},
		{when(model.L7Cookie, s, "site", "bl"), "/", "h", "Cookie: site=blue\r\n", nil, true},
		{when(model.L7SSLConnHasCert, h, "", "True"), "/", "h", "", tls, true},
		{when(model.L7SSLConnHasCert, h, "", "true"), "/", "h", "", &TLSPeer{}, false},
		{when(model.L7SSLConnHasCert, h, "", "true"), "/", "h", "", nil, false},
		{when(model.L7SSLVerifyResult, h, "", "10"), "/", "h", "", tls, true},
		{when(model.L7SSLVerifyResult, h, "", "0"), "/", "h", "", tls, false},
		{when(model.L7SSLDNField, h, "CN", "alice"), "/", "h", "", tls, true},
		{when(model.L7SSLDNField, c, "O", "ample"), "/", "h", "", tls, true},
		{when(model.L7SSLDNField, x, "OU", ".*"), "/", "h", "", tls, false},
		{when(model.L7Path, x, "", ".*"), "*", "h", "", nil, false},
	} {
		head := fmt.Sprintf(getHead, tc.target, tc.host, tc.fields)
		if tc.target == "*" {
			head = "OPTIONS" + head[3:]
		}
		req, cl := request(t, head), &Client{TLS: tc.tls}
		for _, invert := range []bool{false, true} {
			r := *tc.rule
			r.Invert = invert
			p := compile(t, pol(1, model.L7Reject, &r))
			if _, got := p.Decide(req, cl); got != (tc.want != invert) {
				t.Errorf("%s %s %q %q, invert %v, of %q: %v", r.Type, r.Compare, r.Key, r.Value, invert, head, got)
			}
		}
	}
}

func TestWhichPolicyDecides(t *testing.T) {
	all := func() *model.L7Rule { return when(model.L7Path, model.L7StartsWith, "", "/") }
	disabled := pol(1, model.L7Reject, all())
	disabled.Policy.AdminStateUp = false
	gone := pol(2, model.L7RedirectPool, all())
	gone.Policy.RedirectPool = "down"
	for name, tc := range map[string]struct {
		in   []*model.RuledPolicy
		want model.L7PolicyID
	}{
		"position": {[]*model.RuledPolicy{pol(2, model.L7RedirectPool, all()), pol(1, model.L7RedirectPool, all())}, "REDIRECT_TO_POOL-1"},
		"reject before redirect before pool": {
			[]*model.RuledPolicy{pol(1, model.L7RedirectPool, all()), pol(2, model.L7RedirectURL, all()), pol(3, model.L7Reject, all())}, "REJECT-3",
		},
		"redirects by position": {
			[]*model.RuledPolicy{pol(1, model.L7RedirectPool, all()), pol(2, model.L7RedirectPrefix, all()), pol(3, model.L7RedirectURL, all())}, "REDIRECT_PREFIX-2",
		},
		"disabled":                   {[]*model.RuledPolicy{disabled}, ""},
		"without rules":              {[]*model.RuledPolicy{pol(1, model.L7Reject)}, ""},
		"only disabled rules":        {[]*model.RuledPolicy{pol(1, model.L7Reject, off(all()))}, ""},
		"disabled rules don't count": {[]*model.RuledPolicy{pol(1, model.L7Reject, all(), off(not(all())))}, "REJECT-1"},
		"all rules must hold":        {[]*model.RuledPolicy{pol(1, model.L7Reject, all(), not(all()))}, ""},
		"pool switched off":          {[]*model.RuledPolicy{gone, pol(3, model.L7RedirectPool, all())}, "REDIRECT_TO_POOL-3"},
	} {
		v, _ := compile(t, tc.in...).Decide(request(t, fmt.Sprintf(getHead, "/x", "h", "")), &Client{})
		if v.Policy != tc.want {
			t.Errorf("%s: %q decided, want %q", name, v.Policy, tc.want)
		}
	}
}

func TestWhatCannotBeCompiledIsNamed(t *testing.T) {
	bad := []*model.RuledPolicy{
		pol(1, model.L7Reject, when(model.L7Path, model.L7Regex, "", "(")),
		pol(2, model.L7Reject, when("WEATHER", model.L7EqualTo, "", "x")),
		pol(3, model.L7RedirectURL, when(model.L7Path, model.L7EqualTo, "", "/")),
		pol(4, "SING", when(model.L7Path, model.L7EqualTo, "", "/")),
	}
	bad[2].Policy.RedirectURL = "nowhere"
	p, failures := CompilePolicies(append(bad, pol(5, model.L7Reject, when(model.L7Path, model.L7EqualTo, "", "/"))), known)
	if len(failures) != 4 || p.Len() != 1 {
		t.Errorf("%d policies, failures %+v", p.Len(), failures)
	}
}

// naive says which policy decides, straight from the model.
func naive(in []*model.RuledPolicy, req *http1.Request, c *Client) model.L7PolicyID {
	best, bestKey := model.L7PolicyID(""), 1<<30
	for _, rp := range in {
		if !rp.Policy.AdminStateUp || rp.Policy.Action == model.L7RedirectPool && rp.Policy.RedirectPool == "down" {
			continue
		}
		n, ok := 0, true
		for _, r := range rp.Rules {
			if r.AdminStateUp {
				n++
				ok = ok && naiveRule(r, req) != r.Invert
			}
		}
		group := map[model.L7Action]int{model.L7Reject: 0, model.L7RedirectPool: 2}
		g, named := group[rp.Policy.Action]
		if !named {
			g = 1
		}
		if key := g<<20 + rp.Policy.Position; n > 0 && ok && key < bestKey {
			best, bestKey = rp.Policy.ID, key
		}
	}
	return best
}

func naiveRule(r *model.L7Rule, req *http1.Request) bool {
	cmp := func(s, v string) bool {
		switch r.Compare {
		case model.L7EqualTo:
			return s == v
		case model.L7StartsWith:
			return strings.HasPrefix(s, v)
		case model.L7EndsWith:
			return strings.HasSuffix(s, v)
		case model.L7Contains:
			return strings.Contains(s, v)
		default:
			return regexp.MustCompile(v).MatchString(s)
		}
	}
	switch r.Type {
	case model.L7HostName:
		host, _, _ := strings.Cut(string(req.Host), ":")
		return cmp(strings.ToLower(host), strings.ToLower(r.Value))
	case model.L7Path:
		return cmp(string(req.Path), r.Value)
	default: // X-A, one line at most, no commas
		for _, f := range req.Fields {
			if strings.EqualFold(string(f.Name), r.Key) {
				return cmp(string(f.Value), r.Value)
			}
		}
		return false
	}
}

// Whatever is configured, the index finds what looking at every policy finds.
func TestIndexEqualsLookingAtAll(t *testing.T) {
	host := rapid.StringMatching(`[ab]{1,3}(\.[aB]{1,2}){0,2}`)
	path := rapid.StringMatching(`/([ab]{0,2}/?){0,12}`)
	genRule := rapid.Custom(func(t *rapid.T) *model.L7Rule {
		cmp := rapid.SampledFrom([]model.L7Compare{model.L7EqualTo, model.L7StartsWith, model.L7EndsWith, model.L7Contains, model.L7Regex}).Draw(t, "cmp")
		r := when(model.L7Path, cmp, "", path.Draw(t, "path"))
		switch rapid.IntRange(0, 4).Draw(t, "kind") {
		case 0, 1:
			r.Type, r.Value = model.L7HostName, host.Draw(t, "host")
		case 2:
			r.Type, r.Key, r.Value = model.L7Header, "X-A", rapid.StringMatching(`[ab]{1,2}`).Draw(t, "value")
		}
		if cmp == model.L7EndsWith && r.Type == model.L7Path {
			r.Value = r.Value[len(r.Value)-min(2, len(r.Value)):]
		}
		r.Invert = rapid.IntRange(0, 3).Draw(t, "invert") == 0
		r.AdminStateUp = rapid.IntRange(0, 5).Draw(t, "up") > 0
		return r
	})
	genPolicies := rapid.Custom(func(t *rapid.T) []*model.RuledPolicy {
		var in []*model.RuledPolicy
		for i := range rapid.IntRange(0, 60).Draw(t, "n") {
			a := rapid.SampledFrom([]model.L7Action{model.L7Reject, model.L7RedirectPool, model.L7RedirectURL, model.L7RedirectPrefix}).Draw(t, "action")
			p := pol(i+1, a, rapid.SliceOfN(genRule, 0, 3).Draw(t, "rules")...)
			p.Policy.AdminStateUp = rapid.IntRange(0, 5).Draw(t, "on") > 0
			if a == model.L7RedirectPool && rapid.IntRange(0, 5).Draw(t, "down") == 0 {
				p.Policy.RedirectPool = "down"
			}
			in = append(in, p)
		}
		return in
	})
	rapid.Check(t, func(rt *rapid.T) {
		in := genPolicies.Draw(rt, "policies")
		p := compile(t, in...)
		for range 8 {
			fields := ""
			if rapid.Bool().Draw(rt, "field") {
				fields = "x-a: " + rapid.StringMatching(`[ab]{1,2}`).Draw(rt, "a") + "\r\n"
			}
			h := host.Draw(rt, "h")
			if rapid.Bool().Draw(rt, "port") {
				h += ":80"
			}
			req := request(t, fmt.Sprintf(getHead, path.Draw(rt, "p"), h, fields))
			v, ok := p.Decide(req, &Client{})
			if want := naive(in, req, &Client{}); v.Policy != want || ok != (want != "") {
				rt.Fatalf("%s %s: %q decided, want %q", req.Host, req.Path, v.Policy, want)
			}
		}
	})
}

// More prefixes of one path than the finder has room for.
func TestManyNestedPrefixes(t *testing.T) {
	var in []*model.RuledPolicy
	for i := range 60 {
		in = append(in, pol(60-i, model.L7RedirectPool, when(model.L7Path, model.L7StartsWith, "", "/"+strings.Repeat("a", i)),
			when(model.L7Header, model.L7EqualTo, "X-A", "yes")))
	}
	p := compile(t, in...)
	path := "/" + strings.Repeat("a", 100)
	if v, _ := p.Decide(request(t, fmt.Sprintf(getHead, path, "h", "X-A: yes\r\n")), &Client{}); v.Policy != "REDIRECT_TO_POOL-1" {
		t.Errorf("%q decided", v.Policy)
	}
	if v, ok := p.Decide(request(t, fmt.Sprintf(getHead, path, "h", "")), &Client{}); ok {
		t.Errorf("%q decided", v.Policy)
	}
}

func TestDecidingAllocatesNothing(t *testing.T) {
	p := compile(t, many(200)...)
	req, cl := request(t, fmt.Sprintf(getHead, "/svc7/x.jpg", "h7.example.com", "Cookie: a=b; c=d\r\nX-A: b, c\r\n")), &Client{}
	if n := testing.AllocsPerRun(100, func() { p.Decide(req, cl) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// many policies by host and path, as a listener for many applications has them.
func many(n int) []*model.RuledPolicy {
	var in []*model.RuledPolicy
	for i := range n {
		in = append(in, pol(i+1, model.L7RedirectPool,
			when(model.L7HostName, model.L7EqualTo, "", fmt.Sprintf("h%d.example.com", i)),
			when(model.L7Path, model.L7StartsWith, "", fmt.Sprintf("/svc%d/", i))))
	}
	return in
}

func BenchmarkDecide(b *testing.B) {
	for _, n := range []int{1, 20, 200, 2000} {
		p := compile(b, many(n)...)
		for _, at := range []struct {
			name string
			i    int
		}{{"last", n - 1}, {"none", -1}} {
			req := request(b, fmt.Sprintf(getHead, fmt.Sprintf("/svc%d/x", at.i), fmt.Sprintf("h%d.example.com", at.i), ""))
			cl := &Client{}
			b.Run(fmt.Sprintf("policies=%d/%s", n, at.name), func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					p.Decide(req, cl)
				}
			})
		}
	}
}
