package store_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"lbd/store"
	"lbd/store/model"
)

func snapshotOf(t testing.TB, s *store.Store) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := s.Snapshot().Write(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// everything has an object of each kind, some of them pending.
func everything(t testing.TB) *cluster {
	c := newCluster(t)
	c.ok(store.ClusterInit, initPayload())
	c.walkthrough()
	c.ok(store.FloatingIPCreate, &store.FloatingIPCreatePayload{FloatingIP: model.FloatingIP{ID: "fip", Network: "ext", Port: "vip-lb1"}})
	c.ok(store.L7PolicyCreate, toPool("l7", "listener1", "pool1"))
	c.ok(store.L7RuleCreate, rule("r1", "l7"))
	c.ok(store.MemberDelete, &store.MemberRef{ID: "m1", Pool: "pool1"})
	c.ok(store.MemberCreate, member("m0", "pool1", "10.0.0.6")) // read before m1
	return c
}

func TestSnapshotRoundTrip(t *testing.T) {
	c := everything(t)
	b := snapshotOf(t, c.s)
	other := store.New()
	if err := other.Restore(iotest.OneByteReader(bytes.NewReader(b))); err != nil {
		t.Fatal(err)
	}
	if err := other.Verify(); err != nil {
		t.Error(err)
	}
	if other.Index() != c.index {
		t.Errorf("index %d, want %d", other.Index(), c.index)
	}
	if !bytes.Equal(b, snapshotOf(t, other)) {
		t.Error("the snapshot of a restored store differs")
	}
	// The restored store goes on like the first.
	restored := &cluster{t: t, s: other, index: c.index}
	for _, x := range []*cluster{c, restored} {
		x.refused(store.MemberCreate, member("m8", "pool1", "10.0.0.6"), store.Conflict,
			"Another member on this pool is already using ip 10.0.0.6 on protocol_port 80")
		x.ok(store.LoadBalancerCreate, lb("lb2"))
		x.settle()
	}
	if !bytes.Equal(snapshotOf(t, c.s), snapshotOf(t, other)) {
		t.Error("the stores went apart")
	}
}

func TestSnapshotIsOfItsMoment(t *testing.T) {
	c := everything(t)
	before := snapshotOf(t, c.s)
	sn := c.s.Snapshot()
	c.ok(store.LoadBalancerDelete, &store.LoadBalancerDeletePayload{ID: "lb1", Cascade: true})
	c.settle()
	var b bytes.Buffer
	if err := sn.Write(&b); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(before, b.Bytes()) {
		t.Error("later commands show in the snapshot")
	}
}

func TestRestoreRefusesDamage(t *testing.T) {
	c := everything(t)
	good := snapshotOf(t, c.s)
	s := store.New()
	refused := func(what string, b []byte, want string) {
		t.Helper()
		err := s.Restore(bytes.NewReader(b))
		if !errors.Is(err, store.ErrSnapshot) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", what, err, want)
		}
	}
	for n := 0; n < len(good); n += 1 + n/50 {
		refused("cut", good[:n], "cut short")
	}
	refused("cut by a byte", good[:len(good)-1], "cut short")
	for i := 0; i < len(good); i += 3 {
		bad := bytes.Clone(good)
		bad[i] ^= 0x20
		if err := s.Restore(bytes.NewReader(bad)); !errors.Is(err, store.ErrSnapshot) {
			t.Fatalf("flipped bit in byte %d of %d: %v", i, len(good), err)
		}
	}
	refused("foreign", []byte("SQLite format 3\x00"), "does not begin like one")
	refused("longer", append(bytes.Clone(good), 0), "something after its end")

	magic := good[:8]
	record := func(b []byte, text string) []byte {
		return append(binary.AppendUvarint(bytes.Clone(b), uint64(len(text))), text...)
	}
	header := record(magic, `snapshot {"version":1,"index":5,"cluster_id":"c"}`)
	refused("newer", store.Seal(record(magic, `snapshot {"version":2}`)), "format version 2, this lbd knows 1")
	refused("headless", store.Seal(record(magic, `node {"id":"n"}`)), "no header")
	refused("unknown record", store.Seal(record(header, `cat {"id":"n"}`)), "unknown record")
	refused("unknown field", store.Seal(record(header, `node {"id":"n","cat":1}`)), "unknown field")
	refused("no id", store.Seal(record(header, `node {"name":"n"}`)), "no id")
	refused("twice", store.Seal(record(record(header, `node {"id":"n","name":"n"}`), `node {"id":"n","name":"n"}`)), "two have the id n")
	refused("no name", store.Seal(record(header, `{}`)), "without a name")
	refused("huge", append(bytes.Clone(header), 0xff, 0xff, 0xff, 0xff, 0x0f), "a record of")
	refused("dangling", store.Seal(record(header, `listener {"id":"l","load_balancer":"x","provisioning_status":"ACTIVE"}`)), "no load balancer x")
	if s.Index() != 0 || len(s.Config().Services) != 0 {
		t.Error("a refused snapshot left something behind")
	}

	failing := iotest.ErrReader(io.ErrClosedPipe)
	if err := s.Restore(failing); !errors.Is(err, io.ErrClosedPipe) || errors.Is(err, store.ErrSnapshot) {
		t.Errorf("failing reader: %v", err)
	}
	if err := c.s.Snapshot().Write(failingWriter{}); !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("failing writer: %v", err)
	}
}

type failingWriter struct{}

func (failingWriter) Write([]byte) (int, error) { return 0, io.ErrClosedPipe }

func newReader(b []byte) io.Reader { return bytes.NewReader(b) }
