package identity

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"time"

	"lbd/store/model"
)

// token is what an API token says. It is signed, not encrypted.
type token struct {
	User    model.UserID
	Project model.ProjectID       // "" not scoped to a project
	Domain  model.DomainID        // "" not scoped to a domain
	App     model.AppCredentialID // "" not got by an application credential
	Method  string                // how it was got, newest first: password; token,password
	Issued  time.Time             // whole microseconds, UTC
	Expires time.Time
	Audit   string // id of the token, for revocation
	First   string // Audit of the token it was made from, "" for a login
	// UserEpoch and ScopeEpoch are the store's epochs of the user and of the
	// project or domain when the token was made: it is good as long as they stay.
	UserEpoch, ScopeEpoch uint64
}

const (
	// tokenPrefix names the format; another one can be added beside it.
	tokenPrefix = "lbd1."
	// maxToken bounds what is parsed, in bytes. Clients put it into a header.
	maxToken = 512
	// maxField bounds each string in it.
	maxField = 64
	macLen   = sha256.Size
	// fixedLen is that of the times.
	fixedLen = 16
	// packed in a field's length says that the field is hex digits, halved.
	packed = 0x80
)

var errToken = errors.New("not a token of this cluster")

// signer makes and reads tokens: prefix, base64url(payload, HMAC-SHA-256). The
// payload is two times in microseconds, two epochs and length-prefixed strings; 32
// hex digits take 16 bytes.
type signer struct{ key []byte }

// sign fails only for strings that are longer than any of ours.
func (s signer) sign(t token) (string, error) {
	b := binary.BigEndian.AppendUint64(nil, uint64(t.Issued.UnixMicro()))
	b = binary.BigEndian.AppendUint64(b, uint64(t.Expires.UnixMicro()))
	b = binary.AppendUvarint(b, t.UserEpoch)
	b = binary.AppendUvarint(b, t.ScopeEpoch)
	for _, f := range []string{string(t.User), string(t.Project), string(t.Domain), string(t.App), t.Method, t.Audit, t.First} {
		if len(f) > maxField {
			return "", fmt.Errorf("make a token: a field of %d bytes", len(f))
		}
		b = appendField(b, f)
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
	if strings.ContainsAny(text, "\r\n") { // which the decoder would skip: a token has one text
		return token{}, errToken
	}
	b, err := base64.RawURLEncoding.Strict().DecodeString(text[len(tokenPrefix):])
	if err != nil || len(b) < fixedLen+macLen {
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
	rest, ok := body[fixedLen:], true
	for _, epoch := range []*uint64{&t.UserEpoch, &t.ScopeEpoch} {
		v, n := binary.Uvarint(rest)
		if n <= 0 {
			return token{}, errToken
		}
		*epoch, rest = v, rest[n:]
	}
	var fields [7]string
	for i := range fields {
		if fields[i], rest, ok = cutField(rest); !ok {
			return token{}, errToken
		}
	}
	if len(rest) != 0 {
		return token{}, errToken
	}
	t.User, t.Project, t.Domain, t.App = model.UserID(fields[0]), model.ProjectID(fields[1]), model.DomainID(fields[2]), model.AppCredentialID(fields[3])
	t.Method, t.Audit, t.First = fields[4], fields[5], fields[6]
	return t, nil
}

func appendField(b []byte, f string) []byte {
	if raw, err := hex.DecodeString(f); err == nil && len(raw) == 16 && hex.EncodeToString(raw) == f {
		return append(append(b, packed|16), raw...)
	}
	return append(append(b, byte(len(f))), f...)
}

func cutField(b []byte) (f string, rest []byte, ok bool) {
	if len(b) == 0 {
		return "", nil, false
	}
	n := int(b[0] &^ packed)
	if len(b) < 1+n {
		return "", nil, false
	}
	if b[0]&packed != 0 {
		return hex.EncodeToString(b[1 : 1+n]), b[1+n:], true
	}
	return string(b[1 : 1+n]), b[1+n:], true
}
