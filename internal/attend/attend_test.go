package attend

import (
	"bufio"
	"os"
	"os/exec"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// TestMain is also the attending process: it leaves behind a grandchild, whose
// parent ends at once, and ends as that one ends.
func TestMain(m *testing.M) {
	if len(os.Args) == 2 && os.Args[1] == Command {
		if err := Adopt(); err != nil {
			panic(err)
		}
		signals := listen()
		c := exec.Command("sh", "-c", `sh -c 'trap "exit 7" TERM; echo up; while :; do sleep 0.05; done' & exit 0`)
		c.Stdout = os.Stdout
		if err := c.Start(); err != nil {
			panic(err)
		}
		os.Exit(run(signals))
	}
	os.Exit(m.Run())
}

func TestEndsAsTheLastOneDoes(t *testing.T) {
	c := exec.Command(os.Args[0], Command)
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	if l, err := bufio.NewReader(out).ReadString('\n'); strings.TrimSpace(l) != "up" {
		t.Fatalf("%q, %v", l, err)
	}
	if err := c.Process.Signal(unix.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := c.Wait(); c.ProcessState.ExitCode() != 7 {
		t.Errorf("ended with %v, want the grandchild's 7", err)
	}
}
