package cli

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"lbd/internal/flagenv"
)

// serve answers on the admin socket of a fresh data directory.
func serve(t *testing.T, h http.HandlerFunc) (dir string) {
	t.Helper()
	dir = t.TempDir()
	l, err := net.Listen("unix", filepath.Join(dir, flagenv.SocketName))
	if err != nil {
		t.Fatal(err)
	}
	srv := &http.Server{Handler: h}
	go srv.Serve(l)
	t.Cleanup(func() { srv.Close() })
	return dir
}

func run(t *testing.T, stdin string, name string, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	env := Env{Stdin: strings.NewReader(stdin), Stdout: &out, Stderr: &errs, Lookup: func(string) (string, bool) { return "", false }}
	code = Run(context.Background(), env, name, args)
	return code, out.String(), errs.String()
}

func TestStatusShowsRolesAndAges(t *testing.T) {
	dir := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Method+" "+r.URL.Path != "GET /v1/cluster" {
			t.Errorf("asked %s %s", r.Method, r.URL.Path)
		}
		io.WriteString(w, `{"cluster_id":"c1","leader":"n1","term":7,"quorum":"ok","nodes":[
		 {"id":"n1","name":"alpha","kind":"data","self":true,"role":"active","since":"2030-01-01T00:00:00Z","lease_left_ms":180,"vips":["10.0.0.9"],"why":"leader of term 7","raft":{"state":"leader","last_index":12,"applied_index":12}},
		 {"id":"n2","name":"beta","kind":"data","role":"unknown","age_ms":4200,"why":"silent","problems":[{"object":"10.0.0.9","reason":"link down"}]}]}`)
	})
	code, out, errs := run(t, "", "status", "--data-dir", dir)
	if code != 0 {
		t.Fatalf("exit code %d: %s", code, errs)
	}
	for _, want := range []string{
		"cluster c1, leader alpha, term 7, quorum ok", "alpha *", "active", "180ms", "10.0.0.9", "12/12", "unknown", "4.2s ago",
		"problem on beta: 10.0.0.9: link down",
	} {
		if !strings.Contains(out, want) {
			t.Errorf("output lacks %q:\n%s", want, out)
		}
	}
}

func TestProfileAndHistory(t *testing.T) {
	dir := serve(t, func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		switch r.Method + " " + r.URL.Path + " " + strings.TrimSpace(string(b)) {
		case "GET /v1/cluster/profile ":
			io.WriteString(w, `{"profile":"default"}`)
		case `PUT /v1/cluster/profile {"profile":"calm"}`:
			io.WriteString(w, `{"profile":"calm"}`)
		case "GET /v1/cluster/history ":
			io.WriteString(w, `{"history":[{"term":5,"name":"beta","at":"2030-01-01T00:00:00Z","why":"silence","gap_ms":41,"margin_ms":52},{"term":3,"name":"alpha","at":"2029-01-01T00:00:00Z","why":"first","gap_ms":null}]}`)
		default:
			t.Errorf("asked %s %s %s", r.Method, r.URL.Path, b)
		}
	})
	for _, tc := range [][]string{{"default\n", "profile"}, {"calm\n", "profile", "calm"}} {
		if code, out, errs := run(t, "", tc[1], append([]string{"--data-dir", dir}, tc[2:]...)...); code != 0 || out != tc[0] {
			t.Errorf("%v: %d %q %s", tc[1:], code, out, errs)
		}
	}
	code, out, errs := run(t, "", "history", "--data-dir", dir)
	for _, want := range []string{"2030-01-01T00:00:00Z  5     beta    41ms  52ms    silence", "alpha   -     -       first"} {
		if code != 0 || !strings.Contains(out, want) {
			t.Errorf("history lacks %q: %d %s\n%s", want, code, errs, out)
		}
	}
}

func TestSpread(t *testing.T) {
	dir := serve(t, func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		switch r.Method + " " + r.URL.Path + string(b) {
		case "GET /v1/cluster/spread":
			io.WriteString(w, `{"on":true,"loadbalancers":[{"id":"x","name":"web","vip_address":"10.0.0.9","node":"beta","held_by":["beta"]},{"id":"y","vip_address":"10.0.0.8","held_by":[]}]}`)
		case `PUT /v1/cluster/spread{"on":false}`:
			io.WriteString(w, `{"on":false,"loadbalancers":[]}`)
		case "POST /v1/cluster/spread/balance":
			io.WriteString(w, `{"moved":2}`)
		default:
			w.WriteHeader(http.StatusConflict)
			io.WriteString(w, `{"faultcode":"Client","faultstring":"Spread needs three voters."}`)
		}
	})
	for _, tc := range []struct {
		args, want string
		code       int
	}{
		{"", "spread is on", 0},
		{"", "x              web   10.0.0.9  beta      beta\n", 0},
		{"", "y              -     10.0.0.8  none yet  -\n", 0},
		{"off", "spread is off: the leader holds all load balancers\n", 0},
		{"balance", "2 load balancers move\n", 0},
		{"on", "Spread needs three voters.", 1},
		{"of", "lbd spread [on|off|balance]", 2},
	} {
		code, out, errs := run(t, "", "spread", append([]string{"--data-dir", dir}, strings.Fields(tc.args)...)...)
		if code != tc.code || !strings.Contains(out+errs, tc.want) {
			t.Errorf("spread %s: exit code %d, %q %q", tc.args, code, out, errs)
		}
	}
}

func TestHistoryTellsOfShares(t *testing.T) {
	dir := serve(t, func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, `{"history":[],"shares":[{"at":"2030-01-01T00:00:00Z","count":3,"from_name":"beta","to_name":"alpha","why":"silence"},{"at":"2030-01-01T00:00:00Z","count":1,"to_name":"alpha","why":"new"}]}`)
	})
	_, out, _ := run(t, "", "history", "--data-dir", dir)
	for _, want := range []string{"2030-01-01T00:00:00Z  3               beta  alpha  silence\n", "2030-01-01T00:00:00Z  1               -     alpha  new\n"} {
		if !strings.Contains(out, want) {
			t.Errorf("history lacks %q:\n%s", want, out)
		}
	}
}

func TestStatusTellsOfShares(t *testing.T) {
	node := func(name string, given, held int, ready bool) string {
		return fmt.Sprintf(`{"name":%q,"kind":"data","ready":%v,"load_balancers":{"given":%d,"held":%d}}`, name, ready, given, held)
	}
	for _, tc := range []struct{ answer, want string }{
		{`{"nodes":[{"name":"alpha"}]}`, ""},
		{`{"spread":true,"nodes":[` + node("alpha", 3, 3, true) + `,{"name":"w","kind":"witness"},` + node("beta", 2, 2, true) + `]}`, "spread: of the load balancers alpha holds 3, beta holds 2\n"},
		{`{"spread":true,"nodes":[` + node("alpha", 5, 3, true) + `,` + node("beta", 0, 0, true) + `]}`, "spread: of the load balancers alpha holds 3 of its 5, beta holds 0 (`lbd spread balance` evens the shares)\n"},
		{`{"spread":true,"nodes":[` + node("alpha", 5, 5, true) + `,` + node("beta", 0, 0, false) + `]}`, "spread: of the load balancers alpha holds 5, beta holds 0\n"},
	} {
		dir := serve(t, func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, tc.answer) })
		_, out, _ := run(t, "", "status", "--data-dir", dir)
		got := ""
		if i := strings.Index(out, "spread: "); i >= 0 {
			got = out[i:]
		}
		if got != tc.want {
			t.Errorf("%s: %q, want %q", tc.answer, got, tc.want)
		}
	}
}

func TestStatusOfThisNodeAlone(t *testing.T) {
	answer := `{"nodes":[{"name":"beta","role":"active","ready":true},{"name":"alpha","self":true,"role":"standby","ready":false,"why":"data plane not ready"}]}`
	dir := serve(t, func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, answer) })
	if code, out, _ := run(t, "", "status", "--data-dir", dir, "--role"); code != 0 || out != "standby\n" {
		t.Errorf("--role: code %d, out %q", code, out)
	}
	if code, _, errs := run(t, "", "status", "--data-dir", dir, "--ready"); code != 1 || errs != "lbd status: alpha is not ready: data plane not ready\n" {
		t.Errorf("--ready: code %d, stderr %q", code, errs)
	}
}

func TestAPIPrintsAnswersAndFailsOnFaults(t *testing.T) {
	var got string
	dir := serve(t, func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		got = r.Method + " " + r.URL.String() + " " + string(b)
		if r.Method == "POST" {
			w.WriteHeader(409)
			io.WriteString(w, `{"faultcode":"Client","faultstring":"This pool already has a health monitor","debuginfo":null}`)
			return
		}
		io.WriteString(w, `{"a":1}`)
	})
	code, out, _ := run(t, "", "api", "--data-dir", dir, "get", "/v1/x?y=1")
	if code != 0 || out != "{\n  \"a\": 1\n}\n" || got != "GET /v1/x?y=1 " {
		t.Errorf("code %d, out %q, server got %q", code, out, got)
	}
	code, _, errs := run(t, `{"b":2}`, "api", "--data-dir", dir, "POST", "/v1/x", "-")
	if code != 1 || errs != "lbd api: This pool already has a health monitor (HTTP 409)\n" || got != `POST /v1/x {"b":2}` {
		t.Errorf("code %d, stderr %q, server got %q", code, errs, got)
	}
}

func TestAPIPicksOneValue(t *testing.T) {
	dir := serve(t, func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, `{"pool":{"id":"p1","members":[{"port":80}]}}`)
	})
	for _, tc := range []struct{ path, out, err string }{
		{"pool.id", "p1\n", ""},
		{"pool.members.0.port", "80\n", ""},
		{"pool.members.1.port", "", "none at \"1\""},
		{"pool.name", "", "no \"name\""},
		{"pool.id.x", "", "ends before \"x\""},
	} {
		code, out, errs := run(t, "", "api", "--data-dir", dir, "--get", tc.path, "GET", "/")
		if out != tc.out || (code == 0) != (tc.err == "") || !strings.Contains(errs, tc.err) {
			t.Errorf("--get %s: code %d, out %q, stderr %q", tc.path, code, out, errs)
		}
	}
}

func TestWrongCallsAndMissingNodeAreOneClearLine(t *testing.T) {
	empty := t.TempDir()
	for _, tc := range []struct {
		name string
		args []string
		code int
		want string
	}{
		{"status", []string{"--data-dir", empty}, 1, "lbd status: no node is running with data directory " + empty + " (is --data-dir right?)\n"},
		{"status", []string{"--data-dir", empty, "extra"}, 2, "lbd status: unexpected argument \"extra\"\n"},
		{"remove", []string{"--data-dir", empty}, 2, "lbd remove: which node? lbd remove NODE\n"},
		{"api", []string{"--data-dir", empty, "GET", "v1"}, 2, "lbd api: the path starts with /, for example /load-balancer/v2.0/lbaas/loadbalancers\n"},
		{"dance", nil, 2, "lbd: unknown command \"dance\", see lbd --help\n"},
	} {
		code, _, errs := run(t, "", tc.name, tc.args...)
		if code != tc.code || errs != tc.want {
			t.Errorf("lbd %s %v: code %d, stderr %q; want %d, %q", tc.name, tc.args, code, errs, tc.code, tc.want)
		}
	}
}
