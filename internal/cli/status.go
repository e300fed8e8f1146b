package cli

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"
)

// clusterView is the part of GET /v1/cluster that is printed.
type clusterView struct {
	ClusterID string     `json:"cluster_id"`
	Leader    string     `json:"leader"`
	Term      uint64     `json:"term"`
	Quorum    string     `json:"quorum"`
	Nodes     []nodeView `json:"nodes"`
	Spread    bool       `json:"spread"`
}

type nodeView struct {
	ID      string `json:"id"`
	Name    string `json:"name"`
	Kind    string `json:"kind"`
	Cluster string `json:"cluster"`
	Self    bool   `json:"self"`
	Role    string `json:"role"`
	Share   bool   `json:"share"` // of the load balancers, by the table of Spread
	Ready   bool   `json:"ready"`
	// LoadBalancers is nil while Spread is off.
	LoadBalancers *struct {
		Given int `json:"given"`
		Held  int `json:"held"`
	} `json:"load_balancers"`
	Since       time.Time `json:"since"`
	LeaseLeftMS int64     `json:"lease_left_ms"`
	VIPs        []string  `json:"vips"`
	Why         string    `json:"why"`
	AgeMS       int64     `json:"age_ms"`
	Version     string    `json:"version"`
	Started     time.Time `json:"started_at"`
	PID         int       `json:"pid"`
	Draining    []struct {
		PID         int       `json:"pid"`
		Version     string    `json:"version"`
		Since       time.Time `json:"since"`
		Until       time.Time `json:"until"`
		Connections int64     `json:"connections"`
	} `json:"draining"`
	RestartFailed string `json:"restart_failed"`
	Raft          struct {
		State        string `json:"state"`
		LastIndex    uint64 `json:"last_index"`
		CommitIndex  uint64 `json:"commit_index"`
		AppliedIndex uint64 `json:"applied_index"`
	} `json:"raft"`
	VirtualMACs []struct {
		Link   string `json:"link"`
		Family string `json:"family"`
		MAC    string `json:"mac"`
	} `json:"virtual_macs"`
	VRRP []struct {
		Link    string `json:"link"`
		Family  string `json:"family"`
		VRID    uint8  `json:"vrid"`
		Sending bool   `json:"sending"`
	} `json:"vrrp"`
	Problems []struct {
		Object string `json:"object"`
		Reason string `json:"reason"`
	} `json:"problems"`
}

func statusCommand(fs *flag.FlagSet) func(context.Context, *call) error {
	asJSON := fs.Bool("json", false, "print the answer of GET /v1/cluster as it is")
	role := fs.Bool("role", false, "print only this node's own role: active, standby or witness")
	ready := fs.Bool("ready", false, "print nothing; exit 0 only when this node serves or could take over now")
	return func(ctx context.Context, c *call) error {
		var raw json.RawMessage
		if err := c.client.call(ctx, "GET", "/v1/cluster", nil, &raw); err != nil {
			return err
		}
		if *asJSON {
			_, err := fmt.Fprintf(c.Stdout, "%s\n", raw)
			return err
		}
		var v clusterView
		if err := json.Unmarshal(raw, &v); err != nil {
			return fmt.Errorf("read answer: %w", err)
		}
		if !*role && !*ready {
			return printStatus(c.Stdout, &v)
		}
		for _, n := range v.Nodes {
			if !n.Self {
				continue
			}
			if *ready && !n.Ready {
				return fmt.Errorf("%s is not ready: %s", n.Name, n.Why)
			}
			if *role {
				fmt.Fprintln(c.Stdout, n.Role)
			}
			return nil
		}
		return errors.New("this node is in no cluster yet")
	}
}

func printStatus(out io.Writer, v *clusterView) error {
	leader := "none"
	for _, n := range v.Nodes {
		if n.ID == v.Leader {
			leader = n.Name
		}
	}
	fmt.Fprintf(out, "cluster %s, leader %s, term %d, quorum %s\n", v.ClusterID, leader, v.Term, v.Quorum)
	w := tabwriter.NewWriter(out, 0, 8, 2, ' ', 0)
	fmt.Fprintln(w, "NODE\tKIND\tROLE\tSINCE\tLEASE\tVIPS\tRAFT\tAPPLIED/LAST\tSEEN\tWHY")
	for _, n := range v.Nodes {
		name := n.Name
		if n.Self {
			name += " *"
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%d/%d\t%s\t%s\n", name, n.Kind, n.Role, since(n.Since), lease(n),
			dash(strings.Join(n.VIPs, ",")), dash(n.Raft.State), n.Raft.AppliedIndex, n.Raft.LastIndex, seen(n), dash(n.Why))
	}
	if err := w.Flush(); err != nil {
		return err
	}
	if v.Spread {
		fmt.Fprintln(out, shares(v.Nodes))
	}
	for _, n := range v.Nodes {
		for _, m := range n.VirtualMACs {
			fmt.Fprintf(out, "virtual MAC of %s: %s %s, %s\n", n.Name, m.Link, m.Family, m.MAC)
		}
		for _, r := range n.VRRP {
			state := "advertised"
			if !r.Sending {
				state = "listened for first"
			}
			fmt.Fprintf(out, "VRRP on %s: %s %s, VRID %d, %s\n", n.Name, r.Link, r.Family, r.VRID, state)
		}
		for _, d := range n.Draining {
			fmt.Fprintf(out, "%s: process %d (%s) serves %d connections that it had, for another %s at most\n", n.Name, d.PID, d.Version, d.Connections, time.Until(d.Until).Round(time.Second))
		}
		if n.RestartFailed != "" {
			fmt.Fprintf(out, "%s: the newest restart failed, the binary before runs on: %s\n", n.Name, n.RestartFailed)
		}
		for _, p := range n.Problems {
			fmt.Fprintf(out, "problem on %s: %s: %s\n", n.Name, p.Object, p.Reason)
		}
	}
	return nil
}

// shares is a line about how the load balancers are distributed.
func shares(nodes []nodeView) string {
	var each []string
	least, most := -1, 0
	for _, n := range nodes {
		if n.LoadBalancers == nil {
			continue
		}
		given, held := n.LoadBalancers.Given, n.LoadBalancers.Held
		s := fmt.Sprintf("%s holds %d", n.Name, held)
		if held != given {
			s += fmt.Sprintf(" of its %d", given)
		}
		each = append(each, s)
		if n.Ready && (least < 0 || given < least) {
			least = given
		}
		most = max(most, given)
	}
	line := "spread: of the load balancers " + strings.Join(each, ", ")
	if least >= 0 && most > least+1 {
		line += " (`lbd spread balance` evens the shares)"
	}
	return line
}

func dash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

func since(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return t.UTC().Format("2006-01-02T15:04:05.000Z")
}

func lease(n nodeView) string {
	if n.Role != "active" {
		return "-"
	}
	return fmt.Sprintf("%dms", n.LeaseLeftMS)
}

func seen(n nodeView) string {
	switch {
	case n.Self:
		return "now"
	case n.AgeMS < 0:
		return "never"
	default:
		return (time.Duration(n.AgeMS) * time.Millisecond).String() + " ago"
	}
}
