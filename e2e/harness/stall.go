package harness

import (
	"fmt"
	"io"
	"os"
	"runtime"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// Stall is a time in which the machine ran nobody on one of its cores: neither the
// processes that burn processor time nor a realtime thread, which goes before all of
// them.
type Stall struct {
	CPU  int
	From time.Time
	For  time.Duration
}

func (s Stall) String() string {
	return fmt.Sprintf("core %d for %s at %s", s.CPU, s.For.Round(time.Millisecond), s.From.UTC().Format("15:04:05.000"))
}

// Overlaps tells whether some of the stall was between these times.
func (s Stall) Overlaps(from, to time.Time) bool {
	return s.From.Before(to) && s.From.Add(s.For).After(from)
}

// StallWatch is a realtime thread on each core that sleeps for a millisecond at a time.
type StallWatch []*helper

// WatchStalls until the test ends.
func (w *World) WatchStalls() (watch StallWatch) {
	w.T.Helper()
	for cpu := range runtime.NumCPU() {
		watch = append(watch, w.spawn(w.Observer, "_stall", strconv.Itoa(cpu)))
	}
	return watch
}

// Stop it and return the stalls of at least that long.
func (w StallWatch) Stop(least time.Duration) (stalls []Stall) {
	for cpu, p := range w {
		for _, line := range p.stop() {
			at, length, _ := strings.Cut(line, " ")
			from, _ := strconv.ParseInt(at, 10, 64)
			n, _ := strconv.ParseInt(length, 10, 64)
			if s := (Stall{cpu, time.Unix(0, from), time.Duration(n)}); s.For >= least {
				stalls = append(stalls, s)
			}
		}
	}
	return stalls
}

// leastStall is the shortest that is told, some ten times what waking up takes.
const leastStall = 10 * time.Millisecond

func stallMain(args []string) error {
	cpu, err := strconv.Atoi(args[0])
	if err != nil {
		return err
	}
	runtime.LockOSThread()
	var set unix.CPUSet
	set.Set(cpu)
	if err := unix.SchedSetaffinity(0, &set); err != nil {
		return fmt.Errorf("stay on core %d: %w", cpu, err)
	}
	if err := unix.SchedSetAttr(0, &unix.SchedAttr{Size: unix.SizeofSchedAttr, Policy: unix.SCHED_FIFO, Priority: 99}, 0); err != nil {
		return fmt.Errorf("be realtime: %w", err)
	}
	fmt.Println("ready")
	go func() {
		io.Copy(io.Discard, os.Stdin)
		os.Exit(0)
	}()
	for {
		begun := time.Now()
		unix.Nanosleep(&unix.Timespec{Nsec: int64(time.Millisecond)}, nil)
		if d := time.Since(begun); d >= leastStall {
			fmt.Println(begun.UnixNano(), int64(d))
		}
	}
}
