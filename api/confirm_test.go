package api_test

import (
	"strings"
	"testing"

	"lbd/store"
	"lbd/store/model"
)

// What was done is not done twice because it is gone again when it is read back.
func TestWhatWasDoneIsNotDoneAgain(t *testing.T) {
	w := newWorld(t)
	w.leader.news = func() { t.Error("the leader is asked") }
	if rec := w.ask("POST", "/made/n9", `{}`, good); rec.Code != 404 || w.writes != 1 || !strings.Contains(rec.Body.String(), "n9 not found") {
		t.Errorf("%d %s after %d writes", rec.Code, rec.Body, w.writes)
	}
}

// A node that is behind refuses nothing that another one acknowledged before.
func TestRefusalsAreConfirmed(t *testing.T) {
	news := func(w *world) func() {
		return func() {
			if err := w.st.Apply(8, store.Command{Kind: store.NodePut, Payload: &model.Node{ID: "n2", Name: "beta"}}); err != nil {
				t.Error(err)
			}
		}
	}
	const body = `{"x":1}`
	for name, tc := range map[string]struct {
		method, path string
		news, lost   bool
		code, asked  int
		index        string
	}{
		"change of what is news here":           {"PUT", "/nodes/n2", true, false, 200, 1, "8"},
		"the same, refused by a part":           {"PUT", "/faults/n2", true, false, 200, 1, "8"},
		"a conflict that is over":               {"PUT", "/faults/n2?kind=Conflict", true, false, 200, 1, "8"},
		"an invalid reference that is not":      {"PUT", "/nodes/n2?kind=Invalid", true, false, 200, 1, "8"},
		"a read of what is news here":           {"GET", "/nodes/n2", true, false, 200, 1, "8"},
		"still not there":                       {"PUT", "/faults/n3", true, false, 404, 1, "8"},
		"nothing is news":                       {"PUT", "/faults/n2", false, false, 404, 1, "7"},
		"what is there asks nobody":             {"PUT", "/nodes/n1", true, false, 200, 0, "7"},
		"nor does what no state decides":        {"PUT", "/nodes/n2?kind=Quota", true, false, 403, 0, "7"},
		"a read does not depend on a leader":    {"GET", "/nodes/n2", false, true, 404, 1, "7"},
		"a change does":                         {"PUT", "/faults/n2", false, true, 503, 1, "7"},
		"but what is invalid is said to be so":  {"PUT", "/faults/n2?kind=Invalid", false, true, 400, 1, "7"},
		"a path that is none is nobody's state": {"PUT", "/nowhere", true, false, 404, 0, "7"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			if tc.news {
				w.leader.news = news(w)
			}
			if tc.lost {
				w.leader.err = store.Errorf(store.Unavailable, "no leader for 5s")
			}
			rec := w.ask(tc.method, strings.ReplaceAll(strings.ReplaceAll(strings.ReplaceAll(tc.path, "=Conflict", "="+string(store.Conflict)), "=Invalid", "="+string(store.Invalid)), "=Quota", "="+string(store.Quota)), body, good, "Content-Type: application/json")
			if rec.Code != tc.code || w.leader.asked != tc.asked || rec.Header().Get("X-Lbd-Index") != tc.index {
				t.Errorf("%d %s, the leader was asked %d times, index %s", rec.Code, rec.Body, w.leader.asked, rec.Header().Get("X-Lbd-Index"))
			}
			if rec.Code == 200 && (strings.TrimSpace(rec.Body.String()) != "7" || rec.Header().Get("X-Refused") != "") {
				t.Errorf("the handler got another body, or the first answer shows: %q %v", rec.Body, rec.Header())
			}
			if rec.Code == 404 && !strings.Contains(rec.Body.String(), "ot ") {
				t.Errorf("the refusal lost its body: %q", rec.Body)
			}
		})
	}
}
