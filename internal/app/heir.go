package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"time"

	"lbd/internal/attend"
	"lbd/internal/handover"
	"lbd/internal/sdnotify"
	"lbd/vrrp"
)

const (
	// helloWithin bounds the start of the new process until it has said that it
	// could go on: it opens nothing of this node before. Whoever has asked waits.
	helloWithin = 7 * time.Second
	// serveWithin bounds the time from the moment the data directory is free until
	// the new process serves. The old one goes on serving meanwhile, but the API is
	// away; a log and a snapshot of 100,000 members take seconds to read.
	serveWithin = time.Minute
	// adoptWithin bounds the hand-over of the VIP holder.
	adoptWithin = 10 * time.Second
	// adoptSoon is when a leader without the holder takes the other process for frozen: it
	// takes some milliseconds, and nobody holds the VIPs once the lease before is over,
	// which was 400 ms at most and has to be (raft.Node.Abdicate).
	adoptSoon = 500 * time.Millisecond
)

// heir is a process that is to take over from this one.
type heir struct {
	binary string
	cmd    *exec.Cmd
	conn   *handover.Conn
	build  string
	leads  bool          // it can go on as the leader of a cluster
	shares bool          // it can go on with a share
	dead   chan struct{} // closed when it is reaped
	err    error         // how it ended; valid after dead
}

// startHeir starts binary with the arguments and the environment of this process
// and waits until it could take over. An error says why it could not, and then it
// is gone.
func startHeir(ctx context.Context, binary string) (*heir, error) {
	if attends() {
		if err := attend.Adopt(); err != nil {
			return nil, err
		}
	}
	conn, theirs, err := handover.Pair()
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(binary, os.Args[1:]...)
	cmd.Args[0] = os.Args[0]
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	cmd.ExtraFiles = []*os.File{theirs}
	cmd.Env = append(os.Environ(), handover.Env+"=3", attend.Env+"=1")
	if attends() || attend.Lined() {
		line, err := attend.Line()
		if err != nil {
			conn.Close()
			theirs.Close()
			return nil, err
		}
		cmd.ExtraFiles = append(cmd.ExtraFiles, line)
		cmd.Env = append(cmd.Env, attend.Env+"="+strconv.Itoa(attend.LineFD))
	}
	err = cmd.Start()
	theirs.Close()
	if err != nil {
		conn.Close()
		return nil, fmt.Errorf("%s does not start: %w", binary, err)
	}
	h := &heir{binary: binary, cmd: cmd, conn: conn, dead: make(chan struct{})}
	go func() { // ends with the process
		defer close(h.dead)
		h.err = cmd.Wait()
	}()
	ctx, cancel := context.WithTimeoutCause(ctx, helloWithin, fmt.Errorf("nothing heard from it within %s", helloWithin))
	defer cancel()
	var hello handover.Hello
	if _, err := conn.Expect(ctx, handover.KindHello, &hello); err != nil {
		return nil, h.giveUp(err)
	}
	if hello.HolderWire != vrrp.HolderWire {
		return nil, h.giveUp(fmt.Errorf("it talks to the VIP holder in version %d, the one that runs knows %d: stop lbd and start it again", hello.HolderWire, vrrp.HolderWire))
	}
	h.build, h.leads, h.shares = hello.Build, hello.Leads, hello.Shares
	return h, nil
}

// attends reports whether this process has to stay when another one has taken over:
// it was started by somebody who waits for it, and who cannot be told.
func attends() bool { return !sdnotify.Enabled() && os.Getenv(attend.Env) == "" }

// giveUp ends the process, waits until it is gone and puts into words what happened.
func (h *heir) giveUp(why error) error {
	h.conn.Close()
	ended := false
	if errors.Is(why, io.EOF) { // it ends, or has closed the socket
		select {
		case <-h.dead:
			ended = true
		case <-time.After(time.Second):
		}
	}
	if !ended {
		_ = h.cmd.Process.Kill() // dead already is as good
		<-h.dead
		return fmt.Errorf("%s did not take over: %w", h.binary, why)
	}
	if h.err == nil {
		return fmt.Errorf("%s ended before it had taken over", h.binary)
	}
	return fmt.Errorf("%s ended before it had taken over: %w", h.binary, h.err)
}

// HandoverQuestion is what `lbd version` is asked about taking over.
const HandoverQuestion = "handover"

// HandoverVersion tells an older process in which version this binary takes over.
func HandoverVersion() string { return fmt.Sprintf("%s %d", HandoverQuestion, handover.Version) }

// tryBinary asks a binary for its version, and whether it can take over from a
// running process.
func tryBinary(ctx context.Context, binary string) (version string, takesOver bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, tryWithin)
	defer cancel()
	out, err := exec.CommandContext(ctx, binary, "version", HandoverQuestion).Output()
	if err != nil {
		return "", false, fmt.Errorf("%s does not start: %w", binary, err)
	}
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	version, ok := strings.CutPrefix(lines[0], binaryGreeting)
	if !ok || len(lines) > 2 || len(lines) == 2 && !strings.HasPrefix(lines[1], HandoverQuestion+" ") {
		return "", false, fmt.Errorf("%s is no lbd", binary)
	}
	return version, len(lines) == 2 && lines[1] == HandoverVersion(), nil
}

// sendVerdicts sends what is known of members, in messages of a bounded number.
func (h *heir) sendVerdicts(all []handover.Verdict) error {
	for len(all) > 0 {
		n := min(len(all), maxVerdicts)
		if err := h.conn.Send(handover.KindVerdicts, handover.Verdicts{List: all[:n]}); err != nil {
			return err
		}
		all = all[n:]
	}
	return nil
}

// maxVerdicts in a message: each has two ids of 36 bytes, a time, and a reason that
// is cut to maxReason.
const (
	maxVerdicts = 32
	maxReason   = 256
)
