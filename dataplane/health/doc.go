// Package health finds out which members can take traffic.
//
//	targets (from the table) ──► Checker ── one goroutine per target
//	                                │  probe ► machine (rise/fall)
//	                                ▼
//	                          Subject.SetVerdict   seen by the next pick, no swap needed
//
// A member starts as HAProxy's servers do: it takes traffic at once, is shown
// OFFLINE until its first verdict, ONLINE from the first good probe on, and is
// taken out after max_retries_down failures in a row. From then on it takes
// max_retries successes in a row to bring it back.
//
// Probes follow the monitor's delay from start to start; a probe that takes
// longer than the delay postpones the next one, they never overlap. How many run
// at once over all members is bounded.
package health
