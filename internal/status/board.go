package status

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"

	"lbd/store/model"
)

const (
	// MaxRows bounds the board: far more than the nodes a cluster may have. A
	// report of a further node is refused until one is forgotten.
	MaxRows = 64
	// restartAfter is how long a row must have been silent before a report with
	// a smaller epoch replaces it. Epochs come from the wall clock: a node whose
	// clock was set back would otherwise never be heard again. A live node
	// reports every 100 ms; 5 s is longer than any delayed push lives (its
	// request's deadline).
	restartAfter = 5 * time.Second
)

// Board is the rows of all nodes. It is safe for concurrent use.
type Board struct {
	changed chan struct{} // size 1

	mu   sync.RWMutex
	rows map[model.NodeID]row // guarded by mu
}

type row struct {
	report model.Report
	at     time.Time // with monotonic reading
	large  uint64    // Seq of the report that brought Members and Listeners; 0: none did
}

// New makes an empty board.
func New() *Board {
	return &Board{changed: make(chan struct{}, 1), rows: map[model.NodeID]row{}}
}

// Put takes a whole report if it is newer than the row it would replace, and says
// whether it took anything. Of one that small ones have overtaken it takes the large
// part, Members and Listeners, if that is newer. The report must not be changed afterwards.
func (b *Board) Put(r model.Report) bool { return b.put(r, true) }

// PutSmall is Put of a report without the large part: the row keeps the one it has from
// the same process of the node. That of r counts only where there is none.
func (b *Board) PutSmall(r model.Report) bool { return b.put(r, false) }

func (b *Board) put(r model.Report, whole bool) bool {
	if r.Node == "" {
		return false
	}
	b.mu.Lock()
	old, known := b.rows[r.Node]
	next, ok := old.next(r, time.Now(), whole)
	if !ok || !known && len(b.rows) >= MaxRows {
		b.mu.Unlock()
		return false
	}
	b.rows[r.Node] = next
	b.mu.Unlock()
	select {
	case b.changed <- struct{}{}:
	default:
	}
	return true
}

// next is the row after a report, not ok when that brings nothing new.
func (old row) next(r model.Report, now time.Time, whole bool) (next row, ok bool) {
	restarted := r.Epoch < old.report.Epoch && now.Sub(old.at) > restartAfter
	same := r.Epoch == old.report.Epoch
	switch {
	case old.report.Node != "" && !newer(r, old.report) && !restarted:
		old.report.Members, old.report.Listeners = r.Members, r.Listeners
		overtaken := whole && same && r.Seq > old.large
		old.large = r.Seq
		return old, overtaken
	case whole:
		return row{r, now, r.Seq}, true
	case same:
		r.Members, r.Listeners = old.report.Members, old.report.Listeners
		return row{r, now, old.large}, true
	}
	return row{r, now, 0}, true
}

func newer(a, b model.Report) bool {
	if a.Epoch != b.Epoch {
		return a.Epoch > b.Epoch
	}
	return a.Seq > b.Seq
}

// Get returns the row of one node.
func (b *Board) Get(id model.NodeID) (model.Heard, bool) {
	b.mu.RLock()
	defer b.mu.RUnlock()
	r, ok := b.rows[id]
	if !ok {
		return model.Heard{}, false
	}
	return r.heard(b.newestClaim(), b.rows), true
}

// Reports are all rows, by node id.
func (b *Board) Reports() []model.Heard {
	b.mu.RLock()
	out := make([]model.Heard, 0, len(b.rows))
	newest := b.newestClaim()
	for _, r := range b.rows {
		out = append(out, r.heard(newest, b.rows))
	}
	b.mu.RUnlock()
	slices.SortFunc(out, func(x, y model.Heard) int { return strings.Compare(string(x.Node), string(y.Node)) })
	return out
}

// newestClaim is the highest term under which a node says that it holds all VIPs.
// The caller holds mu.
func (b *Board) newestClaim() (term uint64) {
	for _, r := range b.rows {
		if r.report.Role.Role == model.RoleActive && !r.report.Role.Share {
			term = max(term, r.report.Role.Term)
		}
	}
	return term
}

// heard is the row as it is to be read. Who held the VIPs under an older term than
// newest does not any more, whatever its last word was: it died, or cannot tell.
// Where load balancers are distributed over the nodes this goes for single VIPs: one
// that another node has by a newer version of the table was let go, or its holder is
// dead.
func (r row) heard(newest uint64, rows map[model.NodeID]row) model.Heard {
	h := model.Heard{Report: r.report, Age: time.Since(r.at)}
	if h.Role.Role == model.RoleActive && !h.Role.Share && h.Role.Term < newest {
		h.Role = model.RoleReport{Role: model.RoleUnknown, Since: h.Role.Since, Why: fmt.Sprintf("another node took the VIPs over in term %d", newest)}
	}
	for id, o := range rows {
		if h.Role.Share && len(h.Role.VIPs) > 0 && id != h.Node && o.report.Role.Table > h.Role.Table {
			h.Role.VIPs = slices.DeleteFunc(slices.Clone(h.Role.VIPs), func(a netip.Addr) bool { return slices.Contains(o.report.Role.VIPs, a) })
		}
	}
	return h
}

// Forget drops the row of a node that left the cluster.
func (b *Board) Forget(id model.NodeID) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.rows, id)
}

// Changed is signalled after a row was taken: size 1, for one reader.
func (b *Board) Changed() <-chan struct{} { return b.changed }

// Fresh reports whether a row is young enough to be believed.
func Fresh(h model.Heard, within time.Duration) bool { return h.Age <= within }

// Role is the role to show for a node: what it says, or unknown when the row is
// older than within. A silent node's last word is never shown as its role.
func Role(h model.Heard, within time.Duration) model.RoleName {
	if !Fresh(h, within) {
		return model.RoleUnknown
	}
	return h.Report.Role.Role
}
