package certs

import (
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/sha1" //nolint:gosec // as old bundles have it; nothing is protected by it
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"fmt"
	"slices"
	"strings"

	pkcs12 "software.sslmate.com/src/go-pkcs12"
)

// A bundle of PKCS #12 (RFC 7292 section 4), as far as it is looked into.
type (
	pfx struct {
		Version  int
		AuthSafe contentInfo
		MacData  macData `asn1:"optional"`
	}
	contentInfo struct {
		Type    asn1.ObjectIdentifier
		Content asn1.RawValue `asn1:"tag:0,explicit,optional"`
	}
	macData struct {
		Mac struct {
			Algorithm pkix.AlgorithmIdentifier
			Digest    []byte
		}
		Salt       []byte
		Iterations int `asn1:"optional,default:1"`
	}
	safeBag struct {
		ID    asn1.ObjectIdentifier
		Value asn1.RawValue `asn1:"tag:0,explicit"`
	}
)

var (
	oidData      = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 7, 1}
	oidEncrypted = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 7, 6}
	oidKeyBag    = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 12, 10, 1, 1}
	oidSHA1      = asn1.ObjectIdentifier{1, 3, 14, 3, 2, 26}
)

var errHiddenKey = errors.New("the bundle has its private key inside of other encrypted contents, where the iterations that it asks for are not seen; export it with the key beside them, as openssl pkcs12 does")

// unhidden refuses a bundle with a private key in encrypted contents: how much work the
// key asks for is only seen by who has decrypted them (see bounded). The library
// decrypts, and refuses a second key before it looks into it: so each of the contents
// is shown to it behind a key of ours, which it takes for the first.
func unhidden(der []byte) error {
	var p pfx
	var safes []asn1.RawValue
	if err := inside(der, &p, &safes); err != nil {
		return err
	}
	for _, raw := range safes {
		var ci contentInfo
		if _, err := asn1.Unmarshal(raw.FullBytes, &ci); err != nil {
			return errBundleForm
		}
		if !ci.Type.Equal(oidEncrypted) {
			continue
		}
		for _, absent := range []bool{false, true} {
			b, err := behindKey(raw, absent)
			if err != nil {
				return fmt.Errorf("look into the bundle: %w", err)
			}
			if _, _, _, err := pkcs12.DecodeChain(b, ""); err != nil && strings.Contains(err.Error(), secondKey) {
				return errHiddenKey
			}
		}
	}
	return nil
}

// secondKey is what the library says of a second key. TestHiddenKeys notices when it
// says something else.
const secondKey = "expected exactly one key bag"

var errBundleForm = errors.New("read PKCS #12: it is malformed")

// inside reads the outer layers of a bundle.
func inside(der []byte, p *pfx, safes *[]asn1.RawValue) error {
	var octets []byte
	if rest, err := asn1.Unmarshal(der, p); err != nil || len(rest) > 0 {
		return errBundleForm
	}
	if _, err := asn1.Unmarshal(p.AuthSafe.Content.Bytes, &octets); err != nil {
		return errBundleForm
	}
	if _, err := asn1.Unmarshal(octets, safes); err != nil {
		return errBundleForm
	}
	return nil
}

// behindKey makes a bundle of a key in clear and then of contents. An empty passphrase
// has two forms: with absent it is the one of no bytes, which the bundle's MAC tells.
func behindKey(contents asn1.RawValue, absent bool) ([]byte, error) {
	key, err := x509.MarshalPKCS8PrivateKey(ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize))) // nobody's
	if err != nil {
		return nil, fmt.Errorf("encode: %w", err)
	}
	bags, err := asn1.Marshal([]safeBag{{ID: oidKeyBag, Value: explicit(key)}})
	if err != nil {
		return nil, fmt.Errorf("encode: %w", err)
	}
	first, err := asn1.Marshal(data(bags))
	if err != nil {
		return nil, fmt.Errorf("encode: %w", err)
	}
	safes, err := asn1.Marshal([]asn1.RawValue{{FullBytes: first}, contents})
	if err != nil {
		return nil, fmt.Errorf("encode: %w", err)
	}
	if !absent {
		return asn1.Marshal(struct {
			Version  int
			AuthSafe contentInfo
		}{3, data(safes)})
	}
	p := pfx{Version: 3, AuthSafe: data(safes)}
	p.MacData.Mac.Algorithm.Algorithm = oidSHA1
	p.MacData.Salt, p.MacData.Iterations = make([]byte, 64), 1
	// RFC 7292 appendix B.2 for one block, one iteration and no passphrase.
	k := sha1.Sum(slices.Concat(slices.Repeat([]byte{3}, 64), p.MacData.Salt)) //nolint:gosec // see above
	h := hmac.New(sha1.New, k[:])
	h.Write(safes)
	p.MacData.Mac.Digest = h.Sum(nil)
	return asn1.Marshal(p)
}

// data is a ContentInfo that holds b.
func data(b []byte) contentInfo {
	octets, _ := asn1.Marshal(b) // never fails for bytes
	return contentInfo{Type: oidData, Content: explicit(octets)}
}

// explicit is b in the tag [0].
func explicit(b []byte) asn1.RawValue {
	return asn1.RawValue{Class: asn1.ClassContextSpecific, Tag: 0, IsCompound: true, Bytes: b}
}
