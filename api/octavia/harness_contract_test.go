package octavia_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"lbd/api"
	"lbd/api/auth"
	"lbd/api/deps"
	"lbd/api/identity"
	"lbd/api/octavia"
	"lbd/store"
	"lbd/store/model"
)

// The one network of all tests.
const (
	theNetwork = "11111111-1111-4111-8111-111111111111"
	theSubnet  = "22222222-2222-4222-8222-222222222222"
	nobody     = "99999999-9999-4999-8999-999999999999" // an id that nothing has
)

// contractWorld is the part behind the real server, on a store that applies
// and settles at once, so that nobody sees PENDING.
type contractWorld struct {
	t      testing.TB
	st     *store.Store
	server *api.Server
	h      http.Handler
	admin  *auth.Caller

	mu      sync.Mutex
	index   uint64        // guarded by mu
	reports []model.Heard // guarded by mu
	told    []string      // guarded by mu; switchovers ordered

	keys int // secrets and containers made by tests
}

func newContractWorld(t testing.TB) *contractWorld {
	t.Helper()
	w := &contractWorld{t: t, st: store.New()}
	seed, err := theSeed()
	if err != nil {
		t.Fatal(err)
	}
	w.admin = &auth.Caller{UserID: seed.Users[0].ID, UserName: "admin", Project: seed.Projects[0].ID, Roles: []string{"admin", "member", "reader"}}
	w.server = api.New(deps.Config{Plain: true},
		api.Deps{Auth: w, Reader: w.st, Cluster: w, Log: slog.New(slog.DiscardHandler)},
		octavia.New(w, w.st, w, w).WithKeys(plain{}).WithSpread(w))
	w.h = w.server.Handler()
	w.apply(store.ClusterInit, &store.ClusterInitPayload{
		ClusterID: "c1", Node: model.Node{ID: "n1", Name: "alpha", Kind: model.DataNode, API: "192.0.2.1:9876", Cluster: "192.0.2.1:9877"},
		Projects: seed.Projects, Users: seed.Users, Roles: seed.Roles, Assignments: seed.Assignments,
	})
	w.apply(store.NetworkCreate, &model.Network{ID: theNetwork, Record: model.Record{Project: w.admin.Project, Name: "net"}, AdminStateUp: true})
	w.apply(store.SubnetCreate, &model.Subnet{
		ID: theSubnet, Record: model.Record{Project: w.admin.Project, Name: "sub"}, Network: theNetwork,
		CIDR: netip.MustParsePrefix("198.51.100.0/24"), Gateway: netip.MustParseAddr("198.51.100.1"),
		Pools: []model.AddressRange{{Start: netip.MustParseAddr("198.51.100.2"), End: netip.MustParseAddr("198.51.100.254")}},
	})
	return w
}

// theSeed is made once: hashing a password is slow on purpose.
var theSeed = sync.OnceValues(func() (identity.Seed, error) {
	return identity.NewSeed("a password of some length", epoch, zeros{})
})

var epoch = time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)

// zeros is a source of ids and salts for tests; ids differ by their count.
type zeros struct{}

var countZeros struct {
	sync.Mutex
	n byte
}

func (zeros) Read(p []byte) (int, error) {
	countZeros.Lock()
	defer countZeros.Unlock()
	countZeros.n++
	for i := range p {
		p[i] = countZeros.n
	}
	return len(p), nil
}

func (w *contractWorld) apply(kind store.CommandKind, payload any) {
	w.t.Helper()
	if _, err := w.Apply(context.Background(), store.Command{Kind: kind, At: epoch, Payload: payload}); err != nil {
		w.t.Fatalf("%s: %v", kind, err)
	}
}

// Apply implements deps.Writer, through the encoding of the log; what it wrote
// is settled when it returns.
func (w *contractWorld) Apply(_ context.Context, cmd store.Command) (uint64, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	at, err := w.log(cmd)
	if err != nil {
		return at, err
	}
	_, err = w.log(store.Command{Kind: store.SettleKind, At: cmd.At, Payload: &store.Settle{Index: at}})
	return at, err
}

func (w *contractWorld) log(cmd store.Command) (uint64, error) {
	b, err := cmd.Encode()
	if err != nil {
		return 0, err
	}
	if cmd, err = store.Decode(b); err != nil {
		return 0, err
	}
	w.index++
	return w.index, w.st.Apply(w.index, cmd)
}

// Authenticate implements auth.Authenticator: "admin" is the seed's admin;
// "PROJECT:ROLE" is anybody.
func (w *contractWorld) Authenticate(_ context.Context, token string) (*auth.Caller, error) {
	project, role, ok := strings.Cut(token, ":")
	switch {
	case token == "admin":
		return w.admin, nil
	case token == "anybody": // of no-auth mode
		c := *w.admin
		c.Unmetered = true
		return &c, nil
	case ok:
		return &auth.Caller{UserID: "u-" + model.UserID(project), Project: model.ProjectID(project), Roles: []string{role}}, nil
	}
	return nil, auth.ErrUnauthenticated
}

func (w *contractWorld) Reports() []model.Heard {
	w.mu.Lock()
	defer w.mu.Unlock()
	return append([]model.Heard(nil), w.reports...)
}
func (w *contractWorld) Changed() <-chan struct{}              { return nil }
func (w *contractWorld) Self() model.NodeID                    { return "n1" }
func (w *contractWorld) Leader() (model.NodeID, uint64, bool)  { return "n1", 1, true }
func (w *contractWorld) Barrier(context.Context) error         { return nil }
func (w *contractWorld) Approve(context.Context, string) error { return nil }
func (w *contractWorld) JoinToken(context.Context, time.Duration) (string, error) {
	return "", nil
}

func (w *contractWorld) Join(context.Context, deps.JoinRequest) (deps.JoinResponse, error) {
	return deps.JoinResponse{}, nil
}
func (w *contractWorld) Pending(context.Context) ([]deps.PendingNode, error)     { return nil, nil }
func (w *contractWorld) Remove(context.Context, model.NodeID) error              { return nil }
func (w *contractWorld) SetProfile(context.Context, string, model.Profile) error { return nil }
func (w *contractWorld) Restart(context.Context, model.NodeID) (string, error)   { return "", nil }
func (w *contractWorld) Switchover(_ context.Context, to model.NodeID) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.told = append(w.told, "switchover "+string(to))
	return nil
}

// subnet adds one more to the network of all tests.
func (w *contractWorld) subnet(id model.SubnetID, cidr, gateway string) {
	w.t.Helper()
	w.apply(store.SubnetCreate, &model.Subnet{
		ID: id, Record: model.Record{Project: w.admin.Project}, Network: theNetwork,
		CIDR: netip.MustParsePrefix(cidr), Gateway: netip.MustParseAddr(gateway),
	})
}

type object = map[string]any

const base = "/v2.0/lbaas/"

// raw asks with the headers given ("Name: value").
func (w *contractWorld) raw(token, method, path, body string, headers ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, "http://lbd.example:9876"+path, strings.NewReader(body))
	if token != "" {
		r.Header.Set("X-Auth-Token", token)
	}
	for _, h := range headers {
		k, v, _ := strings.Cut(h, ": ")
		r.Header.Set(k, v)
	}
	rec := httptest.NewRecorder()
	w.h.ServeHTTP(rec, r)
	return rec
}

// ask is raw with the answer decoded; an empty body is an empty object.
func (w *contractWorld) ask(token, method, path, body string, headers ...string) (int, object) {
	w.t.Helper()
	rec := w.raw(token, method, path, body, headers...)
	b, err := io.ReadAll(rec.Body)
	if err != nil {
		w.t.Fatal(err)
	}
	out := object{}
	if len(b) > 0 {
		d := json.NewDecoder(bytes.NewReader(b))
		d.UseNumber()
		if err := d.Decode(&out); err != nil {
			w.t.Fatalf("%s %s: %v in %s", method, path, err, b)
		}
	}
	return rec.Code, out
}

// does asks as admin, expects status, and returns what is at key.
func (w *contractWorld) does(status int, method, path, key, body string) object {
	w.t.Helper()
	got, out := w.ask("admin", method, base+path, body)
	if got != status {
		w.t.Fatalf("%s %s %s: %d %v, want %d", method, path, body, got, out, status)
	}
	o, _ := out[key].(object)
	return o
}

// make creates an object as admin.
func (w *contractWorld) make(path, key, body string) object {
	w.t.Helper()
	return w.does(http.StatusCreated, "POST", path, key, `{"`+key+`":`+body+`}`)
}

func (w *contractWorld) loadBalancer(name string) string {
	w.t.Helper()
	return idOf(w.make("loadbalancers", "loadbalancer", `{"name":"`+name+`","vip_subnet_id":"`+theSubnet+`"}`))
}

func (w *contractWorld) pool(lb string) string {
	w.t.Helper()
	return idOf(w.make("pools", "pool", `{"loadbalancer_id":"`+lb+`","protocol":"HTTP","lb_algorithm":"ROUND_ROBIN"}`))
}

func idOf(o object) string { s, _ := o["id"].(string); return s }

// populated is a world with one of each resource.
type populated struct {
	*contractWorld
	lb, listener, pool, member, monitor, vip, policy, rule string
	datagrams                                              string // a UDP pool, of a listener at port 53
}

func newPopulated(t testing.TB) *populated {
	t.Helper()
	w := newContractWorld(t)
	p := &populated{contractWorld: w, lb: w.loadBalancer("lb")}
	p.vip, _ = w.does(http.StatusOK, "GET", "loadbalancers/"+p.lb, "loadbalancer", "")["vip_address"].(string)
	p.pool = w.pool(p.lb)
	p.listener = idOf(w.make("listeners", "listener", `{"loadbalancer_id":"`+p.lb+`","protocol":"HTTP","protocol_port":80,"default_pool_id":"`+p.pool+`"}`))
	p.member = idOf(w.make("pools/"+p.pool+"/members", "member", `{"address":"198.51.100.9","protocol_port":8080}`))
	p.monitor = idOf(w.make("healthmonitors", "healthmonitor", `{"pool_id":"`+p.pool+`","type":"HTTP","delay":5,"timeout":3,"max_retries":2}`))
	p.policy = idOf(w.make("l7policies", "l7policy", `{"listener_id":"`+p.listener+`","action":"REJECT"}`))
	p.rule = idOf(w.make("l7policies/"+p.policy+"/rules", "rule", `{"type":"PATH","compare_type":"EQUAL_TO","value":"/x"}`))
	p.datagrams = idOf(w.make("pools", "pool", `{"loadbalancer_id":"`+p.lb+`","protocol":"UDP","lb_algorithm":"ROUND_ROBIN"}`))
	w.make("listeners", "listener", `{"loadbalancer_id":"`+p.lb+`","protocol":"UDP","protocol_port":53,"default_pool_id":"`+p.datagrams+`"}`)
	return p
}

// fill puts the ids of the populated world into a request's text.
func (p *populated) fill(s string) string {
	return strings.NewReplacer("$lb", p.lb, "$listener", p.listener, "$pool", p.pool, "$member", p.member, "$monitor", p.monitor, "$vip", p.vip, "$policy", p.policy, "$rule", p.rule, "$datagrams", p.datagrams,
		"$subnet", theSubnet, "$network", theNetwork, "$nobody", nobody).Replace(s)
}

// content is everything that clients can see of load balancing.
func (p *populated) content() string {
	p.t.Helper()
	var b strings.Builder
	for _, path := range []string{"loadbalancers", "listeners", "pools", "healthmonitors", "pools/" + p.pool + "/members", "l7policies", "l7policies/" + p.policy + "/rules"} {
		rec := p.raw("admin", "GET", base+path, "")
		if rec.Code != http.StatusOK {
			p.t.Fatalf("GET %s: %d %s", path, rec.Code, rec.Body)
		}
		b.Write(rec.Body.Bytes())
	}
	return b.String()
}
