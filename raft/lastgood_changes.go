package raft

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"lbd/store/model"
)

// changesFile in the data directory is what changed since the last good configuration
// was written whole: with ten thousand load balancers that is tens of megabytes, and a
// fifth of a second of one core, for a change of a few hundred bytes.
const changesFile = "lastgood.changes"

// maxChanges is after how many changes the whole is written again; that bounds what
// a start has to do.
const maxChanges = 1000

// goodChange is a line of changesFile: SHA-256 in hex, a space, JSON. The sum is that of
// the line before, the whole file's for the first, and of the JSON. So a line that
// follows something else, or was not written to its end, is found out.
type goodChange struct {
	Index uint64                 `json:"index"` // of the configuration after it
	Gone  []model.LoadBalancerID `json:"gone,omitempty"`
	Fresh []placed               `json:"fresh,omitempty"` // new, or another than before; in their order
}

// placed is a service and which one it is, from 0, in the configuration after the change.
type placed struct {
	At      int            `json:"at"`
	Service *model.Service `json:"service"`
}

// changeOf is the way from was to now. Not ok: there is none, because was is not known or
// services have changed places.
func changeOf(was, now *model.Config) (ch goodChange, ok bool) {
	if was == nil {
		return goodChange{}, false
	}
	ch.Index = now.Index
	gone := make(map[*model.Service]bool, len(was.Services))
	for _, s := range was.Services {
		gone[s] = true
	}
	for at, s := range now.Services {
		if gone[s] {
			delete(gone, s)
		} else {
			ch.Fresh = append(ch.Fresh, placed{at, s})
		}
	}
	var kept []*model.Service
	for _, s := range was.Services {
		if gone[s] {
			ch.Gone = append(ch.Gone, s.LoadBalancer.ID)
		} else {
			kept = append(kept, s)
		}
	}
	after, ok := inPlaces(kept, ch.Fresh)
	return ch, ok && slices.Equal(after, now.Services)
}

// inPlaces is kept with fresh in their places. Not ok: there are no such places.
func inPlaces(kept []*model.Service, fresh []placed) (all []*model.Service, ok bool) {
	all = make([]*model.Service, 0, len(kept)+len(fresh))
	for _, f := range fresh {
		n := f.At - len(all)
		if n < 0 || n > len(kept) {
			return nil, false
		}
		all = append(append(all, kept[:n]...), f.Service)
		kept = kept[n:]
	}
	return append(all, kept...), true
}

// add writes ch behind the changes before. Not ok: everything is less to write.
func (k *keeper) add(dir string, ch goodChange) (ok bool, err error) {
	b, err := json.Marshal(ch)
	if err != nil {
		return false, err
	}
	sum := chain(k.sum, b)
	line := append(append(hex.AppendEncode(nil, sum), ' '), append(b, '\n')...)
	if k.tail+int64(len(line)) > k.whole {
		return false, nil
	}
	flags := os.O_WRONLY
	if k.tail == 0 {
		flags |= os.O_CREATE | os.O_TRUNC
	}
	f, err := os.OpenFile(filepath.Join(dir, changesFile), flags, 0o600)
	if err != nil {
		return false, err
	}
	_, err = f.WriteAt(line, k.tail)
	if err == nil {
		err = f.Sync()
	}
	err = errors.Join(err, f.Close())
	if err == nil && k.tail == 0 {
		err = syncDir(dir)
	}
	if err != nil {
		return false, err
	}
	k.sum, k.tail, k.lines = sum, k.tail+int64(len(line)), k.lines+1
	return true, nil
}

// chain is the sum of a line after another.
func chain(before, text []byte) []byte {
	sum := sha256.New()
	sum.Write(before)
	sum.Write(text)
	return sum.Sum(nil)
}

// followChanges brings c, whose sum is given, to where the changes beside it lead. They end
// with the first that does not follow: it was being written when the node died.
func followChanges(dir string, sum []byte, c *model.Config) error {
	f, err := os.Open(filepath.Join(dir, changesFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer f.Close()
	in := bufio.NewReader(f)
	for {
		line, err := in.ReadBytes('\n')
		if err != nil && !errors.Is(err, io.EOF) {
			return err
		}
		head, text, ok := bytes.Cut(bytes.TrimSuffix(line, []byte{'\n'}), []byte{' '})
		sum = chain(sum, text)
		if err != nil || !ok || string(head) != hex.EncodeToString(sum) {
			return nil
		}
		var ch goodChange
		if err := json.Unmarshal(text, &ch); err != nil {
			return fmt.Errorf("%s is of another version: %w", f.Name(), err)
		}
		if err := ch.apply(c); err != nil {
			return fmt.Errorf("%s: %w", f.Name(), err)
		}
	}
}

// apply makes c the configuration after ch.
func (ch goodChange) apply(c *model.Config) error {
	gone := make(map[model.LoadBalancerID]bool, len(ch.Gone))
	for _, id := range ch.Gone {
		gone[id] = true
	}
	kept := slices.DeleteFunc(c.Services, func(s *model.Service) bool { return gone[s.LoadBalancer.ID] })
	all, ok := inPlaces(kept, ch.Fresh)
	if !ok {
		return fmt.Errorf("the change of entry %d does not fit", ch.Index)
	}
	c.Index, c.Services = ch.Index, all
	return nil
}
