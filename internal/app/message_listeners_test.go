package app

import (
	"encoding/json"
	"maps"
	"testing"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"lbd/store/model"
)

// TestListenersAreReadAsJSON: whatever the text, what is read is what the JSON decoder reads.
func TestListenersAreReadAsJSON(t *testing.T) {
	check := func(t interface{ Fatalf(string, ...any) }, text string) {
		var got listeners
		var want map[model.ListenerID]model.ListenerCounters
		gotErr, wantErr := json.Unmarshal([]byte(text), &got), json.Unmarshal([]byte(text), &want)
		if (gotErr == nil) != (wantErr == nil) || wantErr == nil && (!maps.Equal(got, want) || (got == nil) != (want == nil)) {
			t.Fatalf("%s is read as %v, %v; it is %v, %v", text, got, gotErr, want, wantErr)
		}
	}
	for _, text := range []string{
		"null", "{}", " { } ", `{"a":{}}`, `{"a": {}}`, `{"a":{} ,"b":{}}`, `{"a":{},"a":{"requests":1}}`, `{"a":null}`, `{"a\"b":{}}`, `{"a\u0041":{}}`,
		`{"\xff":{}}`, `{"é":{}}`, `{"":{}}`, `{"a":{"x":{"y":1},"requests":2}}`, `{"a":{"x":"}","requests":2}}`, `{"a":{"requests":"2"}}`, `{"a":{"full":true}}`,
		`[]`, `"a"`, `1`, `{"a":{"requests":9223372036854775808}}`, `{"a":{"REQUESTS":1}}`, `{"a":[]}`, `{"a":{}`, `{"a"`, `{,}`,
	} {
		check(t, text)
	}
	rapid.Check(t, func(t *rapid.T) {
		all := map[model.ListenerID]model.ListenerCounters{}
		for range rapid.IntRange(0, 5).Draw(t, "n") {
			id := model.ListenerID(rapid.OneOf(rapid.Just(uuid.NewString()), rapid.String()).Draw(t, "id"))
			n := rapid.SampledFrom([]int64{0, 0, 1, -1, 1 << 60}).Draw(t, "count")
			all[id] = model.ListenerCounters{BytesIn: n, Requests: n, Full: n == 1}
		}
		text, err := appendListeners(nil, all)
		if err != nil {
			t.Fatal(err)
		}
		check(t, string(text))
	})
}
