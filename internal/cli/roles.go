package cli

import (
	"context"
	"flag"
	"fmt"
	"text/tabwriter"
	"time"
)

func profileCommand(*flag.FlagSet) func(context.Context, *call) error {
	return func(ctx context.Context, c *call) error {
		var v struct {
			Profile string `json:"profile"`
		}
		method := "GET"
		var in any
		if len(c.args) == 1 {
			method, in = "PUT", map[string]string{"profile": c.args[0]}
		}
		if err := c.client.call(ctx, method, "/v1/cluster/profile", in, &v); err != nil {
			return err
		}
		_, err := fmt.Fprintln(c.Stdout, v.Profile)
		return err
	}
}

func historyCommand(*flag.FlagSet) func(context.Context, *call) error {
	return func(ctx context.Context, c *call) error {
		var v struct {
			History []struct {
				Term     uint64    `json:"term"`
				Name     string    `json:"name"`
				At       time.Time `json:"at"`
				Why      string    `json:"why"`
				GapMS    *int64    `json:"gap_ms"`
				MarginMS *int64    `json:"margin_ms"`
			} `json:"history"`
			Shares []struct {
				At    time.Time `json:"at"`
				Count int       `json:"count"`
				From  string    `json:"from_name"`
				To    string    `json:"to_name"`
				Why   string    `json:"why"`
			} `json:"shares"`
		}
		if err := c.client.call(ctx, "GET", "/v1/cluster/history", nil, &v); err != nil {
			return err
		}
		w := tabwriter.NewWriter(c.Stdout, 0, 8, 2, ' ', 0)
		fmt.Fprintln(w, "AT\tTERM\tACTIVE\tGAP\tMARGIN\tWHY")
		for _, h := range v.History {
			fmt.Fprintf(w, "%s\t%d\t%s\t%s\t%s\t%s\n", h.At.Format(time.RFC3339), h.Term, h.Name, millis(h.GapMS), millis(h.MarginMS), h.Why)
		}
		if err := w.Flush(); err != nil || len(v.Shares) == 0 {
			return err
		}
		fmt.Fprintln(w, "\nAT\tLOAD BALANCERS\tFROM\tTO\tWHY")
		for _, s := range v.Shares {
			fmt.Fprintf(w, "%s\t%d\t%s\t%s\t%s\n", s.At.Format(time.RFC3339), s.Count, dash(s.From), s.To, s.Why)
		}
		return w.Flush()
	}
}

// millis is "-" for what was not measured.
func millis(ms *int64) string {
	if ms == nil {
		return "-"
	}
	return (time.Duration(*ms) * time.Millisecond).String()
}
