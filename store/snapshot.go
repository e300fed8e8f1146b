package store

import (
	"bufio"
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"maps"
	"slices"
)

// A snapshot is
//
//	magic | record ... | 0 | SHA-256 of everything before it
//
// where a record is a length (uvarint, not 0) and that many bytes: a record
// name, a space, and JSON. The first record is the header; the others come in
// the order of sections, sorted by id, so that equal states have equal bytes.
const (
	snapshotMagic   = "LBDSNAP\n"
	snapshotVersion = 1
	headerRecord    = "snapshot"
	// maxRecord bounds what a damaged length can make Restore read, in bytes.
	// The largest object (a user's or node's record) stays far below.
	maxRecord = 16 << 20
)

// ErrSnapshot is returned when a snapshot is damaged, cut short, foreign or of a
// newer version; the text says which.
var ErrSnapshot = errors.New("snapshot cannot be used")

type snapshotHeader struct {
	Version   int    `json:"version"`
	Index     uint64 `json:"index"`
	ClusterID string `json:"cluster_id"`
}

// Snapshot is the state at one index. It shares the entities, which are
// immutable, and nothing else with the store.
type Snapshot struct {
	index  uint64
	tables *State // the entity maps only
}

// Snapshot captures the state; it takes as long as copying the maps.
func (s *Store) Snapshot() *Snapshot {
	s.mu.RLock()
	defer s.mu.RUnlock()
	st := s.state
	return &Snapshot{index: s.Index(), tables: &State{
		clusterID:      st.clusterID,
		settings:       st.settings,
		roleChanges:    maps.Clone(st.roleChanges),
		spread:         st.spread,
		spreadPlaces:   maps.Clone(st.spreadPlaces),
		spreadChanges:  st.spreadChanges,
		loadBalancers:  maps.Clone(st.loadBalancers),
		listeners:      maps.Clone(st.listeners),
		pools:          maps.Clone(st.pools),
		members:        maps.Clone(st.members),
		monitors:       maps.Clone(st.monitors),
		quotas:         maps.Clone(st.quotas),
		networkQuotas:  maps.Clone(st.networkQuotas),
		l7policies:     maps.Clone(st.l7policies),
		l7rules:        maps.Clone(st.l7rules),
		networks:       maps.Clone(st.networks),
		subnets:        maps.Clone(st.subnets),
		ports:          maps.Clone(st.ports),
		routers:        maps.Clone(st.routers),
		floatingIPs:    maps.Clone(st.floatingIPs),
		domains:        maps.Clone(st.domains),
		appCredentials: maps.Clone(st.appCredentials),
		revocations:    maps.Clone(st.revocations),
		projects:       maps.Clone(st.projects),
		users:          maps.Clone(st.users),
		groups:         maps.Clone(st.groups),
		memberships:    maps.Clone(st.memberships),
		roles:          maps.Clone(st.roles),
		assignments:    maps.Clone(st.assignments),
		nodes:          maps.Clone(st.nodes),
		dismissals:     maps.Clone(st.dismissals),

		securityGroups:     maps.Clone(st.securityGroups),
		securityGroupRules: maps.Clone(st.securityGroupRules),

		flavors:        maps.Clone(st.flavors),
		flavorProfiles: maps.Clone(st.flavorProfiles),
		zones:          maps.Clone(st.zones),
		zoneProfiles:   maps.Clone(st.zoneProfiles),

		secrets:    maps.Clone(st.secrets),
		containers: maps.Clone(st.containers),
	}}
}

// Index is the index the snapshot was taken at.
func (sn *Snapshot) Index() uint64 { return sn.index }

// Write encodes the snapshot. Equal states give equal bytes.
func (sn *Snapshot) Write(w io.Writer) error {
	out := &recordWriter{w: bufio.NewWriterSize(w, 64<<10), sum: newSum()}
	out.raw([]byte(snapshotMagic))
	out.record(headerRecord, snapshotHeader{snapshotVersion, sn.index, sn.tables.clusterID})
	for _, s := range sections {
		s.write(sn.tables, func(v any) { out.record(s.name, v) })
	}
	out.raw([]byte{0})
	out.raw(out.sum.Sum(nil))
	if out.err == nil {
		out.err = out.w.Flush()
	}
	if out.err != nil {
		return fmt.Errorf("write snapshot of index %d: %w", sn.index, out.err)
	}
	return nil
}

// recordWriter keeps the first error, so that callers check once.
type recordWriter struct {
	w   *bufio.Writer
	sum hash.Hash
	err error
}

func (rw *recordWriter) raw(b []byte) {
	if rw.err == nil {
		rw.sum.Write(b)
		_, rw.err = rw.w.Write(b)
	}
}

func (rw *recordWriter) record(name string, v any) {
	if rw.err != nil {
		return
	}
	b, err := json.Marshal(v)
	if err != nil {
		rw.err = fmt.Errorf("encode %s: %w", name, err)
		return
	}
	rw.raw(binary.AppendUvarint(nil, uint64(len(name)+1+len(b))))
	rw.raw([]byte(name + " "))
	rw.raw(b)
}

// Restore replaces state and index by those of a snapshot. On an error, which
// wraps ErrSnapshot unless reading itself failed, the store is as before.
func (s *Store) Restore(r io.Reader) error {
	head, st, err := readSnapshot(r)
	if err != nil {
		return fmt.Errorf("restore: %w", err)
	}
	for id := range st.loadBalancers {
		st.dirty.services[id] = struct{}{}
	}

	s.mu.Lock()
	s.state = st
	s.config.reset()
	s.index.Store(head.Index)
	s.mu.Unlock()
	s.watchers.advance(head.Index, true)
	return nil
}

func readSnapshot(r io.Reader) (snapshotHeader, *State, error) {
	var head snapshotHeader
	in := &recordReader{r: bufio.NewReaderSize(r, 64<<10), sum: newSum()}
	magic := make([]byte, len(snapshotMagic))
	if err := in.full(magic); err != nil {
		return head, nil, err
	}
	if string(magic) != snapshotMagic {
		return head, nil, fmt.Errorf("%w: it does not begin like one", ErrSnapshot)
	}
	name, data, err := in.record()
	if err != nil {
		return head, nil, err
	}
	if name != headerRecord {
		return head, nil, fmt.Errorf("%w: it has no header", ErrSnapshot)
	}
	if err := json.Unmarshal(data, &head); err != nil {
		return head, nil, fmt.Errorf("%w: header: %w", ErrSnapshot, err)
	}
	if head.Version != snapshotVersion {
		return head, nil, fmt.Errorf("%w: it has format version %d, this lbd knows %d", ErrSnapshot, head.Version, snapshotVersion)
	}

	st := newState()
	st.clusterID = head.ClusterID
	for {
		name, data, err := in.record()
		if err != nil {
			return head, nil, err
		}
		if name == "" {
			break
		}
		if err := readRecord(st, name, data); err != nil {
			return head, nil, fmt.Errorf("%w: %s: %w", ErrSnapshot, name, err)
		}
	}
	if err := in.trailer(); err != nil {
		return head, nil, err
	}
	if err := st.check(); err != nil {
		return head, nil, fmt.Errorf("%w: %w", ErrSnapshot, err)
	}
	return head, st, nil
}

func readRecord(st *State, name string, data []byte) error {
	i := slices.IndexFunc(sections, func(s section) bool { return s.name == name })
	if i < 0 {
		return errors.New("unknown record (written by a newer version?)")
	}
	return sections[i].read(st, data)
}

type recordReader struct {
	r   *bufio.Reader
	sum hash.Hash
}

// ReadByte makes binary.ReadUvarint count what it reads into the checksum.
func (rr *recordReader) ReadByte() (byte, error) {
	b, err := rr.r.ReadByte()
	if err == nil {
		rr.sum.Write([]byte{b})
	}
	return b, err
}

func (rr *recordReader) full(b []byte) error {
	if _, err := io.ReadFull(rr.r, b); err != nil {
		return cut(err)
	}
	rr.sum.Write(b)
	return nil
}

// record returns the next record, or an empty name at the end mark.
func (rr *recordReader) record() (name string, data []byte, err error) {
	size, err := binary.ReadUvarint(rr)
	if err != nil {
		return "", nil, cut(err)
	}
	if size == 0 {
		return "", nil, nil
	}
	if size > maxRecord {
		return "", nil, fmt.Errorf("%w: a record of %d bytes", ErrSnapshot, size)
	}
	// Grown while reading: a damaged length must not allocate what is not there.
	var buf bytes.Buffer
	if _, err := io.CopyN(&buf, rr.r, int64(size)); err != nil {
		return "", nil, cut(err)
	}
	rr.sum.Write(buf.Bytes())
	n, data, ok := bytes.Cut(buf.Bytes(), []byte(" "))
	if !ok || len(n) == 0 {
		return "", nil, fmt.Errorf("%w: a record without a name", ErrSnapshot)
	}
	return string(n), data, nil
}

func (rr *recordReader) trailer() error {
	want := rr.sum.Sum(nil)
	got := make([]byte, len(want))
	if _, err := io.ReadFull(rr.r, got); err != nil {
		return cut(err)
	}
	if !bytes.Equal(got, want) {
		return fmt.Errorf("%w: its checksum does not fit", ErrSnapshot)
	}
	if _, err := rr.r.ReadByte(); err != io.EOF {
		return fmt.Errorf("%w: there is something after its end", ErrSnapshot)
	}
	return nil
}

// cut tells a snapshot that ends too early from a reader that failed.
func cut(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return fmt.Errorf("%w: it is cut short", ErrSnapshot)
	}
	return fmt.Errorf("read snapshot: %w", err)
}

func sortedKeys[K cmp.Ordered, V any](m map[K]V) []K { return slices.Sorted(maps.Keys(m)) }

func newSum() hash.Hash { return sha256.New() }
