package route

import (
	"testing"

	"lbd/dataplane/http1"
)

type byHost struct{ host, pool string }

func (b byHost) Decide(r *http1.Request) (string, bool) { return b.pool, string(r.Host) == b.host }

func TestFirstStepThatDecidesWins(t *testing.T) {
	c := Chain[string]{Default: "rest", Steps: []Step[string]{byHost{"a", "first"}, byHost{"a", "second"}, byHost{"b", "third"}}}
	for host, want := range map[string]string{"a": "first", "b": "third", "c": "rest"} {
		if got := c.Choose(&http1.Request{Host: []byte(host)}); got != want {
			t.Errorf("host %s goes to %q, want %q", host, got, want)
		}
	}
}

func TestChoosingAllocatesNothing(t *testing.T) {
	c := Chain[string]{Default: "rest", Steps: []Step[string]{byHost{"a", "first"}}}
	r := &http1.Request{Host: []byte("z")}
	if n := testing.AllocsPerRun(100, func() { c.Choose(r) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
