package attend

import (
	"bufio"
	"context"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// TestMain is also the attending process: it leaves behind a grandchild, whose
// parent ends at once, and ends as that one ends.
func TestMain(m *testing.M) {
	if name := os.Getenv(part); name != "" {
		os.Exit(act(name))
	}
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

// part tells this test's binary what to be: "first" turns into a process that attends
// "next".
const part = "LBD_TEST_ATTEND_PART"

func act(name string) (code int) {
	if len(os.Args) == 2 {
		return Run()
	}
	ctx, stop := signal.NotifyContext(context.Background(), unix.SIGTERM)
	defer stop()
	if name == "next" {
		Watch()
		os.Stdout.WriteString("going\n")
		<-ctx.Done()
		return 7
	}
	line, err := Line()
	if err != nil {
		panic(err)
	}
	c := exec.Command(os.Args[0])
	c.Env = append(os.Environ(), part+"=next", Env+"="+strconv.Itoa(LineFD))
	c.Stdout, c.ExtraFiles = os.Stdout, []*os.File{nil, line}
	if err := c.Start(); err != nil {
		panic(err)
	}
	panic(Exec(ctx, os.Args[0]))
}

func TestWhoIsAttendedEndsWithWhoAttends(t *testing.T) {
	for _, wait := range []int{0, 400} {
		end(t, wait, unix.SIGKILL, 128+int(unix.SIGKILL))
	}
}

// end starts a process that turns into one that attends, sends it s after wait times
// 120 µs, and expects that both processes end, the first one with one of codes.
func end(t *testing.T, wait int, s unix.Signal, codes ...int) {
	t.Helper()
	c := exec.Command(os.Args[0])
	c.Env = append(os.Environ(), part+"=first")
	c.Stderr = os.Stderr
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	rd := bufio.NewReader(out)
	if l, err := rd.ReadString('\n'); strings.TrimSpace(l) != "going" {
		t.Fatalf("%q, %v", l, err)
	}
	for until := time.Now().Add(time.Duration(wait) * 120 * time.Microsecond); time.Now().Before(until); {
		runtime.Gosched() // a moment of its own in every round
	}
	if err := c.Process.Signal(s); err != nil {
		t.Fatal(err)
	}
	late := time.AfterFunc(10*time.Second, func() { out.Close() })
	if _, err := io.ReadAll(rd); err != nil { // to the end of both
		t.Errorf("after %d: who is attended goes on (%v)", wait, err)
		_ = c.Process.Kill()
	}
	late.Stop()
	_ = c.Wait()
	got := c.ProcessState.ExitCode()
	if ws := c.ProcessState.Sys().(syscall.WaitStatus); ws.Signaled() {
		got = 128 + int(ws.Signal())
	}
	if !slices.Contains(codes, got) {
		t.Errorf("after %d: ended with %d, want one of %v", wait, got, codes)
	}
}
