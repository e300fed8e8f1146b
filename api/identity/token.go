package identity

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"lbd/store/model"
)

// token is what an API token says. It is signed, not encrypted.
type token struct {
	User    model.UserID
	Project model.ProjectID // "" unscoped
	Method  string          // how it was got, newest first: password; token,password
	Issued  time.Time       // whole microseconds, UTC
	Expires time.Time
	Audit   string // id of the token, for revocation
	First   string // Audit of the token it was made from, "" for a login
}

const (
	// tokenPrefix names the format; another one can be added beside it.
	tokenPrefix = "lbd1."
	// maxToken bounds what is parsed, in bytes. Clients put it into a header.
	maxToken = 512
	// maxField bounds each string in it.
	maxField = 64
	macLen   = sha256.Size
)

var errToken = errors.New("not a token of this cluster")

// signer makes and reads tokens: prefix, base64url(payload, HMAC-SHA-256). The
// payload is length-prefixed strings and two times in microseconds.
type signer struct{ key []byte }

// sign fails only for strings that are longer than any of ours.
func (s signer) sign(t token) (string, error) {
	b := binary.BigEndian.AppendUint64(nil, uint64(t.Issued.UnixMicro()))
	b = binary.BigEndian.AppendUint64(b, uint64(t.Expires.UnixMicro()))
	for _, f := range []string{string(t.User), string(t.Project), t.Method, t.Audit, t.First} {
		if len(f) > maxField {
			return "", fmt.Errorf("make a token: a field of %d bytes", len(f))
		}
		b = append(b, byte(len(f)))
		b = append(b, f...)
	}
	return tokenPrefix + base64.RawURLEncoding.EncodeToString(append(b, s.mac(b)...)), nil
}

func (s signer) mac(b []byte) []byte {
	m := hmac.New(sha256.New, s.key)
	m.Write([]byte(tokenPrefix))
	m.Write(b)
	return m.Sum(nil)
}

// read checks the signature and returns what the token says; whether it has
// expired is the caller's to judge.
func (s signer) read(text string) (token, error) {
	if len(text) > maxToken || len(text) < len(tokenPrefix) || text[:len(tokenPrefix)] != tokenPrefix {
		return token{}, errToken
	}
	b, err := base64.RawURLEncoding.Strict().DecodeString(text[len(tokenPrefix):])
	if err != nil || len(b) < 16+macLen {
		return token{}, errToken
	}
	body, mac := b[:len(b)-macLen], b[len(b)-macLen:]
	if !hmac.Equal(mac, s.mac(body)) {
		return token{}, errToken
	}
	t := token{
		Issued:  time.UnixMicro(int64(binary.BigEndian.Uint64(body))).UTC(),
		Expires: time.UnixMicro(int64(binary.BigEndian.Uint64(body[8:]))).UTC(),
	}
	rest := body[16:]
	var fields [5]string
	for i := range fields {
		if len(rest) == 0 || len(rest) < 1+int(rest[0]) {
			return token{}, errToken
		}
		fields[i], rest = string(rest[1:1+rest[0]]), rest[1+rest[0]:]
	}
	if len(rest) != 0 {
		return token{}, errToken
	}
	t.User, t.Project, t.Method, t.Audit, t.First = model.UserID(fields[0]), model.ProjectID(fields[1]), fields[2], fields[3], fields[4]
	return t, nil
}
