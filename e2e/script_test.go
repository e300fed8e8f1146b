package e2e

import (
	"slices"
	"strings"
	"testing"
)

// A step is one command of a stock client. {name} stands for a value that an
// earlier step kept; a step that keeps asks for the id.
type step struct {
	run  string
	keep string // the id is known by this name afterwards; of several, the first
	want string // output, white space folded; of show, "" is not compared
	fail string // the command must fail with this in its output
}

// A script runs steps and knows which of the client's commands none of them was.
type script struct {
	commands []string // of the client, those that have to be run
	kept     map[string]string
	ran      map[string]bool
}

func (s *script) fill(text string) string {
	for k, v := range s.kept {
		text = strings.ReplaceAll(text, "{"+k+"}", v)
	}
	return text
}

// run runs steps, each with the prefix; the first that fails and should not ends
// the test.
func (s *script) run(c *client, prefix string, steps []step) {
	c.t.Helper()
	for _, st := range steps {
		line := prefix + s.fill(st.run)
		s.mark(line)
		if st.keep != "" {
			line += " -f value -c id"
		}
		out, err := c.try(line)
		lines := strings.Split(out, "\n")
		out = strings.Join(strings.Fields(out), " ")
		compared := strings.Contains(line, " -f value") && (st.want != "" || strings.Contains(line, "list"))
		switch {
		case st.fail != "":
			if err == nil || !strings.Contains(out, st.fail) {
				c.t.Errorf("%s: %v, want a failure with %q: %s", line, err, st.fail, out)
			}
		case err != nil:
			c.t.Fatalf("%s: %v: %s", line, err, out)
		case st.keep != "":
			// The neutron client says first what it has done.
			s.kept[st.keep] = lines[0]
			if strings.HasPrefix(lines[0], "Created a new") {
				s.kept[st.keep] = lines[1]
			}
		case compared && out != s.fill(st.want):
			c.t.Errorf("%s: %q, want %q", line, out, s.fill(st.want))
		}
	}
}

// mark notes the longest of the commands that a line starts with.
func (s *script) mark(line string) {
	longest := ""
	for _, c := range s.commands {
		if strings.HasPrefix(line+" ", c+" ") && len(c) > len(longest) {
			longest = c
		}
	}
	if s.ran == nil {
		s.ran = map[string]bool{}
	}
	s.ran[longest] = true
}

// allRan fails the test for each command that no step was.
func (s *script) allRan(t *testing.T) {
	t.Helper()
	if missing := slices.DeleteFunc(slices.Clone(s.commands), func(c string) bool { return s.ran[c] }); len(missing) > 0 || len(s.commands) == 0 {
		t.Errorf("of %d commands of the client, no step runs %q", len(s.commands), missing)
	}
}
