package cli

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"time"

	"lbd/internal/flagenv"
)

// Exit codes: 0 done, 1 the command failed, 2 it was called wrongly.
const (
	exitOK = iota
	exitFailed
	exitUsage
)

// Env is the process's surroundings.
type Env struct {
	Stdin          io.Reader
	Stdout, Stderr io.Writer
	Lookup         func(string) (string, bool) // environment variable
}

type command struct {
	name, args, help string
	maxArgs          int
	flags            func(*flag.FlagSet) func(context.Context, *call) error
}

// within is how long a command may take unless told otherwise.
func (c command) within() time.Duration {
	if c.name == "upgrade" || c.name == "restart" {
		return upgradeWithin
	}
	return 30 * time.Second
}

// call is one invocation of a command.
type call struct {
	Env
	client *client
	args   []string
	fs     *flag.FlagSet
}

func commands() []command {
	return []command{
		{"status", "", "show nodes, roles, VIPs and Raft indexes", 0, statusCommand},
		{"token", "", "print a token that lets a node join", 0, tokenCommand},
		{"approve", "[CODE]", "admit a waiting node, or list those that wait", 1, approveCommand},
		{"switchover", "[NODE]", "move the VIPs to NODE, or to the best standby", 1, switchoverCommand},
		{"profile", "[fast|default|calm]", "show or change how soon a silent node is given up", 1, profileCommand},
		{"spread", "[on|off|balance]", "show, begin, end or even out the distribution of load balancers over the nodes", 1, spreadCommand},
		{"history", "", "show who held the VIPs, and for how long nobody did", 0, historyCommand},
		{"restart", "[NODE]", "restart this node, or NODE, from its binary, and wait until it is ready", 1, restartCommand},
		{"upgrade", "", "restart every node from the binary now in its place, one at a time", 0, upgradeCommand},
		{"remove", "NODE", "take a node out of the cluster", 1, removeCommand},
		{"api", "METHOD PATH [JSON]", "call the REST API as admin and print the answer", 3, apiCommand},
	}
}

// Is reports whether name is a sub-command of this package.
func Is(name string) bool {
	for _, c := range commands() {
		if c.name == name {
			return true
		}
	}
	return false
}

// Help lists the sub-commands.
func Help(w io.Writer) {
	for _, c := range commands() {
		fmt.Fprintf(w, "  %-30s %s\n", c.name+" "+c.args, c.help)
	}
}

// Run executes the sub-command name and returns the exit code.
func Run(ctx context.Context, env Env, name string, args []string) int {
	for _, c := range commands() {
		if c.name != name {
			continue
		}
		fs := flag.NewFlagSet("lbd "+name, flag.ContinueOnError)
		fs.SetOutput(env.Stderr)
		fs.Usage = func() {
			fmt.Fprintf(env.Stderr, "usage: lbd %s [flags] %s\n%s\n", c.name, c.args, c.help)
			fs.PrintDefaults()
		}
		dir := fs.String("data-dir", flagenv.DefaultDataDir(), "data directory of the running node")
		timeout := fs.Duration("timeout", c.within(), "give up after this long")
		run := c.flags(fs)
		if err := flagenv.Parse(fs, args, env.Lookup, c.maxArgs); err != nil {
			if errors.Is(err, flag.ErrHelp) {
				return exitOK
			}
			fmt.Fprintf(env.Stderr, "lbd %s: %v\n", name, err)
			return exitUsage
		}
		ctx, cancel := context.WithTimeout(ctx, *timeout)
		defer cancel()
		err := run(ctx, &call{Env: env, client: newClient(*dir), args: fs.Args(), fs: fs})
		if err == nil {
			return exitOK
		}
		fmt.Fprintf(env.Stderr, "lbd %s: %v\n", name, err)
		if errors.As(err, new(usageError)) {
			return exitUsage
		}
		return exitFailed
	}
	fmt.Fprintf(env.Stderr, "lbd: unknown command %q, see lbd --help\n", name)
	return exitUsage
}

// usageError is a wrong call, told apart by the exit code.
type usageError string

func (e usageError) Error() string { return string(e) }
