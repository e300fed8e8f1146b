package route

import (
	"testing"

	"lbd/dataplane/http1"
	"lbd/store/model"
)

// FuzzRules: whatever a rule and a request say, compiling and deciding end, a rule and
// its inverse never agree, and a path or a plain host is judged as by hand.
func FuzzRules(f *testing.F) {
	f.Add(byte(1), byte(0), "", "/a", []byte("GET /a HTTP/1.1\r\nHost: a\r\n\r\n"))
	f.Add(byte(0), byte(2), "", ".Example.com", []byte("GET / HTTP/1.1\r\nHost: www.example.com:80\r\n\r\n"))
	f.Add(byte(2), byte(0), "", "jpg", []byte("GET /x/y.jpg?z HTTP/1.1\r\nHost: a\r\n\r\n"))
	f.Add(byte(3), byte(3), "X-A", "b", []byte("GET / HTTP/1.1\r\nHost: a\r\nx-a: abc\r\nX-A: d\r\n\r\n"))
	f.Add(byte(4), byte(4), "id", "^[0-9]+$", []byte("GET / HTTP/1.1\r\nHost: a\r\nCookie: a=b; id=12;; =;x\r\n\r\n"))
	f.Add(byte(7), byte(0), "CN", "alice", []byte("GET / HTTP/1.0\r\n\r\n"))
	types := []model.L7RuleType{
		model.L7HostName, model.L7Path, model.L7FileType, model.L7Header, model.L7Cookie,
		model.L7SSLConnHasCert, model.L7SSLVerifyResult, model.L7SSLDNField,
	}
	compares := []model.L7Compare{model.L7EqualTo, model.L7StartsWith, model.L7EndsWith, model.L7Contains, model.L7Regex}
	lim := http1.DefaultLimits()
	f.Fuzz(func(t *testing.T, kind, cmp byte, key, value string, in []byte) {
		var req http1.Request
		if n, err := req.Parse(in, &lim); n == 0 || err != nil {
			return
		}
		rule := when(types[int(kind)%len(types)], compares[int(cmp)%len(compares)], key, value)
		inverse := *rule
		inverse.Invert = true
		is, failures := CompilePolicies([]*model.RuledPolicy{pol(1, model.L7Reject, rule)}, known)
		isNot, failuresNot := CompilePolicies([]*model.RuledPolicy{pol(1, model.L7Reject, &inverse)}, known)
		if len(failures) != len(failuresNot) {
			t.Fatalf("failures %v, inverse %v", failures, failuresNot)
		}
		if len(failures) > 0 || is.Len() != 1 || isNot.Len() != 1 {
			return
		}
		for _, c := range []*Client{{}, {TLS: &TLSPeer{HasCert: true, Fields: map[string]string{"CN": value}}}} {
			_, yes := is.Decide(&req, c)
			if _, no := isNot.Decide(&req, c); yes == no {
				t.Fatalf("the rule says %t, its inverse %t", yes, no)
			}
			if rule.Type == model.L7Path && yes != naiveRule(rule, &req) {
				t.Fatalf("path %q: %t", req.Path, yes)
			}
		}
	})
}
