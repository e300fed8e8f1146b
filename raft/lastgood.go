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

	"lbd/store/model"
)

// The last good configuration is a line "lbd1 SHA-256" and JSON after it.
const lastGoodMagic = "lbd1 "

// lastGoodHead is the length of that line in bytes.
const lastGoodHead = len(lastGoodMagic) + 2*sha256.Size + 1

// pieceSize is how much of it, in bytes, goes to the disk at once: the log shares the
// disk, and every write of the cluster waits for the log.
const pieceSize = 1 << 20

// SaveLastGood keeps c for a start without quorum. The file is replaced whole
// and is on disk when SaveLastGood returns.
func (n *Node) SaveLastGood(c *model.Config) error {
	err := replaceFile(filepath.Join(n.cfg.DataDir, lastGoodFile), func(f *os.File) error {
		if _, err := f.Write(make([]byte, lastGoodHead)); err != nil { // known at the end
			return err
		}
		sum := sha256.New()
		out := bufio.NewWriterSize(io.MultiWriter(sum, pieces{f}), pieceSize)
		if err := writeConfig(out, c); err != nil {
			return err
		}
		if err := out.Flush(); err != nil {
			return err
		}
		_, err := f.WriteAt([]byte(lastGoodMagic+hex.EncodeToString(sum.Sum(nil))+"\n"), 0)
		return err
	})
	if err != nil {
		return fmt.Errorf("save last good configuration: %w", err)
	}
	return nil
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

// pieces writes to a file and waits until the disk has it.
type pieces struct{ f *os.File }

func (p pieces) Write(b []byte) (int, error) {
	n, err := p.f.Write(b)
	if err == nil {
		err = p.f.Sync()
	}
	return n, err
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
	d, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}
