package cdp

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// Timeout bounds each command and each Wait. Generous: test machines are small
// and share their cores.
const Timeout = 30 * time.Second

// Options of a browser; the zero value is fine.
type Options struct {
	// Command that starts Chromium, before its flags: e.g. to run it inside a
	// network namespace. Empty: Find's result.
	Command []string
	// Hosts that may be resolved or dialled besides 127.0.0.1 and localhost;
	// "*" for every host. Everything else fails, so the browser cannot phone out.
	Hosts []string
	// Flags added to the command line.
	Flags []string
}

// Find returns Chromium's path, or an error that says what to install.
func Find() (string, error) {
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if p, err := exec.LookPath(name); err == nil {
			return p, nil
		}
	}
	return "", errors.New("no Chromium on this machine (Debian: apt-get install chromium)")
}

// Browser is one Chromium process with a fresh profile, ended with the test.
type Browser struct {
	conn *conn

	mu    sync.Mutex
	pages map[string]*Page // by session; guarded by mu
}

// Start runs a browser for the duration of the test. It skips the test, by
// name, where there is no Chromium.
func Start(t testing.TB, o Options) *Browser {
	t.Helper()
	command := o.Command
	if len(command) == 0 {
		path, err := Find()
		if err != nil {
			t.Skipf("SKIP %s: %v", t.Name(), err)
		}
		command = []string{path}
	}
	// Not t.TempDir: Chromium's helpers may still write for a moment after the
	// process has ended, and the test would fail for that.
	profile, err := os.MkdirTemp("", "lbd-chromium-")
	if err != nil {
		t.Fatal(err)
	}
	b := &Browser{pages: make(map[string]*Page)}
	stop, err := b.run(append(command, flags(profile, o)...))
	if err != nil {
		_ = os.RemoveAll(profile)
		t.Fatalf("start %s: %v", command[0], err)
	}
	t.Cleanup(func() {
		if log := stop(); t.Failed() && log != "" {
			t.Logf("chromium said:\n%s", log)
		}
		if err := os.RemoveAll(profile); err != nil {
			t.Logf("remove profile: %v", err)
		}
	})
	ctx, cancel := context.WithTimeout(t.Context(), Timeout)
	defer cancel()
	if err := b.conn.call(ctx, "", "Browser.getVersion", nil, nil); err != nil {
		t.Fatalf("first word from %s: %v", command[0], err)
	}
	return b
}

func flags(profile string, o Options) []string {
	resolver := "MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost"
	for _, h := range o.Hosts {
		if h == "*" {
			resolver = ""
			break
		}
		resolver += ", EXCLUDE " + h
	}
	out := []string{
		"--headless", "--remote-debugging-pipe", "--user-data-dir=" + profile,
		"--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-quic", "--no-proxy-server",
		"--no-first-run", "--no-default-browser-check", "--disable-background-networking", "--disable-component-update",
		"--disable-sync", "--disable-breakpad", "--disable-extensions", "--disable-default-apps", "--mute-audio",
		"--hide-scrollbars", "--force-color-profile=srgb", "--password-store=basic", "--lang=en-GB",
	}
	if resolver != "" {
		out = append(out, "--host-resolver-rules="+resolver)
	}
	return append(append(out, o.Flags...), "about:blank")
}

// run starts the process in its own group and the reader of its pipe. stop ends
// both, by the group's id, and returns the tail of what Chromium wrote.
func (b *Browser) run(argv []string) (stop func() string, err error) {
	childIn, ourOut, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("make pipe: %w", err)
	}
	ourIn, childOut, err := os.Pipe()
	if err != nil {
		return nil, errors.Join(fmt.Errorf("make pipe: %w", err), childIn.Close(), ourOut.Close())
	}
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.ExtraFiles = []*os.File{childIn, childOut} // 3 and 4
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	log := &tail{}
	cmd.Stderr = log
	err = cmd.Start()
	err = errors.Join(err, childIn.Close(), childOut.Close())
	if err != nil {
		return nil, errors.Join(err, ourIn.Close(), ourOut.Close())
	}
	b.conn = newConn(ourOut, b.deliver)
	var wg sync.WaitGroup
	wg.Go(func() { b.conn.read(ourIn) })
	exited := make(chan struct{})
	wg.Go(func() { _ = cmd.Wait(); close(exited) })

	return func() string {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		_ = b.conn.call(ctx, "", "Browser.close", nil, nil) // it may already be gone
		select {
		case <-exited:
		case <-ctx.Done():
		}
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) // helpers left behind; usually none
		_ = ourOut.Close()
		<-exited
		_ = ourIn.Close()
		wg.Wait()
		return log.String()
	}, nil
}

func (b *Browser) deliver(e event) {
	b.mu.Lock()
	p := b.pages[e.Session]
	b.mu.Unlock()
	if p != nil {
		p.deliver(e)
	}
}

// tail keeps the last 8 KiB written to it, without Chromium's chatter about
// services a test machine does not have.
type tail struct {
	mu  sync.Mutex
	buf []byte // guarded by mu
}

func (l *tail) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for line := range bytes.Lines(p) {
		if !bytes.Contains(line, []byte("dbus")) && !bytes.Contains(line, []byte("DevTools listening")) {
			l.buf = append(l.buf, line...)
		}
	}
	if over := len(l.buf) - 8<<10; over > 0 {
		l.buf = append([]byte(nil), l.buf[over:]...)
	}
	return len(p), nil
}

func (l *tail) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.TrimSpace(string(l.buf))
}
