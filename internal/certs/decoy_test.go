package certs

import (
	"encoding/asn1"
	"strings"
	"testing"

	pkcs12 "software.sslmate.com/src/go-pkcs12"
)

// Both forms of the empty passphrase: the library gets as far as to miss a certificate.
func TestBehindKey(t *testing.T) {
	empty, err := asn1.Marshal(data([]byte{0x30, 0}))
	if err != nil {
		t.Fatal(err)
	}
	for _, absent := range []bool{false, true} {
		b, err := behindKey(asn1.RawValue{FullBytes: empty}, absent)
		if err != nil {
			t.Fatal(err)
		}
		if _, _, _, err := pkcs12.DecodeChain(b, ""); err == nil || !strings.Contains(err.Error(), "certificate missing") {
			t.Errorf("absent %v: %v", absent, err)
		}
	}
}
