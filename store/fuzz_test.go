package store_test

import (
	"bytes"
	"testing"

	"github.com/google/go-cmp/cmp"

	"lbd/store"
)

// FuzzDecode: no entry makes Decode or Apply panic or leaves a state with a
// dangling reference, and what is decoded encodes to the same command.
func FuzzDecode(f *testing.F) {
	for _, cmd := range append(goldenLog(), foundation()...) {
		e, err := cmd.Encode()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(e)
	}
	f.Add([]byte{})
	f.Add([]byte{2, '{', '}'})
	f.Add([]byte("\x01{\"kind\":\"pool.create\",\"payload\":null}"))
	f.Add([]byte("\x01{\"kind\":\"network.create\",\"at\":\"9999-12-31T23:59:59-23:00\",\"payload\":{\"id\":\"z\"}}"))
	f.Fuzz(func(t *testing.T, entry []byte) {
		cmd, err := store.Decode(entry)
		if err != nil {
			return
		}
		again, err := cmd.Encode()
		if err != nil {
			return // a time that JSON reads but does not write
		}
		back, err := store.Decode(again)
		if err != nil {
			t.Fatalf("own encoding: %v", err)
		}
		if third, err := back.Encode(); err != nil || !bytes.Equal(again, third) {
			t.Fatalf("encoding is not stable: %s, %v", cmp.Diff(again, third), err)
		}
		s := store.New()
		for i, c := range foundation() {
			if err := s.Apply(uint64(i+1), c); err != nil {
				t.Fatal(err)
			}
		}
		before := s.Content()
		if err := s.Apply(99, cmd); err != nil && !bytes.Equal(before, s.Content()) {
			t.Fatalf("refused (%v) but changed the state", err)
		}
		if err := s.Verify(); err != nil {
			t.Fatal(err)
		}
		s.Config()
	})
}

// FuzzRestore: records that get past the checksum are refused, or make a store
// that works.
func FuzzRestore(f *testing.F) {
	c := everything(f)
	f.Add(store.Unseal(snapshotOf(f, c.s)))
	f.Add(store.Unseal(snapshotOf(f, store.New())))
	f.Add([]byte("LBDSNAP\n"))
	f.Fuzz(func(t *testing.T, records []byte) {
		s := store.New()
		if s.Restore(bytes.NewReader(records)) == nil {
			t.Fatal("restored without a checksum")
		}
		if s.Restore(bytes.NewReader(store.Seal(records))) != nil {
			return
		}
		if err := s.Verify(); err != nil {
			t.Fatal(err)
		}
		once := s.Content()
		again := store.New()
		if err := again.Restore(bytes.NewReader(once)); err != nil || !bytes.Equal(once, again.Content()) {
			t.Fatalf("its own snapshot is not the same: %v", err)
		}
		s.Config()
		index := s.Index()
		for _, cmd := range append(goldenLog(), foundation()...) {
			index++
			if err := s.Apply(index, cmd); err != nil && store.KindOf(err) == "" {
				t.Fatal(err)
			}
			if err := s.Verify(); err != nil {
				t.Fatalf("after %s: %v", cmd.Kind, err)
			}
		}
		s.Config()
	})
}
