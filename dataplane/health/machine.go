package health

import (
	"fmt"

	"lbd/store/model"
)

// machine turns probe results into a verdict. Pure.
type machine struct {
	rise, fall int

	status model.Operating
	up     bool
	good   int // successes in a row while down
	bad    int // failures in a row; stays at fall while down
	reason string
}

// newMachine starts with a status kept from before, or as a new member.
func newMachine(rise, fall int, status model.Operating) *machine {
	m := &machine{rise: max(rise, 1), fall: max(fall, 1), status: model.Offline, up: true}
	switch status {
	case model.Online:
		m.status = model.Online
	case model.Failing:
		m.status, m.up, m.bad = model.Failing, false, m.fall
	}
	return m
}

// step takes one result; failure is "" for success. It reports whether the
// status changed.
func (m *machine) step(failure string) (changed bool) {
	before := m.status
	if failure == "" {
		if m.up {
			m.status, m.bad, m.reason = model.Online, 0, ""
			return m.status != before
		}
		m.good++
		if m.good >= m.rise {
			m.status, m.up, m.good, m.reason = model.Online, true, 0, ""
			m.bad = 0
		} else {
			m.reason = fmt.Sprintf("recovering, %d of %d", m.good, m.rise)
		}
		return m.status != before
	}
	m.good = 0
	m.bad = min(m.bad+1, m.fall)
	m.reason = fmt.Sprintf("%s, %d of %d", failure, m.bad, m.fall)
	if m.bad >= m.fall {
		m.status, m.up = model.Failing, false
	}
	return m.status != before
}
