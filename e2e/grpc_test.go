package e2e

import (
	"context"
	"crypto/tls"
	"encoding/base64"
	"io"
	"net"
	"strconv"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"lbd/e2e/harness"
	"lbd/internal/testutil/pki"
)

// shouter answers in capitals: "one" call, a stream "down" of each letter, a stream
// "up" that is joined, and "both" at once. An empty word is refused.
var shouter = grpc.ServiceDesc{
	ServiceName: "lbd.Shouter",
	HandlerType: (*any)(nil),
	Methods: []grpc.MethodDesc{{MethodName: "One", Handler: func(_ any, ctx context.Context, read func(any) error, _ grpc.UnaryServerInterceptor) (any, error) {
		in := new(wrapperspb.StringValue)
		if err := read(in); err != nil {
			return nil, err
		}
		if in.Value == "" {
			return nil, status.Error(codes.InvalidArgument, "nothing to shout")
		}
		if in.Value == "wait" {
			<-ctx.Done()
			return nil, ctx.Err()
		}
		grpc.SetTrailer(ctx, metadata.Pairs("letters", strconv.Itoa(len(in.Value))))
		return wrapperspb.String(strings.ToUpper(in.Value)), nil
	}}},
	Streams: []grpc.StreamDesc{
		{StreamName: "Down", ServerStreams: true, Handler: func(_ any, s grpc.ServerStream) error {
			in := new(wrapperspb.StringValue)
			if err := s.RecvMsg(in); err != nil {
				return err
			}
			for _, r := range in.Value {
				if err := s.SendMsg(wrapperspb.String(strings.ToUpper(string(r)))); err != nil {
					return err
				}
			}
			return nil
		}},
		{StreamName: "Up", ClientStreams: true, Handler: func(_ any, s grpc.ServerStream) error {
			var all strings.Builder
			for {
				in := new(wrapperspb.StringValue)
				if err := s.RecvMsg(in); err == io.EOF {
					return s.SendMsg(wrapperspb.String(strings.ToUpper(all.String())))
				} else if err != nil {
					return err
				}
				all.WriteString(in.Value)
			}
		}},
		{StreamName: "Both", ClientStreams: true, ServerStreams: true, Handler: func(_ any, s grpc.ServerStream) error {
			for {
				in := new(wrapperspb.StringValue)
				if err := s.RecvMsg(in); err == io.EOF {
					return nil
				} else if err != nil {
					return err
				}
				if err := s.SendMsg(wrapperspb.String(strings.ToUpper(in.Value))); err != nil {
					return err
				}
			}
		}},
	},
}

// TestGRPC: the four kinds of calls, errors, deadlines and trailers of a stock gRPC
// client and server, through a TERMINATED_HTTPS listener and a pool that speaks HTTP/2.
func TestGRPC(t *testing.T) {
	t.Parallel()
	ca := pki.NewCA(t, "ca")
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	srv := grpc.NewServer(grpc.Creds(credentials.NewTLS(&tls.Config{Certificates: []tls.Certificate{ca.ECDSA("member").TLS()}})))
	srv.RegisterService(&shouter, nil)
	go srv.Serve(ln)
	t.Cleanup(srv.Stop)

	n := startLoopback(t, t.TempDir())
	status1, out := n.admin(t, "POST", keyManager+"secrets", map[string]any{
		"payload":              base64.StdEncoding.EncodeToString(ca.ECDSA("shop.example").PKCS12(t, "")),
		"payload_content_type": "application/octet-stream", "payload_content_encoding": "base64",
	})
	if status1 != 201 {
		t.Fatalf("store a secret: %d %v", status1, out)
	}
	free, err := net.Listen("tcp", "127.0.9.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := free.Addr().(*net.TCPAddr).Port
	free.Close()
	lb := n.balancer(t, "127.0.9.1")
	pool := n.create(t, harness.Octavia+"pools", "pool", map[string]any{
		"loadbalancer_id": lb, "protocol": "HTTP", "lb_algorithm": "ROUND_ROBIN", "tls_enabled": true, "alpn_protocols": []string{"h2"},
	})
	n.create(t, harness.Octavia+"pools/"+pool+"/members", "member", map[string]any{"address": "127.0.0.1", "protocol_port": ln.Addr().(*net.TCPAddr).Port})
	n.create(t, harness.Octavia+"listeners", "listener", map[string]any{
		"loadbalancer_id": lb, "protocol": "TERMINATED_HTTPS", "protocol_port": port, "default_pool_id": pool, "default_tls_container_ref": out["secret_ref"],
	})

	conn, err := grpc.NewClient(net.JoinHostPort("127.0.9.1", strconv.Itoa(port)), grpc.WithTransportCredentials(credentials.NewTLS(&tls.Config{RootCAs: ca.Pool(), ServerName: "shop.example"})),
		grpc.WithDefaultCallOptions(grpc.WaitForReady(true)))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	one := func(ctx context.Context, word string, more ...grpc.CallOption) (string, error) {
		got := new(wrapperspb.StringValue)
		err := conn.Invoke(ctx, "/lbd.Shouter/One", wrapperspb.String(word), got, more...)
		return got.Value, err
	}
	var trailer metadata.MD
	if got, err := one(ctx, "hello", grpc.Trailer(&trailer)); err != nil || got != "HELLO" || len(trailer["letters"]) != 1 || trailer["letters"][0] != "5" {
		t.Fatalf("a call: %q, %v, trailer %v", got, err, trailer)
	}
	long := strings.Repeat("x", 1<<20)
	if got, err := one(ctx, long); err != nil || got != strings.ToUpper(long) {
		t.Errorf("a long call: %d bytes, %v", len(got), err)
	}
	if _, err := one(ctx, ""); status.Code(err) != codes.InvalidArgument || status.Convert(err).Message() != "nothing to shout" {
		t.Errorf("an error: %v", err)
	}
	soon, end := context.WithTimeout(ctx, 100*time.Millisecond)
	defer end()
	if _, err := one(soon, "wait"); status.Code(err) != codes.DeadlineExceeded {
		t.Errorf("a deadline: %v", err)
	}
	open := func(name string, desc grpc.StreamDesc) grpc.ClientStream {
		s, err := conn.NewStream(ctx, &desc, "/lbd.Shouter/"+name)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	say := func(s grpc.ClientStream, word string) {
		t.Helper()
		if err := s.SendMsg(wrapperspb.String(word)); err != nil {
			t.Fatal(err)
		}
	}
	hear := func(s grpc.ClientStream, want string) {
		t.Helper()
		got := new(wrapperspb.StringValue)
		if err := s.RecvMsg(got); err != nil || got.Value != want {
			t.Fatalf("%q, %v; want %q", got.Value, err, want)
		}
	}
	ended := func(s grpc.ClientStream) {
		t.Helper()
		if err := s.RecvMsg(new(wrapperspb.StringValue)); err != io.EOF {
			t.Errorf("the end of a stream: %v", err)
		}
	}
	down := open("Down", grpc.StreamDesc{ServerStreams: true})
	say(down, "abc")
	down.CloseSend()
	for _, want := range []string{"A", "B", "C"} {
		hear(down, want)
	}
	ended(down)
	up := open("Up", grpc.StreamDesc{ClientStreams: true})
	say(up, "ab")
	say(up, "cd")
	up.CloseSend()
	hear(up, "ABCD")
	both := open("Both", grpc.StreamDesc{ClientStreams: true, ServerStreams: true})
	for _, word := range []string{"one", "two", "three"} { // each is answered before the next
		say(both, word)
		hear(both, strings.ToUpper(word))
	}
	both.CloseSend()
	ended(both)
}
