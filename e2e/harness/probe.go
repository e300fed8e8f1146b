package harness

import (
	"bufio"
	"cmp"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"lbd/internal/netlab"
)

const (
	probeEvery   = 5 * time.Millisecond
	probeTimeout = 250 * time.Millisecond
	// patientEvery is for clients that only must not fail.
	patientEvery = 10 * time.Millisecond
	// maxRunning requests of a probe run at a time: as many as time out.
	maxRunning = int(probeTimeout / probeEvery)
)

// Probe is a client that opens a new connection every 5 ms and asks for /,
// whatever became of the earlier ones; a request may take 250 ms.
type Probe struct{ h *helper }

// Shot is one request of a probe.
type Shot struct {
	Start, End time.Duration // CLOCK_MONOTONIC
	OK         bool          // status 200 and a whole body
	Detail     string        // body, or what went wrong
}

// StartProbe starts a probe of addr (host:port) on a host.
func (w *World) StartProbe(on *netlab.Host, addr string) *Probe {
	w.T.Helper()
	return &Probe{w.spawn(on, "_probe", addr)}
}

// StartPatientProbe is StartProbe with requests that may take 3 s, as those of
// ordinary clients: a frame that is lost delays them and fails none.
func (w *World) StartPatientProbe(on *netlab.Host, addr string) *Probe {
	w.T.Helper()
	return &Probe{w.spawn(on, "_probe", addr, "3s")}
}

// StartKeptAlive is a client with a few connections that it keeps, each asking
// every 40 ms. As any HTTP client it asks again when a connection on which it has
// had no answer yet turns out to be closed.
func (w *World) StartKeptAlive(on *netlab.Host, addr string) *Probe {
	w.T.Helper()
	return &Probe{w.spawn(on, "_kept", addr)}
}

// Slowest is the longest that a request took which went well.
func Slowest(shots []Shot) time.Duration {
	var d time.Duration
	for _, s := range shots {
		if s.OK {
			d = max(d, s.End-s.Start)
		}
	}
	return d
}

// Stop ends the probe and returns all its shots, by start time.
func (p *Probe) Stop() []Shot { return parseShots(p.h.stop()) }

// Shots returns those that have ended so far.
func (p *Probe) Shots() []Shot { return parseShots(p.h.snapshot()) }

func parseShots(lines []string) []Shot {
	var shots []Shot
	for _, l := range lines {
		f := strings.SplitN(l, " ", 4)
		if len(f) != 4 {
			continue
		}
		var s, e int64
		fmt.Sscan(f[0], &s)
		fmt.Sscan(f[1], &e)
		shots = append(shots, Shot{time.Duration(s), time.Duration(e), f[2] == "ok", f[3]})
	}
	// They are printed as they end; a failure takes longer than a success.
	slices.SortStableFunc(shots, func(a, b Shot) int { return cmp.Compare(a.Start, b.Start) })
	return shots
}

// Since are the shots that began at t or later.
func Since(shots []Shot, t time.Duration) []Shot {
	i, _ := slices.BinarySearchFunc(shots, t, func(s Shot, t time.Duration) int { return cmp.Compare(s.Start, t) })
	return shots[i:]
}

// Failed are the shots that went wrong.
func Failed(shots []Shot) []Shot {
	var bad []Shot
	for _, s := range shots {
		if !s.OK {
			bad = append(bad, s)
		}
	}
	return bad
}

// Blackout is the longest outage: from the start of a failed request to the
// start of the first good one after it from which on nothing failed for 200 ms.
func Blackout(shots []Shot) time.Duration {
	const calm = 200 * time.Millisecond
	var longest, begin, good time.Duration
	out := false
	for _, s := range shots {
		switch {
		case !s.OK && !out:
			out, begin, good = true, s.Start, 0
		case !s.OK:
			good = 0
		case out && good == 0:
			good = s.Start
		}
		if out && good != 0 && s.Start-good >= calm {
			longest = max(longest, good-begin)
			out = false
		}
	}
	if out {
		end := shots[len(shots)-1].Start
		if good != 0 {
			end = good
		}
		longest = max(longest, end-begin)
	}
	return longest
}

func probeMain(args []string) error {
	addr, every, patience := args[0], probeEvery, probeTimeout
	if len(args) > 1 {
		var err error
		if patience, err = time.ParseDuration(args[1]); err != nil {
			return err
		}
		every = patientEvery
	}
	o := newOutput()
	running := make(chan struct{}, maxRunning)
	for range time.Tick(every) {
		select {
		case running <- struct{}{}:
			go func() {
				o.shoot(func() (string, error) { return ask(addr, patience) })
				<-running
			}()
		default: // a machine that is overloaded is not given more and more
		}
	}
	return nil
}

// shoot prints a request as a shot.
func (o *output) shoot(ask func() (string, error)) {
	start := Now()
	body, err := ask()
	end := Now()
	if err != nil {
		o.printf("%d %d bad %s\n", start, end, strings.ReplaceAll(err.Error(), "\n", " "))
	} else {
		o.printf("%d %d ok %s\n", start, end, strings.TrimSpace(body))
	}
}

const keptConnections = 4

func keptMain(args []string) error {
	o := newOutput()
	var wg sync.WaitGroup
	for range keptConnections {
		hc := &http.Client{Timeout: 3 * time.Second, Transport: &http.Transport{}}
		wg.Go(func() {
			for range time.Tick(keptConnections * patientEvery) {
				o.shoot(func() (string, error) { return keptAsk(hc, args[0]) })
			}
		})
	}
	wg.Wait()
	return nil
}

func keptAsk(hc *http.Client, addr string) (string, error) {
	resp, err := hc.Get("http://" + addr + "/")
	if err != nil {
		return "", err
	}
	return page(resp)
}

func ask(addr string, patience time.Duration) (string, error) {
	deadline := time.Now().Add(patience)
	d := net.Dialer{Deadline: deadline}
	c, err := d.Dial("tcp", addr)
	if err != nil {
		return "", err
	}
	defer c.Close()
	c.SetDeadline(deadline)
	c.(*net.TCPConn).SetLinger(0)
	if _, err := io.WriteString(c, "GET / HTTP/1.1\r\nHost: probe.example\r\nConnection: close\r\n\r\n"); err != nil {
		return "", err
	}
	resp, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		return "", err
	}
	return page(resp)
}

// page is the whole body of a good answer.
func page(resp *http.Response) (string, error) {
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		return "", err
	}
	if resp.StatusCode != 200 {
		return "", fmt.Errorf("status %d", resp.StatusCode)
	}
	return string(b), nil
}
