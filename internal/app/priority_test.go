package app

import (
	"log/slog"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
)

const preferEnv = "LBD_TEST_PREFER"

// TestPreferCountsBesideOtherSessions runs prefer in a process that is a session of
// its own, as a service manager starts one, and in one that is not: a nice value
// counts only inside a session where the kernel groups by session, so that the
// group's is raised too, but never that of a shell's session.
func TestPreferCountsBesideOtherSessions(t *testing.T) {
	if os.Getenv(preferEnv) != "" {
		prefer(slog.New(slog.DiscardHandler))
		group, err := os.ReadFile(autogroup)
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("group: %s", group)
		return
	}
	ours, err := os.ReadFile(autogroup)
	if err != nil || os.Geteuid() != 0 {
		t.Skipf("SKIP %s: no autogroups in this kernel, or not root (%v)", t.Name(), err)
	}
	for _, c := range []struct {
		own  bool
		want string
	}{{true, "nice -20"}, {false, strings.TrimSpace(string(ours))}} {
		cmd := exec.Command(os.Args[0], "-test.run", "^"+t.Name()+"$", "-test.v")
		cmd.Env = append(os.Environ(), preferEnv+"=1")
		cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: c.own}
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		if !strings.Contains(string(out), c.want) {
			t.Errorf("own session %v: %q is missing in\n%s", c.own, c.want, out)
		}
	}
}
