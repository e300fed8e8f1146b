package keystone

import "time"

const (
	// goodFor is how long a token that was good is taken without asking again:
	// as long a token that was revoked may live on here. keystonemiddleware
	// waits 300 s.
	goodFor = 30 * time.Second
	// badFor is how long a token that was bad is refused without asking again.
	badFor = 10 * time.Second
	// maxCached bounds the kept answers, good and bad; about 500 bytes each.
	maxCached = 10_000
	// maxToken bounds what is taken for a token, in bytes. Keystone's are below
	// 300.
	maxToken = 2048
	// askWithin bounds one question, connection included.
	askWithin = 15 * time.Second
	// questionsAtOnce bounds the connections to Keystone; more wait.
	questionsAtOnce = 16
	// maxAnswer bounds an answer of Keystone, in bytes: a catalog may be long.
	maxAnswer = 1 << 20
	// sayDownEvery is the least pause between two log lines about a Keystone
	// that does not answer.
	sayDownEvery = 10 * time.Second
)
