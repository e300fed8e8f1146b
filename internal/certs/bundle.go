package certs

import (
	"encoding/asn1"
	"fmt"
	"math/big"
)

// maxNesting is far beyond what a bundle has.
const maxNesting = 32

// bounded refuses a PKCS #12 bundle (RFC 7292) that asks for more than maxIterations:
// the library that reads it makes as many as are asked for. All counts have one form:
// PBEParameter, PBKDF2-params and MacData have the salt, an OCTET STRING, and then the
// number. What is not DER is left to the library to refuse, and what a bundle has
// encrypted is not looked into: see unhidden.
func bounded(der []byte, depth int) error {
	for salted := false; len(der) > 0; {
		var v asn1.RawValue
		rest, err := asn1.Unmarshal(der, &v)
		if err != nil {
			return nil
		}
		universal := v.Class == asn1.ClassUniversal
		if universal && v.Tag == asn1.TagInteger && salted {
			if n := new(big.Int).SetBytes(v.Bytes); n.Cmp(big.NewInt(maxIterations)) > 0 {
				return fmt.Errorf("the bundle asks for %s iterations, at most %d are made", short(n), maxIterations)
			}
		}
		salted = universal && v.Tag == asn1.TagOctetString
		if depth < maxNesting && (v.IsCompound || salted) {
			if err := bounded(v.Bytes, depth+1); err != nil {
				return err
			}
		}
		der = rest
	}
	return nil
}

// short is n for people.
func short(n *big.Int) string {
	if n.IsInt64() {
		return n.String()
	}
	return fmt.Sprintf("2^%d or more", n.BitLen()-1)
}
