package flagenv

import (
	"flag"
	"io"
	"strings"
	"testing"
	"time"
)

func TestParse(t *testing.T) {
	env := map[string]string{"LBD_DATA_DIR": "/env", "LBD_WAIT": "3s"}
	lookup := func(k string) (string, bool) { v, ok := env[k]; return v, ok }
	for _, tc := range []struct {
		name string
		args []string
		dir  string
		wait time.Duration
		err  string
	}{
		{name: "environment fills in", dir: "/env", wait: 3 * time.Second},
		{name: "command line wins", args: []string{"--data-dir=/arg"}, dir: "/arg", wait: 3 * time.Second},
		{name: "stray argument", args: []string{"--wait", "1s", "node2"}, err: `unexpected argument "node2"`},
		{name: "unknown flag", args: []string{"--nope"}, err: "not defined"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			fs := flag.NewFlagSet("lbd", flag.ContinueOnError)
			fs.SetOutput(io.Discard)
			dir := fs.String("data-dir", "default", "")
			wait := fs.Duration("wait", 0, "")
			err := Parse(fs, tc.args, lookup, 0)
			if tc.err != "" {
				if err == nil || !strings.Contains(err.Error(), tc.err) {
					t.Fatalf("error = %v, want one with %q", err, tc.err)
				}
				return
			}
			if err != nil || *dir != tc.dir || *wait != tc.wait {
				t.Errorf("got %q %v %v, want %q %v", *dir, *wait, err, tc.dir, tc.wait)
			}
		})
	}
	env["LBD_WAIT"] = "soon"
	fs := flag.NewFlagSet("lbd", flag.ContinueOnError)
	fs.Duration("wait", 0, "")
	if err := Parse(fs, nil, lookup, 0); err == nil || !strings.Contains(err.Error(), `"soon" for LBD_WAIT`) {
		t.Errorf("bad environment value: error = %v", err)
	}
}
