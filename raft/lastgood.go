package raft

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"

	"lbd/store/model"
)

// The last good configuration is a line "lbd1 SHA-256" and JSON after it.
const lastGoodMagic = "lbd1 "

// SaveLastGood keeps c for a start without quorum. The file is replaced whole
// and is on disk when SaveLastGood returns.
func (n *Node) SaveLastGood(c *model.Config) error {
	body, err := json.Marshal(c)
	if err != nil {
		return fmt.Errorf("save last good configuration: %w", err)
	}
	sum := sha256.Sum256(body)
	head := lastGoodMagic + hex.EncodeToString(sum[:]) + "\n"
	if err := replaceFile(filepath.Join(n.cfg.DataDir, lastGoodFile), append([]byte(head), body...)); err != nil {
		return fmt.Errorf("save last good configuration: %w", err)
	}
	return nil
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

// replaceFile writes a file so that after a crash either the old or the new
// content is there. The file holds configuration, so it is private (0600).
func replaceFile(path string, b []byte) (err error) {
	f, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			os.Remove(f.Name())
		}
	}()
	_, err = f.Write(b)
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
