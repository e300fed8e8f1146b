package cli

import (
	"context"
	"flag"
	"fmt"
	"text/tabwriter"
	"time"
)

func tokenCommand(fs *flag.FlagSet) func(context.Context, *call) error {
	ttl := fs.Duration("ttl", time.Hour, "how long the token admits nodes")
	return func(ctx context.Context, c *call) error {
		var out struct {
			Token string `json:"token"`
		}
		in := map[string]any{"ttl_seconds": int(ttl.Seconds())}
		if err := c.client.call(ctx, "POST", "/v1/cluster/token", in, &out); err != nil {
			return err
		}
		_, err := fmt.Fprintln(c.Stdout, out.Token)
		return err
	}
}

func approveCommand(*flag.FlagSet) func(context.Context, *call) error {
	return func(ctx context.Context, c *call) error {
		if len(c.args) == 1 {
			return c.client.call(ctx, "POST", "/v1/cluster/approve", map[string]string{"code": c.args[0]}, nil)
		}
		var out struct {
			Pending []struct {
				Code  string    `json:"code"`
				Name  string    `json:"name"`
				Kind  string    `json:"kind"`
				From  string    `json:"from"`
				Since time.Time `json:"since"`
			} `json:"pending"`
		}
		if err := c.client.call(ctx, "GET", "/v1/cluster/pending", nil, &out); err != nil {
			return err
		}
		if len(out.Pending) == 0 {
			_, err := fmt.Fprintln(c.Stdout, "no node waits for approval")
			return err
		}
		w := tabwriter.NewWriter(c.Stdout, 0, 8, 2, ' ', 0)
		fmt.Fprintln(w, "CODE\tNAME\tKIND\tFROM\tSINCE")
		for _, p := range out.Pending {
			fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", p.Code, p.Name, p.Kind, p.From, p.Since.Format(time.RFC3339))
		}
		return w.Flush()
	}
}

func switchoverCommand(*flag.FlagSet) func(context.Context, *call) error {
	return func(ctx context.Context, c *call) error {
		in := map[string]string{}
		if len(c.args) == 1 {
			in["node"] = c.args[0]
		}
		return c.client.call(ctx, "POST", "/v1/cluster/switchover", in, nil)
	}
}

func removeCommand(*flag.FlagSet) func(context.Context, *call) error {
	return func(ctx context.Context, c *call) error {
		if len(c.args) != 1 {
			return usageError("which node? lbd remove NODE")
		}
		if err := c.client.call(ctx, "DELETE", "/v1/cluster/nodes/"+c.args[0], nil, nil); err != nil {
			return err
		}
		_, err := fmt.Fprintf(c.Stdout, "%s is removed. Before its machine is used again, empty its data directory: there it is still a member.\n", c.args[0])
		return err
	}
}
