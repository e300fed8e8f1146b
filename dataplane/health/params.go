package health

import "time"

const (
	// maxInFlight probes at once over all members. Each holds one descriptor and
	// one goroutine that is there anyway. With 256, ten thousand members that all
	// time out after 10 s would be probed late; they are reported down all the same.
	maxInFlight = 256

	// startSpacing spreads the first probes of targets that appear together: one
	// alone starts at once, a thousand within their delay.
	startSpacing = 2 * time.Millisecond

	// maxStatusLine of an HTTP answer, in bytes; longer is not HTTP.
	maxStatusLine = 4 << 10
)
