package store_test

import (
	"pgregory.net/rapid"

	"lbd/store"
	"lbd/store/model"
)

// l7Generators are the verbs of policies and rules.
var l7Generators = map[store.CommandKind]func(*rapid.T) any{
	store.L7PolicyCreate: func(t *rapid.T) any {
		p := drawRedirect(t)
		p.ID, p.Base, p.Listener = model.L7PolicyID(id(t, "policy")), up(t), model.ListenerID(id(t, "listener"))
		p.Position = rapid.IntRange(0, 4).Draw(t, "position")
		return p
	},
	store.L7PolicyUpdate: func(t *rapid.T) any {
		p := &store.L7PolicyPatch{ID: model.L7PolicyID(id(t, "policy"))}
		if rapid.Bool().Draw(t, "moves") {
			p.Position = ptr(rapid.IntRange(1, 4).Draw(t, "position"))
		}
		if rapid.Bool().Draw(t, "acts otherwise") {
			to := drawRedirect(t)
			p.Action, p.RedirectPool, p.RedirectURL = &to.Action, &to.RedirectPool, &to.RedirectURL
		}
		return p
	},
	store.L7PolicyDelete: func(t *rapid.T) any { return &store.L7PolicyRef{ID: model.L7PolicyID(id(t, "policy"))} },
	store.L7RuleCreate: func(t *rapid.T) any {
		return &model.L7Rule{
			ID: model.L7RuleID(id(t, "rule")), Base: up(t), Policy: model.L7PolicyID(id(t, "policy")),
			Type: model.L7Path, Compare: model.L7EqualTo, Value: "/",
		}
	},
	store.L7RuleUpdate: func(t *rapid.T) any {
		return &store.L7RulePatch{
			ID: model.L7RuleID(id(t, "rule")), Policy: model.L7PolicyID(id(t, "policy")), Invert: ptr(rapid.Bool().Draw(t, "invert")),
			Match: &store.L7Match{Type: model.L7HostName, Compare: model.L7EqualTo, Value: "h"},
		}
	},
	store.L7RuleDelete: func(t *rapid.T) any {
		return &store.L7RuleRef{ID: model.L7RuleID(id(t, "rule")), Policy: model.L7PolicyID(id(t, "policy"))}
	},
}

func drawRedirect(t *rapid.T) *model.L7Policy {
	return &model.L7Policy{
		Action:       rapid.SampledFrom([]model.L7Action{model.L7Reject, model.L7RedirectURL, model.L7RedirectPool, model.L7RedirectPool}).Draw(t, "action"),
		RedirectPool: model.PoolID(maybe(t, "redirect")),
		RedirectURL:  rapid.SampledFrom([]string{"", "http://example.com"}).Draw(t, "url"),
	}
}
