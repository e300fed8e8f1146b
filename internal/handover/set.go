package handover

import (
	"cmp"
	"fmt"
	"slices"
)

// Set is the open sockets of a node, by what they are.
type Set struct {
	files map[Key][]*File
}

// Add puts a socket into the set, which closes it in the end.
func (s *Set) Add(k Key, f *File) {
	if s.files == nil {
		s.files = map[Key][]*File{}
	}
	s.files[k] = append(s.files[k], f)
}

// Take gives a socket of that key away; nil: there is none (any more).
func (s *Set) Take(k Key) *File {
	fs := s.files[k]
	if len(fs) == 0 {
		return nil
	}
	if len(fs) == 1 {
		delete(s.files, k)
	} else {
		s.files[k] = fs[1:]
	}
	return fs[0]
}

// Find gives the key of a socket for that use, the first in order.
func (s *Set) Find(use string) (Key, bool) {
	for _, k := range s.Keys() {
		if k.Use == use {
			return k, true
		}
	}
	return Key{}, false
}

// Keys are what the set holds, sorted.
func (s *Set) Keys() []Key {
	ks := make([]Key, 0, len(s.files))
	for k := range s.files {
		ks = append(ks, k)
	}
	slices.SortFunc(ks, func(a, b Key) int {
		return cmp.Or(cmp.Compare(a.Use, b.Use), cmp.Compare(a.Network, b.Network), cmp.Compare(a.Address, b.Address))
	})
	return ks
}

// Close closes what was not taken.
func (s *Set) Close() {
	for _, fs := range s.files {
		for _, f := range fs {
			f.Close()
		}
	}
	s.files = nil
}

// Send sends all sockets, which stay in the set as well: the receiver's are
// copies, and a try that fails can be repeated with another receiver.
func (s *Set) Send(c *Conn) error {
	var m Sockets
	var files []*File
	flush := func() error {
		if len(files) == 0 {
			return nil
		}
		err := c.Send(KindSockets, m, files...)
		m.Keys, files = nil, nil
		return err
	}
	for _, k := range s.Keys() {
		for _, f := range s.files[k] {
			m.Keys, files = append(m.Keys, k), append(files, f)
			if len(files) == MaxFiles {
				if err := flush(); err != nil {
					return err
				}
			}
		}
	}
	return flush()
}

// Receive adds what came with a message of KindSockets.
func (s *Set) Receive(m *Message) error {
	var b Sockets
	if err := m.Decode(&b); err != nil {
		m.Close()
		return err
	}
	if len(b.Keys) != len(m.Files) {
		m.Close()
		return fmt.Errorf("%w: %d descriptors for %d sockets", errMessage, len(m.Files), len(b.Keys))
	}
	for i, k := range b.Keys {
		s.Add(k, m.Files[i])
	}
	m.Files = nil
	return nil
}
