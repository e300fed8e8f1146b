package certs

import (
	"crypto"
	"crypto/aes"
	"crypto/cipher"
	"crypto/des"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/pem"
	"errors"
	"fmt"
)

// Private keys under a passphrase: PKCS #8 with PBES2, PBKDF2 or scrypt, and AES or
// triple DES in CBC (RFC 8018, RFC 7914), which is what OpenSSL and cryptography
// write, and the PEM encryption of RFC 1423 that older files have.

var (
	errLocked = errors.New("the passphrase does not open the private key")

	errUnreadable = errors.New("the private key cannot be read")

	oidPBES2 = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 5, 13}
)

// lockedType is that of a PEM block with a lockedKey (RFC 7468 section 11).
const lockedType = "ENCRYPTED PRIVATE KEY"

// lockedKey is EncryptedPrivateKeyInfo (RFC 5958 3).
type lockedKey struct {
	Algorithm pkix.AlgorithmIdentifier
	Data      []byte
}

// pbes2 is PBES2-params (RFC 8018 A.4).
type pbes2 struct {
	Derivation, Encryption pkix.AlgorithmIdentifier
}

func isLocked(der []byte) bool {
	var k lockedKey
	rest, err := asn1.Unmarshal(der, &k)
	return err == nil && len(rest) == 0
}

// unlock reads a PEM block of a key that is under a passphrase.
func unlock(block *pem.Block, passphrase []byte) (crypto.PrivateKey, error) {
	if len(passphrase) == 0 {
		return nil, ErrPassphrase
	}
	var plain []byte
	var err error
	if block.Type == lockedType {
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
	var in lockedKey
	if rest, err := asn1.Unmarshal(der, &in); err != nil || len(rest) > 0 {
		return nil, errUnreadable
	}
	var scheme pbes2
	if !in.Algorithm.Algorithm.Equal(oidPBES2) {
		return nil, fmt.Errorf("private keys encrypted by %s are not supported", in.Algorithm.Algorithm)
	}
	if _, err := asn1.Unmarshal(in.Algorithm.Parameters.FullBytes, &scheme); err != nil {
		return nil, errUnreadable
	}
	var iv []byte
	if _, err := asn1.Unmarshal(scheme.Encryption.Parameters.FullBytes, &iv); err != nil {
		return nil, errUnreadable
	}
	size, newCipher := blockCipher(scheme.Encryption.Algorithm)
	if newCipher == nil {
		return nil, fmt.Errorf("private keys encrypted by %s are not supported", scheme.Encryption.Algorithm)
	}
	key, err := derive(scheme.Derivation, passphrase, size)
	if err != nil {
		return nil, err
	}
	c, err := newCipher(key)
	if err != nil {
		return nil, fmt.Errorf("make the cipher: %w", err)
	}
	if len(iv) != c.BlockSize() || len(in.Data) == 0 || len(in.Data)%c.BlockSize() != 0 {
		return nil, errUnreadable
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
