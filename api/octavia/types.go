package octavia

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/google/uuid"

	"lbd/api/openapi"
)

// Readers of attribute types, with the bounds and texts of contract 2.2 and 6.4.

// read is the frame of all of them. parse gets a value that is not null, and
// returns the reason why it is wrong, or "".
func read[T any](o *object, key string, parse func(raw []byte) (T, string)) Opt[T] {
	if o.note(key, &openapi.Schema{}) { // whoever knows more has said it
		return Opt[T]{}
	}
	raw, ok := o.take(key)
	if !ok {
		return Opt[T]{}
	}
	if isNull(raw) {
		return Opt[T]{Set: true, Null: true}
	}
	v, reason := parse(raw)
	if reason != "" {
		o.fail(o.whole.bad(key, raw, reason))
	}
	return Opt[T]{Set: true, V: v}
}

// parent takes the id of what a new object belongs to. Octavia looks up null as well,
// under the name None.
func (o *object) parent(key string) Opt[string] {
	id := o.id(key)
	if id.Null {
		return Opt[string]{Set: true, V: "None"}
	}
	return id
}

// need is for mandatory attributes: absent and null are refused, each in its way.
func need[T any](o *object, key string, v Opt[T]) T {
	if o.sketch != nil {
		o.sketch.Need(key)
		return v.V
	}
	switch {
	case !v.Set:
		o.fail(missingField(key))
	case v.Null:
		o.fail(notValidOption("None", key))
	}
	return v.V
}

// needText is need for the name of a flavor or profile, where null is no name.
func needText(o *object, key string, v Opt[string]) string {
	if v.Null {
		return ""
	}
	return need(o, key, v)
}

func parseText(raw []byte, most int) (string, string) {
	var s string
	if raw[0] != '"' || json.Unmarshal(raw, &s) != nil {
		return "", "Value should be string"
	}
	if utf8.RuneCountInString(s) > most {
		return "", fmt.Sprintf("Value should have a maximum character requirement of %d", most)
	}
	return s, ""
}

// text is a string of at most most characters.
func (o *object) text(key string, most int) Opt[string] {
	o.note(key, openapi.Text(most))
	return read(o, key, func(raw []byte) (string, string) { return parseText(raw, most) })
}

// boolean takes JSON booleans, integers, and words in any case (quirk 17).
func (o *object) boolean(key string) Opt[bool] {
	o.note(key, &openapi.Schema{Type: "boolean"})
	return read(o, key, func(raw []byte) (bool, string) {
		switch raw[0] {
		case 't', 'f':
			return raw[0] == 't', ""
		case '"':
			var s string
			if json.Unmarshal(raw, &s) == nil {
				if v, ok := parseBool(s); ok {
					return v, ""
				}
			}
		default:
			if isInteger(raw) {
				return strings.Trim(string(raw), "-0") != "", ""
			}
		}
		return false, notBoolean + pythonText(raw)
	})
}

// isInteger reports whether a JSON value is a number without point and exponent.
func isInteger(raw []byte) bool {
	return len(bytes.Trim(raw, "-0123456789")) == 0
}

func parseBool(s string) (v, ok bool) {
	switch strings.ToLower(strings.TrimSpace(s)) {
	case "true", "t", "yes", "y", "on", "1":
		return true, true
	case "false", "f", "no", "n", "off", "0":
		return false, true
	}
	return false, false
}

// integer takes numbers and numeric strings; fractions are cut off.
func (o *object) integer(key string, low, high int) Opt[int] {
	o.note(key, openapi.Integer(low, high))
	return read(o, key, func(raw []byte) (int, string) { return parseInteger(raw, low, high) })
}

func parseInteger(raw []byte, low, high int) (int, string) {
	notInt := notInteger + maxLiteral("'"+pythonText(raw)+"'")
	var f float64
	if raw[0] == '"' {
		var s string
		if json.Unmarshal(raw, &s) != nil {
			return 0, notInt
		}
		n, err := strconv.ParseInt(strings.TrimSpace(s), 10, 64)
		if err != nil {
			return 0, notInt
		}
		f = float64(n)
	} else {
		var err error
		if f, err = strconv.ParseFloat(string(raw), 64); err != nil && !math.IsInf(f, 0) {
			return 0, notInt
		}
	}
	switch f = math.Trunc(f); {
	case f < float64(low):
		return 0, fmt.Sprintf("Value should be greater or equal to %d", low)
	case f > float64(high):
		return 0, fmt.Sprintf("Value should be lower or equal to %d", high)
	}
	return int(f), ""
}

// maxLiteral cuts what Python's int() shows of its argument.
func maxLiteral(s string) string {
	if r := []rune(s); len(r) > 200 {
		return string(r[:200])
	}
	return s
}

// id takes a UUID, dashed or not, in any case, and normalises it.
func (o *object) id(key string) Opt[string] {
	o.note(key, openapi.Format("uuid"))
	return read(o, key, parseID)
}

func parseID(raw []byte) (string, string) {
	s, reason := parseText(raw, 36)
	if reason == "" && (len(s) == 36 || len(s) == 32) {
		if u, err := uuid.Parse(s); err == nil {
			return u.String(), ""
		}
	}
	return "", "Value should be UUID format"
}

// ip is an address and the text it came in, which is what is shown again.
type ip struct {
	addr netip.Addr
	text string
}

func (o *object) ip(key string) Opt[ip] {
	o.note(key, openapi.Format("ip"))
	return read(o, key, func(raw []byte) (ip, string) {
		var s string
		if raw[0] == '"' && json.Unmarshal(raw, &s) == nil {
			if a, err := netip.ParseAddr(s); err == nil && a.Zone() == "" {
				return ip{a.Unmap(), s}, ""
			}
		}
		return ip{}, "Value should be IPv4 or IPv6 format"
	})
}

// word takes one of a set, case-sensitively.
func (o *object) word(key string, allowed ...string) Opt[string] {
	o.note(key, openapi.Words(allowed...))
	return read(o, key, func(raw []byte) (string, string) { return parseWord(raw, allowed) })
}

func parseWord(raw []byte, allowed []string) (string, string) {
	var s string
	if raw[0] != '"' || json.Unmarshal(raw, &s) != nil || !contains(allowed, s) {
		return "", "Value should be one of: " + strings.Join(slices.Sorted(slices.Values(allowed)), ", ")
	}
	return s, ""
}

// maxItems bounds every list and map in a request.
const maxItems = 10_000

// list takes a list whose items item reads.
func list[T any](o *object, key string, item func(raw []byte) (T, string)) Opt[[]T] {
	o.note(key, openapi.List(&openapi.Schema{}))
	return read(o, key, func(raw []byte) ([]T, string) {
		var items []json.RawMessage
		if raw[0] != '[' || json.Unmarshal(raw, &items) != nil {
			return nil, notList + pythonText(raw)
		}
		if len(items) > maxItems {
			return nil, fmt.Sprintf("Value should have at most %d items", maxItems)
		}
		out := make([]T, 0, len(items))
		for _, it := range items {
			v, reason := item(it)
			if reason != "" {
				return nil, reason
			}
			out = append(out, v)
		}
		return out, ""
	})
}

func (o *object) texts(key string, most int) Opt[[]string] {
	o.note(key, openapi.List(openapi.Text(most)))
	return list(o, key, func(raw []byte) (string, string) { return parseText(raw, most) })
}

// tags drops duplicates, on which Octavia's database fails. Null leaves the
// tags alone (contract 2.5), so that it reads as absent.
func (o *object) tags() Opt[[]string] {
	t := o.texts("tags", 255)
	if t.Null {
		return Opt[[]string]{}
	}
	seen := map[string]bool{}
	t.V = slices.DeleteFunc(t.V, func(s string) bool {
		was := seen[s]
		seen[s] = true
		return was
	})
	return t
}

// clearable is tags of something that loses them by null: policies and rules do.
func (o *object) clearable(tags Opt[[]string]) Opt[[]string] {
	if raw, ok := o.fields["tags"]; ok && isNull(raw) {
		return Opt[[]string]{Set: true}
	}
	return tags
}

// cidrs takes networks; host bits are cut off and duplicates dropped.
func (o *object) cidrs(key string) Opt[[]netip.Prefix] {
	o.note(key, openapi.List(openapi.Format("cidr")))
	l := list(o, key, func(raw []byte) (netip.Prefix, string) {
		var s string
		if raw[0] == '"' && json.Unmarshal(raw, &s) == nil {
			if p, err := netip.ParsePrefix(s); err == nil {
				return p.Masked(), ""
			}
			if a, err := netip.ParseAddr(s); err == nil && a.Zone() == "" {
				return netip.PrefixFrom(a, a.BitLen()), ""
			}
		}
		return netip.Prefix{}, "Value should be IPv4 or IPv6 CIDR format"
	})
	var out []netip.Prefix
	for _, p := range l.V {
		if !slices.Contains(out, p) {
			out = append(out, p)
		}
	}
	l.V = out
	return l
}

// stringMap takes an object of strings. A JSON boolean in it is refused.
func (o *object) stringMap(key string, most int) Opt[map[string]string] {
	o.note(key, &openapi.Schema{Type: "object", AdditionalProperties: openapi.Text(most)})
	return read(o, key, func(raw []byte) (map[string]string, string) {
		m, ok, err := newObject(o.whole, raw, key)
		switch {
		case err != nil:
			return nil, "Value names an attribute twice"
		case !ok:
			return nil, notDict + pythonText(raw)
		case len(m.fields) > maxItems:
			return nil, fmt.Sprintf("Value should have at most %d items", maxItems)
		}
		out := map[string]string{}
		for _, k := range sortedKeys(m.fields) {
			v, reason := parseText(m.fields[k], most)
			if reason != "" {
				return nil, reason
			}
			out[k] = v
		}
		return out, ""
	})
}

// ignored reads what is accepted for compatibility and has no effect.
func (o *object) ignored() { o.owner() }

// owner is the project that is asked for, by its old name when both are given.
// Faults know the new one only.
func (o *object) owner() Opt[string] {
	project := o.text("project_id", 36)
	o.note("tenant_id", openapi.Text(36))
	raw, ok := o.take("tenant_id")
	if !ok || isNull(raw) {
		return project
	}
	v, reason := parseText(raw, 36)
	if reason != "" {
		o.fail(badValue("project_id", raw, reason))
	}
	return Opt[string]{Set: true, V: v}
}

// named is the common front of most resources.
type named struct {
	name, description Opt[string]
	up                Opt[bool]
	tags              Opt[[]string]
}

func (o *object) named() named {
	return named{name: o.text("name", 255), up: o.boolean("admin_state_up"), tags: o.tags()}
}

func (o *object) described() named {
	n := o.named()
	n.description = o.text("description", 255)
	return n
}

// adminUp of a new object: absent means true, null means false (contract 2.4).
func (n named) adminUp() bool { return !n.up.Set || n.up.Or(false) }

// objects takes a list of objects whose content nobody here reads.
func (o *object) objects(key string) Opt[[]struct{}] {
	return list(o, key, func(raw []byte) (struct{}, string) {
		if raw[0] != '{' {
			return struct{}{}, "Value should be a list of objects"
		}
		return struct{}{}, ""
	})
}
