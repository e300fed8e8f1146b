package raft

import (
	"fmt"
	"net/netip"
	"reflect"
	"strings"
	"testing"

	"lbd/store/model"
)

// TestLastGoodOfAnySize: what is written in pieces is read as a whole.
func TestLastGoodOfAnySize(t *testing.T) {
	for _, services := range []int{0, 1, 2, 1000} {
		want := &model.Config{Index: 7, Services: []*model.Service{}}
		for i := range services {
			b := &model.Backends{Pool: &model.Pool{ID: "p"}}
			for m := range 5 {
				b.Members = append(b.Members, model.Server{ID: model.MemberID(fmt.Sprint(m)), Address: netip.MustParseAddr("10.0.0.3"), Port: 80, Weight: 1, AdminStateUp: true})
			}
			want.Services = append(want.Services, &model.Service{LoadBalancer: &model.LoadBalancer{ID: model.LoadBalancerID(fmt.Sprint(i)), Base: model.Base{Description: strings.Repeat("x", 3000)}}, Pools: []*model.Backends{b}})
		}
		n := &Node{cfg: Config{DataDir: t.TempDir()}}
		if err := n.SaveLastGood(want); err != nil {
			t.Fatal(err)
		}
		got, err := n.LastGood()
		if err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%d services: not what was written", services)
		}
	}
}
