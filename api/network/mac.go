package network

import "net"

// parseMAC reads a unicast Ethernet address and returns it in its usual form.
func parseMAC(s string) (string, bool) {
	m, err := net.ParseMAC(s)
	if err != nil || len(m) != 6 || m[0]&1 != 0 {
		return "", false
	}
	return m.String(), true
}
