package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// apiCommand is `lbd api GET /v1/cluster`: the REST API from the node itself,
// without a login. JSON may be "-" for standard input. The answer goes to
// standard output, indented; a status of 400 or more is exit code 1.
func apiCommand(fs *flag.FlagSet) func(context.Context, *call) error {
	get := fs.String("get", "", "print only the value at this `PATH` of the answer, for example loadbalancer.id or members.0.address")
	return func(ctx context.Context, c *call) error {
		if len(c.args) < 2 {
			return usageError("usage: lbd api METHOD PATH [JSON]")
		}
		method, path := strings.ToUpper(c.args[0]), c.args[1]
		if !strings.HasPrefix(path, "/") {
			return usageError("the path starts with /, for example /load-balancer/v2.0/lbaas/loadbalancers")
		}
		var body []byte
		if len(c.args) == 3 {
			body = []byte(c.args[2])
			if c.args[2] == "-" {
				var err error
				if body, err = io.ReadAll(c.Stdin); err != nil {
					return fmt.Errorf("read standard input: %w", err)
				}
			}
		}
		status, answer, err := c.client.do(ctx, method, path, body)
		if err != nil {
			return err
		}
		if *get != "" && status < 400 {
			value, err := lookup(answer, *get)
			if err != nil {
				return err
			}
			_, err = fmt.Fprintln(c.Stdout, value)
			return err
		}
		var pretty bytes.Buffer
		if json.Indent(&pretty, answer, "", "  ") == nil && len(answer) > 0 {
			answer = append(pretty.Bytes(), '\n')
		}
		if status >= 400 {
			return &apiError{status, messageOf(answer)}
		}
		_, err = c.Stdout.Write(answer)
		return err
	}
}

// lookup finds the value at a dotted path in a JSON document; strings come
// without quotes, everything else as JSON.
func lookup(doc []byte, path string) (string, error) {
	var v any
	if err := json.Unmarshal(doc, &v); err != nil {
		return "", fmt.Errorf("the answer is not JSON: %w", err)
	}
	for key := range strings.SplitSeq(path, ".") {
		switch at := v.(type) {
		case map[string]any:
			next, ok := at[key]
			if !ok {
				return "", fmt.Errorf("the answer has no %q in %s", key, path)
			}
			v = next
		case []any:
			i, err := strconv.Atoi(key)
			if err != nil || i < 0 || i >= len(at) {
				return "", fmt.Errorf("the answer has %d elements, none at %q of %s", len(at), key, path)
			}
			v = at[i]
		default:
			return "", fmt.Errorf("the answer ends before %q of %s", key, path)
		}
	}
	if s, ok := v.(string); ok {
		return s, nil
	}
	b, err := json.Marshal(v)
	return string(b), err
}
