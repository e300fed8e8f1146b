package sticky

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
)

// TokenLen is the length of a token in bytes.
const TokenLen = 22

// Token is the value of the cookie that keeps a client on a member of a pool: a
// MAC over both under the cluster's key. It says nothing about the member, the
// same on every node, and nobody without the key can make one: a value that is
// not some member's token is as good as none. Made once per member and table, so
// that a request costs a look into a map and no cryptography.
func Token(key []byte, pool, member string) string {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte("lbd member cookie\x00" + pool + "\x00" + member))
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil)[:16])
}
