package cli

import (
	"cmp"
	"context"
	"flag"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
)

// spreadView is the answer of GET /v1/cluster/spread.
type spreadView struct {
	On            bool `json:"on"`
	LoadBalancers []struct {
		ID     string   `json:"id"`
		Name   string   `json:"name"`
		VIP    string   `json:"vip_address"`
		Node   string   `json:"node"`
		HeldBy []string `json:"held_by"`
	} `json:"loadbalancers"`
}

func spreadCommand(*flag.FlagSet) func(context.Context, *call) error {
	return func(ctx context.Context, c *call) error {
		const path = "/v1/cluster/spread"
		var v spreadView
		word := ""
		if len(c.args) == 1 {
			word = c.args[0]
		}
		switch word {
		case "":
			if err := c.client.call(ctx, "GET", path, nil, &v); err != nil {
				return err
			}
			return printSpread(c.Stdout, &v)
		case "on", "off":
			if err := c.client.call(ctx, "PUT", path, map[string]bool{"on": word == "on"}, &v); err != nil {
				return err
			}
			_, err := fmt.Fprintln(c.Stdout, onOff(v.On))
			return err
		case "balance":
			var moved struct {
				Moved int `json:"moved"`
			}
			if err := c.client.call(ctx, "POST", path+"/balance", nil, &moved); err != nil {
				return err
			}
			_, err := fmt.Fprintf(c.Stdout, "%d load balancers move\n", moved.Moved)
			return err
		}
		return usageError(fmt.Sprintf("unknown word %q: lbd spread [on|off|balance]", word))
	}
}

func printSpread(out io.Writer, v *spreadView) error {
	fmt.Fprintln(out, onOff(v.On))
	w := tabwriter.NewWriter(out, 0, 8, 2, ' ', 0)
	fmt.Fprintln(w, "LOAD BALANCER\tNAME\tVIP\tNODE\tHELD BY")
	for _, b := range v.LoadBalancers {
		node := b.Node
		if !v.On {
			node = "the leader"
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", b.ID, dash(b.Name), b.VIP, cmp.Or(node, "none yet"), dash(strings.Join(b.HeldBy, ",")))
	}
	return w.Flush()
}

func onOff(on bool) string {
	if on {
		return "spread is on: load balancers are distributed over the data nodes"
	}
	return "spread is off: the leader holds all load balancers"
}
