package store_test

import (
	"maps"
	"testing"

	"github.com/google/go-cmp/cmp"

	"lbd/store"
	"lbd/store/model"
)

func batchOf(additive bool, members ...*model.Member) *store.MemberBatchPayload {
	p := &store.MemberBatchPayload{Pool: "pool1", Additive: additive}
	for _, m := range members {
		p.Members = append(p.Members, store.BatchMember{Member: *m, KeepName: m.Name == "", KeepTags: m.Tags == nil})
	}
	return p
}

// The walkthrough's pool has m1 (10.0.0.6) and m2 (10.0.0.3).
func TestBatch(t *testing.T) {
	heavy := member("x1", "", "::ffff:10.0.0.6") // m1, however written
	heavy.Weight, heavy.Tags = 9, []string{"t"}
	for name, tc := range map[string]struct {
		batch *store.MemberBatchPayload
		want  map[string]model.Provisioning
		left  []string
	}{
		"replace":  {batchOf(false, heavy, member("x2", "", "10.0.0.9")), map[string]model.Provisioning{"m1": model.PendingUpdate, "m2": model.PendingDelete, "x2": model.PendingCreate}, []string{"m1", "x2"}},
		"additive": {batchOf(true, heavy, member("x2", "", "10.0.0.9")), map[string]model.Provisioning{"m1": model.PendingUpdate, "m2": model.Active, "x2": model.PendingCreate}, []string{"m1", "m2", "x2"}},
		"empty":    {batchOf(false), map[string]model.Provisioning{"m1": model.PendingDelete, "m2": model.PendingDelete}, nil},
		"nothing":  {batchOf(true), map[string]model.Provisioning{"m1": model.Active, "m2": model.Active, "pool1": model.Active, "lb1": model.Active}, []string{"m1", "m2"}},
	} {
		t.Run(name, func(t *testing.T) {
			c := newCluster(t)
			c.walkthrough()
			c.ok(store.MemberUpdate, &store.MemberPatch{ID: "m1", Pool: "pool1", Name: ptr("first")})
			c.settle()
			c.ok(store.MemberBatch, tc.batch)
			c.statuses(tc.want)
			c.settle()
			var left []string
			c.read(func(st *store.State) {
				got := map[string]bool{}
				for _, m := range st.MembersOf("pool1") {
					got[string(m.ID)] = true
				}
				for _, id := range tc.left {
					delete(got, id)
					left = append(left, id)
				}
				if len(got) > 0 {
					t.Errorf("also there: %v", maps.Keys(got))
				}
				if m, ok := st.Member("m1"); ok && len(tc.batch.Members) > 0 && (m.Name != "first" || m.Weight != 9 || !cmp.Equal(m.Tags, []string{"t"}) || m.Text != "10.0.0.6") {
					t.Errorf("m1 is %+v", m)
				}
			})
			for _, id := range left {
				if s := c.status(id); s != model.Active {
					t.Errorf("%s is %s", id, s)
				}
			}
		})
	}
}

func TestBatchRefusals(t *testing.T) {
	c := newCluster(t)
	c.walkthrough()
	twice := "Another member on this pool is already using ip 10.0.0.9 on protocol_port 80"
	c.refused(store.MemberBatch, batchOf(false, member("x1", "", "10.0.0.9"), member("x2", "", "10.0.0.9")), store.Conflict, twice)
	c.refused(store.MemberBatch, batchOf(false, member("x1", "", "10.0.0.6"), member("x2", "", "10.0.0.6")), store.Invalid,
		"Validation failure: Member must be updated only once in the same request.")
	c.refused(store.MemberBatch, batchOf(false, member("x1", "", "10.0.0.8"), member("x1", "", "10.0.0.9")), store.Conflict, "Already an entity with that specified id.")
	strange := member("x1", "", "10.0.0.9")
	strange.Subnet = "x"
	c.refused(store.MemberBatch, batchOf(false, strange), store.Invalid, "Subnet x not found.")
	c.refused(store.MemberBatch, &store.MemberBatchPayload{Pool: "x"}, store.NotFound, "Pool x not found.")

	// Net growth is charged: two go, two come.
	c.ok(store.QuotaUpdate, limits(model.QuotaMember, 2))
	message := "Quota has been met for resources: Member"
	c.refused(store.MemberBatch, batchOf(true, member("x1", "", "10.0.0.9")), store.Quota, message)
	c.refused(store.MemberBatch, batchOf(false, member("x1", "", "10.0.0.9"), member("x2", "", "10.0.0.10"), member("x3", "", "10.0.0.11")), store.Quota, message)
	c.ok(store.MemberBatch, batchOf(false, member("x1", "", "10.0.0.9"), member("x2", "", "10.0.0.10")))
	// A member on its way out does not keep its address from its successor.
	c.ok(store.QuotaUpdate, limits(model.QuotaMember, -1))
	c.ok(store.MemberBatch, batchOf(true, member("x5", "", "10.0.0.6")))
	c.settle()

	c.ok(store.PoolDelete, &store.PoolRef{ID: "pool1"})
	c.refused(store.MemberBatch, batchOf(true), store.Conflict, "Pool pool1 is immutable and cannot be updated.")
}
