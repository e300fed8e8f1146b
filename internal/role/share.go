package role

// Share is Decide for a node that holds a share of the load balancers, by a lease
// of its own, whoever leads (decision 0049): LeaseUntil is that lease's end. gets
// tells whether there is anything that the node may hold.
//
// Nothing is handed over here: a node that cannot serve says so by Ready, and the
// leader gives its share to others.
func Share(in Input, gets bool) Output {
	out := Output{Role: Standby}
	fault, total := in.fault()
	out.Ready = fault == "" && !in.Stopping
	switch {
	case in.Stopping:
		out.Why = "stopping"
	case !in.Now.Before(in.LeaseUntil):
		if out.Why = "no lease for a share: no quorum answers"; fault != "" {
			out.Why = fault
		}
	case total:
		out.Why = fault
	default:
		out.Hold, out.Deadline, out.Why = true, in.LeaseUntil, "spread: has no load balancer"
		if gets {
			out.Role, out.Why = Active, "spread: holds a share"
		}
		if fault != "" {
			out.Why += ", but " + fault
		}
	}
	return out
}
