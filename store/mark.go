package store

import "lbd/store/model"

// born fills what apply owns in a new load-balancing object.
func (t *tx) born(b *model.Base, project model.ProjectID) {
	b.Project = project
	b.Provisioning, b.Reason, b.Pending = model.PendingCreate, "", t.index
	b.Created, b.Updated, b.Revision = t.at, zeroTime, t.index
}

// pend makes an object PENDING_UPDATE or PENDING_DELETE. An object whose
// creation is still pending stays PENDING_CREATE while it is updated; one in
// ERROR gets a new chance.
func (t *tx) pend(b *model.Base, to model.Provisioning) {
	if to == model.PendingUpdate && b.Provisioning == model.PendingCreate {
		to = model.PendingCreate
	}
	b.Provisioning, b.Reason, b.Pending = to, "", t.index
	b.Updated, b.Revision = t.at, t.index
}

// The mark functions put PENDING_UPDATE on what a change below or beside it
// concerns (contract 5.2). An object that is being deleted stays so.

func (t *tx) markLoadBalancer(id model.LoadBalancerID) {
	n := *t.st.loadBalancers[id]
	if n.Provisioning == model.PendingDelete {
		return
	}
	t.pend(&n.Base, model.PendingUpdate)
	t.st.putLoadBalancer(&n)
	t.st.dirty.services[id] = struct{}{}
}

func (t *tx) markListener(id model.ListenerID) {
	n := *t.st.listeners[id]
	if n.Provisioning == model.PendingDelete {
		return
	}
	t.pend(&n.Base, model.PendingUpdate)
	t.st.putListener(&n)
}

func (t *tx) markUsing(pool model.PoolID) {
	for _, l := range t.st.ListenersUsing(pool) {
		t.markListener(l.ID)
	}
}

// markPool marks a pool, the listeners that use it and its load balancer.
func (t *tx) markPool(id model.PoolID) {
	n := *t.st.pools[id]
	if n.Provisioning != model.PendingDelete {
		t.pend(&n.Base, model.PendingUpdate)
		t.st.putPool(&n)
	}
	t.st.dirty.backends[id] = struct{}{}
	t.markUsing(id)
	t.markLoadBalancer(n.LoadBalancer)
}

// lock refuses changes below a load balancer that is on its way out or broken.
// Changes that are merely pending do not lock: they queue in Raft's order.
func lock(lb *model.LoadBalancer) error {
	if lb.Provisioning == model.PendingDelete || lb.Provisioning == model.Error {
		return immutable("Load Balancer", lb.ID)
	}
	return nil
}

// lockChild is lock for a change of something on lb that may be on its way out
// itself: where Octavia deletes it, its load balancer is locked, and the fault
// names that one (contract 5.3).
func lockChild(lb *model.LoadBalancer, b *model.Base) error {
	if b.Provisioning == model.PendingDelete {
		return immutable("Load Balancer", lb.ID)
	}
	return lock(lb)
}

// lockParent refuses changes of what is in a pool or policy that goes or is
// broken. It is checked before the load balancer (contract 5.3); the parent
// itself may be changed in ERROR, which is the way out of it.
func lockParent[I ~string](noun string, id I, b *model.Base) error {
	if b.Provisioning == model.PendingDelete || b.Provisioning == model.Error {
		return immutable(noun, id)
	}
	return nil
}

// lockInside refuses changes of what is being deleted from a pool or policy,
// which Octavia keeps locked meanwhile.
func lockInside[I ~string](noun string, parent I, b *model.Base) error {
	if b.Provisioning == model.PendingDelete {
		return immutable(noun, parent)
	}
	return nil
}

func immutable[I ~string](noun string, id I) error {
	return Errorf(Conflict, "%s %s is immutable and cannot be updated.", noun, id)
}

// fresh refuses ids that are missing or in use.
func fresh[I ~string, V any](m map[I]V, id I) error {
	if id == "" {
		return Errorf(Invalid, "Validation failure: the object has no id.")
	}
	if _, ok := m[id]; ok {
		return Errorf(Conflict, "Already an entity with that specified id.")
	}
	return nil
}

func notFound[I ~string](noun string, id I) error {
	return Errorf(NotFound, "%s %s not found.", noun, id)
}

// invalidf is Octavia's form of a validation error.
func invalidf(format string, args ...any) error {
	return Errorf(Invalid, "Validation failure: "+format, args...)
}

// set changes *dst when the patch has a value.
func set[T any](dst, to *T) {
	if to != nil {
		*dst = *to
	}
}
