package main

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"strings"
	"testing"
)

// layer is what a package may import of ours. A pattern ending in "/..." covers
// a package and those below it; the longest pattern that matches counts.
type layer struct {
	pkg   string
	allow []string
	why   string
}

var layers = []layer{
	{"lbd/store/model", nil, "the nouns know nothing of what is done with them"},
	{"lbd/store", []string{"lbd/store/model"}, "the state machine does no I/O and reads no clock"},
	{"lbd/dataplane/...", []string{"lbd/store/model", "lbd/dataplane/...", "lbd/internal/certs"}, "traffic flows without the control plane"},
	{"lbd/raft/...", []string{"lbd/store", "lbd/store/model", "lbd/internal/peerca", "lbd/internal/tether"}, "consensus knows what it replicates, not who asks"},
	{"lbd/vrrp/...", []string{"lbd/vrrp/...", "lbd/internal/tether"}, "the VIP holder is told what to hold by values"},
	{"lbd/webui", nil, "the UI knows the REST API only"},
	{"lbd/api/deps", []string{"lbd/store", "lbd/store/model"}, "interfaces and values only"},
	{"lbd/api/...", []string{"lbd/store", "lbd/store/model", "lbd/api/...", "lbd/internal/certs"}, "the API sees the rest through api/deps"},
	{"lbd/internal/status", []string{"lbd/store/model"}, "soft state is reports of the nodes"},
	{"lbd/internal/role", nil, "a pure decision"},
	{"lbd/internal/spread", []string{"lbd/store", "lbd/store/model"}, "it proposes moves to the store's table"},
	{"lbd/internal/peerca", nil, "certificates and tokens"},
	{"lbd/internal/logsink", []string{"lbd/dataplane/accesslog", "lbd/store/model"}, "where lines of the access log go"},
	{"lbd/internal/certs", []string{"lbd/store/model"}, "what the API accepts the data plane loads"},
	{"lbd/internal/tether", nil, "a connection that knows nothing of what its end means"},
	{"lbd/internal/seal", nil, "ciphertext and keys"},
	{"lbd/internal/buildinfo", nil, ""},
	{"lbd/internal/lifecycle", nil, ""},
	{"lbd/internal/handover", nil, "descriptors and messages, not what they are for"},
	{"lbd/internal/sdnotify", nil, ""},
	{"lbd/internal/attend", nil, "it outlives the node"},
	{"lbd/internal/flagenv", nil, ""},
	{"lbd/internal/netlab", nil, ""},
	{"lbd/internal/testutil/...", nil, ""},
	{"lbd/internal/cli", []string{"lbd/internal/flagenv"}, "sub-commands speak REST"},
	{"lbd/internal/demo", []string{"lbd/internal/netlab"}, "the demo runs the real binary"},
}

// testOnly may be imported by tests alone.
const testOnly = "lbd/internal/testutil/"

// onlyMain may be imported by main alone.
var onlyMain = []string{"lbd/internal/app", "lbd/internal/demo", "lbd/internal/cli"}

type listed struct {
	ImportPath string
	Imports    []string
}

func TestImportsFollowTheLayers(t *testing.T) {
	for _, p := range list(t) {
		if p.ImportPath == "lbd" || p.ImportPath == "lbd/internal/app" {
			continue // they wire everything
		}
		l, ok := layerOf(p.ImportPath)
		if !ok {
			t.Errorf("%s has no layer: add it to arch_test.go with a reason", p.ImportPath)
			continue
		}
		for _, imp := range p.Imports {
			if !strings.HasPrefix(imp, "lbd/") {
				continue
			}
			if !matches(l.allow, imp) {
				t.Errorf("%s imports %s, which its layer does not allow: %s", p.ImportPath, imp, l.why)
			}
		}
	}
}

func TestOnlyMainImportsTheWiring(t *testing.T) {
	for _, p := range list(t) {
		for _, imp := range p.Imports {
			if strings.HasPrefix(imp, testOnly) && !strings.HasPrefix(p.ImportPath, testOnly) {
				t.Errorf("%s imports %s, which is for tests", p.ImportPath, imp)
			}
			for _, w := range onlyMain {
				if imp == w && p.ImportPath != "lbd" {
					t.Errorf("%s imports %s", p.ImportPath, imp)
				}
			}
		}
	}
}

// TestNetHTTPStaysOutOfTheDataPath: correctness and speed of the proxy are our own.
// HTTP/2 towards members alone is net/http's (decision 0050).
func TestNetHTTPStaysOutOfTheDataPath(t *testing.T) {
	for _, p := range list(t) {
		if !strings.HasPrefix(p.ImportPath, "lbd/dataplane") || p.ImportPath == "lbd/dataplane/h2member" {
			continue
		}
		for _, imp := range p.Imports {
			if imp == "net/http" || strings.HasPrefix(imp, "net/http/") {
				t.Errorf("%s imports %s", p.ImportPath, imp)
			}
		}
	}
}

// TestPurePackagesDoNoIO: framing, routing, rewriting and pool policy work on bytes.
func TestPurePackagesDoNoIO(t *testing.T) {
	pure := []string{"lbd/dataplane/http1", "lbd/dataplane/rewrite", "lbd/dataplane/route", "lbd/dataplane/balance", "lbd/dataplane/semantics", "lbd/store/model", "lbd/internal/role", "lbd/internal/spread"}
	for _, p := range list(t) {
		if !matches(pure, p.ImportPath) {
			continue
		}
		for _, imp := range p.Imports {
			if imp == "net" || imp == "os" || imp == "syscall" || strings.HasPrefix(imp, "golang.org/x/sys") {
				t.Errorf("%s imports %s: it must do no I/O", p.ImportPath, imp)
			}
		}
	}
}

func layerOf(pkg string) (layer, bool) {
	best, found := layer{}, false
	for _, l := range layers {
		if matches([]string{l.pkg}, pkg) && (!found || len(l.pkg) > len(best.pkg)) {
			best, found = l, true
		}
	}
	return best, found
}

func matches(patterns []string, pkg string) bool {
	for _, p := range patterns {
		if base, below := strings.CutSuffix(p, "/..."); pkg == base || below && strings.HasPrefix(pkg, base+"/") {
			return true
		}
	}
	return false
}

func list(t *testing.T) []listed {
	t.Helper()
	out, err := exec.Command("go", "list", "-json=ImportPath,Imports", "./...").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	var pkgs []listed
	dec := json.NewDecoder(strings.NewReader(string(out)))
	for {
		var p listed
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatalf("go list: %v", err)
		}
		pkgs = append(pkgs, p)
	}
	if len(pkgs) < 10 {
		t.Fatalf("go list found only %d packages", len(pkgs))
	}
	return pkgs
}
