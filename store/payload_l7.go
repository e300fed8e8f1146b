package store

import "lbd/store/model"

// L7PolicyPatch changes a policy; see LoadBalancerPatch about nil. With Action,
// the redirects that do not belong to it are cleared, whether named or not.
type L7PolicyPatch struct {
	ID           model.L7PolicyID `json:"id"`
	Name         *string          `json:"name,omitempty"`
	Description  *string          `json:"description,omitempty"`
	AdminStateUp *bool            `json:"admin_state_up,omitempty"`
	Tags         *[]string        `json:"tags,omitempty"`
	// Position moves the policy; beyond the last one means to the end.
	Position *int `json:"position,omitempty"`

	Action         *model.L7Action `json:"action,omitempty"`
	RedirectPool   *model.PoolID   `json:"redirect_pool,omitempty"`
	RedirectURL    *string         `json:"redirect_url,omitempty"`
	RedirectPrefix *string         `json:"redirect_prefix,omitempty"`
	// RedirectCode of 0 means the action's default.
	RedirectCode *int `json:"redirect_http_code,omitempty"`
}

// L7RulePatch changes a rule; Policy must be the policy it is in.
type L7RulePatch struct {
	ID           model.L7RuleID   `json:"id"`
	Policy       model.L7PolicyID `json:"policy"`
	AdminStateUp *bool            `json:"admin_state_up,omitempty"`
	Tags         *[]string        `json:"tags,omitempty"`
	Invert       *bool            `json:"invert,omitempty"`
	// Match comes whole: what it says was checked together.
	Match *L7Match `json:"match,omitempty"`
}

// L7Match is what a rule compares with what.
type L7Match struct {
	Type    model.L7RuleType `json:"type"`
	Compare model.L7Compare  `json:"compare_type"`
	Key     string           `json:"key,omitempty"`
	Value   string           `json:"value"`
}

// References for deletes.
type (
	L7PolicyRef struct {
		ID model.L7PolicyID `json:"id"`
	}
	L7RuleRef struct {
		ID     model.L7RuleID   `json:"id"`
		Policy model.L7PolicyID `json:"policy"`
	}
)
