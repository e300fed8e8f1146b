package certs_test

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"math/big"
	"strings"
	"testing"
	"time"

	"lbd/internal/certs"
)

// der encodes what a test is made of.
func der(t *testing.T, v any) []byte {
	t.Helper()
	b, err := asn1.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// tagged is b in the tag [0].
func tagged(b []byte, compound bool) asn1.RawValue {
	return asn1.RawValue{Class: asn1.ClassContextSpecific, IsCompound: compound, Bytes: b}
}

// lock encrypts b under the empty passphrase: PBES2 with n iterations.
func lock(t *testing.T, b []byte, n int) (how pkix.AlgorithmIdentifier, out []byte) {
	t.Helper()
	type algorithm struct {
		ID     asn1.ObjectIdentifier
		Params any
	}
	salt, iv := []byte("saltsalt"), make([]byte, 16)
	key, err := pbkdf2.Key(sha256.New, "", salt, n, 32)
	if err != nil {
		t.Fatal(err)
	}
	c, err := aes.NewCipher(key)
	if err != nil {
		t.Fatal(err)
	}
	pad := 16 - len(b)%16
	out = append(b[:len(b):len(b)], []byte(strings.Repeat(string(rune(pad)), pad))...)
	cipher.NewCBCEncrypter(c, iv).CryptBlocks(out, out)
	params := der(t, struct{ KDF, Cipher algorithm }{
		algorithm{asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 5, 12}, struct {
			Salt []byte
			N    int
			PRF  algorithm
		}{salt, n, algorithm{asn1.ObjectIdentifier{1, 2, 840, 113549, 2, 9}, asn1.NullRawValue}}},
		algorithm{asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 1, 42}, iv},
	})
	return pkix.AlgorithmIdentifier{Algorithm: asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 5, 13}, Parameters: asn1.RawValue{FullBytes: params}}, out
}

// A key whose iterations are only seen by who has decrypted what is around it would
// keep whoever reads the bundle busy for as long as it likes.
func TestHiddenKeys(t *testing.T) {
	type bag struct {
		ID    asn1.ObjectIdentifier
		Value asn1.RawValue
	}
	bagID := func(n int) asn1.ObjectIdentifier {
		return asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 12, 10, 1, n}
	}
	data := asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 7, 1}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "hidden"}, NotAfter: time.Now().Add(time.Hour)}
	cert, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	how, locked := lock(t, pkcs8, 3_000_000)
	certBag := bag{bagID(3), tagged(der(t, struct {
		ID   asn1.ObjectIdentifier
		Data asn1.RawValue
	}{asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 22, 1}, tagged(der(t, cert), true)}), true)}
	shrouded := bag{bagID(2), tagged(der(t, struct {
		How  pkix.AlgorithmIdentifier
		Data []byte
	}{how, locked}), true)}
	how, locked = lock(t, der(t, []bag{certBag, shrouded}), 2048)
	encrypted := bag{asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 7, 6}, tagged(der(t, struct {
		Version int
		Content struct {
			Type asn1.ObjectIdentifier
			How  pkix.AlgorithmIdentifier
			Data asn1.RawValue
		}
	}{Content: struct {
		Type asn1.ObjectIdentifier
		How  pkix.AlgorithmIdentifier
		Data asn1.RawValue
	}{data, how, tagged(locked, false)}}), true)}
	bundle := der(t, struct {
		Version int
		Safe    bag
	}{3, bag{data, tagged(der(t, der(t, []bag{encrypted})), true)}})
	if _, err := certs.FromPKCS12(bundle); err == nil || !strings.Contains(err.Error(), "the bundle has its private key inside of other encrypted contents") {
		t.Errorf("%v", err)
	}
}
