package demo

import (
	"bufio"
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// loopback tells what can be told without namespaces: one node, a load balancer
// on a loopback address, two web servers.
func loopback(ctx context.Context, o Options, sh *shell, dir string) error {
	data := filepath.Join(dir, "node")
	begin := func(ready string, args ...string) error {
		sh.show("lbd " + quote(args) + " &")
		c := exec.CommandContext(ctx, o.Self, args...)
		c.Cancel = func() error { return c.Process.Signal(syscall.SIGTERM) }
		c.WaitDelay = 5 * time.Second
		log := &tail{}
		c.Stderr = log
		out, err := c.StdoutPipe()
		if err != nil {
			return err
		}
		if err := c.Start(); err != nil {
			return err
		}
		line, err := bufio.NewReader(out).ReadString('\n')
		fmt.Fprint(o.Out, line)
		if err != nil || !strings.HasPrefix(line, ready) {
			return fmt.Errorf("not ready: %w\n%s", err, log)
		}
		context.AfterFunc(ctx, func() { c.Wait() })
		return nil
	}
	run := func(get, method, path, body string) (string, error) {
		args := []string{"api", "--data-dir", data, "--get", get, method, path, body}
		sh.show("lbd " + quote(args))
		out, err := exec.CommandContext(ctx, o.Self, args...).CombinedOutput()
		fmt.Fprintf(o.Out, "%s", out)
		if err != nil {
			return "", fmt.Errorf("lbd api %s %s: %w: %s", method, path, err, out)
		}
		return strings.TrimSpace(string(out)), nil
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	if err := begin("version=", "--data-dir", data, "--name", "laptop", "--api", "127.0.0.1:9876", "--cluster", "127.0.0.1:0", "--no-vip"); err != nil {
		return err
	}
	for i, page := range []string{"page 1", "page 2"} {
		if err := begin("web ", "demo", "web", fmt.Sprintf("127.0.0.1:%d", 18081+i), page); err != nil {
			return err
		}
	}
	network, err := run("network.id", "POST", networking+"networks", `{"network":{"name":"local"}}`)
	if err != nil {
		return err
	}
	subnet, err := run("subnet.id", "POST", networking+"subnets",
		fmt.Sprintf(`{"subnet":{"name":"local-subnet","network_id":%q,"ip_version":4,"cidr":"127.0.77.0/24"}}`, network))
	if err != nil {
		return err
	}
	lb, err := run("loadbalancer.id", "POST", octavia+"loadbalancers",
		fmt.Sprintf(`{"loadbalancer":{"name":"lb1","vip_subnet_id":%q,"vip_address":"127.0.77.10"}}`, subnet))
	if err != nil {
		return err
	}
	listener, err := run("listener.id", "POST", octavia+"listeners",
		fmt.Sprintf(`{"listener":{"name":"listener1","loadbalancer_id":%q,"protocol":"HTTP","protocol_port":8080}}`, lb))
	if err != nil {
		return err
	}
	pool, err := run("pool.id", "POST", octavia+"pools",
		fmt.Sprintf(`{"pool":{"name":"pool1","listener_id":%q,"protocol":"HTTP","lb_algorithm":"ROUND_ROBIN"}}`, listener))
	if err != nil {
		return err
	}
	for i := range 2 {
		if _, err := run("member.id", "POST", octavia+"pools/"+pool+"/members",
			fmt.Sprintf(`{"member":{"address":"127.0.0.1","protocol_port":%d}}`, 18081+i)); err != nil {
			return err
		}
	}
	for range 4 {
		sh.show("curl -sS http://127.0.77.10:8080/")
		out, err := exec.CommandContext(ctx, "curl", "-sS", "--fail", "http://127.0.77.10:8080/").CombinedOutput()
		fmt.Fprintf(o.Out, "%s", out)
		if err != nil {
			return err
		}
	}
	if o.Exit {
		return nil
	}
	password, err := adminPassword(data)
	if err != nil {
		return err
	}
	sh.say("web UI: http://127.0.0.1:9876/ui/  user admin, password %s; Ctrl-C ends the demo", password)
	<-ctx.Done()
	return nil
}
