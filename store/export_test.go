package store

import (
	"bytes"
	"errors"
	"fmt"
	"reflect"
	"slices"

	"lbd/store/model"
)

// Content is the snapshot's bytes without the index, which grows with refused
// commands too.
func (s *Store) Content() []byte {
	sn := s.Snapshot()
	sn.index = 0
	var b bytes.Buffer
	if err := sn.Write(&b); err != nil {
		panic(err)
	}
	return b.Bytes()
}

// Verify checks every reference, and that the indexes that Apply kept equal
// those built anew from a snapshot.
func (s *Store) Verify() error {
	if err := s.state.check(); err != nil {
		return err
	}
	_, rebuilt, err := readSnapshot(bytes.NewReader(s.Content()))
	if err != nil {
		return err
	}
	derivable := func(st *State) reflect.Value {
		n := *st
		n.searchAt, n.dirty = nil, dirt{} // hints, and what Config has yet to see
		return reflect.ValueOf(n)
	}
	got, want := derivable(s.state), derivable(rebuilt)
	for i := range got.NumField() {
		if g, w := fmt.Sprint(got.Field(i)), fmt.Sprint(want.Field(i)); isIndex(got.Type().Field(i).Name) && g != w {
			return fmt.Errorf("index %s is %s, rebuilt %s", got.Type().Field(i).Name, g, w)
		}
	}
	ids := func(st *State) (all []model.MemberID) {
		for _, pool := range sortedKeys(st.membersOf) {
			for _, m := range st.membersOf[pool] {
				if st.members[m.ID] != m {
					all = append(all, "old version of ")
				}
				all = append(all, m.ID)
			}
		}
		return all
	}
	if got, want := ids(s.state), ids(rebuilt); !slices.Equal(got, want) {
		return fmt.Errorf("rosters are %s, rebuilt %s", got, want)
	}
	st := s.state
	return errors.Join(inOrder(st.loadBalancersByAge, st.loadBalancers), inOrder(st.listenersByAge, st.listeners), inOrder(st.poolsByAge, st.pools))
}

// inOrder compares the order that was kept since the call before with one made anew.
func inOrder[K comparable, V any](o *ordered[V], m map[K]*V) error {
	if got, want := listed(o, m), all(m, o.by); !slices.Equal(got, want) {
		return fmt.Errorf("kept in the order %v, not %v", got, want)
	}
	return nil
}

// isIndex tells indexes, which hold plain values, from tables of pointers.
func isIndex(field string) bool {
	switch field {
	case "secretsOf", "containersOf", "holding", "keyUsers", "flavorAt", "flavorsBy", "zonesBy", "flavoredLoads", "zonedLoads",
		"listenersOf", "poolsOf", "monitorOf", "listenersUsing", "listenerAt", "policiesOf", "policiesTo", "rulesOf",
		"subnetsOf", "portsOn", "portsIn", "portsOf", "portAt", "routersIn", "routersTo", "membersIn",
		"floatingOn", "floatingIn", "floatingOf", "floatingBy", "groupRules", "rulesFrom", "portsUnder", "defaultGroup", "loadBalancing", "serviceAddrs",
		"nodeAddrs", "taken", "usage", "pending",
		"domainAt", "projectAt", "userAt", "roleAt", "assignmentsOf", "appCredentialsOf", "appCredentialAt", "revocationsOf":
		return true
	}
	return false
}

// Seal puts the end mark and the right checksum behind the records of a
// snapshot, so that a fuzzer gets past the checksum.
func Seal(records []byte) []byte {
	b := append(bytes.Clone(records), 0)
	rr := &recordReader{sum: newSum()}
	rr.sum.Write(b)
	return rr.sum.Sum(b)
}

// Unseal removes what Seal adds.
func Unseal(snapshot []byte) []byte { return snapshot[:len(snapshot)-1-newSum().Size()] }
