package raft

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"

	"lbd/store/model"
)

// The last good configuration is a line "lbd1 SHA-256" and JSON after it, and what
// changed since then in a file beside it: see goodChange.
const lastGoodMagic = "lbd1 "

// lastGoodHead is the length of that line in bytes.
const lastGoodHead = len(lastGoodMagic) + 2*sha256.Size + 1

// keeper keeps the last good configuration of one process.
type keeper struct {
	mu    sync.Mutex
	saved *model.Config // guarded by mu; what the disk has, nil: not known
	sum   []byte        // guarded by mu; of the last change, or of the whole
	whole int64         // guarded by mu; size of the whole in bytes
	tail  int64         // guarded by mu; size of the changes after it in bytes
	lines int           // guarded by mu; how many they are
}

// SaveLastGood keeps c for a start without quorum; it is on disk when SaveLastGood
// returns. What is written is what changed since the call before, and everything
// where that would be less or is not known.
func (n *Node) SaveLastGood(c *model.Config) error {
	k := &n.good
	k.mu.Lock()
	defer k.mu.Unlock()
	ch, ok := changeOf(k.saved, c)
	var err error
	switch {
	case ok && len(ch.Gone) == 0 && len(ch.Fresh) == 0:
		return nil // it serves the same
	case ok && k.lines < maxChanges && len(ch.Fresh) <= len(c.Services)/2:
		ok, err = k.add(n.cfg.DataDir, ch)
	default:
		ok = false
	}
	if err == nil && !ok {
		err = k.replace(n.cfg.DataDir, c)
	}
	k.saved = c
	if err != nil {
		k.saved = nil
		return fmt.Errorf("save last good configuration: %w", err)
	}
	return nil
}

// replace writes all of c; the file is replaced whole.
func (k *keeper) replace(dir string, c *model.Config) error {
	sum := sha256.New()
	err := replaceFile(filepath.Join(dir, lastGoodFile), func(f *os.File) error {
		if _, err := f.Write(make([]byte, lastGoodHead)); err != nil { // known at the end
			return err
		}
		out := bufio.NewWriterSize(io.MultiWriter(sum, &pieces{w: f, sync: f.Sync}), pieceSize)
		if err := writeConfig(out, c); err != nil {
			return err
		}
		if err := out.Flush(); err != nil {
			return err
		}
		var err error
		if k.whole, err = f.Seek(0, io.SeekCurrent); err != nil {
			return err
		}
		_, err = f.WriteAt([]byte(lastGoodMagic+hex.EncodeToString(sum.Sum(nil))+"\n"), 0)
		return err
	})
	// Changes of the file before do not fit this one: nobody reads them.
	k.sum, k.tail, k.lines = sum.Sum(nil), 0, 0
	return err
}

// writeConfig writes the JSON of c service by service: all of it at once would be tens
// of megabytes.
func writeConfig(w io.Writer, c *model.Config) error {
	if _, err := fmt.Fprintf(w, `{"index":%d,"services":[`, c.Index); err != nil {
		return err
	}
	for i, svc := range c.Services {
		b, err := json.Marshal(svc)
		if err != nil {
			return err
		}
		if i > 0 {
			b = append([]byte{','}, b...)
		}
		if _, err := w.Write(b); err != nil {
			return err
		}
	}
	_, err := io.WriteString(w, "]}")
	return err
}

// LastGood reads what SaveLastGood kept. The error wraps fs.ErrNotExist when
// there is nothing; a damaged file is refused, never half used.
func (n *Node) LastGood() (*model.Config, error) {
	path := filepath.Join(n.cfg.DataDir, lastGoodFile)
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read last good configuration: %w", err)
	}
	head, body, ok := bytes.Cut(b, []byte("\n"))
	sum := sha256.Sum256(body)
	if !ok || string(head) != lastGoodMagic+hex.EncodeToString(sum[:]) {
		return nil, fmt.Errorf("read last good configuration: %s is damaged; remove it", path)
	}
	c := new(model.Config)
	if err := json.Unmarshal(body, c); err != nil {
		return nil, fmt.Errorf("read last good configuration: %s is of another version: %w", path, err)
	}
	if err := followChanges(n.cfg.DataDir, sum[:], c); err != nil {
		return nil, fmt.Errorf("read last good configuration: %w", err)
	}
	return c, nil
}

// replaceFile has write write a file so that after a crash either the old or the new
// content is there. The file holds configuration, so it is private (0600).
func replaceFile(path string, write func(f *os.File) error) (err error) {
	f, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			os.Remove(f.Name())
		}
	}()
	err = write(f)
	if err == nil {
		err = f.Sync()
	}
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return err
	}
	return syncDir(filepath.Dir(path))
}

// syncDir puts on disk which files a directory has.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}
