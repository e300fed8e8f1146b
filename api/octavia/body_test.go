package octavia

import (
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"lbd/store"
	"lbd/store/model"
)

// readers reads each object as its handlers do.
var readers = map[string]func(o *object) error{
	"loadbalancer": func(o *object) error {
		in, err := decodeLoadBalancer(o)
		if err != nil {
			return err
		}
		return in.refuse()
	},
	"listener": func(o *object) error {
		o.word("protocol", "HTTP", "TCP")
		o.integer("protocol_port", 1, 65535)
		in := readListener(o)
		o.cidrs("allowed_cidrs")
		o.ignored()
		if err := o.done(); err != nil {
			return err
		}
		if err := checkHeaders(model.HTTP, in.headers.V, "%s"); err != nil {
			return err
		}
		return checkCiphers(in.ciphers.V)
	},
	"pool": func(o *object) error {
		o.described()
		o.word("lb_algorithm", algorithms...)
		sticky, tls := o.persistence(true), readPoolTLS(o)
		if err := o.done(); err != nil {
			return err
		}
		if err := checkCiphers(tls.ciphers.V); err != nil {
			return err
		}
		return refusePool(model.HTTP, sticky, "UDP")
	},
	"member": func(o *object) error {
		need(o, "address", o.ip("address"))
		readMember(o)
		o.id("subnet_id")
		return o.done()
	},
	"healthmonitor": func(o *object) error {
		in := readMonitor(o)
		if err := o.done(); err != nil {
			return err
		}
		return in.check(model.MonitorHTTP, nil)
	},
}

// FuzzDecode: whatever comes, the answer is an object or a refusal that fits
// into a message.
func FuzzDecode(f *testing.F) {
	for _, s := range []string{
		``, ` `, `{}`, `[]`, `null`, `7`, `"x"`, `{"listener":null}`, `{"listener":[]}`, `{"listener":{}}`, `{"listener":{},"x":1}`,
		`{"listener":{"name":"a","name":"b"}}`, `{"loadbalancer":{"vip_subnet_id":"2222222222224222822222222222222A","tags":["a","a",""]}}`,
		`{"loadbalancer":{"vip_address":"fe80::1%eth0","admin_state_up":"TRUE","listeners":[{}],"additional_vips":[1]}}`,
		`{"listener":{"protocol_port":"80","connection_limit":1e400,"insert_headers":{"X-Forwarded-For":true},"allowed_cidrs":["10.0.0.1","::/0"]}}`,
		`{"listener":{"insert_headers":{"a":"1","a":"2"},"timeout_client_data":-0.0,"tls_versions":null,"hsts_max_age":1}}`,
		`{"pool":{"session_persistence":{"type":"APP_COOKIE","cookie_name":"a b"},"lb_algorithm":"ROUND_ROBIN","alpn_protocols":["h3"]}}`,
		`{"pool":{"session_persistence":{"type":"SOURCE_IP","persistence_timeout":5,"persistence_granularity":"255.255.255.0"}}}`,
		`{"member":{"address":"::ffff:10.0.0.1","weight":256.9,"monitor_port":"0x10","backup":0}}`,
		`{"healthmonitor":{"url_path":"/\u0000","expected_codes":"200-204","http_version":"1.1","domain_name":"a..b","delay":true}}`,
		"{\"member\":{\"name\":\"\xff\"}}", `{"member":{"name":"\ud800"}}`, `{"member":{"` + strings.Repeat("x", 5000) + `":1}}`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		for wrapper, read := range readers {
			o, err := decodeObject(body, wrapper+"_", wrapper)
			if err == nil {
				err = read(o)
			}
			if err == nil {
				continue
			}
			if kind := store.KindOf(err); kind != store.Invalid && kind != store.Unsupported {
				t.Fatalf("%s: %q is refused with %v", wrapper, body, err)
			}
			if text := err.Error(); len(text) > 4000 || !utf8.ValidString(text) {
				t.Fatalf("%s: %q gives a message of %d bytes: %q", wrapper, body, len(text), text)
			}
		}
	})
}

// TestTypes: what contract 2.2 says of each type, at its edges.
func TestTypes(t *testing.T) {
	show := func(v any, o *object) string {
		if err := o.done(); err != nil {
			return err.Error()
		}
		return fmt.Sprintf("%+v", v)
	}
	bad := func(value, reason string) string {
		return "Invalid input for field/attribute x. Value: '" + value + "'. " + reason
	}
	// badBody is for a value of the wrong JSON type, as Python shows it in a body.
	badBody := func(value, reason string) string {
		return "Invalid input for field/attribute w_. Value: '{'w': {'x': " + value + "}}'. " + reason
	}
	boolean := func(o *object) any { return o.boolean("x").V }
	integer := func(o *object) any { return o.integer("x", -1, 100).V }
	id := func(o *object) any { return o.id("x").V }
	addr := func(o *object) any { return o.ip("x").V.addr.String() + " " + o.fieldText("x") }
	cidrs := func(o *object) any { return o.cidrs("x").V }
	tags := func(o *object) any { return o.texts("x", 3).V }
	path := func(o *object) any { return read(o, "x", parseURLPath).V }
	code := func(o *object) any { return read(o, "x", parseCodes).V }
	version := func(o *object) any { return read(o, "x", parseHTTPVersion).V }
	domain := func(o *object) any { return read(o, "x", parseDomain).V }
	const notIP, notCIDR, notUUID = "Value should be IPv4 or IPv6 format", "Value should be IPv4 or IPv6 CIDR format", "Value should be UUID format"
	for _, tc := range []struct {
		read func(*object) any
		json string
		want string
	}{
		{boolean, `true`, "true"},
		{boolean, `0`, "false"},
		{boolean, `-0`, "false"},
		{boolean, `-7`, "true"},
		{boolean, `0.5`, badBody("0.5", "Value not an unambiguous boolean: 0.5")},
		{boolean, `"Yes"`, "true"},
		{boolean, `"OFF"`, "false"},
		{boolean, `"maybe"`, badBody("'maybe'", "Value not an unambiguous boolean: maybe")},
		{boolean, `[]`, badBody("[]", "Value not an unambiguous boolean: []")},
		{integer, `"80"`, "80"},
		{integer, `" 8 "`, "8"},
		{integer, `78.9`, "78"},
		{integer, `-1`, "-1"},
		{integer, `-2`, bad("-2", "Value should be greater or equal to -1")},
		{integer, `101`, bad("101", "Value should be lower or equal to 100")},
		{integer, `1e400`, bad("1e400", "Value should be lower or equal to 100")},
		{integer, `"abc"`, badBody("'abc'", "invalid literal for int() with base 10: 'abc'")},
		{integer, `"1.5"`, badBody("'1.5'", "invalid literal for int() with base 10: '1.5'")},
		{integer, `true`, badBody("True", "invalid literal for int() with base 10: 'True'")},
		{id, `"A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11"`, "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"},
		{id, `"a0eebc999c0b4ef8bb6d6bb9bd380a11"`, "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"},
		{id, `"{a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11}"`, bad("{a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11}", notUUID)},
		{id, `""`, bad("", notUUID)},
		{addr, `"FE80::0001"`, "fe80::1 FE80::0001"},
		{addr, `"::ffff:10.0.0.1"`, "10.0.0.1 ::ffff:10.0.0.1"},
		{addr, `"010.0.0.1"`, bad("010.0.0.1", notIP)},
		{addr, `"10.0.0.1/24"`, bad("10.0.0.1/24", notIP)},
		{addr, `"fe80::1%eth0"`, bad("fe80::1%eth0", notIP)},
		{addr, `10`, bad("10", notIP)},
		{cidrs, `["10.1.2.3/16","10.1.0.0/16","10.0.0.1","fe80::5/10"]`, "[10.1.0.0/16 10.0.0.1/32 fe80::/10]"},
		{cidrs, `["10.0.0.0/33"]`, bad("['10.0.0.0/33']", notCIDR)},
		{tags, `["abc","äöü"]`, "[abc äöü]"},
		{tags, `["abcd"]`, bad("['abcd']", "Value should have a maximum character requirement of 3")},
		{tags, `[1,null]`, bad("[1, None]", "Value should be string")},
		{tags, `"a"`, badBody("'a'", "Value not a valid list: a")},
		{path, `"/a/b?c=d#e"`, "/a/b?c=d#e"},
		{path, `"a"`, bad("a", "Value must be a valid URL Path string")},
		{path, `"//host/a"`, bad("//host/a", "Value must be a valid URL Path string")},
		{path, `"/a b"`, bad("/a b", "Value must be a valid URL Path string")},
		{path, `"/%zz"`, bad("/%zz", "Value must be a valid URL Path string")},
		{code, `"200, 204"`, "200, 204"},
		{code, `"200-204"`, "200-204"},
		{code, `"200-204,301"`, bad("200-204,301", "Value should match the pattern "+codesPattern)},
		{version, `1`, "1.0"},
		{version, `1.1`, "1.1"},
		{version, `"1.1"`, "1.1"},
		{version, `2`, bad("2", "Value should be one of: 1.0, 1.1")},
		{domain, `"_a.example-1.org."`, "_a.example-1.org."},
		{domain, `"a_b.org"`, bad("a_b.org", "Value should match the pattern "+domainPattern)},
		{domain, `"-a.org"`, bad("-a.org", "Value should match the pattern "+domainPattern)},
		{domain, `"a..b"`, bad("a..b", "Value should match the pattern "+domainPattern)},
		{domain, `""`, bad("", "Value should have a minimum character requirement of 1")},
	} {
		o, err := decodeObject([]byte(`{"w":{"x":`+tc.json+`}}`), "w_", "w")
		if err != nil {
			t.Fatal(err)
		}
		if got := show(tc.read(o), o); got != tc.want {
			t.Errorf("%s:\n got %s\nwant %s", tc.json, got, tc.want)
		}
	}
}

// fieldText is a string attribute as it came, read or not.
func (o *object) fieldText(key string) string { return pythonText(o.fields[key]) }
