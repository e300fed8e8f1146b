package octavia_test

import (
	"net/http"
	"testing"
)

// FuzzBody sends any bytes to every POST and PUT of the five resources: they
// may be refused, but neither break the server nor be called its fault.
func FuzzBody(f *testing.F) {
	for _, tc := range crudCases {
		f.Add([]byte(`{"` + tc.one + `":` + tc.create + `}`))
		f.Add([]byte(`{"` + tc.one + `":` + tc.update + `}`))
		f.Add([]byte(`{"` + tc.one + `":` + tc.defaults + `}`))
		f.Add([]byte(`{"` + tc.one + `":null}`))
	}
	for _, r := range refusals() {
		if r.body != "" {
			f.Add([]byte(r.body))
		}
	}
	f.Add([]byte(`{"member":{"address":"::ffff:198.51.100.9","protocol_port":1e308,"weight":-0.0}}`))
	f.Add([]byte(`{"pool":{"loadbalancer_id":"$lb","protocol":"HTTP","lb_algorithm":"ROUND_ROBIN","session_persistence":{"type":"SOURCE_IP","persistence_timeout":1e9}}}`))
	f.Add([]byte(`{"rule":{"type":"PATH","compare_type":"REGEX","value":"((((a{1000}){1000}))))"}}`))
	f.Add([]byte(`{"l7policy":{"listener_id":"$listener","action":"REDIRECT_TO_POOL","redirect_pool_id":"$pool","position":2e9}}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		w := newPopulated(t)
		text := w.fill(string(body))
		for _, x := range []struct{ method, path string }{
			{"POST", "loadbalancers"},
			{"PUT", "loadbalancers/$lb"},
			{"POST", "listeners"},
			{"PUT", "listeners/$listener"},
			{"POST", "pools"},
			{"PUT", "pools/$pool"},
			{"POST", "pools/$pool/members"},
			{"PUT", "pools/$pool/members"},
			{"PUT", "pools/$pool/members/$member"},
			{"POST", "healthmonitors"},
			{"PUT", "healthmonitors/$monitor"},
			{"POST", "l7policies"},
			{"PUT", "l7policies/$policy"},
			{"POST", "l7policies/$policy/rules"},
			{"PUT", "l7policies/$policy/rules/$rule"},
		} {
			rec := w.raw("admin", x.method, base+w.fill(x.path), text)
			if rec.Code >= 500 && rec.Code != http.StatusNotImplemented && rec.Code != http.StatusServiceUnavailable {
				t.Fatalf("%s %s %q: %d %s", x.method, x.path, text, rec.Code, rec.Body)
			}
		}
	})
}
