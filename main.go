// Command lbd is a load-balancer appliance in one binary: run it on one machine
// and `lbd --join PEER` on another, and they serve the Octavia API, balance
// HTTP and TCP, and keep the service address on one of them.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"lbd/internal/app"
	"lbd/internal/attend"
	"lbd/internal/buildinfo"
	"lbd/internal/cli"
	"lbd/internal/demo"
	"lbd/internal/flagenv"
	"lbd/internal/handover"
	"lbd/vrrp"
)

func main() {
	// Before anybody else listens: a signal that waited over the exec is delivered at once,
	// and to those who listen then.
	if len(os.Args) > 1 && os.Args[1] == attend.Command {
		os.Exit(attend.Run())
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:])
	stop()
	os.Exit(code)
}

// run picks the sub-command; without one, lbd is a node.
func run(ctx context.Context, args []string) int {
	name := ""
	if len(args) > 0 && !strings.HasPrefix(args[0], "-") {
		name, args = args[0], args[1:]
	}
	switch name {
	case "":
		return node(ctx, args)
	case "version":
		fmt.Println("lbd", buildinfo.Get())
		if len(args) == 1 && args[0] == app.HandoverQuestion { // asked by a process that this binary is to take over from
			fmt.Println(app.HandoverVersion())
		}
		return 0
	case "help":
		usage(flag.NewFlagSet("lbd", flag.ContinueOnError))
		return 0
	case "demo":
		return runDemo(ctx, args)
	case "recover":
		return recoverNode(ctx, args)
	case vrrp.HolderCommand:
		return vrrp.HolderMain(vrrp.HolderFD)
	default:
		env := cli.Env{Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr, Lookup: os.LookupEnv}
		return cli.Run(ctx, env, name, args)
	}
}

func node(ctx context.Context, args []string) int {
	attend.Watch()
	before, err := handover.FromEnv()
	if err != nil {
		return fail(2, err)
	}
	cfg, err := app.ParseFlags(args, os.LookupEnv, usage)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return 0
	case err != nil:
		tell(before, err)
		return fail(2, err)
	}
	cfg.Predecessor = before
	err = app.Run(ctx, cfg, os.Stdout, os.Stderr)
	switch {
	case errors.Is(err, app.ErrRestart):
		err = again()
	case errors.Is(err, app.ErrAttend):
		err = stay(ctx)
	}
	if err != nil {
		tell(before, err)
		return fail(1, err)
	}
	return 0
}

// tell lets the process that this one was to take over from know why it does not.
func tell(before *handover.Conn, err error) {
	if before != nil {
		_ = before.Send(handover.KindFault, handover.Fault{Reason: err.Error()}) // it has gone, or does not want to know
	}
}

// stay turns this process into one that only waits for the node's next one, from the
// binary that is in place now.
func stay(ctx context.Context) error {
	paths := []string{"/proc/self/exe"}
	if self, err := os.Executable(); err == nil {
		paths = []string{self, paths[0]}
	}
	return attend.Exec(ctx, paths...)
}

// again starts the node anew in this process, which keeps its id for whoever
// supervises it: from the binary that is in place now, or else from the one that
// has run so far. It returns only when neither starts.
func again() error {
	self, err := os.Executable()
	if err == nil {
		err = syscall.Exec(self, os.Args, os.Environ())
	}
	fmt.Fprintf(os.Stderr, "lbd: %s does not start (%v), going on with the old binary\n", self, err)
	return syscall.Exec("/proc/self/exe", os.Args, os.Environ())
}

func runDemo(ctx context.Context, args []string) int {
	if len(args) == 3 && args[0] == "web" {
		if err := demo.Web(ctx, os.Stdout, args[1], args[2]); err != nil {
			return fail(1, err)
		}
		return 0
	}
	fs := flag.NewFlagSet("lbd demo", flag.ContinueOnError)
	exit := fs.Bool("exit", false, "end after the story instead of keeping the cluster up")
	if err := flagenv.Parse(fs, args, os.LookupEnv, 0); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return 0
		}
		return fail(2, err)
	}
	self, err := os.Executable()
	if err != nil {
		return fail(1, err)
	}
	if err := demo.Run(ctx, demo.Options{Out: os.Stdout, Exit: *exit, Self: self}); err != nil {
		return fail(1, err)
	}
	return 0
}

func recoverNode(ctx context.Context, args []string) int {
	err := app.RecoverCommand(ctx, args, os.LookupEnv, os.Stdout, os.Stderr)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return 0
	case err != nil:
		return fail(1, err)
	}
	return 0
}

// fail prints the one line that says what went wrong.
func fail(code int, err error) int {
	fmt.Fprintf(os.Stderr, "lbd: %v\n", err)
	return code
}

func usage(fs *flag.FlagSet) {
	w := os.Stdout
	fs.SetOutput(w)
	fmt.Fprint(w, "lbd "+buildinfo.Get().String()+`

usage: lbd [flags]              run a node; the first one makes the cluster
       lbd --join PEER [flags]  run a node that joins the cluster of PEER
       lbd COMMAND [flags]      talk to the node that runs on this machine

commands:
`)
	cli.Help(w)
	fmt.Fprintf(w, "  %-30s %s\n", "recover", "make a stopped node a cluster of its own, after a majority was lost for good")
	fmt.Fprintf(w, "  %-30s %s\n  %-30s %s\n\n", "demo", "run the whole story in network namespaces", "version", "print the version")
	fmt.Fprintln(w, "Every flag has an environment twin: --data-dir is LBD_DATA_DIR. Flags of a node:")
	fs.PrintDefaults()
}
