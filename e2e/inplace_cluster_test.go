package e2e

import (
	"context"
	"crypto/tls"
	"encoding/base64"
	"encoding/json"
	"io"
	"net"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"lbd/e2e/harness"
	"lbd/internal/testutil/pki"
)

// roleWatch asks the nodes all the while who is active, by their own word.
type roleWatch struct {
	stop chan struct{}
	wg   sync.WaitGroup
	mu   sync.Mutex
	lies map[string]int // guarded by mu; what was said that is not so
}

// watchRoles counts whatever is said of the roles of nodes other than that owner is active,
// or unknown. Who cannot be asked says nothing.
func watchRoles(asked []*harness.Node, owner *harness.Node) *roleWatch {
	r := &roleWatch{stop: make(chan struct{}), lies: map[string]int{}}
	for _, n := range asked {
		r.wg.Go(func() {
			for {
				if v, err := n.ClusterView(); err == nil {
					r.mu.Lock()
					for _, o := range v.Nodes {
						if (o.Name == owner.Name) != (o.Role == "active") && o.Role != "unknown" && o.Kind != "witness" {
							r.lies[n.Name+" says that "+o.Name+" is "+o.Role]++
						}
					}
					r.mu.Unlock()
				}
				select {
				case <-r.stop:
					return
				case <-time.After(5 * time.Millisecond):
				}
			}
		})
	}
	return r
}

func (r *roleWatch) end() map[string]int {
	close(r.stop)
	r.wg.Wait()
	return r.lies
}

// openStream opens a gRPC stream through a TERMINATED_HTTPS listener at port 443 and a member
// that speaks HTTP/2.
func openStream(w *harness.World, n *harness.Node, s *harness.Service) *tunnel {
	w.T.Helper()
	ca := pki.NewCA(w.T, "ca")
	var ln net.Listener
	if err := w.Web1.Do(func() (err error) { ln, err = net.Listen("tcp", ":8443"); return err }); err != nil {
		w.T.Fatal(err)
	}
	srv := grpc.NewServer(grpc.Creds(credentials.NewTLS(&tls.Config{Certificates: []tls.Certificate{ca.ECDSA("member").TLS()}})))
	srv.RegisterService(&shouter, nil)
	go srv.Serve(ln)
	w.T.Cleanup(srv.Stop)

	status, b, err := n.API("POST", keyManager+"secrets", map[string]any{
		"payload":              base64.StdEncoding.EncodeToString(ca.ECDSA("shop.example").PKCS12(w.T, "")),
		"payload_content_type": "application/octet-stream", "payload_content_encoding": "base64",
	})
	var secret struct {
		Ref string `json:"secret_ref"`
	}
	if err != nil || status != 201 || json.Unmarshal(b, &secret) != nil {
		w.T.Fatalf("store a secret: %d %s %v", status, b, err)
	}
	pool := n.Post(harness.Octavia+"pools", "pool", map[string]any{
		"loadbalancer_id": s.LB, "protocol": "HTTP", "lb_algorithm": "ROUND_ROBIN", "tls_enabled": true, "alpn_protocols": []string{"h2"},
	})
	n.Post(harness.Octavia+"pools/"+pool["id"].(string)+"/members", "member", map[string]any{"address": "10.0.0.6", "protocol_port": 8443})
	n.Post(harness.Octavia+"listeners", "listener", map[string]any{
		"name": "grpc", "loadbalancer_id": s.LB, "protocol": "TERMINATED_HTTPS", "protocol_port": 443, "default_pool_id": pool["id"], "default_tls_container_ref": secret.Ref,
		"timeout_client_data": 600000, "timeout_member_data": 600000,
	})

	ctx, cancel := context.WithCancel(context.Background())
	conn, err := grpc.NewClient("passthrough:///"+s.FIP+":443", grpc.WithTransportCredentials(credentials.NewTLS(&tls.Config{RootCAs: ca.Pool(), ServerName: "shop.example"})),
		grpc.WithContextDialer(func(ctx context.Context, addr string) (net.Conn, error) { return w.Client.Dial(ctx, "tcp", addr) }))
	if err == nil {
		w.T.Cleanup(func() { conn.Close() })
		var both grpc.ClientStream
		both, err = conn.NewStream(ctx, &grpc.StreamDesc{ClientStreams: true, ServerStreams: true}, "/lbd.Shouter/Both", grpc.WaitForReady(true))
		if err == nil {
			return talk(w, "the gRPC stream", cancel, func(line string) (string, error) {
				got := new(wrapperspb.StringValue)
				if err := both.SendMsg(wrapperspb.String(line)); err != nil && err != io.EOF { // RecvMsg says why
					return "", err
				}
				err := both.RecvMsg(got)
				return got.Value, err
			})
		}
	}
	cancel()
	w.T.Fatal(err)
	return nil
}

// TestRestartTheActiveNode restarts the active node of a cluster, again and again, under
// load: the VIPs stay where they are, no request fails, and a WebSocket-like tunnel, a TCP
// relay and a stream of gRPC live through all of it. One restart fails late, and goes on with the binary
// that ran.
func TestRestartTheActiveNode(t *testing.T) {
	good, err := os.ReadFile(harness.Binary())
	if err != nil {
		t.Fatal(err)
	}
	for _, variant := range []struct {
		name string
		opts harness.Options
	}{
		{"two nodes and a witness", harness.Options{Nodes: 2, Witness: true}},
		{"two nodes", harness.Options{Nodes: 2}},
	} {
		t.Run(variant.name, func(t *testing.T) {
			w := harness.New(t, variant.opts)
			for _, n := range w.Nodes {
				n.Install(good)
			}
			w.StartCluster()
			s := w.MakeService(nil)
			w.Nodes[0].CLI("profile", "calm") // nothing is to move for want of a processor
			a := w.Active(s.VIP)
			other := w.Nodes[0]
			if other == a {
				other = w.Nodes[1]
			}
			relayed := a.Post(harness.Octavia+"listeners", "listener", map[string]any{"name": "tcp", "loadbalancer_id": s.LB, "protocol": "TCP", "protocol_port": 8080})
			pool := a.Post(harness.Octavia+"pools", "pool", map[string]any{"name": "pool2", "listener_id": relayed["id"], "protocol": "TCP", "lb_algorithm": "ROUND_ROBIN"})
			a.Post(harness.Octavia+"pools/"+pool["id"].(string)+"/members", "member", map[string]any{"address": "10.0.0.6", "protocol_port": 80})
			w.Until(10*time.Second, "the TCP listener serves", func() error {
				_, err := w.Curl("--fail", "http://"+s.FIP+":8080/")
				return err
			})
			whole(w)
			arp := w.WatchARP(w.Observer, "private", "10.0.0.50", s.VIP)
			long := []*tunnel{openTunnel(w, "the tunnel", s.FIP+":80"), openTunnel(w, "the relay", s.FIP+":8080"), openStream(w, a, s)}
			l := startLoad(w, w.Client, s.FIP+":80")
			l.passed("before the restart")
			_, term := newestTakeover(t, other)
			roles := watchRoles(w.Nodes, a)
			restart := func(by *harness.Node, args ...string) (string, error) {
				began := time.Now()
				out, err := by.TryCLI(time.Minute, args[0], append([]string{"--wait", "20s"}, args[1:]...)...)
				t.Logf("%s (%s)", out, time.Since(began).Round(time.Millisecond))
				return out, err
			}
			check := func(when string) {
				t.Helper()
				l.passed(when)
				for _, c := range long {
					c.alive(w, when)
				}
				whole(w)
				if !a.HasAddress(s.VIP) || other.HasAddress(s.VIP) {
					t.Errorf("%s the VIP is not where it was", when)
				}
				if owner, now := newestTakeover(t, other); owner != a.Name {
					t.Errorf("%s the VIPs have moved to %s in term %d", when, owner, now)
				} else if now != term {
					t.Logf("%s: the election took longer than the lease, the machine is busy", when)
				}
			}
			for i, by := range []*harness.Node{a, other} {
				before, err := a.Self()
				if err != nil {
					t.Fatal(err)
				}
				a.Install(good)
				if out, err := restart(by, "restart", a.Name); err != nil {
					t.Fatalf("restart: %v\n%s", err, out)
				}
				if after, err := a.Self(); err != nil || after.PID == before.PID || !a.RunsInstalled() {
					t.Errorf("restart %d: process %d goes on after %d, %v", i, after.PID, before.PID, err)
				}
				check("after a restart")
			}

			// This one fails when the process before has let go of the data.
			a.Install([]byte("#!/bin/sh\n[ \"$1\" = version ] && echo lbd 9.9 && echo handover 1 && exit\nexec " + harness.Binary() + " \"$@\" --name other\n"))
			if out, err := restart(a, "restart"); err == nil || !strings.Contains(out, "it goes on with the binary it had: ") || !strings.Contains(out, "a node keeps its name") {
				t.Errorf("a binary that fails late: %v\n%s", err, out)
			}
			check("after a binary that failed late")

			a.Install(good)
			if out, err := restart(other, "upgrade"); err != nil {
				t.Errorf("upgrade: %v\n%s", err, out)
			}
			check("after an upgrade")
			if lies := roles.end(); len(lies) > 0 {
				// A lease that has lapsed leaves a standby, and it says so; nobody else may be active.
				_, now := newestTakeover(t, other)
				for lie := range lies {
					if now == term || !strings.HasSuffix(lie, " says that "+a.Name+" is standby") {
						t.Errorf("of the roles it was said: %v", lies)
					}
				}
			}
			for _, c := range long {
				lines, err := c.close()
				t.Logf("%d lines came back on %s", lines, c.name)
				if err != nil {
					t.Errorf("%s: %v", c.name, err)
				}
			}
			l.check()
			if two := harness.TwoOwners(arp.Stop()); two > 0 {
				t.Errorf("two nodes answered ARP for %s during %s", s.VIP, two)
			}

			// The lease is the new process's own: it can hand over, and dies as any other.
			other.CLI("switchover")
			w.Until(10*time.Second, "the VIPs have moved", func() error {
				if a.HasAddress(s.VIP) || !other.HasAddress(s.VIP) {
					return errorf("%s: %v, %s: %v", a.Name, a.HasAddress(s.VIP), other.Name, other.HasAddress(s.VIP))
				}
				return nil
			})
		})
	}
}
