package octavia_test

import (
	"net/http"
	"strings"
	"testing"

	"lbd/store"
	"lbd/store/model"
)

// What an admin may do with an amphora, and what nobody may (contract 3.11).
func TestContractAmphoraActions(t *testing.T) {
	w := newPopulated(t)
	const amphorae = "/v2.0/octavia/amphorae"
	_, out := w.ask("admin", "GET", amphorae, "")
	id := idOf(out["amphorae"].([]any)[0].(object))
	want := func(token, method, path string, status int, text string) {
		t.Helper()
		got, out := w.ask(token, method, amphorae+"/"+path, "")
		fault, _ := out["faultstring"].(string)
		if got != status || fault != text {
			t.Errorf("%s %s as %s: %d %q, want %d %q", method, path, token, got, fault, status, text)
		}
	}
	rows := func(n int) {
		t.Helper()
		if _, out := w.ask("admin", "GET", amphorae, ""); len(out["amphorae"].([]any)) != n {
			t.Errorf("%d rows, want %d", len(out["amphorae"].([]any)), n)
		}
	}
	before := len(out["amphorae"].([]any))
	want("admin", "DELETE", id, http.StatusNoContent, "") // its node is silent: ERROR
	want("admin", "DELETE", id, http.StatusNotFound, "Amphora "+id+" not found.")
	want("admin", "GET", id, http.StatusNotFound, "Amphora "+id+" not found.")
	rows(before - 1)
	w.mu.Lock()
	w.reports = []model.Heard{{Report: model.Report{Node: "n1", Role: model.RoleReport{Role: model.RoleStandby}}}}
	w.mu.Unlock()
	rows(before)
	want("admin", "DELETE", id, http.StatusConflict, "amphora "+id+" is immutable and cannot be updated.")
	want("admin", "GET", nobody+"/stats", http.StatusNotFound, "Amphora stats for "+nobody+" not found.")
	want("admin", "DELETE", nobody, http.StatusNotFound, "Amphora "+nobody+" not found.")
	want("admin", "DELETE", "", http.StatusBadRequest, `Missing argument: "id"`)
	want("admin", "PUT", id+"/config", http.StatusAccepted, "")
	want("admin", "PUT", nobody+"/config", http.StatusNotFound, "Amphora "+nobody+" not found.")
	w.apply(store.NodePut, &model.Node{ID: "n2", Name: "beta", Kind: model.DataNode})
	want("admin", "PUT", id+"/failover", http.StatusAccepted, "")
	if len(w.told) != 0 {
		t.Errorf("a standby was switched over: %v", w.told)
	}
	w.mu.Lock()
	w.reports[0].Role.Role = model.RoleActive
	w.mu.Unlock()
	want("admin", "PUT", id+"/failover", http.StatusAccepted, "")
	if len(w.told) != 1 {
		t.Errorf("orders: %v", w.told)
	}
	const denied = "Policy does not allow this request to be performed."
	for _, x := range [][2]string{{"DELETE", id}, {"PUT", id + "/config"}, {"PUT", id + "/failover"}, {"GET", id}, {"GET", id + "/stats"}} {
		want("p:member", x[0], x[1], http.StatusForbidden, denied)
		missing := strings.Replace(x[1], id, nobody, 1)
		if x[0] == "DELETE" || strings.HasSuffix(missing, "/stats") { // decision 0029
			want("p:member", x[0], missing, http.StatusForbidden, denied)
		} else {
			want("p:member", x[0], missing, http.StatusNotFound, "Amphora "+nobody+" not found.")
		}
	}
}
