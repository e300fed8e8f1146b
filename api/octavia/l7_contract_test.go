package octavia_test

import (
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Every attribute of contract 3.6 and 3.7, and nothing else.
func TestContractL7(t *testing.T) {
	w := newPopulated(t)
	policy := w.make("l7policies", "l7policy", w.fill(`{"listener_id":"$listener","action":"REDIRECT_TO_URL","redirect_url":"https://example.com/x?y","tags":["a"]}`))
	want := slices.Sorted(slices.Values(append(strings.Fields(`description listener_id action redirect_pool_id redirect_url redirect_prefix
		redirect_http_code position rules`), commonKeys...)))
	if d := cmp.Diff(want, slices.Sorted(maps.Keys(policy))); d != "" {
		t.Errorf("keys of a policy (-contract +lbd):\n%s", d)
	}
	shows(t, policy, w.fill(`{"name":"","description":"","action":"REDIRECT_TO_URL","redirect_url":"https://example.com/x?y","redirect_pool_id":null,
		"redirect_prefix":null,"redirect_http_code":302,"position":2,"rules":[],"tags":["a"],"admin_state_up":true,"listener_id":"$listener",
		"provisioning_status":"ACTIVE","operating_status":"ONLINE"}`))
	path := "l7policies/" + idOf(policy)
	rules := path + "/rules"
	rule := w.make(rules, "rule", `{"type":"HEADER","compare_type":"CONTAINS","key":"X-A","value":"b","invert":"True","project_id":"ignored"}`)
	want = slices.Sorted(slices.Values(append(strings.Fields("type compare_type key value invert"), commonKeys...)))
	want = slices.DeleteFunc(want, func(k string) bool { return k == "name" })
	if d := cmp.Diff(want, slices.Sorted(maps.Keys(rule))); d != "" {
		t.Errorf("keys of a rule (-contract +lbd):\n%s", d)
	}
	shows(t, rule, `{"type":"HEADER","compare_type":"CONTAINS","key":"X-A","value":"b","invert":true,"tags":[],"admin_state_up":true,
		"provisioning_status":"ACTIVE","operating_status":"ONLINE"}`)

	put := func(path, wrapper, body, want string) {
		t.Helper()
		shows(t, w.does(http.StatusOK, "PUT", path, wrapper, `{"`+wrapper+`":`+w.fill(body)+`}`), w.fill(want))
	}
	put(rules+"/"+idOf(rule), "rule", `{"type":"HOST_NAME","invert":null}`, `{"type":"HOST_NAME","key":null,"value":"b","invert":false}`)
	put(rules+"/"+idOf(rule), "rule", `{"admin_state_up":false,"value":"c"}`, `{"value":"c","operating_status":"OFFLINE"}`)
	put(path, "l7policy", `{"redirect_http_code":308}`, `{"action":"REDIRECT_TO_URL","redirect_http_code":308}`)
	put(path, "l7policy", `{"redirect_http_code":null,"position":null}`, `{"redirect_http_code":302,"position":2}`)
	put(path, "l7policy", `{"redirect_prefix":"http://b.example/p"}`, `{"action":"REDIRECT_PREFIX","redirect_url":null,"redirect_prefix":"http://b.example/p"}`)
	put(path, "l7policy", `{"redirect_pool_id":"$pool","position":1}`, `{"action":"REDIRECT_TO_POOL","redirect_prefix":null,"redirect_pool_id":"$pool","redirect_http_code":null,"position":1}`)
	put(path, "l7policy", `{"name":"n","redirect_url":null}`, `{"name":"n","action":"REDIRECT_TO_POOL"}`)

	listener := w.does(http.StatusOK, "GET", "listeners/"+w.listener, "listener", "")
	first := listener["l7policies"].([]any)[0].(object)
	if first["id"] != policy["id"] || len(listener["l7policies"].([]any)) != 2 {
		t.Errorf("policies of the listener: %v", listener["l7policies"])
	}
	w.does(http.StatusConflict, "DELETE", "pools/"+w.pool, "", "")
	w.does(http.StatusNoContent, "DELETE", rules+"/"+idOf(rule), "", "")
	w.does(http.StatusNoContent, "DELETE", path, "", "")
	shows(t, w.does(http.StatusOK, "GET", "l7policies/"+w.policy, "l7policy", ""), `{"position":1}`)
	w.does(http.StatusNotFound, "GET", path, "", "")
}

// The status tree has the pools that a listener uses: also those behind an
// enabled policy that has a rule.
func TestContractL7StatusTree(t *testing.T) {
	w := newPopulated(t)
	other := w.contractWorld.pool(w.lb)
	pools := func() (ids []string) {
		tree := w.does(http.StatusOK, "GET", "loadbalancers/"+w.lb+"/status", "statuses", "")["loadbalancer"].(object)
		for _, x := range tree["listeners"].([]any)[0].(object)["pools"].([]any) {
			ids = append(ids, idOf(x.(object)))
		}
		return ids
	}
	policy := idOf(w.make("l7policies", "l7policy", `{"listener_id":"`+w.listener+`","redirect_pool_id":"`+other+`","action":"REDIRECT_TO_POOL"}`))
	if d := cmp.Diff([]string{w.pool}, pools()); d != "" {
		t.Error(d)
	}
	w.make("l7policies/"+policy+"/rules", "rule", `{"type":"PATH","compare_type":"EQUAL_TO","value":"/x"}`)
	if d := cmp.Diff([]string{w.pool, other}, pools()); d != "" {
		t.Error(d)
	}
	shows(t, w.does(http.StatusOK, "GET", "pools/"+other, "pool", ""), `{"listeners":[{"id":"`+w.listener+`"}]}`)
	w.does(http.StatusOK, "PUT", "l7policies/"+policy, "", `{"l7policy":{"admin_state_up":false}}`)
	if d := cmp.Diff([]string{w.pool}, pools()); d != "" {
		t.Error(d)
	}
}

func TestContractL7Refusals(t *testing.T) {
	w := newPopulated(t)
	tcp := idOf(w.make("listeners", "listener", w.fill(`{"loadbalancer_id":"$lb","protocol":"TCP","protocol_port":81}`)))
	before := w.content()
	const arguments = "Invalid L7 Policy arguments: "
	const both = arguments + "Cannot specify redirect_pool_id and redirect_url or redirect_prefix at the same time"
	refused := func(method, path, wrapper, attrs string, status int, text string) {
		t.Helper()
		got, out := w.ask("admin", method, base+w.fill(path), `{"`+wrapper+`":{`+strings.ReplaceAll(w.fill(attrs), "$tcp", tcp)+`}}`)
		if got != status || out["faultstring"] != w.fill(text) {
			t.Errorf("%s %s %s:\n got %d %v\nwant %d %s", method, path, attrs, got, out["faultstring"], status, w.fill(text))
		}
	}
	post := func(attrs string, status int, text string) {
		t.Helper()
		refused("POST", "l7policies", "l7policy", `"listener_id":"$listener",`+attrs, status, text)
	}
	put := func(attrs string, status int, text string) {
		t.Helper()
		refused("PUT", "l7policies/$policy", "l7policy", attrs, status, text)
	}
	refused("POST", "l7policies", "l7policy", `"action":"REJECT"`, 400, inputText("listener_id", "None", mandatory))
	refused("POST", "l7policies", "l7policy", `"action":"REJECT","listener_id":"$nobody"`, 404, "Listener $nobody not found.")
	refused("POST", "l7policies", "l7policy", `"action":"REJECT","listener_id":"$tcp"`, 501,
		"Provider 'lbd' does not support a requested option: TCP protocol listeners do not support L7 policies")
	post(`"name":"x"`, 400, inputText("action", "None", mandatory))
	post(`"action":"BLESS"`, 400, inputText("action", "BLESS", "Value should be one of: REDIRECT_PREFIX, REDIRECT_TO_POOL, REDIRECT_TO_URL, REJECT"))
	post(`"action":"REDIRECT_TO_URL"`, 400, arguments+"redirect_url must not be None")
	post(`"action":"REDIRECT_TO_URL","redirect_url":null`, 400, arguments+"redirect_url must not be None")
	post(`"action":"REDIRECT_PREFIX"`, 400, arguments+"redirect_prefix must not be None")
	post(`"action":"REDIRECT_TO_POOL"`, 400, arguments+"redirect_pool_id or redirect_pool must not be None")
	post(`"action":"REDIRECT_TO_POOL","redirect_pool_id":"$nobody"`, 404, "Pool $nobody not found.")
	post(`"action":"REDIRECT_TO_POOL","redirect_pool_id":"$pool","redirect_prefix":"http://a"`, 400, both)
	post(`"action":"REJECT","redirect_prefix":"http://a"`, 400, arguments+"redirect_prefix cannot be specified with action REJECT")
	for _, url := range []string{"x", "/x", "ftp://a", "http://", "http:///x", "http://a b", "https://:80/", "javascript:alert(1)", "http://a\u0001"} {
		quoted := strconv.Quote(url)
		if strings.Contains(url, "\x01") {
			quoted = `"http://a\u0001"`
		}
		post(`"action":"REDIRECT_TO_URL","redirect_url":`+quoted, 400, inputText("redirect_url", url, "Value must be a valid URL string"))
	}
	post(`"action":"REDIRECT_TO_URL","redirect_url":"http://a","redirect_http_code":300`, 400,
		inputText("redirect_http_code", "300", "Value should be one of: 301, 302, 303, 307, 308"))
	post(`"action":"REJECT","position":0`, 400, inputText("position", "0", "Value should be greater or equal to 1"))
	post(`"action":"REJECT","rules":[{}]`, 400, "Validation failure: rules can be given with a load balancer only, when all is created in one call.")
	put(`"action":null`, 400, "Invalid L7 Policy action specified: None")
	put(`"action":"REDIRECT_TO_URL"`, 400, arguments+"redirect_url must not be None")
	put(`"redirect_pool_id":"$pool","redirect_url":"http://a"`, 400, both)
	put(`"redirect_prefix":"http://b","redirect_url":"http://a"`, 400, arguments+"Cannot specify redirect_url and redirect_prefix at the same time")
	put(`"listener_id":"$listener"`, 400, "Unknown attribute for argument l7policy_.l7policy: listener_id")

	const parsing = "Error parsing L7Rule: "
	const wrong = parsing + "Invalid L7 Rule: "
	rule := func(attrs string, text string) {
		t.Helper()
		refused("POST", "l7policies/$policy/rules", "rule", attrs, 400, text)
	}
	rule(`"compare_type":"REGEX","value":"a"`, inputText("type", "None", mandatory))
	rule(`"type":"PATH","value":"a"`, inputText("compare_type", "None", mandatory))
	rule(`"type":"PATH","compare_type":"REGEX"`, inputText("value", "None", mandatory))
	rule(`"type":"PATH","compare_type":"EQUAL_TO","value":""`, wrong+"L7 rule type requires a value")
	rule(`"type":"PATH","compare_type":"EQUAL_TO","value":"a b"`, parsing+"Invalid characters in comparison value")
	rule(`"type":"PATH","compare_type":"EQUAL_TO","value":"é"`, parsing+"Invalid characters in comparison value")
	rule(`"type":"PATH","compare_type":"EQUAL_TO","value":"a\nb"`, inputText("value", "a\nb", `Value should match the pattern ^[^\r\n]*$`))
	rule(`"type":"PATH","compare_type":"REGEX","value":"("`, parsing+"Unable to parse regular expression: missing closing ): `(`")
	rule(`"type":"PATH","compare_type":"REGEX","value":"(a)\\1"`, parsing+"Unable to parse regular expression: invalid escape sequence: `\\1`")
	rule(`"type":"PATH","compare_type":"REGEX","value":"(?=a)"`, parsing+"Unable to parse regular expression: invalid or unsupported Perl syntax: `(?=`")
	rule(`"type":"FILE_TYPE","compare_type":"CONTAINS","value":"a"`, wrong+"invalid comparison type for rule type")
	rule(`"type":"HEADER","compare_type":"EQUAL_TO","value":"a"`, wrong+"L7 rule type requires a key")
	rule(`"type":"HEADER","compare_type":"EQUAL_TO","key":"a b","value":"a"`, parsing+"Invalid characters in key")
	rule(`"type":"HEADER","compare_type":"EQUAL_TO","key":"a","value":"a b"`, parsing+"Invalid characters in header value")
	rule(`"type":"COOKIE","compare_type":"EQUAL_TO","key":"a","value":"a;b"`, parsing+"Invalid characters in cookie value")
	rule(`"type":"SSL_CONN_HAS_CERT","compare_type":"EQUAL_TO","key":"a","value":"true"`, wrong+`L7rule type SSL_CONN_HAS_CERT does not use the "key" field.`)
	rule(`"type":"SSL_CONN_HAS_CERT","compare_type":"EQUAL_TO","value":"x"`, wrong+"L7rule value x is not a boolean True string.")
	rule(`"type":"SSL_CONN_HAS_CERT","compare_type":"REGEX","value":"True"`, wrong+"L7rule type SSL_CONN_HAS_CERT only supports the EQUAL_TO compare type.")
	rule(`"type":"SSL_VERIFY_RESULT","compare_type":"EQUAL_TO","value":"-1"`, wrong+"L7rule type SSL_VERIFY_RESULT needs a int value, which is >= 0")
	rule(`"type":"SSL_DN_FIELD","compare_type":"EQUAL_TO","value":"x"`, wrong+"L7rule type SSL_DN_FIELD needs to specify a key and a value.")
	rule(`"type":"SSL_DN_FIELD","compare_type":"EQUAL_TO","key":"1O","value":"x"`, wrong+"Invalid L7rule distinguished name field.")
	refused("PUT", "l7policies/$policy/rules/$rule", "rule", `"value":null`, 400, "Error parsing L7Rule: Invalid L7 Rule: L7 rule type requires a value")
	refused("PUT", "l7policies/$policy/rules/$rule", "rule", `"compare_type":"REGEX","value":"["`, 400, parsing+"Unable to parse regular expression: missing closing ]: `[`")
	refused("PUT", "l7policies/$policy/rules/$nobody", "rule", `"value":"x"`, 404, "L7 Rule $nobody not found.")
	if w.content() != before {
		t.Error("a refused request changed the state")
	}
	for _, attrs := range []string{
		`"type":"HEADER","compare_type":"EQUAL_TO","key":"X-A","value":"\"a b\""`,
		`"type":"COOKIE","compare_type":"ENDS_WITH","key":"a","value":"a,b"`,
		`"type":"FILE_TYPE","compare_type":"REGEX","value":"jpe?g"`,
		`"type":"SSL_DN_FIELD","compare_type":"STARTS_WITH","key":"CN","value":"any thing"`,
		`"type":"SSL_VERIFY_RESULT","compare_type":"EQUAL_TO","value":"0"`,
		`"type":"SSL_CONN_HAS_CERT","compare_type":"EQUAL_TO","value":"TRUE"`,
	} {
		w.make("l7policies/"+w.policy+"/rules", "rule", "{"+attrs+"}")
	}
}
