package network

import (
	"encoding/json"
	"net/netip"
	"slices"
	"strings"

	"lbd/api/openapi"
	"lbd/store"
	"lbd/store/model"
)

// Shapes of attributes that several sorts of objects share.

// oneOf is one of a few words, with any case; otherwise where it is absent or
// null, unless that is "": then it is required.
func (b *body) oneOf(key, otherwise string, words ...string) string {
	b.note(key, openapi.Words(words...))
	s := b.text(key)
	if s == nil || *s == "" {
		if otherwise == "" {
			b.need(key)
		}
		return otherwise
	}
	i := slices.IndexFunc(words, func(w string) bool { return strings.EqualFold(w, *s) })
	if i < 0 {
		b.fail(badInput(key, "'%s' is not in ['%s'].", *s, strings.Join(words, "', '")))
		return otherwise
	}
	return words[i]
}

// notThere takes a reference to a sort of object of which lbd has none: null
// only.
func (b *body) notThere(key, noun, typ string) {
	if s := b.text(key); s != nil && *s != "" {
		b.fail(missing(noun, typ, *s))
	}
}

// prefix is a network or an address; null is none.
func (b *body) prefix(key string) netip.Prefix {
	s := b.text(key)
	if s == nil || *s == "" {
		return netip.Prefix{}
	}
	p, err := parsePrefix(*s)
	if err != nil {
		b.fail(badInput(key, "'%s' is not a valid IP subnet.", *s))
	}
	return p
}

// parsePrefix takes an address for the network of that address alone.
func parsePrefix(s string) (netip.Prefix, error) {
	if a, err := parseAddr(s); err == nil {
		return netip.PrefixFrom(a, a.BitLen()), nil
	}
	p, err := netip.ParsePrefix(s)
	if err != nil || p.Addr().Is4In6() {
		return netip.Prefix{}, errAddr
	}
	return p.Masked(), nil
}

// routes are {"destination", "nexthop"}; nil where the attribute is absent.
func (b *body) routes(key string) *[]model.Route {
	if !b.has(key) {
		return nil
	}
	out := []model.Route{}
	b.list(key, func(o *body) {
		r := model.Route{Destination: o.prefix("destination")}
		if a := o.addr("nexthop"); a != nil {
			r.NextHop = *a
		}
		if !r.Destination.IsValid() || !r.NextHop.IsValid() {
			o.fail(badInput(key, "a route needs a destination and a nexthop."))
		}
		if slices.Contains(out, r) {
			o.fail(badInput(key, "Duplicate hostroute '%s'.", r.Destination))
		}
		out = append(out, r)
	})
	return &out
}

func routesView(routes []model.Route) []map[string]any {
	out := []map[string]any{}
	for _, r := range routes {
		out = append(out, map[string]any{"destination": r.Destination.String(), "nexthop": r.NextHop.String()})
	}
	return out
}

// fixedIPs are {"subnet_id", "ip_address"}, one of them at least.
func (b *body) fixedIPs(key string) *[]model.FixedIP {
	if !b.has(key) {
		return nil
	}
	out := []model.FixedIP{}
	b.list(key, func(o *body) {
		f := model.FixedIP{Subnet: or(id[model.SubnetID](o, "subnet_id"), "")}
		if a := o.addr("ip_address"); a != nil {
			f.Address = *a
		}
		if f.Subnet == "" && !f.Address.IsValid() {
			o.fail(badInput(key, "an entry needs a subnet_id or an ip_address."))
		}
		out = append(out, f)
	})
	return &out
}

func fixedIPsView(fixed []model.FixedIP) []map[string]any {
	out := []map[string]any{}
	for _, f := range fixed {
		out = append(out, map[string]any{"subnet_id": string(f.Subnet), "ip_address": f.Address.String()})
	}
	return out
}

// addressPairs are {"ip_address", "mac_address"?}.
func (b *body) addressPairs(key string) *[]model.AddressPair {
	if !b.has(key) {
		return nil
	}
	out := []model.AddressPair{}
	b.list(key, func(o *body) {
		pair := model.AddressPair{Text: or(o.text("ip_address"), ""), MAC: o.mac("mac_address", "")}
		var err error
		if pair.Address, err = parsePrefix(pair.Text); err != nil {
			o.fail(badInput(key, "'%s' is not a valid IP address or subnet.", pair.Text))
		}
		if slices.Contains(out, pair) {
			o.fail(&fault{store.Errorf(store.Invalid, "Request contains duplicate address pair: mac_address %s ip_address %s.", pair.MAC, pair.Text), "DuplicateAddressPairInRequest"})
		}
		out = append(out, pair)
	})
	return &out
}

// ids is a list of ids; null is the empty list.
func ids[S ~string](b *body, key string) *[]S {
	texts := b.texts(key)
	if texts == nil {
		return nil
	}
	out := make([]S, 0, len(*texts))
	for _, s := range *texts {
		out = append(out, S(s))
	}
	return &out
}

// document is a JSON object that is stored as it is, compact; "" for none.
func (b *body) document(key string) *string {
	b.note(key, &openapi.Schema{Type: "object"})
	v, ok := b.take(key)
	if !ok {
		return nil
	}
	none := ""
	if isNull(v) || string(v) == `""` {
		return &none
	}
	if _, err := object(v); err != nil || len(v) > maxDocument {
		b.fail(badInput(key, "'%.80s' is not a dictionary of at most %d bytes.", v, maxDocument))
		return nil
	}
	s := string(v)
	if s == "{}" {
		return &none
	}
	return &s
}

// maxDocument bounds a binding profile, in bytes (Neutron's limit).
const maxDocument = 4095

func documentView(s string) any {
	if s == "" {
		return map[string]any{}
	}
	return json.RawMessage(s)
}

// not turns a boolean attribute that is stored the other way round.
func not(p *bool) *bool {
	if p == nil {
		return nil
	}
	v := !*p
	return &v
}
