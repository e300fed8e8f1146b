package raft

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"os"
	"runtime/debug"
)

// errNewDB is what precheck says about a file that is missing or empty.
var errNewDB = errors.New("the file is new")

// Layout of a bbolt meta page: a 16-byte page header, then magic, version, page
// size, flags (4 bytes each), root bucket (16), freelist page, number of pages in
// use, transaction id, checksum (8 each), in the byte order of the machine.
const (
	boltHeader   = 16
	boltMagic    = 0xED0CDAED
	boltVersion  = 2
	boltMetaSize = 64
)

// precheckBolt tells whether bbolt can open path without running off the end of
// the file: bbolt maps it and would die by a signal on a page that is not there.
func precheckBolt(path string) error {
	f, err := os.Open(path)
	if errors.Is(err, os.ErrNotExist) {
		return errNewDB
	}
	if err != nil {
		return err
	}
	defer f.Close()
	fi, err := f.Stat()
	if err != nil {
		return err
	}
	if fi.Size() == 0 {
		return errNewDB
	}
	var best, bestTx uint64
	for page := int64(0); page < 2; page++ {
		size, pages, tx, ok := readMeta(f, page, fi.Size())
		if ok && (best == 0 || tx > bestTx) {
			best, bestTx = size*pages, tx
		}
	}
	switch {
	case best == 0:
		return errors.New("it is not a database, or its head is overwritten")
	case uint64(fi.Size()) < best:
		return fmt.Errorf("it is cut short: %d bytes of at least %d", fi.Size(), best)
	}
	return nil
}

// readMeta reads meta page 0 or 1. The second one's place depends on the page
// size, which is the system's unless the file comes from elsewhere.
func readMeta(f io.ReaderAt, page, fileSize int64) (pageSize, pages, tx uint64, ok bool) {
	sizes := []int64{int64(os.Getpagesize()), 4096, 8192, 16384, 65536}
	if page == 0 {
		sizes = []int64{0}
	}
	for _, size := range sizes {
		b := make([]byte, boltMetaSize)
		if _, err := f.ReadAt(b, page*size+boltHeader); err != nil {
			continue
		}
		e := binary.NativeEndian
		h := fnv.New64a()
		h.Write(b[:56])
		if e.Uint32(b) != boltMagic || e.Uint32(b[4:]) != boltVersion || h.Sum64() != e.Uint64(b[56:]) {
			continue
		}
		pageSize, pages, tx = uint64(e.Uint32(b[8:])), e.Uint64(b[40:]), e.Uint64(b[48:])
		if pageSize >= 512 && pageSize <= 1<<20 && pages < 1<<40 {
			return pageSize, pages, tx, true
		}
	}
	return 0, 0, 0, false
}

// guarded runs fn and turns a panic, or a fault in a mapped file, into an error.
func guarded(fn func() error) (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("its content is inconsistent (%v)", p)
		}
	}()
	return fn()
}
