package model

// L7Policy says what happens to requests that all its rules match.
type L7Policy struct {
	ID L7PolicyID `json:"id"`
	Base
	Listener ListenerID `json:"listener"`

	Action L7Action `json:"action"`
	// Position among the policies of the listener: dense, from 1 (contract 4.4).
	Position int `json:"position"`
	// Exactly one of these belongs to Action; the others are empty.
	RedirectPool   PoolID `json:"redirect_pool,omitempty"`
	RedirectURL    string `json:"redirect_url,omitempty"`    // absolute, http or https
	RedirectPrefix string `json:"redirect_prefix,omitempty"` // absolute, http or https
	// RedirectCode is 301, 302, 303, 307 or 308 with a URL or prefix; 0 when unset.
	RedirectCode int `json:"redirect_http_code,omitempty"`
}

// L7Action is what a policy does.
type L7Action string

const (
	L7Reject         L7Action = "REJECT" // answered with 403
	L7RedirectURL    L7Action = "REDIRECT_TO_URL"
	L7RedirectPool   L7Action = "REDIRECT_TO_POOL"
	L7RedirectPrefix L7Action = "REDIRECT_PREFIX" // to prefix + original path and query
)

// DefaultRedirectCode is that of a redirect that names none.
const DefaultRedirectCode = 302

// MaxL7Rules is how many rules a policy may have.
const MaxL7Rules = 50

// L7Rule is one condition of a policy. It carries no name and no description.
type L7Rule struct {
	ID L7RuleID `json:"id"`
	Base
	Policy L7PolicyID `json:"policy"`

	Type    L7RuleType `json:"type"`
	Compare L7Compare  `json:"compare_type"`
	Key     string     `json:"key,omitempty"` // field, cookie or DN attribute name
	Value   string     `json:"value"`
	Invert  bool       `json:"invert,omitempty"`
}

// L7RuleType is what a rule looks at.
type L7RuleType string

const (
	L7HostName        L7RuleType = "HOST_NAME"
	L7Path            L7RuleType = "PATH"
	L7FileType        L7RuleType = "FILE_TYPE"
	L7Header          L7RuleType = "HEADER"
	L7Cookie          L7RuleType = "COOKIE"
	L7SSLConnHasCert  L7RuleType = "SSL_CONN_HAS_CERT"
	L7SSLVerifyResult L7RuleType = "SSL_VERIFY_RESULT"
	L7SSLDNField      L7RuleType = "SSL_DN_FIELD"
)

// L7Compare is how a rule compares. Regular expressions are RE2's.
type L7Compare string

const (
	L7Regex      L7Compare = "REGEX"
	L7StartsWith L7Compare = "STARTS_WITH"
	L7EndsWith   L7Compare = "ENDS_WITH"
	L7Contains   L7Compare = "CONTAINS"
	L7EqualTo    L7Compare = "EQUAL_TO"
)
