package health

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"lbd/store/model"
)

func TestMachine(t *testing.T) {
	type state struct {
		Status model.Operating
		Up     bool
		Reason string
	}
	const refused = "connect 10.0.0.3:80: connection refused"
	for _, tc := range []struct {
		name       string
		start      model.Operating
		rise, fall int
		results    []string
		want       []state
	}{
		{
			"a new member is online from the first good probe", model.Offline, 4, 3,
			[]string{"", ""},
			[]state{{model.Online, true, ""}, {model.Online, true, ""}},
		},
		{
			"a new member takes traffic until fall failures", model.Offline, 4, 3,
			[]string{refused, refused, refused},
			[]state{{model.Offline, true, refused + ", 1 of 3"}, {model.Offline, true, refused + ", 2 of 3"}, {model.Failing, false, refused + ", 3 of 3"}},
		},
		{
			"failures must be in a row", model.Online, 2, 2,
			[]string{refused, "", refused, refused},
			[]state{{model.Online, true, refused + ", 1 of 2"}, {model.Online, true, ""}, {model.Online, true, refused + ", 1 of 2"}, {model.Failing, false, refused + ", 2 of 2"}},
		},
		{
			"a failed member needs rise successes in a row", model.Failing, 2, 2,
			[]string{"", refused, "", ""},
			[]state{{model.Failing, false, "recovering, 1 of 2"}, {model.Failing, false, refused + ", 2 of 2"}, {model.Failing, false, "recovering, 1 of 2"}, {model.Online, true, ""}},
		},
		{
			"one of each is enough where asked", model.Offline, 1, 1,
			[]string{refused, ""},
			[]state{{model.Failing, false, refused + ", 1 of 1"}, {model.Online, true, ""}},
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			m := newMachine(tc.rise, tc.fall, tc.start)
			var got []state
			for _, r := range tc.results {
				before := m.status
				if changed := m.step(r); changed != (m.status != before) {
					t.Errorf("step(%q) says changed=%v for %s to %s", r, changed, before, m.status)
				}
				got = append(got, state{m.status, m.up, m.reason})
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("states (-want +got):\n%s", diff)
			}
		})
	}
}
