package certs

import (
	"crypto"
	"crypto/aes"
	"crypto/cipher"
	"crypto/des"
	"crypto/pbkdf2"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/pem"
	"errors"
	"fmt"
	"hash"
)

// Private keys under a passphrase: PKCS #8 with PBES2, PBKDF2 and AES or triple
// DES in CBC (RFC 8018), which is what OpenSSL and cryptography write, and the
// PEM encryption of RFC 1423 that older files have.

// maxIterations bounds the work that a key may ask for: about half a second.
const maxIterations = 1_000_000

var (
	errLocked = errors.New("the passphrase does not open the private key")

	oidPBES2  = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 5, 13}
	oidPBKDF2 = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 5, 12}
)

// lockedKey is EncryptedPrivateKeyInfo (RFC 5958 3).
type lockedKey struct {
	Algorithm pkix.AlgorithmIdentifier
	Data      []byte
}

// pbes2 is PBES2-params (RFC 8018 A.4).
type pbes2 struct {
	Derivation, Encryption pkix.AlgorithmIdentifier
}

// pbkdf2Params is PBKDF2-params with a given salt (RFC 8018 A.2).
type pbkdf2Params struct {
	Salt       []byte
	Iterations int
	KeyLength  int                      `asn1:"optional"`
	PRF        pkix.AlgorithmIdentifier `asn1:"optional"`
}

// unlock reads a PEM block of a key that is under a passphrase.
func unlock(block *pem.Block, passphrase []byte) (crypto.PrivateKey, error) {
	if len(passphrase) == 0 {
		return nil, ErrPassphrase
	}
	var plain []byte
	var err error
	if block.Type == "ENCRYPTED PRIVATE KEY" {
		plain, err = openPKCS8(block.Bytes, passphrase)
	} else {
		//lint:ignore SA1019 weak, and what the file is in
		if plain, err = x509.DecryptPEMBlock(block, passphrase); errors.Is(err, x509.IncorrectPasswordError) {
			err = errLocked
		}
	}
	if err != nil {
		return nil, err
	}
	key, err := derKey(plain)
	if err != nil { // the padding of a wrong key is right once in 256 times
		return nil, errLocked
	}
	return key, nil
}

func openPKCS8(der, passphrase []byte) ([]byte, error) {
	unreadable := errors.New("the private key cannot be read")
	var in lockedKey
	if rest, err := asn1.Unmarshal(der, &in); err != nil || len(rest) > 0 {
		return nil, unreadable
	}
	var scheme pbes2
	if !in.Algorithm.Algorithm.Equal(oidPBES2) {
		return nil, fmt.Errorf("private keys encrypted by %s are not supported", in.Algorithm.Algorithm)
	}
	if _, err := asn1.Unmarshal(in.Algorithm.Parameters.FullBytes, &scheme); err != nil {
		return nil, unreadable
	}
	if !scheme.Derivation.Algorithm.Equal(oidPBKDF2) {
		return nil, fmt.Errorf("private keys encrypted with a key derived by %s are not supported", scheme.Derivation.Algorithm)
	}
	var kdf pbkdf2Params
	if _, err := asn1.Unmarshal(scheme.Derivation.Parameters.FullBytes, &kdf); err != nil || kdf.Iterations < 1 {
		return nil, unreadable
	}
	if kdf.Iterations > maxIterations {
		return nil, fmt.Errorf("the private key asks for %d iterations, at most %d are made", kdf.Iterations, maxIterations)
	}
	var iv []byte
	if _, err := asn1.Unmarshal(scheme.Encryption.Parameters.FullBytes, &iv); err != nil {
		return nil, unreadable
	}
	newHash := prf(kdf.PRF.Algorithm)
	size, newCipher := blockCipher(scheme.Encryption.Algorithm)
	if newHash == nil || newCipher == nil {
		return nil, fmt.Errorf("private keys encrypted by %s with %s are not supported", scheme.Encryption.Algorithm, kdf.PRF.Algorithm)
	}
	key, err := pbkdf2.Key(newHash, string(passphrase), kdf.Salt, kdf.Iterations, size)
	if err != nil {
		return nil, fmt.Errorf("derive the key: %w", err)
	}
	c, err := newCipher(key)
	if err != nil {
		return nil, fmt.Errorf("make the cipher: %w", err)
	}
	if len(iv) != c.BlockSize() || len(in.Data) == 0 || len(in.Data)%c.BlockSize() != 0 {
		return nil, unreadable
	}
	plain := make([]byte, len(in.Data))
	cipher.NewCBCDecrypter(c, iv).CryptBlocks(plain, in.Data)
	return unpad(plain, c.BlockSize())
}

// unpad takes off the padding of PKCS #7.
func unpad(b []byte, block int) ([]byte, error) {
	n := int(b[len(b)-1])
	if n < 1 || n > block {
		return nil, errLocked
	}
	for _, x := range b[len(b)-n:] {
		if int(x) != n {
			return nil, errLocked
		}
	}
	return b[:len(b)-n], nil
}

// prf is the hash of PBKDF2's HMAC; SHA-1 when none is named.
func prf(oid asn1.ObjectIdentifier) func() hash.Hash {
	switch oid.String() {
	case "", "1.2.840.113549.2.7":
		return sha1.New
	case "1.2.840.113549.2.8":
		return sha256.New224
	case "1.2.840.113549.2.9":
		return sha256.New
	case "1.2.840.113549.2.10":
		return sha512.New384
	case "1.2.840.113549.2.11":
		return sha512.New
	}
	return nil
}

// blockCipher is what CBC is made of, and the bytes of its key.
func blockCipher(oid asn1.ObjectIdentifier) (size int, make func([]byte) (cipher.Block, error)) {
	switch oid.String() {
	case "1.2.840.113549.3.7":
		return 24, des.NewTripleDESCipher
	case "2.16.840.1.101.3.4.1.2":
		return 16, aes.NewCipher
	case "2.16.840.1.101.3.4.1.22":
		return 24, aes.NewCipher
	case "2.16.840.1.101.3.4.1.42":
		return 32, aes.NewCipher
	}
	return 0, nil
}
